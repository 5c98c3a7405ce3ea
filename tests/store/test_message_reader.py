"""Messages and conversations as lists and alerts ask for them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.model.conversation import Bubble
from monitor.model.filter import parse
from monitor.model.reading import Reading, Status
from monitor.services.conversations import ConversationView
from monitor.services.messages import MessageView
from monitor.store.filter_sql import compile_filter, compile_message_filter
from monitor.store.message_reader import MessageReader, Order
from monitor.store.message_rows import BEGINNING
from monitor.store.retention import SCAN, RetentionReader
from tests.factory import make_capture, storing
from tests.services.histories import NOW, told


async def test_captures_know_their_message_and_their_conversation(tmp_path: Path) -> None:
    plain = replace(make_capture(reading=Reading(event="ping")), provider="volt", marks=())
    said = told("one", Status.SENT)
    assert said.reading is not None
    unnamed = replace(said, reading=replace(said.reading, message=None), provider="connectly")
    about = replace(said, reading=Reading(event="conversation.created", conversation=said.reading.conversation))
    async with storing(tmp_path / "h.db") as store:
        for capture in (said, plain, unnamed, about, told("one", Status.DELIVERED, wait=3)):
            await store.add(capture)
        await store.caught_up()
        with closing(MessageReader(tmp_path / "h.db")) as reader:
            assert reader.ready()
            links = {number: reader.links(number) for number in range(1, 7)}
            assert reader.message_number("volt:one") == links[1][0]
            assert links[1] == links[5]
            assert None not in links[1]
            assert (links[2], links[6]) == ((None, None), (None, None))
            assert None not in links[3]
            assert links[3][0] != links[1][0]
            assert links[4][0] is None
            assert reader.waits(100) == {"volt": [3.0]}
            everything = compile_filter(parse(""), NOW)
            assert reader.matching_apart(everything, 1, 5) == [2, 4]


async def test_what_changed_behind_a_mark_and_which_messages_pass(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        for number in range(6):
            await store.add(told(f"m{number}", Status.SENT, ago=60 - number, to=f"+1555555010{number}"))
        await store.caught_up()
        with closing(MessageReader(tmp_path / "h.db")) as reader:
            mark = reader.watermark()
            every = compile_message_filter(parse(""), NOW)
            one = compile_message_filter(parse('text:"text of m4"'), NOW)
            assert reader.message_ids_between(every, 2, 4) == [2, 3, 4]
            assert reader.message_ids_between(one, 1, 6) == [5]
            assert reader.message_ids_between(one, 1, 4) == []
            assert [row.last_text for row in reader.changed_conversations(0, mark, one)] == ["text of m4"]
            assert len(reader.changed_conversations(0, mark, one, every=True)) == 6
            assert reader.changed_conversations(mark, mark + 10, every) == []
            talk = reader.changed_conversations(0, mark, one)[0]
            assert talk.conversation("sent").status == "sent"
            assert reader.links(5)[1] == talk.id
        await store.add(told("m4", Status.FAILED, ago=56, to="+15555550104"))
        await store.caught_up()
        with closing(MessageReader(tmp_path / "h.db")) as reader:
            again = reader.changed_conversations(mark, reader.watermark(), every)
            assert [row.last_text for row in again] == ["text of m4"]


@pytest.mark.parametrize(
    "text",
    ["m1", "-m1", "mark:duplicate", "-mark:duplicate", "mark:~dup", "message:volt:m1", "-message:*2", "media:image*",
     "mark:late or text:m2", "status:sent -media:*"],
)  # fmt: skip
async def test_what_changed_passes_as_all_that_is_there_does(tmp_path: Path, text: str) -> None:
    async with storing(tmp_path / "h.db") as store:
        for number in range(3):
            await store.add(told(f"m{number}", Status.SENT, ago=60 - number))
        await store.caught_up()
        where = compile_message_filter(parse(text), NOW)
        with closing(MessageReader(tmp_path / "h.db")) as reader:
            passing = sorted(reader.message_ids(Order.NEWEST, where, 10))
            assert [number for number, passes in reader.touched_messages(0, where) if passes] == passing
            changes = reader.changes(0, reader.watermark(), where)
            assert [change.number for change in changes if change.message is not None] == passing


async def test_what_changed_is_found_without_a_walk_through_all_messages(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        await store.add(told("m1", Status.SENT, ago=60))
        await store.caught_up()
    with closing(MessageReader(tmp_path / "h.db")) as reader:
        asked: list[str] = []
        reader._db.set_trace_callback(asked.append)
        reader.touched_messages(0, compile_message_filter(parse("status:sent text:m"), NOW))
        reader._db.set_trace_callback(None)
        plan = reader._all(f"EXPLAIN QUERY PLAN {asked[0]}")
    assert "INDEX messages_touched (touched>?)" in plan[0][3]


async def test_screens_hold_only_the_beginnings_of_long_texts(tmp_path: Path) -> None:
    path, texts = tmp_path / "h.db", ["ä" * 100_000, "a\0b"]
    async with storing(path) as store:
        for number, text in enumerate(texts):
            capture = told(f"m{number}", Status.SENT, ago=60 - number)
            assert capture.reading is not None
            await store.add(replace(capture, reading=replace(capture.reading, text=text)))
        await store.caught_up()
    with closing(MessageReader(path)) as reader:
        assert [one.text for one in reader.messages([1, 2]).values()] == texts
        stretch = reader.stretch(reader.conversations(1)[0].id)
        assert [one.message.text for one in stretch.items if isinstance(one, Bubble)] == texts
    messages, conversations = MessageView(lambda: MessageReader(path)), ConversationView(lambda: MessageReader(path))
    with closing(messages), closing(conversations):
        await messages.load()
        await conversations.load()
        thread = await conversations.thread(conversations.rows[0].row.id)
        assert {len(one.row.last_text or "") for one in conversations.rows} <= {BEGINNING, len(texts[1])}
        brief = [texts[0][:BEGINNING], texts[1]]
        assert [one.text for one in messages.messages(0, 2) if one] == brief[::-1]
        assert [one.message.text for one in thread.items if isinstance(one, Bubble)] == brief


async def test_how_many_captures_may_go(tmp_path: Path) -> None:
    async with storing(tmp_path / "h.db") as store:
        for number in range(5):
            await store.add(told(f"m{number}", Status.SENT, ago=500 - 100 * number))
        await store.caught_up()
        with closing(RetentionReader(tmp_path / "h.db")) as reader:
            assert [reader.expired_count(NOW - timedelta(seconds=ago)) for ago in (600, 350, 0)] == [0, 2, 5]
            assert reader.expired(NOW, 4) == ([4, 5], 4 + SCAN)
