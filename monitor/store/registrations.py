"""What is wanted at the providers, and every change that was asked for there, saved before it was.

No secret is ever in it: registrations come without theirs. What is read is checked, since a database may be a
stranger's: a row that makes no sense is left out.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from monitor.jsonbody import clean, parse
from monitor.model.registration import ChangeKind, ChangeRecord, ChangeState, Registration, Spec, Wanted
from monitor.store.connection import T
from monitor.store.rows import optional_microseconds, optional_moment, pack
from monitor.store.short import Short
from monitor.times import microseconds, moment

MAX_JSON: Final = 256 * 1024  # bytes of a registration; its ``raw`` is left out when it takes more
MAX_PROBES: Final = 100
MAX_ADDRESSES: Final = 32  # of one provider that a signature is tried with
_WANTED: Final = "id, account, provider, subject, spec, since"
_CHANGES: Final = "id, account, provider, kind, subject, before, after, begun_at, ended_at, state, run, undoes, probes"


class RegistrationStore(Short):
    """The tables ``wanted`` and ``changes`` of one database. Every method raises StoreError."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "The registrations")

    def _read(self, job: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        if self._path.exists():
            self._make_ready()  # what an older hooktop has kept must not go unseen
        return super()._read(job, otherwise)

    def wanted(self, account: str | None = None) -> list[Wanted]:
        """What is wanted of an account or of all, in the order in which it was first wanted."""
        where, parameters = ("", ()) if account is None else (" WHERE account = ?", (clean(account),))
        sql = f"SELECT {_WANTED} FROM wanted{where} ORDER BY id"  # noqa: S608 - constants
        return self._read(lambda db: list(_sound(_wanted(row) for row in db.execute(sql, parameters))), [])

    def want(self, account: str, provider: str, subject: str, spec: Spec, since: datetime) -> None:
        """Want this from now on, in the place of what was wanted for the account's subject."""
        sql = (
            "INSERT INTO wanted (account, provider, subject, spec, since) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (account, subject) DO UPDATE SET spec = excluded.spec"
        )
        texts = [clean(text) for text in (account, provider, subject)]
        self._write(lambda db: db.execute(sql, (*texts, json.dumps(dict(spec)), microseconds(since))))

    def unwant(self, account: str, subject: str) -> bool:
        """Want this no longer; whether it was wanted."""
        sql = "DELETE FROM wanted WHERE account = ? AND subject = ?"
        return self._write(lambda db: db.execute(sql, (clean(account), clean(subject))).rowcount > 0)

    def begin(self, record: ChangeRecord) -> ChangeRecord:
        """Keep a change that is about to be asked for; it is on the disk when this returns. Gives it with its id."""
        values = (
            *(clean(text) for text in (record.account, record.provider, record.kind.value, record.subject)),
            _packed(record.before),
            _packed(record.after),
            microseconds(record.begun_at),
            optional_microseconds(record.ended_at),
            record.state.value,
            record.run,
            record.undoes,
            pack(record.probes),
        )
        sql = f"INSERT INTO changes ({_CHANGES.removeprefix('id, ')}) VALUES ({', '.join('?' * len(values))})"  # noqa: S608 - constants
        return replace(record, id=self._write(lambda db: db.execute(sql, values).lastrowid or 0))

    def end(
        self,
        number: int,
        state: ChangeState,
        after: Registration | None,
        at: datetime | None,
        *,
        probes: Sequence[int] = (),
    ) -> None:
        """Say what came of a change that was begun, or that a look at the list took for failed: ``after`` is what is
        there now, ``at`` when the answer came (None: there was none)."""
        sql = (
            "UPDATE changes SET state = ?, after = ?, ended_at = ?, probes = coalesce(?, probes) "
            "WHERE id = ? AND state IN ('begun', 'failed')"
        )
        values = (state.value, _packed(after), optional_microseconds(at), pack(list(probes)[:MAX_PROBES]), number)
        self._write(lambda db: db.execute(sql, values))

    def mark(self, numbers: Iterable[int], state: ChangeState) -> None:
        """Give changes another state, such as UNDONE or DISMISSED."""
        values = [(state.value, number) for number in numbers]
        self._write(lambda db: db.executemany("UPDATE changes SET state = ? WHERE id = ?", values))

    def close(self, run: str) -> None:
        """The run has ended properly: what it did is not to be offered unasked."""
        self._write(lambda db: db.execute("UPDATE changes SET closed = 1 WHERE run = ?", (run,)))

    def records(self, *, account: str | None = None, unclosed: bool = False) -> list[ChangeRecord]:
        """The changes of an account or of all, oldest first; ``unclosed`` leaves out those of runs that ended
        properly."""
        tests = {"account = ?": account and clean(account), "closed = ?": 0 if unclosed else None}
        asked = {test: value for test, value in tests.items() if value is not None}
        where = f" WHERE {' AND '.join(asked)}" if asked else ""
        sql = f"SELECT {_CHANGES} FROM changes{where} ORDER BY id"  # noqa: S608 - constants
        return self._read(lambda db: list(_sound(_record(row) for row in db.execute(sql, tuple(asked.values())))), [])

    def addresses(self) -> dict[str, tuple[str, ...]]:
        """By provider, the addresses that were ever asked for, the latest first: what is stored may be signed for any
        of them. None of a database that would have to be made ready first."""
        sql = f"SELECT {_CHANGES} FROM changes ORDER BY id DESC"  # noqa: S608 - constants
        none: list[ChangeRecord] = []
        found: dict[str, dict[str, None]] = {}
        for record in super()._read(lambda db: list(_sound(_record(row) for row in db.execute(sql))), none):
            if record.after is not None:
                found.setdefault(record.provider, {})[record.after.url] = None
        return {provider: tuple(urls)[:MAX_ADDRESSES] for provider, urls in found.items()}

    def state(self, under_way_since: datetime) -> str | None:
        """Another text whenever other things are wanted or a change has ended; None while a change that was begun after
        that time may be under way."""
        under_way = "SELECT 1 FROM changes WHERE state = 'begun' AND begun_at > ?"
        sql = (
            "SELECT (SELECT group_concat(id || state) FROM changes), "
            "(SELECT group_concat(id || account || subject || spec) FROM wanted)"
        )

        def state(db: sqlite3.Connection) -> str | None:
            if db.execute(under_way, (microseconds(under_way_since),)).fetchone() is not None:
                return None
            return str(db.execute(sql).fetchone())

        return super()._read(state, None)

    def first_event(self, provider: str, since: datetime, *, simulated: bool = False) -> datetime | None:
        """When something of the provider first came in after ``since``; what hooktop itself sent counts only with
        ``simulated``. Reads a long history."""
        sources = ("network", "simulated") if simulated else ("network", "network")
        sql = (
            "SELECT received_at FROM readings WHERE provider = ? AND received_at >= ? AND source IN (?, ?) "
            "ORDER BY id LIMIT 1"
        )
        values = (clean(provider), microseconds(since), *sources)
        return self._read(lambda db: optional_moment(next((row[0] for row in db.execute(sql, values)), None)), None)


def _packed(registration: Registration | None) -> str | None:
    if registration is None:
        return None
    data = {
        "provider": registration.provider,
        "id": registration.id,
        "url": registration.url,
        "subject": registration.subject,
        "spec": dict(registration.spec),
        "active": registration.active,
        "created_at": optional_microseconds(registration.created_at),
        "updated_at": optional_microseconds(registration.updated_at),
        "raw": dict(registration.raw),
    }
    text = json.dumps(data)
    return text if len(text) <= MAX_JSON else json.dumps({**data, "raw": {}})


def _unpacked(text: object) -> Registration | None:
    """The reverse of ``_packed``; None for NULL. Raises ValueError for what makes no sense."""
    if text is None:
        return None
    data = _object(text)
    active, raw = data.get("active"), data.get("raw")
    if not (active is None or isinstance(active, bool)) or not isinstance(raw, dict):
        raise ValueError("no registration")
    return Registration(
        provider=_text(data.get("provider")),
        id=_text(data.get("id")),
        url=_text(data.get("url")),
        subject=_text(data.get("subject")),
        spec=_spec(data.get("spec")),
        active=active,
        created_at=_time(data.get("created_at")),
        updated_at=_time(data.get("updated_at")),
        raw=raw,
    )


def _sound(rows: Iterable[Any]) -> Iterable[Any]:
    """The rows without those that could not be read."""
    return (row for row in rows if row is not None)


def _wanted(row: Sequence[Any]) -> Wanted | None:
    number, account, provider, subject, spec, since = row
    with suppress(ValueError, OverflowError):
        return Wanted(
            int(number), _text(account), _text(provider), _text(subject), _spec(_object(spec)), _needed(_time(since))
        )
    return None


def _record(row: Sequence[Any]) -> ChangeRecord | None:
    number, account, provider, kind, subject, before, after, begun_at, ended_at, state, run, undoes, probes = row
    with suppress(ValueError, OverflowError):
        return ChangeRecord(
            int(number),
            _text(account),
            _text(provider),
            ChangeKind(kind),
            _text(subject),
            _unpacked(before),
            _unpacked(after),
            _needed(_time(begun_at)),
            _time(ended_at),
            ChangeState(state),
            _text(run),
            None if undoes is None else _whole(undoes),
            _numbers(probes),
        )
    return None


def _object(text: object) -> Mapping[str, Any]:
    value = parse(_text(text).encode("utf-8", "replace")[: MAX_JSON + 1]).value
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    return value


def _numbers(text: object) -> tuple[int, ...]:
    value = [] if text is None else parse(_text(text).encode("utf-8", "replace")[:MAX_JSON]).value
    if not isinstance(value, list):
        raise ValueError("no list")
    return tuple(_whole(item) for item in value[:MAX_PROBES])


def _spec(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError("no spec")
    return {_text(name): _text(text) for name, text in value.items()}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("no text")
    return clean(value)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("no whole number")
    return value


def _time(value: object) -> datetime | None:
    return None if value is None else moment(_whole(value))


def _needed(at: datetime | None) -> datetime:
    if at is None:
        raise ValueError("no time")
    return at
