"""A bundle: one zip file with the captures, what was registered at the providers, and what it is.

README.txt           for people
captures.jsonl       the captures as JSON lines, their bodies byte for byte
registrations.json   what was wanted at the providers, and the changes that were made there
manifest.json        format, version, and what is in it by numbers
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, Final, cast

from monitor.model.capture import Capture
from monitor.model.record import rfc3339
from monitor.model.registration import ChangeRecord, Registration, Wanted
from monitor.services.export.base import About, Out
from monitor.services.export.jsonl import Jsonl

FORMAT: Final = "hooktop bundle"
VERSION: Final = 1
CAPTURES: Final = "captures.jsonl"
REGISTRATIONS: Final = "registrations.json"
MANIFEST: Final = "manifest.json"
README: Final = "README.txt"
_README: Final = """\
Webhooks that were captured by {maker} at {made_at}.

Look at them:        hooktop open FILE
Add them to yours:   hooktop import FILE

captures.jsonl has one capture a line, with the request as it came, body and all, and what hooktop found out about it.
{masked}"""
_AS_IT_CAME: Final = "Nothing in it is masked: it holds numbers, names, texts and whatever the headers said.\n"
_MASKED: Final = (
    "Numbers, names, texts and secrets are masked, the same one always in the same way. So the signatures no longer "
    "verify;\nthe verdicts are those of the requests as they came.\n"
)


@dataclass(frozen=True, slots=True)
class Registered:
    """What was wanted at the providers, and the changes that were made there."""

    wanted: Sequence[Wanted] = ()
    changes: Sequence[ChangeRecord] = ()


class _Zip(zipfile.ZipFile):
    """A zip that is left as it is where it was broken off: there is no room for its end, or its file is closed."""

    def __del__(self) -> None:
        pass


class Bundle:
    """Writes a bundle."""

    def __init__(self, out: Out, about: About, registered: str) -> None:
        """``registered`` is the text of registrations.json."""
        self._about = about
        self._registered = registered
        self._verdicts: Counter[tuple[str, str]] = Counter()
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._open = ExitStack()
        self._zip = self._open.enter_context(_Zip(cast(IO[bytes], out), "w", zipfile.ZIP_DEFLATED))
        words = _README.format(
            maker=about.maker, made_at=rfc3339(about.made_at), masked=_MASKED if about.masked else _AS_IT_CAME
        )
        self._put(README, words.encode("utf-8"))
        self._member = self._zip.open(self._info(CAPTURES), "w", force_zip64=True)
        self._lines = Jsonl(self._member, about)

    def add(self, capture: Capture) -> None:
        """One line of captures.jsonl."""
        self._lines.add(capture)
        self._verdicts[capture.provider, capture.verdict.status.value] += 1
        at = capture.received_at
        self._first = at if self._first is None else min(self._first, at)
        self._last = at if self._last is None else max(self._last, at)

    def finish(self) -> None:
        """The other members, and the zip's list of them."""
        self._member.close()
        self._put(REGISTRATIONS, self._registered.encode("utf-8", "backslashreplace"))
        self._put(MANIFEST, _text(self._manifest()).encode("utf-8", "backslashreplace"))
        self._open.close()

    def _manifest(self) -> dict[str, Any]:
        about = self._about
        return {
            "format": FORMAT,
            "version": VERSION,
            "made_by": about.maker,
            "made_at": rfc3339(about.made_at),
            "masked": about.masked,
            "filter": None if about.masked else about.filter,  # it may name whom the captures are about
            "captures": sum(self._verdicts.values()),
            "first_at": rfc3339(self._first),
            "last_at": rfc3339(self._last),
            "verdicts": [
                {"provider": provider, "status": status, "captures": number}
                for (provider, status), number in sorted(self._verdicts.items())
            ],
        }

    def _put(self, name: str, data: bytes) -> None:
        self._zip.writestr(self._info(name), data)

    def _info(self, name: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, self._about.made_at.timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        return info


def registered_text(registered: Registered) -> str:
    """The text of registrations.json."""
    return _text(
        {
            "wanted": [
                {
                    "account": item.account,
                    "provider": item.provider,
                    "subject": item.subject,
                    "spec": dict(item.spec),
                    "since": rfc3339(item.since),
                }
                for item in registered.wanted
            ],
            "changes": [
                {
                    "account": item.account,
                    "provider": item.provider,
                    "kind": item.kind.value,
                    "subject": item.subject,
                    "state": item.state.value,
                    "begun_at": rfc3339(item.begun_at),
                    "ended_at": rfc3339(item.ended_at),
                    "before": _registration(item.before),
                    "after": _registration(item.after),
                }
                for item in registered.changes
            ],
        }
    )


def _registration(registration: Registration | None) -> dict[str, Any] | None:
    if registration is None:
        return None
    return {
        "id": registration.id,
        "url": registration.url,
        "spec": dict(registration.spec),
        "active": registration.active,
        "created_at": rfc3339(registration.created_at),
        "updated_at": rfc3339(registration.updated_at),
    }


def _text(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
