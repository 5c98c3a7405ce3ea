"""Captures as rows and rows as captures."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

from monitor.model.capture import Capture, Origin, Request, Source
from monitor.model.reading import NO_READING, Direction, Media, MessageError, Reading, Status
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.store.errors import StoreError
from monitor.store.schema import CAPTURE_COLUMNS, READING_COLUMNS
from monitor.times import microseconds, moment

STEPS: Final = (64, 32, 16, 8, 4, 2, 1)  # rows a statement; few sizes, so that SQLite keeps all of them compiled


def insert_rows(db: sqlite3.Connection, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Insert rows, many a statement; they take the place of older ones, only a capture never does.

    ``executemany`` would enter SQLite once a row, and each time hand the interpreter's lock to the event loop and wait
    to get it back.
    """
    at = 0
    for step in STEPS:
        while len(rows) - at >= step:
            values = [value for row in rows[at : at + step] for value in row]
            db.execute(_insert(table, tuple(columns), step), values)
            at += step


@cache
def _insert(table: str, columns: tuple[str, ...], rows: int) -> str:
    marks = f"({', '.join('?' * len(columns))})"
    verb = "INSERT" if table == "captures" else "INSERT OR REPLACE"
    return f"{verb} INTO {table} ({', '.join(columns)}) VALUES {', '.join([marks] * rows)}"


# A whole capture in one row: what ``capture_of`` reads.
_WHOLE: Final = [f"c.{name}" for name in CAPTURE_COLUMNS] + [f"r.{name}" for name in READING_COLUMNS]
SELECT_WHOLE: Final = f"SELECT {', '.join(_WHOLE)} FROM captures c JOIN readings r ON r.id = c.id"  # noqa: S608 - constant names


def optional_microseconds(value: datetime | None) -> int | None:
    """As ``microseconds``, NULL for None."""
    return None if value is None else microseconds(value)


def optional_moment(value: int | None) -> datetime | None:
    """As ``moment``, None for NULL."""
    return None if value is None else moment(value)


def _flag(value: int | None) -> bool | None:
    return None if value is None else bool(value)


# What reading a row raises where a value in it is none that was ever written.
DAMAGED: Final = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def pack(value: Sequence[Any]) -> str | None:
    """A list as JSON text, NULL when it is empty."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if value else None


def unpack(packed: str | None) -> list[Any]:
    """The reverse of ``pack``."""
    return json.loads(packed) if packed else []


def wire_headers(headers: Sequence[tuple[str, str]]) -> bytes:
    r"""Headers in wire form: ``name: value\r\n`` repeated, the bytes as they came."""
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode("latin-1")


def headers_of(wire: bytes) -> tuple[tuple[str, str], ...]:
    """The reverse of ``wire_headers``."""
    lines = wire.decode("latin-1").split("\r\n")
    return tuple((name, value) for name, _, value in (line.partition(": ") for line in lines if line))


def capture_row(capture: Capture) -> tuple[object, ...]:
    """The values of ``CAPTURE_COLUMNS``."""
    request = capture.request
    return (
        capture.id,
        microseconds(capture.received_at),
        capture.source.value,
        request.method,
        request.path,
        request.query,
        request.peer,
        capture.origin.token,
        capture.answer,
        wire_headers(request.headers),
        request.body,
    )


def reading_row(capture: Capture) -> tuple[object, ...]:
    """The values of ``READING_COLUMNS``."""
    verdict = capture.verdict
    r = capture.reading or NO_READING
    e = r.error
    return (
        capture.id, microseconds(capture.received_at), capture.source.value, len(capture.request.body),
        digest_of(capture.request.body), capture.provider,
        verdict.status.value, verdict.reason, verdict.scheme, verdict.key, verdict.near_miss, verdict.age_s,
        r.event, r.event_id, r.message, pack(r.aliases), r.conversation,
        r.direction and r.direction.value, r.channel, r.status and r.status.value, r.provider_status, r.mark,
        r.from_, r.to, r.text, pack([(item.type, item.url, item.size) for item in r.media]),
        None if e is None else 1,
        e and e.code, e and e.carrier_code, e and e.carrier, e and e.source, e and e.title, e and e.detail,
        e and e.trace_id, None if e is None else e.temporary,
        *map(optional_microseconds, (r.occurred_at, r.accepted_at, r.sent_at, r.completed_at, r.valid_until)),
        pack(r.facts), pack(r.problems), pack(capture.marks),
    )  # fmt: skip


def digest_of(body: bytes) -> int:
    """The first 64 bits of the body's SHA-256, as SQLite holds them: tells repeats from different bodies."""
    return int.from_bytes(hashlib.sha256(body).digest()[:8], "big", signed=True)


def error_of(v: Mapping[str, Any]) -> MessageError | None:
    """The error in a row of readings or messages."""
    if not v["error"]:
        return None
    return MessageError(
        v["error_code"], v["carrier_code"], v["carrier"], v["error_source"], v["error_title"], v["error_detail"],
        v["trace_id"], _flag(v["temporary"]),
    )  # fmt: skip


def media_of(packed: str | None) -> tuple[Media, ...]:
    """The media in a row of readings or messages."""
    return tuple(Media(*item) for item in unpack(packed))


def reading_of(v: Mapping[str, Any]) -> Reading:
    """A row of readings, by column, as a reading."""
    return Reading(
        event=v["event"],
        event_id=v["event_id"],
        message=v["message"],
        aliases=tuple(unpack(v["aliases"])),
        conversation=v["conversation"],
        direction=v["direction"] and Direction(v["direction"]),
        channel=v["channel"],
        status=v["status"] and Status(v["status"]),
        provider_status=v["provider_status"],
        mark=v["mark"],
        from_=v["sender"],
        to=v["recipient"],
        text=v["text"],
        media=media_of(v["media"]),
        error=error_of(v),
        occurred_at=optional_moment(v["occurred_at"]),
        accepted_at=optional_moment(v["accepted_at"]),
        sent_at=optional_moment(v["sent_at"]),
        completed_at=optional_moment(v["completed_at"]),
        valid_until=optional_moment(v["valid_until"]),
        facts=tuple((name, value) for name, value in unpack(v["facts"])),
        problems=tuple(unpack(v["problems"])),
    )


def capture_of(row: Sequence[Any]) -> Capture:
    """A row of ``SELECT_WHOLE`` as a capture. Raises StoreError where a value in it is none that was ever written."""
    try:
        return _capture_of(row)
    except DAMAGED as error:
        raise StoreError(
            f"Capture {row[0]} is damaged in the database ({type(error).__name__}); with hooktop stopped, "
            "'hooktop import --db NEW OLD' takes what can be read into another one."
        ) from error


def _capture_of(row: Sequence[Any]) -> Capture:
    number, received_at, source, method, path, query, peer, token, answer, headers, body = row[: len(CAPTURE_COLUMNS)]
    v = dict(zip(READING_COLUMNS, row[len(CAPTURE_COLUMNS) :], strict=True))
    reading = reading_of(v)
    return Capture(
        id=number,
        received_at=moment(received_at),
        provider=v["provider"],
        source=Source(source),
        request=Request(method, path, query, headers_of(headers), bytes(body), peer),
        answer=answer,
        verdict=Verdict(
            VerdictStatus(v["verdict"]), v["reason"], v["scheme"], v["key"], v["near_miss"], v["age_s"],
        ),
        origin=Origin(_flag(token), peer.rpartition(":")[0].strip("[]") or None if peer else None),
        reading=None if reading == NO_READING else reading,
        marks=tuple(unpack(v["marks"])),
    )  # fmt: skip
