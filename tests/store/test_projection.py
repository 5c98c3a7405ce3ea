"""Messages and conversations, folded from stored readings."""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from monitor.jsonbody import parse
from monitor.model.capture import Capture, Request, Source
from monitor.model.conversation import Bubble
from monitor.model.event import Event
from monitor.model.filter import FilterError
from monitor.model.filter import parse as parse_filter
from monitor.model.lifecycle import fold
from monitor.model.message import Mark, Message
from monitor.model.reading import Status
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.providers.registry import registry
from monitor.sandbox import cast
from monitor.store import projection
from monitor.store.connection import connect
from monitor.store.filter_sql import Where, compile_message_filter
from monitor.store.message_reader import MessageReader, Order
from monitor.store.stats_reader import StatsReader
from monitor.store.store import Store
from monitor.ui.screens.failures import filter_for
from tests.corpora import payload_index
from tests.factory import START, make_capture, storing
from tests.services.histories import told

EVERYTHING = Where("TRUE", [], False)
VERIFIED = Verdict(VerdictStatus.VERIFIED, "matched")


def captured(provider: str, body: bytes, verdict: Verdict = VERIFIED, seconds: float = 0) -> Capture:
    request = Request("POST", f"/{provider}", "", (), body, "127.0.0.1:1")
    reading = registry()[provider].read(request, parse(body))
    at = datetime.fromtimestamp(START.timestamp() + seconds, UTC)
    return replace(
        make_capture(), provider=provider, request=request, reading=reading, verdict=verdict, received_at=at, marks=()
    )


def payload(name: str) -> bytes:
    [entry] = [e for e in payload_index() if e["file"] == name]
    body: bytes = entry["body_bytes"]
    return body


@asynccontextmanager
async def stored(path: Path, captures: Iterable[Capture]) -> AsyncIterator[MessageReader]:
    async with storing(path) as store:
        for capture in captures:
            await store.add(capture)
        await store.caught_up()
        with closing(MessageReader(path)) as reader:
            yield reader


def everything(reader: MessageReader) -> dict[str, Message]:
    found = reader.messages(reader.message_ids(Order.NEWEST, EVERYTHING, 10_000)).values()
    return {message.key: message for message in found}


def without_ids(message: Message) -> Message:
    """What does not depend on the numbers that captures happened to get."""
    stages = tuple(replace(stage, capture=0) for stage in message.stages)
    interactions = tuple(replace(one, capture=0) for one in message.interactions)
    return replace(message, stages=stages, interactions=interactions, captures=(), unproven=())


def traffic(seed: int, count: int) -> list[Capture]:
    """Events of many messages of four providers, some twice, at times of their own."""
    rng = Random(seed)
    captures: list[Capture] = []
    while len(captures) < count:
        provider = registry()[rng.choice(["volt", "bird", "connectly", "oneroute"])]
        scenario = rng.choice(provider.scenarios)
        begin = len(captures) * 2.0
        scene = cast.scene(rng, datetime.fromtimestamp(START.timestamp() + begin, UTC), provider.name)
        for event in scenario.build(scene):
            captures.append(captured(provider.name, event.body, seconds=begin + event.after))
            if rng.random() < 0.1:
                captures.append(captured(provider.name, event.body, seconds=begin + event.after + 1))
    return captures


async def test_the_lifecycle_of_the_documents_own_message(tmp_path: Path) -> None:
    captures = [
        captured("volt", payload(f"volt/{name}.json"), seconds=n) for n, name in enumerate(("sent", "delivered"))
    ]
    async with stored(tmp_path / "h.db", captures) as reader:
        [message] = everything(reader).values()
        assert message.key == "volt:40318006-1cae-4997-acbc-fe9a4aadb7dd"
        assert (message.status, message.final) == (Status.DELIVERED, True)
        assert message.latency.accept_to_sent_s == pytest.approx(0.267)
        assert message.latency.sent_to_final_s == pytest.approx(1.134)
        assert message.latency.total_s == pytest.approx(1.401)
        number = reader.message_number(message.key)
        assert number is not None
        assert reader.message(number) == message
        [conversation] = reader.conversations(10)
        assert (conversation.messages, conversation.failed) == (1, 0)
        assert conversation.parties == ("+15555550123", "+15555550145")
        [bubble] = reader.thread(conversation.id)
        assert isinstance(bubble, Bubble)
        assert bubble.message == message


@pytest.mark.parametrize("own_side", [False, True])
async def test_a_message_without_an_id_counts_without_a_text_too(tmp_path: Path, own_side: bool) -> None:
    value = json.loads(payload("oneroute/new_message.json"))
    value["message"] |= {"content": None, "contentType": "STICKER"}
    value["message"]["sender"]["authUser"] = own_side
    sticker = captured("oneroute", json.dumps(value).encode())
    async with stored(tmp_path / "h.db", [sticker]) as reader:
        [message] = everything(reader).values()
        assert (message.text, message.status) == (None, None if own_side else Status.RECEIVED)
        assert [row.messages for row in reader.conversations(10)] == [1]


async def test_every_order_gives_the_same_message(tmp_path: Path) -> None:
    names = ("accepted", "sent", "delivered")
    events = [captured("bird", payload(f"bird/sms_outbound_{name}.json"), seconds=n) for n, name in enumerate(names)]
    events.append(replace(events[2], received_at=events[2].received_at + timedelta(seconds=7)))
    found: set[Message] = set()
    for number, order in enumerate(itertools.permutations(events)):
        async with stored(tmp_path / f"{number}.db", order) as reader:
            [message] = everything(reader).values()
            found.add(without_ids(message))
    [message] = found
    assert message.status is Status.DELIVERED
    assert message.duplicates == 1
    assert message.capture_count == 4


async def test_a_forged_delivered_after_a_real_sent_is_listed_and_moves_nothing(tmp_path: Path) -> None:
    forged = Verdict(VerdictStatus.INVALID, "no match")
    captures = [
        captured("volt", payload("volt/sent.json")),
        captured("volt", payload("volt/delivered.json"), forged, seconds=1),
    ]
    async with stored(tmp_path / "h.db", captures) as reader:
        [message] = everything(reader).values()
        assert message.status is Status.SENT
        assert message.unproven == (2,)


async def test_what_hooktop_sent_again_itself_moves_nothing(tmp_path: Path) -> None:
    replays = [
        replace(captured("volt", payload(f"volt/{name}.json"), seconds=3_600), source=Source.REPLAYED)
        for name in ("sent", "delivered")
    ]
    async with stored(tmp_path / "h.db", [captured("volt", payload("volt/sent.json")), *replays]) as reader:
        [message] = everything(reader).values()
        assert (message.status, message.captures, message.duplicates) == (Status.SENT, (1,), 0)
        assert reader.links(3)[0] == reader.message_number(message.key)  # where it belongs is known all the same


async def test_delivered_and_failed_of_one_message_are_a_conflict(tmp_path: Path) -> None:
    captures = [captured("volt", payload(f"volt/{name}.json")) for name in ("delivered", "failed")]
    async with stored(tmp_path / "h.db", captures) as reader:
        [message] = everything(reader).values()
        assert Mark.CONFLICT in message.marks
        assert message.capture_count == 2


@pytest.mark.slow
async def test_a_flood_of_repeats_is_one_row_with_a_count(tmp_path: Path) -> None:
    captures = [captured("volt", payload("volt/sent.json"), seconds=n) for n in range(700)]
    async with stored(tmp_path / "h.db", captures) as reader:
        [message] = everything(reader).values()
        assert (message.status, message.duplicates, message.capture_count) == (Status.SENT, 699, 700)
        with closing(connect(tmp_path / "h.db", read_only=True)) as db:
            assert db.execute("SELECT count(*) FROM message_events").fetchone()[0] == 1


@pytest.mark.slow
async def test_shuffled_traffic_and_reindexed_traffic_give_the_same(tmp_path: Path) -> None:
    captures = traffic(5, 300)
    shuffled = list(captures)
    Random(1).shuffle(shuffled)
    seen: list[tuple[dict[str, Message], list[tuple[object, ...]]]] = []
    for name, order in (("a", captures), ("b", shuffled)):
        async with stored(tmp_path / f"{name}.db", order) as reader:
            seen.append((everything(reader), summary(reader)))
    (straight, conversations), (other, other_conversations) = seen
    assert {key: without_ids(m) for key, m in straight.items()} == {key: without_ids(m) for key, m in other.items()}
    assert conversations == other_conversations
    store = Store.open(tmp_path / "a.db")
    store.start()
    try:
        await store.reread(lambda capture: capture)
        with closing(MessageReader(tmp_path / "a.db")) as reader:
            assert everything(reader) == straight
            assert summary(reader) == conversations
    finally:
        await store.stop()


def summary(reader: MessageReader) -> list[tuple[object, ...]]:
    return sorted(
        (c.key, tuple(sorted(c.parties)), c.messages, c.failed, c.last_text, c.last_at)
        for c in reader.conversations(10_000)
    )


async def test_after_a_crash_the_rest_is_caught_up(tmp_path: Path) -> None:
    captures = traffic(6, 120)
    async with stored(tmp_path / "h.db", captures) as reader:
        whole = everything(reader)
    with closing(connect(tmp_path / "h.db", read_only=False)) as db:  # as if the program had died behind the commits
        db.execute("BEGIN")
        projection.clear(db)
        projection.advance(db, 37, projection.Events())
        db.execute("COMMIT")
    async with stored(tmp_path / "h.db", []) as reader:
        assert everything(reader) == whole


async def test_what_came_last_is_folded_when_the_store_ends(tmp_path: Path) -> None:
    captures = traffic(6, 120)
    async with stored(tmp_path / "whole.db", captures) as reader:
        whole = everything(reader)
    async with storing(tmp_path / "h.db") as store:
        await asyncio.gather(*(store.add(capture) for capture in captures))
    with closing(MessageReader(tmp_path / "h.db")) as reader:
        assert reader.watermark() == reader.last_id() == len(captures)
        assert everything(reader) == whole


async def test_orders_filters_and_changes(tmp_path: Path) -> None:
    async with stored(tmp_path / "h.db", traffic(7, 300)) as reader:
        messages = everything(reader)

        def keys(order: Order, where: Where = EVERYTHING) -> list[str]:
            numbers = reader.message_ids(order, where, 10_000)
            found = reader.messages(numbers)
            return [found[number].key for number in numbers]

        slow = [messages[key].latency.total_s or 0 for key in keys(Order.SLOWEST)]
        assert slow == sorted(slow, reverse=True)
        assert slow
        assert {messages[key].status for key in keys(Order.FAILED)} == {Status.FAILED}
        assert not any(messages[key].final for key in keys(Order.STUCK))
        where = compile_message_filter(parse_filter("status:delivered provider:volt"), START)
        assert set(keys(Order.NEWEST, where)) == {
            key for key, m in messages.items() if m.status is Status.DELIVERED and m.provider == "volt"
        }
        assert reader.touched_messages(reader.watermark(), EVERYTHING) == []
        assert len(reader.touched_messages(0, EVERYTHING)) == len(messages)
        failed = compile_message_filter(parse_filter("status:failed"), START)
        assert all(one.failed for one in reader.conversations_with(failed, 1000))


async def test_the_conversation_with_the_newest_message_is_first(tmp_path: Path) -> None:
    async with stored(tmp_path / "h.db", traffic(8, 200)) as reader:
        whole = reader.conversations(1000)
        assert len(whole) > 4
        assert [row.last_at for row in whole] == sorted((row.last_at for row in whole), reverse=True)
        assert reader.conversations(3) == whole[:3]


async def test_a_message_that_cannot_be_folded_keeps_no_other_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(events: Sequence[Event], *, forbid_unproven: bool) -> Message:
        if events[0].provider == "bird":
            raise ValueError("odd")
        return fold(events, forbid_unproven=forbid_unproven)

    monkeypatch.setattr(projection, "fold", odd)
    captures = [captured("bird", payload("bird/sms_inbound.json")), captured("volt", payload("volt/sent.json"))]
    async with stored(tmp_path / "h.db", captures) as reader:
        assert [message.provider for message in everything(reader).values()] == ["volt"]


async def test_captures_without_a_proof_move_messages_unless_that_is_forbidden(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    sent, delivered = told("a", Status.SENT), told("a", Status.DELIVERED, verdict=VerdictStatus.NO_KEY)
    other = told("b", Status.SENT, verdict=VerdictStatus.UNSIGNED)

    async def found(trust: bool, *captures: Capture, anew: bool = False) -> tuple[str | None, list[Any]]:
        store = Store.open(path, trust_unproven=trust)
        store.start()
        try:
            for capture in captures:
                await store.add(capture)
            if anew:
                await store.reread(lambda capture: capture, trust_unproven=trust)
            await store.caught_up()
            with closing(MessageReader(path)) as reader:
                whole = [reader.message(number) for number in (1, 3)]
                assert everything(reader) == {one.key: one for one in whole if one is not None}
                return store.notice, [(one.status, one.unproven) for one in whole if one is not None]
        finally:
            await store.stop()

    forbidden = [(Status.SENT, (2,)), (None, (3,))]
    trusted = [(Status.DELIVERED, ()), (Status.SENT, ())]
    assert await found(False, sent, delivered, other) == (None, forbidden)
    notice, still = await found(True)
    assert still == forbidden
    assert notice == (
        "Captures without a signature that could be checked still do not move messages here; run hooktop reindex."
    )
    assert (await found(True, anew=True))[1] == trusted
    assert await found(True) == (None, trusted)
    notice, still = await found(False)
    assert still == trusted
    assert notice is not None
    assert "still move messages" in notice


async def test_a_database_of_the_first_format_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    async with stored(path, traffic(9, 50)) as reader:
        whole = everything(reader)
    with closing(sqlite3.connect(path)) as db:
        for table in ("watermark", "messages", "message_keys", "message_events", "conversations", "conversation_keys"):
            db.execute(f"DROP TABLE {table}")
        db.execute("DROP TABLE conversation_events")
        db.execute("DROP TABLE conversation_ties")
        db.execute("DELETE FROM _sqlite_migrations WHERE name LIKE 'm002%' OR name LIKE 'm007%' OR name LIKE 'm009%'")
        db.execute("PRAGMA user_version = 1")
        db.commit()
    async with stored(path, []) as reader:
        assert everything(reader) == whole
    assert (tmp_path / "h.db.format-1.bak").exists()


async def test_failures_without_a_code_are_grouped_by_their_reason(tmp_path: Path) -> None:
    report = json.loads(payload("oneroute/sms_dlr_undelivered.json"))
    captures = []
    for number, reason in enumerate(("Absent subscriber", "Blacklisted", "Absent subscriber", None)):
        report["conversation"] |= {"id": number, "externalId": f"e{number}", "reason": reason}
        captures.append(captured("oneroute", json.dumps(report).encode(), seconds=number))
    async with stored(tmp_path / "h.db", captures) as reader:
        with closing(StatsReader(tmp_path / "h.db")) as stats:
            groups = stats.failure_groups(EVERYTHING, 10)
        assert [(g.title, g.messages) for g in groups] == [("Absent subscriber", 2), (None, 1), ("Blacklisted", 1)]
        for group in (groups[0], groups[2]):
            where = compile_message_filter(parse_filter(filter_for(group)), START)
            assert len(reader.message_ids(Order.NEWEST, where, 10)) == group.messages


async def test_filters_find_messages_by_what_they_became(tmp_path: Path) -> None:
    async with stored(tmp_path / "h.db", traffic(11, 200)) as reader:
        messages = everything(reader).values()

        def found(text: str) -> set[str]:
            where = compile_message_filter(parse_filter(text), START + timedelta(hours=1))
            numbers = reader.message_ids(Order.NEWEST, where, 10_000)
            return {message.key for message in reader.messages(numbers).values()}

        assert found("") == {message.key for message in messages}
        assert found("status:sent") == {m.key for m in messages if m.status is Status.SENT}
        assert found("error:*") == {m.key for m in messages if m.error is not None}
        assert found("latency>2s") == {m.key for m in messages if (m.latency.total_s or 0) > 2}
        assert found("mark:duplicate") == {m.key for m in messages if Mark.DUPLICATE in m.marks}
        some = next(m for m in messages if m.to and m.to.startswith("+44"))
        assert some.to is not None
        assert some.key in found(f'to:"{some.to[:3]} ({some.to[3:7]}) {some.to[7:]}"')
        with pytest.raises(FilterError, match="header can be asked of captures only"):
            found("header.x:1")
