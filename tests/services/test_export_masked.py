"""Masked exports of simulated traffic: nothing of what it was about is left, and all that programs need is."""

from __future__ import annotations

import asyncio
import io
import json
import re
import zipfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from monitor import jsonbody
from monitor.model.capture import STAMP_HEADER, Capture
from monitor.model.filter import parse
from monitor.model.jsontext import rewrite
from monitor.model.registration import ChangeKind, ChangeRecord, ChangeState, Registration
from monitor.providers.generic import Generic
from monitor.providers.registry import Registry, registry
from monitor.sandbox.cast import AMERICAN_BUSINESSES, AMERICANS, OVERSEAS, OVERSEAS_BUSINESSES
from monitor.services.export.base import Format
from monitor.services.export.exporting import export
from monitor.services.export.masked import CaptureMasker
from monitor.store.registrations import RegistrationStore
from tests.corpora import payload_index
from tests.factory import START, make_capture, make_request
from tests.services.sample import captures, examiner, store

KEY = b"a key of the tests, 32 bytes ..."
TOKEN = "path-token-0123456789"
FOUND = captures(300)


def mask(found: list[Capture]) -> list[Capture]:
    """The captures masked with one key."""
    masker = CaptureMasker(registry(), [TOKEN], key=KEY)
    return [masker.mask(capture) for capture in found]


MASKED = mask(FOUND)


def telling(text: str) -> bool:
    """Whether a text is long enough that it stands nowhere by chance, as "ok" and "485584" do."""
    return len(text) >= (9 if text.isdecimal() else 6)


@cache
def originals() -> frozenset[str]:
    """What the sample is about: numbers, names, addresses, texts, links and secrets."""
    people = [customer.person for customer in AMERICANS + OVERSEAS]
    numbers = [*(person.phone for person in people), *AMERICAN_BUSINESSES, *OVERSEAS_BUSINESSES]
    found = {number.lstrip("+") for number in numbers} | {person.name for person in people}
    found |= {person.email for person in people} | {"support@example.com", "news@example.com"}
    found |= {customer.first for customer in AMERICANS + OVERSEAS}
    for capture in FOUND:
        reading, request = capture.reading, capture.request
        assert reading is not None
        found |= {media.url.removeprefix("https://") for media in reading.media if media.url}
        found |= {text for text in (reading.text, reading.from_, reading.to) if text}
        for name, value in request.headers:
            if "signature" in name or "hmac" in name or name in (STAMP_HEADER, "authorization"):
                found |= {value, value.rpartition(",")[2], value.rpartition(" ")[2]}
        found |= {link.decode() for link in re.findall(rb"https://(reports[^\"]+)", request.body)}
    return frozenset(text for text in found if telling(text)) - {"WhatsApp"}  # the demo's channel bears its name


def absent(data: str, where: str) -> None:
    """Fail where anything of the originals is in the text, written out or with JSON's escapes."""
    for text in originals():
        for written in {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}:
            assert written not in data, (where, text)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the sample, and with a registration that has the path token in its address."""
    path = tmp_path_factory.mktemp("masked") / "a.db"
    asyncio.run(store(path, FOUND))
    made = Registration("bird", "hook-1", f"https://hooks.example.net/bird/{TOKEN}", "channels sms", {}, True)
    RegistrationStore(path).begin(
        ChangeRecord(0, "main", "bird", ChangeKind.ADD, "channels sms", None, made, START, START, ChangeState.DONE, "r")
    )
    return path


@pytest.mark.parametrize("form", list(Format))
def test_nothing_of_the_originals_is_left_in_any_form(database: Path, form: Format) -> None:
    out = io.BytesIO()
    wanted = parse('not text:"Maya Thompson" not to:+12025550114000')
    assert export(database, wanted, form, out, masked=True, hidden=[TOKEN]) == len(FOUND)
    if form is not Format.BUNDLE:
        absent(out.getvalue().decode(), form)
        if form is Format.CURL:
            escaped = re.sub(r"\\x([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), out.getvalue().decode())
            absent(escaped.encode("latin-1").decode(), form)
        return
    with zipfile.ZipFile(out) as bundle:
        for name in bundle.namelist():
            absent(bundle.read(name).decode(), name)
            assert TOKEN.encode() not in bundle.read(name)
        assert json.loads(bundle.read("manifest.json"))["masked"] is True
        assert json.loads(bundle.read("registrations.json"))["changes"][0]["subject"] == "channels sms"


def test_what_it_tests_against_is_what_the_sample_is_about() -> None:
    told = "".join(capture.request.body.decode() for capture in FOUND)
    there = [text for text in originals() if text in told]
    assert len(there) > 100
    assert {capture.provider for capture in FOUND} >= {"volt", "bird", "connectly", "oneroute", "standard"}


def test_structure_order_and_types_stay() -> None:
    def shape(capture: Capture) -> Any:
        body = json.loads(capture.request.body, object_pairs_hook=list)

        def of(value: Any) -> Any:
            if isinstance(value, list):
                return [of(item) for item in value]
            return [value[0], of(value[1])] if isinstance(value, tuple) else type(value)

        return of(body)

    for before, after in zip(FOUND, MASKED, strict=True):
        assert shape(after) == shape(before)
        assert [name for name, _ in after.request.headers] == [name for name, _ in before.request.headers]
        assert (after.id, after.received_at, after.provider, after.verdict.status, after.request.peer) == (
            before.id, before.received_at, before.provider, before.verdict.status, before.request.peer,
        )  # fmt: skip


def test_the_readings_are_those_of_the_masked_requests_and_say_the_same() -> None:
    judge = examiner(keyless=True)
    same = ("event", "event_id", "direction", "channel", "status", "provider_status", "mark", "occurred_at",
            "accepted_at", "sent_at", "completed_at", "valid_until", "problems")  # fmt: skip
    for before, after in zip(FOUND, MASKED, strict=True):
        assert before.reading is not None
        assert after.reading is not None
        for name in same:
            assert getattr(after.reading, name) == getattr(before.reading, name), (before.provider, name)
        assert after.reading == judge.again(after).reading
        assert judge.again(after).provider == before.provider
        assert bool(after.reading.text) == bool(before.reading.text)
        for name in ("text", "from_", "to"):
            old, new = getattr(before.reading, name), getattr(after.reading, name)
            assert old is None or not re.search(r"\w", old) or old != new
        assert (after.reading.error is None) == (before.reading.error is None)
        if before.reading.error is not None and after.reading.error is not None:
            assert after.reading.error.title == before.reading.error.title
            assert after.reading.error.code == before.reading.error.code


def test_what_belongs_together_still_does() -> None:
    for name in ("message", "conversation", "from_", "to", "text"):
        there: dict[Any, Any] = {}
        back: dict[Any, Any] = {}
        for before, after in zip(FOUND, MASKED, strict=True):
            old, new = (getattr(capture.reading, name) for capture in (before, after))
            assert there.setdefault(old, new) == new, (name, old)
            assert back.setdefault(new, old) == old, (name, new)
    numbers = {c.reading.to for c in MASKED if c.reading and c.reading.to and re.match(r"\+?\d", c.reading.to)}
    assert numbers
    assert all(re.match(r"\+?1?555", number) for number in numbers)


def test_two_exports_have_nothing_in_common() -> None:
    first, second = (CaptureMasker(registry()).mask(FOUND[2]) for _ in range(2))
    assert first.reading is not None
    assert second.reading is not None
    assert first.reading.conversation != second.reading.conversation


def test_the_documented_payloads_keep_their_meaning() -> None:
    judge = examiner(keyless=True)
    seen = 0
    for item in payload_index():
        if not jsonbody.parse(item["body_bytes"]).ok:
            continue
        request = make_request(item["body_bytes"], path=f"/{item['provider']}")
        before = judge.examine(request, received_at=START)
        [after] = mask([before])
        assert before.reading is not None
        assert after.reading is not None
        assert (after.reading.event, after.reading.status, after.reading.provider_status) == (
            before.reading.event, before.reading.status, before.reading.provider_status,
        )  # fmt: skip
        texts = [text for text in (before.reading.text, before.reading.from_, before.reading.to) if text]
        told = after.request.body.decode()
        assert not [text for text in texts if telling(text) and text in told], item["file"]
        seen += 1
    assert seen > 20


def test_credentials_in_a_channel_are_masked_whatever_they_are_called() -> None:
    body = {
        "event": "newMessage", "message": {"sender": {"authUser": False}, "content": "hi"},
        "conversation": {"Channel": {"credentials": {"webengageToken": "abc", "login": "de", "n": [7, "g"]}}},
    }  # fmt: skip
    [after] = mask([replace(make_capture(body=json.dumps(body).encode()), provider="oneroute")])
    shown = json.loads(after.request.body)["conversation"]["Channel"]["credentials"]
    assert list(shown) == ["webengageToken", "login", "n"]
    assert shown["webengageToken"] != "abc"
    assert shown["login"] != "de"
    assert shown["n"][0] != 7
    assert shown["n"][1] != "g"


class Pigeon(Generic):
    """A plug-in whose signature stands in a header that says nothing of one."""

    name = "pigeon"
    signature_headers = ("x-pigeon-proof",)


def test_what_a_plug_in_calls_a_signature_is_masked_whatever_its_header_is_called() -> None:
    proof = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
    request = make_request(b"{}", path="/pigeon", X_Pigeon_Proof=proof)
    masker = CaptureMasker(Registry([*registry(), Pigeon()]), key=KEY)
    after = masker.mask(replace(make_capture(), provider="pigeon", request=request))
    shown = after.request.header("x-pigeon-proof")
    assert shown is not None
    assert len(shown) == len(proof)
    assert shown != proof


def test_verdicts_quote_nothing() -> None:
    capture = make_capture()
    verdict = replace(capture.verdict, reason=f"over https://x.example/volt/{TOKEN}", near_miss=f"as /volt/{TOKEN}")
    [after] = mask([replace(capture, verdict=verdict, marks=("new_field:payload.x", "new_value:+15555550123"))])
    assert TOKEN not in repr(after)
    assert after.verdict.reason.startswith("over https://x.example/volt/")
    assert after.marks[0] == "new_field:payload.x"
    assert "5555550123" not in after.marks[1]


def test_masking_what_is_masked_goes_on_working() -> None:
    text = MASKED[0].request.body.decode()
    assert rewrite(text, key=lambda p, n: n, value=lambda p, v: v, number=lambda p, v: v) == text
    mask(MASKED)


def test_a_number_in_an_id_is_masked_before_a_capture_names_whose_it_is(tmp_path: Path) -> None:
    first, second = (
        replace(FOUND[number], id=number + 1, request=make_request(body), provider="volt")
        for number, body in enumerate((b'{"id": "sms-12025550177-1"}', b'{"payload": {"to_number": "+12025550177"}}'))
    )
    assert second.reading is not None
    told = replace(second, reading=replace(second.reading, to="+12025550177"))
    asyncio.run(store(tmp_path / "a.db", [first, told]))
    out = io.BytesIO()
    assert export(tmp_path / "a.db", parse(""), Format.JSONL, out, masked=True) == 2
    assert b"2025550177" not in out.getvalue()
    assert out.getvalue().count(b"sms-1555") == 2  # in the body, and in what is read of it
