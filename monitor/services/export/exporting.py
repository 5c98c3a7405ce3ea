"""The one way out for captures: chosen by a filter, masked where it is asked for, written a capture at a time."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from monitor import __version__
from monitor.courtesy import courteous
from monitor.model.capture import Capture
from monitor.model.filter import Filter
from monitor.providers.registry import registry
from monitor.secret import HIDDEN
from monitor.services.export.base import About, Format, Out, Writer
from monitor.services.export.bundle import Bundle, Registered, registered_text
from monitor.services.export.csv import Csv
from monitor.services.export.curl import Curl
from monitor.services.export.har import Har
from monitor.services.export.jsonl import Jsonl
from monitor.services.export.masked import CaptureMasker
from monitor.store.filter_sql import compile_filter
from monitor.store.reader import Reader
from monitor.store.registrations import RegistrationStore
from monitor.times import utc_now

FIRST_STEP: Final = 1_000  # ids that the first query looks at; each further one at twice as many
LAST_STEP: Final = 64_000
MET_FIRST: Final = 50_000  # people whose numbers are known before the first capture is masked
TOLD_EVERY: Final = 100  # captures
_REGISTERED_KEPT: Final = frozenset({"wanted.subject", "changes.subject"})  # written by hooktop, and nobody's


class Cancelled(Exception):
    """The export was broken off; a file that was begun is gone."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an export is: captures written, and the share of the history that was looked at (0 to 1)."""

    written: int
    looked_at: float


def export(
    database: Path,
    wanted: Filter | Sequence[int],
    form: Format,
    target: Path | IO[bytes],
    *,
    masked: bool = False,
    hidden: Iterable[str] = (),
    limit: int | None = None,
    force: bool = False,
    terminal: bool = False,
    progress: Callable[[Progress], None] = lambda progress: None,
    cancelled: Callable[[], bool] = lambda: False,
    busy: Callable[[], bool] = lambda: False,
) -> int:
    """Write captures, oldest first, in a form; gives how many. Call it off the event loop.

    ``wanted`` is the filter that they pass, or their ids. ``target`` is a file to be made, with mode 0600, or a stream.
    A file that is there is an error unless ``force``; it is replaced when all is written. ``limit`` takes the newest so
    many that pass. ``hidden`` are secrets that must not be in a masked file, nor among the registrations of any.
    ``terminal`` keeps a text form from acting on one. ``progress`` and ``cancelled`` are asked now and then; ``busy``
    tells whether webhooks come meanwhile, to which it gives way.
    Raises Cancelled, FileExistsError, OSError and StoreError.
    """
    if isinstance(target, Path):
        with new_file(target, force=force) as file:
            return export(
                database, wanted, form, file, masked=masked, hidden=hidden, limit=limit, progress=progress,
                cancelled=cancelled, busy=busy,
            )  # fmt: skip
    hidden = [secret for secret in hidden if secret]
    about = About(utc_now(), __version__, _text(wanted), masked, terminal)
    masker = CaptureMasker(registry(), hidden) if masked else None
    written = 0
    with closing(Reader(database)) as reader:
        if masker is not None:
            masker.meet(reader.parties(MET_FIRST))
        writer = _writer(form, target, about, lambda: _registered(database, masker, hidden))
        for capture, looked_at in courteous(_chosen(reader, wanted, limit), busy):
            if capture is not None:
                writer.add(capture if masker is None else masker.mask(capture))
                written += 1
            if capture is None or written % TOLD_EVERY == 0:
                if cancelled():
                    raise Cancelled
                progress(Progress(written, looked_at))
        writer.finish()
    return written


@contextlib.contextmanager
def new_file(path: Path, *, force: bool = False) -> Iterator[IO[bytes]]:
    """A new file with mode 0600 whatever the umask, gone again where what is done with it fails.

    With ``force`` it takes the place of an older one at the end. Raises FileExistsError and OSError.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}") if force else path
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(part, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if os.name == "posix":
                os.fchmod(descriptor, 0o600)
            yield file
            file.flush()
            os.fsync(descriptor)
        if force:
            os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _writer(form: Format, out: Out, about: About, registered: Callable[[], str]) -> Writer:
    match form:
        case Format.JSONL:
            return Jsonl(out, about)
        case Format.HAR:
            return Har(out, about)
        case Format.CURL:
            return Curl(out, about)
        case Format.CSV:
            return Csv(out, about)
        case Format.BUNDLE:
            return Bundle(out, about, registered())


def _registered(database: Path, masker: CaptureMasker | None, hidden: Iterable[str]) -> str:
    kept = RegistrationStore(database)
    text = registered_text(Registered(kept.wanted(), kept.records()))
    if masker is not None:
        return masker.masker.json(text, _REGISTERED_KEPT)
    for secret in hidden:
        text = text.replace(secret, HIDDEN)
    return text


def _text(wanted: Filter | Sequence[int]) -> str:
    """What was wanted, as a filter."""
    return wanted.text.strip() if isinstance(wanted, Filter) else " or ".join(f"id:{number}" for number in wanted)


def _chosen(
    reader: Reader, wanted: Filter | Sequence[int], limit: int | None
) -> Iterator[tuple[Capture | None, float]]:
    """The captures that are wanted with the share of the history looked at; None once after each step."""
    if not isinstance(wanted, Filter):
        for at, number in enumerate(sorted(wanted)):
            yield reader.capture(number), (at + 1) / len(wanted)
        return
    where = compile_filter(wanted, utc_now())
    low, last = 1, reader.last_id()
    if limit is not None:
        low = _first_of_newest(reader, wanted, limit)
    begin, step = low, FIRST_STEP
    while low <= last:
        high = min(low + step - 1, last)
        for number in reader.matching(where, low, high):
            capture = reader.capture(number)
            if capture is not None:  # else it was let go meanwhile
                yield capture, (number - begin) / (last - begin + 1)
        yield None, (high - begin + 1) / (last - begin + 1)
        low, step = high + 1, min(step * 2, LAST_STEP)


def _first_of_newest(reader: Reader, wanted: Filter, limit: int) -> int:
    """The id from which on there are ``limit`` captures that pass the filter, 1 where there are not so many."""
    where = compile_filter(wanted, utc_now())
    high, step, found = reader.last_id(), FIRST_STEP, 0
    while high > 0:
        low = max(high - step + 1, 1)
        ids = reader.matching(where, low, high)
        if found + len(ids) >= limit:
            return ids[len(ids) - (limit - found)]
        found += len(ids)
        high, step = low - 1, min(step * 2, LAST_STEP)
    return 1
