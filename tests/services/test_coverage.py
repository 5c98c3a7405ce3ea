"""Coverage: what providers document beside what has come."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor import jsonbody
from monitor.cli.waiting import Match, Watch
from monitor.config import Alert as Rule
from monitor.model.attempt import Attempt, AttemptKind, Failure
from monitor.model.capture import Capture, Source
from monitor.model.coverage import Covered, Kind, State, kind_of
from monitor.model.filter import parse
from monitor.model.reading import MAX_NAME
from monitor.model.shape import BASELINE
from monitor.model.verdict import Verdict, VerdictStatus, claimed_by_file
from monitor.providers.registry import registry
from monitor.services.coverage import coverage, coverage_record, documented
from monitor.services.view import View
from monitor.store.coverage_reader import CoverageReader
from monitor.store.message_reader import MessageReader
from monitor.store.store import Store
from tests.factory import START, make_capture, make_request, storing
from tests.providers.scene import make_scene
from tests.services.test_alerts import scene, until

NOW = START + timedelta(minutes=1)
DELIVERED = Kind("volt", "message.finalized", "delivered")


def played(provider: str, scenario: str, **changes: Any) -> list[Capture]:
    """The captures of a scenario."""
    chosen = registry()[provider]
    found = []
    for event in next(one for one in chosen.scenarios if one.name == scenario).build(make_scene()):
        request = make_request(event.body, path=f"/{provider}")
        reading = chosen.read(request, jsonbody.parse(event.body))
        found.append(replace(make_capture(), provider=provider, request=request, reading=reading, marks=()))
    return [replace(one, **changes) for one in found]


async def put(store: Store, captures: list[Capture]) -> list[int]:
    """Store captures; gives their numbers."""
    numbers = [(await store.add(capture)).id for capture in captures]
    await store.caught_up()
    return numbers


def looked(store: Store, text: str = "", *, demo: bool = False) -> dict[Kind, Covered]:
    """Coverage by kind."""
    with closing(CoverageReader(store.path)) as reader:
        return {one.kind: one for one in coverage(reader, parse(text), NOW, demo=demo).kinds}


async def test_a_name_without_end_is_no_kind_and_a_status_without_end_is_cut(tmp_path: Path) -> None:
    known = make_capture()
    assert known.reading is not None
    endless = [
        replace(known, reading=replace(known.reading, event=name, provider_status=word))
        for name, word in (("x" * 100_000, "sent"), ("x\0" + "x" * 100_000, "sent"), ("named", "y" * 100_000))
    ]
    async with storing(tmp_path / "c.db") as store:
        await put(store, endless)
        found = [kind for kind, one in looked(store).items() if one.seen]
    assert [(kind.event, len(kind.word or "")) for kind in found] == [("named", MAX_NAME)]


def test_documented_kinds_are_what_the_scenarios_play() -> None:
    known = documented()
    assert known[DELIVERED][0] == "delivered"
    assert {kind.provider for kind in known} == {"volt", "bird", "connectly", "oneroute"}
    by = {name: {(kind.event, kind.word) for kind in known if kind.provider == name} for name in ("volt", "oneroute")}
    assert by["volt"] == {
        ("message.received", "webhook_delivered"), ("message.sent", "sent"), ("message.finalized", "delivered"),
        ("message.finalized", "failed"),
    }  # fmt: skip
    assert by["oneroute"] == {
        ("newMessage", "inbound"), ("newMessage", "outbound"), ("smsDeliveryReport", "delivered"),
        ("smsDeliveryReport", "pending"), ("smsDeliveryReport", "undelivered"),
    }  # fmt: skip
    assert {"sending_failed", "delivery_failed", "rejected"} <= {kind.word for kind in known}
    for kind, (scenario, _) in known.items():
        played_now = [one.reading and kind_of(kind.provider, one.reading) for one in played(kind.provider, scenario)]
        assert kind in played_now


async def test_seen_simulated_handled_and_missing(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        first, second = await put(store, played("volt", "delivered"))
        await put(store, played("volt", "inbound", source=Source.SIMULATED))
        answered = Attempt(first, AttemptKind.FORWARD, "http://localhost:3000", START, 0.1, 204)
        await store.keep(
            [
                answered,
                answered,  # twice is one capture
                replace(answered, capture=second, status=500),
                replace(answered, capture=second, kind=AttemptKind.REPLAY),
                replace(answered, capture=second, failure=Failure.BROKEN),
            ]
        )
        found = looked(store)
        sent, received = Kind("volt", "message.sent", "sent"), Kind("volt", "message.received", "webhook_delivered")
        figures = [(one.state, one.seen, one.simulated, one.handled) for one in found.values()]
        assert figures[:4] == [
            (State.HANDLED, 1, 0, 1), (State.SEEN, 1, 0, 0), (State.SIMULATED, 0, 1, 0), (State.MISSING, 0, 0, 0),
        ]  # fmt: skip
        assert list(found)[:3] == [sent, DELIVERED, received]
        assert looked(store, demo=True)[received].state is State.SEEN
        await store.keep([replace(answered, capture=second)])
        assert looked(store)[DELIVERED].state is State.HANDLED


async def test_what_is_forged_replayed_or_nameless_is_of_no_kind(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        for status in (VerdictStatus.INVALID, VerdictStatus.STALE, VerdictStatus.MISSING):
            await put(store, played("volt", "delivered", verdict=Verdict(status, "")))
            imported = claimed_by_file(status.value, "as the file says", None)
            await put(store, played("volt", "delivered", source=Source.IMPORTED, verdict=imported))
        await put(store, played("volt", "delivered", source=Source.REPLAYED))
        await put(store, [replace(make_capture(), provider="generic", reading=None)])
        assert {one.state for one in looked(store).values()} == {State.MISSING}
        await put(store, played("volt", "delivered", verdict=Verdict(VerdictStatus.NO_KEY, "")))
        assert looked(store)[DELIVERED].state is State.SEEN


async def test_a_filter_counts_and_leaves_the_kinds_that_could_pass_it(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        await put(
            store, [*played("volt", "delivered"), *played("volt", "unknown-event"), *played("bird", "sms-inbound")]
        )
        volt = looked(store, "provider:volt")
        assert {kind.provider for kind in volt} == {"volt"}
        assert volt[Kind("volt", "contact.opted_out", None)].documented is False
        assert set(looked(store, "provider:bird status:failed")) == {
            kind for kind in documented() if kind.provider == "bird" and kind.word in
            ("delivery_failed", "sending_failed", "rejected")
        }  # fmt: skip
        assert looked(store, "provider:volt age<1s")[DELIVERED].state is State.MISSING
        assert set(looked(store, "body.payload.event_type:contact.opted_out")) == {
            Kind("volt", "contact.opted_out", None)
        }


async def test_news_with_their_values_and_the_record(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        plain = played("oneroute", "sms-pending")[0]
        body = json.loads(plain.request.body)
        await put(store, [plain] * BASELINE)
        body["conversation"] |= {"status": "expired", "network": "x"}
        other = make_request(json.dumps(body).encode(), path="/oneroute")
        (number,) = await put(store, [replace(plain, request=other)])
        with closing(CoverageReader(store.path)) as reader:
            found = coverage(reader, parse(""), NOW)
            record = coverage_record(found)
            assert coverage(reader, parse("provider:volt"), NOW).news == ()
        assert [(one.path, one.is_value, one.value, one.capture, one.before) for one in found.news] == [
            ("conversation.network", False, None, number, BASELINE),
            ("conversation.status", True, "expired", number, BASELINE),
        ]
        assert (record["kind"], record["documented"], record["seen"], record["missing"]) == (
            "coverage", len(documented()), 1, len(documented()) - 1,
        )  # fmt: skip
        assert record["new"][1]["value"] == "expired"
        pending = next(one for one in record["kinds"] if one["status"] == "pending")
        assert (pending["state"], pending["seen"], pending["scenario"]) == ("seen", BASELINE + 1, "sms-delivered")
        assert len(found.gaps) == record["missing"]
        await put(store, [replace(plain, source=Source.SIMULATED)])
        with closing(CoverageReader(store.path)) as reader:
            assert coverage(reader, parse(""), NOW).learning == 1


async def test_lists_and_alerts_that_ask_for_marks_wait_until_they_are_known(tmp_path: Path) -> None:
    plain = played("oneroute", "sms-pending")[0]
    more = replace(plain, request=make_request(plain.request.body[:-1] + b',"extra":1}', path="/oneroute"))
    async with scene(
        tmp_path / "h.db", Rule("mark:new_field* verdict:verified", toast=True), before=[plain] * BASELINE
    ) as alerted:
        store = alerted.store
        with closing(View(store.reader)) as view:
            await view.set_filter("mark:new_field*")
            assert len(view) == 0
            assert view.catch_up() == 0
            stored = await store.add(more)
            while view.catch_up() == 0:
                await asyncio.sleep(0.01)
            assert view.id_at(0) == stored.id
            await until(lambda: len(alerted.told) == 1)
            assert alerted.told[0].id == f"cap_{stored.id}"
        assert await alerted.add(plain) == []


@pytest.mark.parametrize("said", [VerdictStatus.VERIFIED, VerdictStatus.INVALID])
async def test_wait_finds_of_what_was_imported_what_moves_its_message(tmp_path: Path, said: VerdictStatus) -> None:
    verdict = claimed_by_file(said.value, "as the file says", None)
    async with storing(tmp_path / "h.db") as store:
        await put(store, played("volt", "delivered", source=Source.IMPORTED, verdict=verdict))
        with closing(MessageReader(store.path)) as reader:
            found = Watch(reader, parse("status:delivered"), reader.last_id()).existing(1)
            assert bool(found) is (said is VerdictStatus.VERIFIED)


async def test_wait_finds_what_is_there_behind_captures_that_do_not_count(tmp_path: Path) -> None:
    sent, delivered = played("volt", "delivered")
    forged = replace(sent, verdict=Verdict(VerdictStatus.INVALID, ""))
    async with storing(tmp_path / "h.db") as store:
        number, *_ = await put(store, [sent, delivered, sent, *[forged] * 5])
        with closing(MessageReader(store.path)) as reader:
            for count in (1, 2):
                found = Watch(reader, parse("status:sent"), reader.last_id()).existing(count)
                assert [getattr(one, "id", None) for one in found] == [number]


async def test_wait_finds_a_mark(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        sent = played("volt", "delivered")[0]
        await put(store, [sent] * BASELINE)
        with closing(MessageReader(store.path)) as reader:
            waiting = Watch(reader, parse("mark:new_field:campaign"), reader.last_id())
            more = replace(sent, request=make_request(sent.request.body[:-1] + b',"campaign":1}'))
            number = (await store.add(more)).id
            found: list[Match] = []
            while not found:
                await asyncio.sleep(0.01)
                found = waiting.look()
            assert [getattr(one, "id", None) for one in found] == [number]
