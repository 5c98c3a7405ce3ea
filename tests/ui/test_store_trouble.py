"""Keys that read the store while it fails: they say so, and the screens go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.model.filter import parse
from monitor.store.errors import StoreUnavailableError
from monitor.store.message_reader import MessageReader
from monitor.store.reader import Reader
from monitor.ui.jumps import ShowMessage
from monitor.ui.screens.conversations import ThreadScreen
from tests.ui.screens import mixed_captures, screens
from tests.ui.test_conversations import conversations
from tests.ui.test_conversations import post as say
from tests.ui.test_messages import messages, post, view
from tests.ui.test_replay import scene

SAID = "The database cannot be read"


@pytest.mark.parametrize("key", ["m", "c", "r"])
async def test_a_key_of_the_live_view_says_that_the_store_fails(tmp_path: Path, key: str) -> None:
    async with scene(tmp_path, mixed_captures(), size=(80, 24)) as s:
        s.app.session._linker.close()
        s.app.session.inspector.close()
        await s.press("k", key)
        assert SAID in s.toasts()
        assert s.top() is s.live


@pytest.mark.slow
async def test_completing_a_filter_does_without_the_store(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures(), size=(80, 24)) as s:
        s.app.session.view._windows.clear()
        s.app.session.view._reader.close()
        await s.press("slash", *"event:", "m")
        assert s.app.return_code is None
        assert s.live.typing


@pytest.mark.slow
async def test_the_view_of_messages_goes_on_without_the_store(tmp_path: Path) -> None:
    async with messages(tmp_path) as (volt, s):
        await post(volt, s, volt.body("a", "sent"))
        view(s).view._reader.close()
        await s.press("o")
        assert "STORE UNREADABLE" in s.screen_text()
        view(s).view._filter = parse("status:failed")  # it has to read anew
        s.app.post_message(ShowMessage(99))
        await s.until(lambda: SAID in s.toasts())


@pytest.mark.slow
async def test_a_thread_of_its_own_goes_on_without_the_store(tmp_path: Path) -> None:
    async with conversations(tmp_path, size=(80, 24)) as (volt, s):
        await say(volt, s, volt.body("a", "sent"))
        await s.press("enter")
        shown = s.top()
        assert isinstance(shown, ThreadScreen)
        await s.until(lambda: shown.pane.items.count() > 0)
        s.app.session._linker.close()
        shown._view.close()
        s.app.frame()
        await s.until(lambda: "STORE UNREADABLE" in s.screen_text())
        await s.press("enter")
        assert s.app.return_code is None


async def test_a_list_of_conversations_that_cannot_be_read_says_so_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with conversations(tmp_path) as (volt, s):
        await say(volt, s, volt.body("a", "sent"))
        with monkeypatch.context() as failing:

            def damaged(*_: object, **__: object) -> None:
                raise StoreUnavailableError("the database is damaged")

            failing.setattr(MessageReader, "conversations_with", damaged)
            await s.press("slash", *"text:a", "enter")
            for _ in range(2):  # it stays
                s.tick()
                await s.settle()
                assert "STORE UNREADABLE" in s.screen_text()

        def mended() -> bool:
            s.tick()
            return "STORE UNREADABLE" not in s.screen_text()

        await s.until(mended)
        assert "text of a" in s.screen_text()


@pytest.mark.parametrize(
    ("key", "reader", "reads"), [("1", Reader, "matching"), ("2", MessageReader, "message_ids_between")]
)
async def test_a_filter_that_could_not_look_at_everything_says_so_until_another_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, reader: type[Reader], reads: str
) -> None:
    async with screens(tmp_path, mixed_captures()) as s:
        await s.monitor.store.caught_up()
        await s.press(key)
        with monkeypatch.context() as failing:

            def damaged(*_: object, **__: object) -> None:
                raise StoreUnavailableError("the database is damaged")

            failing.setattr(reader, reads, damaged)
            await s.press("slash", *"to:*", "enter")
            for _ in range(2):  # it stays
                s.tick()
                await s.settle()
                assert "STORE UNREADABLE" in s.screen_text()
        await s.press("slash", *" -x", "enter")
        s.tick()
        await s.settle()
        assert "STORE UNREADABLE" not in s.screen_text()
