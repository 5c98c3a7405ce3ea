"""Files of captures into a database: what comes out is what went in, and what a stranger sends harms nobody."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import io
import json
import os
import sqlite3
import struct
import zipfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitor.model.capture import Capture, Source
from monitor.model.filter import parse
from monitor.model.message import Mark
from monitor.model.record import capture_record
from monitor.model.verdict import IMPORTED, VerdictStatus, claimed_by_file, standing
from monitor.services.export import bundle
from monitor.services.export.base import Format
from monitor.services.export.exporting import export
from monitor.services.importing import Import
from monitor.services.imports import files
from monitor.services.imports.database import Loss
from monitor.services.imports.files import captures as captures_of
from monitor.services.imports.files import look_at
from monitor.services.imports.problem import ImportProblem
from monitor.store.errors import StoreError
from monitor.store.message_reader import MessageReader
from monitor.store.reader import Reader
from monitor.store.store import Store
from tests.corpora import corpora, payload_index
from tests.factory import START, make_capture, make_request, storing
from tests.services.sample import captures, examiner, store

ROUND = (Format.JSONL, Format.HAR, Format.BUNDLE)


def written(database: Path, form: Format, path: Path, **more: Any) -> Path:
    """The file of an export."""
    export(database, parse(""), form, path, **more)
    return path


def read(path: Path) -> list[Capture]:
    """The captures of a file, into no database."""
    return list(captures_of(look_at(path)))


async def imported(path: Path, database: Path) -> int:
    """Import a file."""
    async with storing(database) as kept:
        return await Import(look_at(path)).run(kept)


def every(database: Path) -> list[Capture]:
    """Every capture of a database."""
    with closing(Reader(database)) as reader:
        return reader.page(limit=10_000)


def told(database: Path) -> tuple[list[Any], list[Any]]:
    """Every message and conversation, without whether anybody proved it: an imported signature is never checked."""
    with closing(MessageReader(database)) as reader:
        messages = reader.messages(range(1, reader.last_message() + 1)).values()
        talks = reader.conversations(1_000)
    return [
        replace(
            message,
            marks=proven(message.marks),
            stages=tuple(replace(stage, marks=proven(stage.marks)) for stage in message.stages),
        )
        for message in messages
    ], talks


def proven(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """The marks without the one of what rests on signatures that were not checked."""
    return tuple(mark for mark in marks if mark is not Mark.UNPROVEN)


@pytest.mark.slow
@pytest.mark.parametrize("form", ROUND)
async def test_export_and_import_give_the_same(tmp_path: Path, form: Format) -> None:
    found = captures(250)
    odd = [
        make_capture(body=body, reading=None)
        for body in (b"", b"\0\xff", b'{"a":1', '"\U0001f44b"'.encode(), b"\xef\xbb\xbf{}", b"\r\n", bytes(range(256)))
    ]
    await store(tmp_path / "a.db", [*found, *odd])
    await imported(written(tmp_path / "a.db", form, tmp_path / "file"), tmp_path / "b.db")
    before, after = every(tmp_path / "a.db"), every(tmp_path / "b.db")
    assert len(after) == len(before) == len(found) + len(odd)
    for old, new in zip(before, after, strict=True):
        assert new.source is Source.IMPORTED
        assert (new.id, new.received_at, new.request, new.answer) == (old.id, old.received_at, old.request, old.answer)
        assert new.verdict.status is VerdictStatus.UNCHECKED
        assert new.verdict.reason == f"{IMPORTED}{old.verdict.status}: {old.verdict.reason}"
        assert (new.verdict.age_s, new.verdict.key, new.origin.token) == (old.verdict.age_s, None, None)
    for old, new in zip(before[: len(found)], after, strict=False):
        assert (new.provider, new.reading) == (old.provider, old.reading)
    messages, talks = told(tmp_path / "a.db")
    assert told(tmp_path / "b.db") == (messages, talks)
    assert len(messages) > 60
    assert len(talks) > 10


async def test_a_database_gives_what_its_export_gives(tmp_path: Path) -> None:
    odd = [make_capture(body=body, reading=None) for body in (b"", b"\0\xff", b"ends in\0", bytes(range(256)))]
    await store(tmp_path / "a.db", [*captures(60), *odd])
    await imported(written(tmp_path / "a.db", Format.JSONL, tmp_path / "file"), tmp_path / "b.db")
    await imported(tmp_path / "a.db", tmp_path / "c.db")
    assert every(tmp_path / "c.db") == every(tmp_path / "b.db")
    assert told(tmp_path / "c.db") == told(tmp_path / "a.db")


async def test_a_database_is_not_taken_into_itself(tmp_path: Path) -> None:
    await store(tmp_path / "a.db", captures(10))
    before = every(tmp_path / "a.db")
    (tmp_path / "same.db").symlink_to(tmp_path / "a.db")
    with pytest.raises(ImportProblem, match="the database itself"):
        await imported(tmp_path / "same.db", tmp_path / "a.db")
    assert every(tmp_path / "a.db") == before


# Each with what SQLite would run by itself when it is asked for captures.
HOSTILE = (
    "ALTER TABLE captures RENAME TO c; CREATE VIEW captures AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
    "FROM n) SELECT i AS id FROM n",
    "ALTER TABLE tallies RENAME TO t; CREATE VIEW tallies AS SELECT randomblob(1000000000) AS captures",
    "DROP TABLE readings; CREATE TABLE readings (id, size, digest, verdict, reason, age_s AS (zeroblob(1000000000)))",
    "DROP TABLE captures",
)


@pytest.mark.parametrize("change", HOSTILE)
async def test_a_database_that_is_not_ours_is_refused(tmp_path: Path, change: str) -> None:
    await store(tmp_path / "a.db", captures(3))
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        db.executescript(change)
    with pytest.raises(ImportProblem, match="without captures of hooktop"):
        read(tmp_path / "a.db")


async def test_rows_of_a_database_that_no_request_could_give_are_left_out(tmp_path: Path) -> None:
    await store(tmp_path / "a.db", captures(9))
    changes = ("received_at = 'soon'", "received_at = -1", "method = 'G T'", "path = x'00'", "headers = 'a: b'",
               "headers = x'613a200d620d0a'", "body = 'text'", "answer = 4e18", "body = x'00'")  # fmt: skip
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        for number, change in enumerate(changes, 1):
            db.execute(f"UPDATE captures SET {change} WHERE id = {number}")
        db.commit()
    loss = Loss()
    assert list(captures_of(look_at(tmp_path / "a.db"), loss)) == []
    assert (loss.said, loss.ids) == (9, [(1, 9)])
    assert loss.sentence() == "0 of 9 captures can be read, 9 lost (cap_1 to cap_9)."


@pytest.mark.parametrize("form", ROUND)
async def test_a_second_time_changes_nothing_more(tmp_path: Path, form: Format) -> None:
    await store(tmp_path / "a.db", captures(40))
    await imported(written(tmp_path / "a.db", form, tmp_path / "one"), tmp_path / "b.db")
    await imported(written(tmp_path / "b.db", form, tmp_path / "two"), tmp_path / "c.db")
    assert every(tmp_path / "c.db") == every(tmp_path / "b.db")


async def test_the_payloads_of_all_providers_come_back(tmp_path: Path) -> None:
    judge = examiner(keyless=True)
    found = [
        judge.examine(make_request(item["body_bytes"], path=f"/{item['provider']}"), received_at=START)
        for item in payload_index()
    ]
    await store(tmp_path / "a.db", found)
    for form in ROUND:
        database = tmp_path / f"{form}.db"
        await imported(written(tmp_path / "a.db", form, tmp_path / form), database)
        assert [(c.provider, c.reading, c.request) for c in every(database)] == [
            (c.provider, c.reading, c.request) for c in every(tmp_path / "a.db")
        ]
        assert told(database) == told(tmp_path / "a.db")


@pytest.mark.parametrize("form", ROUND)
async def test_a_masked_file_can_be_imported_too(tmp_path: Path, form: Format) -> None:
    found = captures(120)
    await store(tmp_path / "a.db", found)
    await imported(written(tmp_path / "a.db", form, tmp_path / "file", masked=True), tmp_path / "b.db")
    (messages, talks), (masked, masked_talks) = told(tmp_path / "a.db"), told(tmp_path / "b.db")
    assert [(m.status, m.captures, m.stages) for m in masked] == [(m.status, m.captures, m.stages) for m in messages]
    assert [t.messages for t in masked_talks] == [t.messages for t in talks]


async def test_what_is_there_stays_and_more_can_come(tmp_path: Path) -> None:
    await store(tmp_path / "a.db", captures(20))
    path = written(tmp_path / "a.db", Format.JSONL, tmp_path / "file")
    assert await imported(path, tmp_path / "a.db") == 20
    again = every(tmp_path / "a.db")
    assert [capture.source for capture in again] == [Source.NETWORK] * 20 + [Source.IMPORTED] * 20
    assert [capture.id for capture in again] == list(range(1, 41))
    with closing(Reader(tmp_path / "a.db")) as reader:
        assert sum(reader.tallies().values()) == 40


async def test_reading_anew_keeps_what_the_file_said(tmp_path: Path) -> None:
    await store(tmp_path / "a.db", captures(30))
    await imported(written(tmp_path / "a.db", Format.BUNDLE, tmp_path / "file"), tmp_path / "b.db")
    before = every(tmp_path / "b.db"), told(tmp_path / "b.db")
    async with storing(tmp_path / "b.db") as kept:
        await kept.reread(examiner().again)
    assert (every(tmp_path / "b.db"), told(tmp_path / "b.db")) == before


def test_what_a_file_says_of_a_signature_only_ever_takes_away() -> None:
    for status in VerdictStatus:
        verdict = claimed_by_file(status.value, "because", 1.0)
        assert verdict.status is VerdictStatus.UNCHECKED
        against = status in (VerdictStatus.INVALID, VerdictStatus.STALE, VerdictStatus.MISSING)
        assert standing(verdict.status, verdict.reason) is (status if against else VerdictStatus.UNCHECKED)
        assert standing(status, "because") is status
    assert standing(VerdictStatus.VERIFIED, f"{IMPORTED}invalid") is VerdictStatus.VERIFIED
    assert claimed_by_file("nonsense", None, None).reason == f"{IMPORTED}nothing of it"
    assert claimed_by_file(None, None, None).status is VerdictStatus.UNCHECKED


async def test_a_forged_capture_moves_nothing_where_the_file_calls_it_forged(tmp_path: Path) -> None:
    forged = next(capture for capture in captures(20) if capture.reading and capture.reading.message)
    for status, backed in (("invalid", False), ("verified", True)):
        record = capture_record(forged)
        record["verdict"]["status"] = status
        (tmp_path / status).write_text(json.dumps(record), "utf-8")
        await imported(tmp_path / status, tmp_path / f"{status}.db")
        [message], _ = told(tmp_path / f"{status}.db")
        assert message.backed is backed


# --- what strangers send -----------------------------------------------------------------------------------------

GOOD = json.loads(json.dumps(capture_record(make_capture(1))))


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good record with another value at a path; a value of ... takes it away."""
    record: dict[str, Any] = json.loads(json.dumps(GOOD))
    holder = record
    *way, last = path.split(".")
    for name in way:
        holder = holder[name]
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    return record


BAD: list[tuple[str, Any, str]] = [
    ("kind", "message", "not a capture but message"), ("kind", ..., "not a capture"),
    ("kind", {"a": 1}, "not a capture"),
    ("request", ..., "request is not an object but missing"), ("request", [], "request is not an object but a list"),
    ("request.method", 1, "request.method is not a text but a number"),
    ("request.method", "PO ST", "method is no method"),
    ("request.method", "P\x1b[2J", "method is no method"), ("request.method", "X" * 40, "method is no method"),
    ("request.path", None, "request.path is not a text"), ("request.path", "/\r\nX: y", "stand in no request line"),
    ("request.path", "/\u2028", "stand in no request line"), ("request.path", "/" * 70_000, "at most"),
    ("request.query", "\ud800", "lone surrogate"), ("request.query", 7, "request.query is not a text"),
    ("request.headers", {}, "request.headers is not a list"), ("request.headers", [["a"]], "not a pair of texts"),
    ("request.headers", [["a", 1]], "not a pair of texts"), ("request.headers", [["a:", "b"]], "a name that is none"),
    ("request.headers", [["a", "b\r\nc: d"]], "stands in no header"),
    ("request.headers", [["a", "\u0100"]], "in no header"),
    ("request.headers", [["a", "b"]] * 2_000, "too many"), ("request.headers", [["a", "b" * 300_000]], "too long"),
    ("request.body", 1, "request.body is not a text"), ("request.body", "\udfff", "lone surrogate"),
    ("request.body", "other", "was it edited"), ("request.body_encoding", "gzip", "neither utf-8 nor base64"),
    ("request.body_encoding", ..., "neither utf-8 nor base64"), ("request.peer", "x" * 5_000, "at most"),
    ("received_at", "yesterday", "not a time"), ("received_at", 1, "received_at is not a text"),
    ("received_at", "9999-12-31T23:59:59Z", "not a time"), ("received_at", "0001-01-01T00:00:00Z", "not a time"),
    ("response.status", "200", "no HTTP status"), ("response.status", 10**9, "no HTTP status"),
    ("response.status", True, "no HTTP status"), ("verdict.reason", "x" * 5_000, "at most"),
    ("verdict.status", 7, "verdict.status is not a text"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "said"), BAD, ids=[f"{number}-{path}" for number, (path, _, _) in enumerate(BAD)]
)
def test_a_wrong_value_is_named_with_its_line(tmp_path: Path, path: str, value: Any, said: str) -> None:
    file = tmp_path / "file.jsonl"
    lines = [GOOD, GOOD, changed(path, value), GOOD]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    with pytest.raises(ImportProblem, match=r"file\.jsonl is wrong in line 3: .*" + said):
        read(file)


async def test_a_wrong_line_refuses_the_whole_file(tmp_path: Path) -> None:
    await store(tmp_path / "a.db", captures(3))
    file = tmp_path / "file.jsonl"
    file.write_bytes(LINE * 1_000 + b"{}\n")
    with pytest.raises(ImportProblem, match="line 1,001"):
        await imported(file, tmp_path / "a.db")
    assert len(every(tmp_path / "a.db")) == 3
    with closing(Reader(tmp_path / "a.db")) as reader:
        assert sum(reader.tallies().values()) == 3


async def test_what_is_missing_and_can_be_does_not_matter(tmp_path: Path) -> None:
    lean = {
        "kind": "capture", "received_at": "2026-01-31T12:00:00Z", "unknown": {"a": [1]},
        "request": {"method": "POST", "path": "/x", "query": "", "headers": [], "body": "eA==",
                    "body_encoding": "base64"},
    }  # fmt: skip
    spoofed = changed("verdict", {"status": "verified", "reason": "\x1b[2J", "age_s": "NaN", "key": "sha256:x"})
    spoofed |= {"reading": {"status": "delivered", "message": "volt:spoofed"}, "provider": "bird", "source": "network"}
    spoofed |= {"marks": ["x" * 10_000], "origin": {"token": True}, "id": 10**30}
    file = tmp_path / "file"
    file.write_text(
        '\ufeff{"kind": "listening", "url": "x"}\n\n{"kind": "tunnel", "url": null}\n'
        + json.dumps(lean)
        + "\r\n"
        + json.dumps(spoofed)
        + '\n{"kind": "summary"}',
        "utf-8",
    )
    assert await imported(file, tmp_path / "a.db") == 2
    first, second = every(tmp_path / "a.db")
    assert (first.request.body, first.answer, first.request.peer) == (b"x", 0, None)
    assert second.provider == "volt"
    assert second.source is Source.IMPORTED
    assert second.verdict.status is VerdictStatus.UNCHECKED
    assert (second.verdict.key, second.verdict.age_s, second.origin.token, second.marks) == (None, None, None, ())
    assert second.reading is None or second.reading.message != "volt:spoofed"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"hello", "neither"), (b"id,received_at\n1,2\n", "neither"), (b"\xff\xfe{\0", "neither"), (b"[]", "neither"),
        (b"[" * 100_000, "neither"), (b'{"a":' * 100_000, "nested deeper"), (b'{"log": {}}', "no log.entries"),
        (b'{"log": {"entries": {}}}', "no log.entries"), (b'{"log": {"entries": [7]}}', "entry 1: it is not an object"),
        (b'{"kind": "capture"}\n{"kind": NaN}\n', "line 1"),
        (b'{\n"log": {"entries": [{}]}}', "entry 1: request is not"),
        (b'{"kind": "listening"}\n{"kind": NaN}\n', "line 2: not JSON"), (b'{"x": 1}\n', "line 1: it is not a capture"),
        (b'{"kind": "summary"}\n"x"', "line 2: it is not an object"),
        (b'{"kind": "summary"}\n\xff', "line 2: not UTF-8"),
        (b"PK\x03\x04", "no end"), (b"PK", "no end"), (b"\x1f\x8b\x08", "neither"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_captures_is_told_so(tmp_path: Path, data: bytes, said: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(data)
    with pytest.raises(ImportProblem, match=said):
        read(file)


async def test_an_empty_file_has_no_captures(tmp_path: Path) -> None:
    for data in (b"", b"\n\n", b" " * 40):
        (tmp_path / "file").write_bytes(data)
        assert await imported(tmp_path / "file", tmp_path / "a.db") == 0


def test_only_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises((ImportProblem, OSError)):
            look_at(path)


def test_the_texts_of_the_corpus_raise_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for sample in sorted((corpora() / "json-test-suite").rglob("*.json")):
        body = sample.read_bytes()
        for data in (body, json.dumps(GOOD).encode() + b"\n" + body, b'{"log": {"entries": [' + body + b"]}}"):
            file.write_bytes(data)
            with contextlib.suppress(ImportProblem):
                read(file)


def test_a_line_that_is_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_LINE", 10_000)
    file = tmp_path / "file"
    file.write_text(json.dumps(GOOD) + "\n" + json.dumps(changed("extra", "x" * 20_000)) + "\n")
    with pytest.raises(ImportProblem, match="too long in line 2"):
        read(file)
    monkeypatch.setattr(files, "MAX_LINES_FILE", 10_000)
    with pytest.raises(ImportProblem, match="at most"):
        read(file)
    file.write_text('{"log": {"entries": []}, "x": "' + "x" * 20_000 + '"}')
    monkeypatch.setattr(files, "MAX_ARCHIVE", 10_000)
    with pytest.raises(ImportProblem, match="at most"):
        read(file)


# --- bundles -----------------------------------------------------------------------------------------------------

MANIFEST = json.dumps({"format": bundle.FORMAT, "version": bundle.VERSION}).encode()


def zipped(path: Path, members: Sequence[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """A zip file with these members."""
    with zipfile.ZipFile(path, "w", method) as made:
        for name, data in members:
            made.writestr(name, data)
    return path


LINE = json.dumps(GOOD).encode() + b"\n"
WHOLE = [("manifest.json", MANIFEST), ("captures.jsonl", LINE)]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([("captures.jsonl", LINE)], "no bundle"),
        ([("manifest.json", MANIFEST)], "no bundle"),
        ([*WHOLE, ("../evil", b"x")], "no bundle"),
        ([*WHOLE, ("/etc/passwd", b"x")], "no bundle"),
        ([*WHOLE, ("captures.jsonl", LINE)], "no bundle"),
        ([*WHOLE, *((f"f{number}", b"") for number in range(5_000))], "no bundle"),
        ([("manifest.json", b"{}"), WHOLE[1]], "no bundle"),
        ([("manifest.json", b"[" * 1_000), WHOLE[1]], "no bundle"),
        ([("manifest.json", MANIFEST.replace(b"1}", b"2}")), WHOLE[1]], "another version"),
        ([WHOLE[0], ("captures.jsonl", LINE + b"x")], "wrong in line 2"),
        ([WHOLE[0], ("captures.jsonl", b" " * (80 * 1024 * 1024))], "may be a trap"),
        ([WHOLE[0], WHOLE[1], ("README.txt", b"\0" * (80 * 1024 * 1024))], "may be a trap"),
    ],
)  # fmt: skip
def test_a_bundle_of_another_shape_is_refused(tmp_path: Path, members: list[tuple[str, bytes]], said: str) -> None:
    with pytest.raises(ImportProblem, match=said):
        read(zipped(tmp_path / "file", members))


def lying(alter: Callable[[bytearray], None]) -> bytes:
    """A good bundle whose bytes were changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in WHOLE:
            made.writestr(name, data * (2_000 if name == "captures.jsonl" else 1))
    made_of = bytearray(out.getvalue())
    alter(made_of)
    return bytes(made_of)


def _smaller(data: bytearray) -> None:
    """Say of the captures in the list of members that they unpack to 100 bytes."""
    at = data.rindex(b"captures.jsonl") - 46
    data[at + 24 : at + 28] = struct.pack("<I", 100)


def _greater(data: bytearray) -> None:
    at = data.rindex(b"captures.jsonl") - 46
    data[at + 24 : at + 28] = struct.pack("<I", 2**32 - 2)


def _packed(data: bytearray) -> None:
    at = data.rindex(b"captures.jsonl") - 46
    data[at + 10 : at + 12] = struct.pack("<H", zipfile.ZIP_LZMA)


def _encrypted(data: bytearray) -> None:
    at = data.rindex(b"captures.jsonl") - 46
    data[at + 8 : at + 10] = struct.pack("<H", 1)


def _torn(data: bytearray) -> None:
    at = data.index(b"captures.jsonl")
    data[at + 40 : at + 60] = b"x" * 20


def _cut(data: bytearray) -> None:
    del data[200:400]


def _long_list(data: bytearray) -> None:
    data[-10:-6] = struct.pack("<I", 2**31)


@pytest.mark.parametrize("alter", [_smaller, _greater, _packed, _encrypted, _torn, _cut, _long_list])
def test_a_bundle_that_lies_or_is_torn_is_refused(tmp_path: Path, alter: Callable[[bytearray], None]) -> None:
    (tmp_path / "file").write_bytes(lying(alter))
    with pytest.raises(ImportProblem):
        read(tmp_path / "file")


async def test_a_bundle_may_be_stored_and_may_shrink_well(tmp_path: Path) -> None:
    body = b"x" * 1_000_000
    record = changed("request.body", body.decode()) | {"id": 1}
    record["request"]["sha256"] = hashlib.sha256(body).hexdigest()
    members = [WHOLE[0], ("captures.jsonl", (json.dumps(record) + "\n").encode() * 5)]
    for number, method in enumerate((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)):
        assert await imported(zipped(tmp_path / f"{number}", members, method), tmp_path / f"{number}.db") == 5


# --- archives of browsers ----------------------------------------------------------------------------------------


async def test_an_archive_of_a_browser(tmp_path: Path) -> None:
    def entry(**request: Any) -> dict[str, Any]:
        usual = {
            "method": "POST", "url": "https://x.example/hooks/volt?a=1#frag", "httpVersion": "h2", "cookies": [],
            "headers": [{"name": ":authority", "value": "x.example"}, {"name": "X-Name", "value": "Zoë 寿"}],
            "queryString": [], "headersSize": -1, "bodySize": -1,
        }  # fmt: skip
        return {
            "startedDateTime": "2026-01-31T13:00:00.5+01:00", "time": 1, "cache": {}, "timings": {},
            "request": usual | request, "response": {"status": 204},
        }  # fmt: skip

    entries = [
        entry(postData={"mimeType": "text/plain", "text": "grüße"}),
        entry(postData={"mimeType": "x", "params": [{"name": "a b", "value": "ü&"}, {"name": "c"}]}),
        entry(method="GET", url="https://x.example"),
        entry(method="GET", url="https://x.example?q=1"),
        entry(postData={"mimeType": "x", "text": base64.b64encode(b"\0\xff").decode(), "encoding": "base64"}),
    ]
    (tmp_path / "file.har").write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}, indent=2), "utf-8")
    assert await imported(tmp_path / "file.har", tmp_path / "a.db") == 5
    text, form, bare, asked, binary = every(tmp_path / "a.db")
    assert (text.request.path, text.request.query, text.request.body) == ("/hooks/volt", "a=1", "grüße".encode())
    assert text.request.headers == (("X-Name", "Zoë 寿".encode().decode("latin-1")),)
    assert (text.answer, text.received_at.isoformat()) == (204, "2026-01-31T12:00:00.500000+00:00")
    assert form.request.body == b"a+b=%C3%BC%26&c="
    assert (bare.request.target, asked.request.target) == ("/", "/?q=1")
    assert binary.request.body == b"\0\xff"


# --- the store ---------------------------------------------------------------------------------------------------


async def test_a_running_monitor_keeps_its_database_to_itself(tmp_path: Path) -> None:
    async with storing(tmp_path / "a.db"):
        with pytest.raises(StoreError, match="Another hooktop"):
            Store.open(tmp_path / "a.db")


async def test_an_import_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(LINE * 20_000)
    async with storing(tmp_path / "a.db") as kept:
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()

        def progress(number: int) -> None:
            loop.call_soon_threadsafe(begun.set)

        task = loop.create_task(Import(look_at(file), progress).run(kept))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        kept_after = await kept.add(make_capture())
    assert kept_after.id == 1
    assert len(every(tmp_path / "a.db")) == 1
