"""Importing, backing up and pruning from the screens, while the monitor receives."""

from __future__ import annotations

import asyncio
import stat
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from monitor.model.capture import Capture, Source
from monitor.model.filter import parse
from monitor.services.export.base import Format
from monitor.services.export.exporting import export
from monitor.services.monitor import Settings
from monitor.store import retention
from monitor.store.intake import STEP
from monitor.store.reader import Reader
from monitor.store.store import Store
from monitor.ui.screens.backup import BackupScreen
from monitor.ui.screens.importing import ImportScreen
from monitor.ui.screens.prune import PruneQuestion, PruneScreen
from tests.factory import storing
from tests.ui.screens import NOW, plain_captures, screens

TRAP = "\x1b]52;c;aGk=\x07‮[/nope]"


async def file_of(folder: Path, number: int) -> Path:
    """A file with so many captures, from a store of its own."""
    folder.mkdir()
    async with storing(folder / "other.db") as store:
        for capture in plain_captures(number):
            await store.add(capture)
    export(folder / "other.db", parse(""), Format.BUNDLE, folder / "some.hooktop")
    return folder / "some.hooktop"


def sources(path: Path) -> list[Source]:
    with closing(Reader(path)) as reader:
        return [capture.source for capture in reader.page(limit=10_000)]


def aged(number: int) -> list[Capture]:
    """Captures a day apart, the newest of today, each of a message of its own."""
    return [
        replace(c, received_at=NOW - timedelta(days=number - n), reading=replace(c.reading, message=f"volt:{n}"))
        for n, c in enumerate(plain_captures(number), 1)
        if c.reading is not None
    ]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.slow
async def test_a_file_is_read_then_taken_in_while_webhooks_come(tmp_path: Path, size: tuple[int, int]) -> None:
    file = await file_of(tmp_path / "from", 300)
    async with screens(tmp_path, plain_captures(2), size=size) as s:
        await s.press("I")
        assert "labelled imported" in s.screen_text()
        await s.fill(file=str(file))
        await s.press("enter")
        await s.until(lambda: "300 captures" in s.screen_text())
        assert len(sources(s.monitor.store.path)) == 2  # read, and nothing kept yet
        await s.press("enter")
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.post(f"{s.monitor.url}/generic", content=b"{}")).status_code == 200
        await s.until(lambda: s.app.session.importing is None)
        assert s.top() is s.live
        await s.until(lambda: "303 captures" in s.screen_text())
        assert "Imported 300 captures" in s.screen_text()
        found = sources(s.monitor.store.path)
        assert (found.count(Source.IMPORTED), found.count(Source.NETWORK)) == (300, 3)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"not captures at all", "is neither JSON lines nor an HTTP archive"),
        (b'{"kind": "capture"}\n', "some.jsonl"),
        (b"", "holds no captures"),
        (b"SQLite format 3\0" + bytes(100), "Nothing can be read"),
    ],
)
@pytest.mark.slow
async def test_a_file_that_is_none_says_so_and_changes_nothing(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "some.jsonl"
    file.write_bytes(content)
    async with screens(tmp_path, plain_captures(2)) as s:
        await s.press("I")
        await s.fill(file=str(file))
        await s.press("enter", "enter")
        await s.until(lambda: said in s.screen_text())
        assert isinstance(s.top(), ImportScreen)
        await s.fill(file=str(tmp_path / f"no{TRAP}"))
        await s.press("enter")
        await s.until(lambda: "cannot be read" in s.screen_text())
        assert "\x1b]52" not in s.screen_text()
        await s.press("escape")
        assert len(sources(s.monitor.store.path)) == 2


@pytest.mark.slow
async def test_of_a_damaged_database_it_says_what_is_lost_before_it_takes_the_rest(tmp_path: Path) -> None:
    await file_of(tmp_path / "from", 300)
    file = tmp_path / "from" / "other.db"
    whole = bytearray(file.read_bytes())
    page = whole.index(plain_captures(300)[149].request.body) // 4096
    whole[page * 4096 : (page + 1) * 4096] = bytes(4096)
    file.write_bytes(whole)
    async with screens(tmp_path, plain_captures(2)) as s:
        await s.press("I")
        await s.fill(file=str(file))
        await s.press("enter")
        await s.until(lambda: "of 300 captures can be read" in s.screen_text())
        await s.press("enter")
        await s.until(lambda: s.app.session.importing is None)
        assert 250 < sources(s.monitor.store.path).count(Source.IMPORTED) < 300


async def test_an_import_that_the_end_breaks_off_leaves_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await file_of(tmp_path / "from", 300)
    async with screens(tmp_path) as s:
        await s.press("I")
        await s.fill(file=str(file))
        await s.press("enter")
        await s.until(lambda: "300 captures" in s.screen_text())
        take_in_part, parts = s.monitor.store.take_in_part, 0

        async def third_takes_long(captures: Sequence[Capture]) -> None:
            nonlocal parts
            parts += 1
            await take_in_part(captures)
            if parts == 3:
                await asyncio.Event().wait()

        monkeypatch.setattr(s.monitor.store, "take_in_part", third_takes_long)
        await s.pilot.press("enter")
        await s.until(lambda: parts == 3 and len(sources(s.monitor.store.path)) == 3 * STEP)
        await s.app.action_quit()
    assert f"of some.hooktop ended early: {3 * STEP} of its 300 captures stay" in (s.app.session.broken_off or "")


@pytest.mark.slow
async def test_reading_a_file_can_be_broken_off(tmp_path: Path) -> None:
    file = await file_of(tmp_path / "from", 2_000)
    async with screens(tmp_path) as s:
        await s.press("I")
        await s.fill(file=str(file))
        await s.pilot.press("enter")
        await s.pilot.press("escape")
        await s.done()
        assert s.top() is s.live
        assert sources(s.monitor.store.path) == []
        assert s.app.session.importing is None


async def test_a_backup_is_whole_private_and_takes_the_place_of_nothing(tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    async with screens(tmp_path, plain_captures(20), size=(80, 24)) as s:
        await s.press("B")
        assert "share it with care" in s.screen_text()
        await s.fill(file=str(target))
        await s.press("enter")
        await s.until(lambda: not isinstance(s.top(), BackupScreen))
        assert "Copied the database" in s.screen_text()
        assert len(sources(target)) == 20
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
        before = target.read_bytes()
        await s.press("B")
        await s.fill(file=str(target))
        await s.press("enter")
        await s.until(lambda: "such a file already" in s.screen_text())
        assert target.read_bytes() == before
        assert not target.with_name("copy.db.part").exists()


@pytest.mark.slow
async def test_pruning_names_the_numbers_asks_and_offers_a_backup(tmp_path: Path) -> None:
    async with screens(tmp_path, aged(60), size=(80, 24)) as s:
        await s.monitor.store.caught_up()
        await s.press("P")
        await s.until(lambda: "29 captures of 60 go for good" in s.screen_text())
        await s.fill(much="10d")
        await s.until(lambda: "49 captures of 60 go for good" in s.screen_text())
        assert "11 stay" in s.screen_text()
        await s.press("enter")
        await s.until(lambda: isinstance(s.top(), PruneQuestion))
        assert "49 captures of 60 go for good" in s.screen_text()
        await s.press("enter")  # the answer that nobody gave is no
        assert isinstance(s.top(), PruneQuestion)
        await s.press("B")
        await s.fill(file=str(tmp_path / "before.db"))
        await s.press("enter")
        await s.until(lambda: isinstance(s.top(), PruneQuestion))
        assert len(sources(tmp_path / "before.db")) == 60
        await s.press("D")
        await s.until(lambda: s.top() is s.live)
        assert "Deleted 49 captures; 11 were left." in s.screen_text()
        assert len(sources(s.monitor.store.path)) == 11
        await s.until(lambda: len(s.app.session.view) == 11)


@pytest.mark.slow
async def test_pruning_by_number_and_leaving_all_as_it_is(tmp_path: Path) -> None:
    async with screens(tmp_path, aged(12)) as s:
        await s.monitor.store.caught_up()
        await s.press("P", "right")
        await s.until(lambda: "Nothing goes: all of the 12 captures stay" in s.screen_text())
        await s.press("enter")
        await s.until(lambda: "Nothing would go" in s.screen_text())
        await s.fill(much="many")
        await s.until(lambda: "Write a whole number" in s.screen_text())
        assert "Nothing would go" not in s.screen_text()  # that was said of another number
        await s.fill(much="4")
        await s.until(lambda: "8 captures of 12 go for good" in s.screen_text())
        await s.press("enter")
        await s.until(lambda: isinstance(s.top(), PruneQuestion))
        await s.press("escape")
        await s.until(lambda: isinstance(s.top(), PruneScreen))
        await s.press("escape")
        assert s.top() is s.live
        assert len(sources(s.monitor.store.path)) == 12


async def test_a_deletion_can_be_broken_off(tmp_path: Path) -> None:
    """What is gone is gone, and counts and lists know of it."""
    async with screens(tmp_path, aged(900)) as s:
        await s.monitor.store.caught_up()
        steps: list[int] = []

        def told(gone: int) -> None:
            steps.append(gone)

        gone = await s.monitor.store.prune(NOW + timedelta(days=1), progress=told, stop=lambda: bool(steps))
        assert steps == [gone] == [retention.STEP]
        await s.until(lambda: len(s.app.session.view) == 900 - gone)
        assert s.monitor.feed.total == 900 - gone


async def test_how_far_a_deletion_came_that_the_end_of_the_screens_broke_off_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with screens(tmp_path, aged(12)) as s:
        told = asyncio.Event()

        async def prune(before: datetime, progress: Callable[[int], None], stop: Callable[[], bool]) -> int:
            progress(7)
            told.set()
            await asyncio.Event().wait()
            return 8

        monkeypatch.setattr(s.monitor.store, "prune", prune)
        await s.press("P")
        await s.fill(which="all but the newest")
        await s.fill(much="4")
        await s.press("enter")
        await s.until(lambda: isinstance(s.top(), PruneQuestion))
        await s.pilot.press("D")
        await told.wait()
        await s.app.action_quit()
    assert s.app.session.broken_off == "The deletion ended early: 7 of 8 captures are gone."


@pytest.mark.parametrize(("key", "module"), [("B", "backup"), ("E", "export")])
async def test_what_the_end_of_the_screens_left_unwritten_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, module: str
) -> None:
    writing, over = threading.Event(), threading.Event()

    def slow(*_: object, **__: object) -> int:
        writing.set()
        over.wait(10)
        return 1

    monkeypatch.setattr(f"monitor.ui.screens.{module}.{module}", slow)
    async with screens(tmp_path, plain_captures(2)) as s:
        await s.press(key)
        await s.fill(file=str(tmp_path / "some.file"))
        await s.pilot.press("enter")
        await s.until(writing.is_set)
        await s.app.action_quit()
        over.set()
    assert s.app.session.broken_off == f"The {module} ended early: some.file was not written."


@pytest.mark.parametrize("settings", [Settings(read_only=True), Settings(read_only=True, opened="some.hooktop")])
@pytest.mark.slow
async def test_read_only_takes_away_what_changes(tmp_path: Path, settings: Settings) -> None:
    async with screens(tmp_path, plain_captures(2), settings=settings, size=(120, 60)) as s:
        await s.press("I")
        assert s.top() is s.live
        assert "only watches" in s.screen_text()
        await s.press("P")
        assert s.top() is s.live
        await s.press("question_mark")
        text = s.screen_text()
        assert "Import the captures" not in text
        assert "Delete old captures" not in text
        assert "Copy the database" in text
        await s.press("escape", "B")
        assert isinstance(s.top(), BackupScreen)


@pytest.mark.parametrize(("opened", "says"), [(None, True), ("some.hooktop", False)])
async def test_only_what_receives_says_so(tmp_path: Path, opened: str | None, says: bool) -> None:
    settings = Settings(read_only=True, opened=opened)
    async with screens(tmp_path, plain_captures(2), settings=settings, size=(120, 60)) as s:
        assert ("space pause" in s.screen_text()) is says
        await s.press("question_mark")
        assert ("go on being received" in s.screen_text()) is says
        await s.press("escape", "B")
        assert ("receiving goes on" in s.screen_text()) is says
        await s.press("escape")
        await s.pilot.resize_terminal(40, 12)
        await s.settle()
        assert "at least" in s.screen_text()
        assert ("received and stored" in " ".join(s.screen_text().split())) is says


async def test_the_store_takes_in_parts_between_the_commits_of_others(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "h.db")
    store.start()
    many = [replace(capture, source=Source.IMPORTED) for capture in plain_captures(64)]
    await asyncio.gather(*[store.take_in_part(many) for _ in range(5)], *[store.add(c) for c in plain_captures(5)])
    await store.stop()
    found = sources(tmp_path / "h.db")
    assert (found.count(Source.IMPORTED), found.count(Source.NETWORK)) == (320, 5)
