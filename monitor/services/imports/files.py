"""Files that hold captures: what kind they are, and their captures one after the other.

Nothing in a file is believed: sizes are counted while reading, members of an archive are known by their names, and no
name of a file is ever used as a path.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Final

from monitor import jsonbody
from monitor.model.capture import Capture
from monitor.services.export import bundle
from monitor.services.imports import database, har, records
from monitor.services.imports.database import Loss
from monitor.services.imports.problem import ImportProblem, Wrong
from monitor.text import visible

MIB: Final = 1024 * 1024
HEAD: Final = 64 * 1024
MAX_LINES_FILE: Final = 8 * 1024 * MIB
MAX_LINE: Final = 512 * MIB  # a body of the greatest size that a receiver takes, in base64, and what was read of it
MAX_ARCHIVE: Final = 128 * MIB  # of JSON that is read as a whole
MAX_BUNDLE: Final = 2 * 1024 * MIB - 1  # beyond that a zip is written in another way
MAX_UNPACKED: Final = 8 * 1024 * MIB
MAX_MANIFEST: Final = MIB
SUSPECT: Final = 64 * MIB  # from which size on a member that shrank ...
MAX_RATIO: Final = 200  # ... more than so many times is taken for a trap
_MEMBERS: Final = frozenset({bundle.README, bundle.CAPTURES, bundle.REGISTRATIONS, bundle.MANIFEST})
_END: Final = struct.Struct("<4s4H2LH")  # the record at the end of a zip
_END_MARK: Final = b"PK\x05\x06"
_END_64_MARK: Final = b"PK\x06\x07"
MAX_DIRECTORY: Final = 64 * 1024
_ENDED: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


class Kind(StrEnum):
    """What a file is."""

    JSONL = "JSON lines"
    HAR = "an HTTP archive"
    BUNDLE = "a bundle"
    DATABASE = "a hooktop database"


@dataclass(frozen=True, slots=True)
class Found:
    """A file of captures. ``size`` in bytes."""

    path: Path
    kind: Kind
    size: int


def look_at(path: Path) -> Found:
    """What a file is, told by its content. Raises ImportProblem and OSError."""
    with _opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        begin = file.read(HEAD)
        if begin.startswith(b"SQLite format 3\0"):
            return Found(path, Kind.DATABASE, size)
        if begin.startswith(b"PK"):
            return Found(path, Kind.BUNDLE, size)
        said = begin.removeprefix(b"\xef\xbb\xbf").strip()
        if not said and size <= HEAD:
            return Found(path, Kind.JSONL, size)  # of no captures
        if not said.startswith(b"{"):
            raise ImportProblem(
                _of(path, "is neither JSON lines nor an HTTP archive, a bundle or a database; name one of those")
            )
        file.seek(begin.index(b"{"))
        return Found(path, _kind_of_json(file), size)


def captures(found: Found, loss: Loss | None = None) -> Iterator[Capture]:
    """The captures of a file in their order, imported and without readings. Raises ImportProblem and OSError.

    Of a damaged database those that can be read; ``loss`` is told of the others.
    """
    if found.kind is Kind.DATABASE:
        yield from database.captures(found.path, loss or Loss())
        return
    _limit(found, {Kind.JSONL: MAX_LINES_FILE, Kind.HAR: MAX_ARCHIVE, Kind.BUNDLE: MAX_BUNDLE}[found.kind])
    with _opened(found.path) as file:
        if found.kind is Kind.JSONL:
            yield from _of_lines(found.path, file)
        elif found.kind is Kind.HAR:
            yield from _of_archive(found.path, file.read(MAX_ARCHIVE + 1))
        else:
            yield from _of_bundle(found.path, file)


def _opened(path: Path) -> IO[bytes]:
    # A pipe or a device could keep us waiting, or never end.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ImportProblem(_of(path, "is not a file; name a file with captures"))
    return os.fdopen(descriptor, "rb")


def _kind_of_json(file: IO[bytes]) -> Kind:
    """An archive is one object with a log; lines are objects that say what kind they are."""
    line = file.readline(MAX_ARCHIVE + 1)
    value = jsonbody.parse(line).value
    return Kind.JSONL if isinstance(value, dict) and "log" not in value else Kind.HAR


def _of_lines(path: Path, file: IO[bytes]) -> Iterator[Capture]:
    number = size = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        size += len(line)
        if len(line) > MAX_LINE or size > MAX_UNPACKED:
            raise ImportProblem(_of(path, f"is too long in line {number:,}; split it"))
        line = line.strip()
        if line:
            try:
                record = _record(line)
                if record is not None:
                    yield records.capture_of(record)
            except Wrong as wrong:
                raise ImportProblem(_of(path, f"is wrong in line {number:,}: {wrong}; mend or remove it")) from None


def _record(line: bytes) -> dict[str, Any] | None:
    """The object of a line, None for what 'listen --json' prints around the captures. Raises Wrong."""
    record = _parsed(line)
    if not isinstance(record, dict):
        raise Wrong("it is not an object")
    kind = record.get("kind")
    if kind in ("listening", "tunnel", "summary"):
        return None
    if kind != "capture":
        raise Wrong(f"it is not a capture but {visible(str(kind), limit=40)}")
    return record


def _of_archive(path: Path, data: bytes) -> Iterator[Capture]:
    number = 0
    try:
        if len(data) > MAX_ARCHIVE:
            raise Wrong("it is longer than it says")
        entries = har.entries_of(_parsed(data))
        del data
        for entry in entries:
            number += 1
            yield har.capture_of(entry)
    except Wrong as wrong:
        place = f"is wrong in entry {number:,}" if number else "is no HTTP archive"
        raise ImportProblem(_of(path, f"{place}: {wrong}; mend it")) from None


def _of_bundle(path: Path, file: IO[bytes]) -> Iterator[Capture]:
    _check_end(path, file)
    try:
        with zipfile.ZipFile(file) as archive:
            _check_members(path, archive.infolist())
            _check_manifest(path, archive)
            with archive.open(bundle.CAPTURES) as lines:
                yield from _of_lines(path, lines)
    except _ENDED as error:
        raise ImportProblem(_of(path, f"is damaged ({type(error).__name__}); have it sent again")) from None


def _check_end(path: Path, file: IO[bytes]) -> None:
    """Refuse a list of members that is longer than ours, before it is read into memory."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _END.size - 65_535 - 20, 0))
    tail = file.read()
    at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) - at < _END.size:
        raise ImportProblem(_of(path, "is damaged: it has no end; have it sent again"))
    _, _, _, _, members, length, _, _ = _END.unpack_from(tail, at)
    if members > len(_MEMBERS) or length > MAX_DIRECTORY or tail[max(at - 20, 0) : at].startswith(_END_64_MARK):
        raise ImportProblem(_of(path, "is a zip file, but no bundle of hooktop; name one"))


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    names = [member.filename for member in members]
    if len(set(names)) != len(names) or not {bundle.CAPTURES, bundle.MANIFEST} <= set(names) <= _MEMBERS:
        raise ImportProblem(_of(path, "is a zip file, but no bundle of hooktop; name one"))
    for member in members:
        limit = MAX_UNPACKED if member.filename == bundle.CAPTURES else MAX_BUNDLE
        if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ImportProblem(_of(path, "is packed in a way that hooktop does not use; have it made again"))
        ratio = member.file_size / max(member.compress_size, 1)
        if member.file_size > limit or (member.file_size > SUSPECT and ratio > MAX_RATIO):
            raise ImportProblem(
                _of(path, f"would unpack to {member.file_size // MIB:,} MiB, which may be a trap; ask for JSON lines")
            )


def _check_manifest(path: Path, archive: zipfile.ZipFile) -> None:
    with archive.open(bundle.MANIFEST) as file:
        manifest = jsonbody.parse(file.read(MAX_MANIFEST + 1)).value
    if not isinstance(manifest, dict) or manifest.get("format") != bundle.FORMAT:
        raise ImportProblem(_of(path, "is a zip file, but no bundle of hooktop; name one"))
    if manifest.get("version") != bundle.VERSION:
        raise ImportProblem(
            _of(path, f"is a bundle of another version than {bundle.VERSION}; upgrade hooktop or ask for JSON lines")
        )


def _parsed(data: bytes) -> Any:
    body = jsonbody.parse(data)
    if not body.ok:
        raise Wrong(body.problems[-1])
    return body.value


def _limit(found: Found, most: int) -> None:
    if found.size > most:
        raise ImportProblem(
            _of(found.path, f"has {found.size // MIB:,} MiB of {most // MIB:,} at most for {found.kind}; split it")
        )


def _of(path: Path, what: str) -> str:
    return f"The file {visible(path.name, limit=100)} {what}."
