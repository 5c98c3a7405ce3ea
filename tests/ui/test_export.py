"""The overlay that writes captures into a file."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path

import pytest

from monitor.ui.screens.export import ExportScreen
from monitor.ui.screens.work import WorkScreen
from tests.ui.screens import Screens, plain_captures, screens


async def chosen(s: Screens, *keys: str, file: Path | None = None) -> None:
    """Open the overlay, press keys, name the file."""
    await s.press("E", *keys)
    if file is not None:
        await s.fill(file=str(file))
    await s.press("enter")
    await s.until(lambda: not isinstance(s.app.screen, ExportScreen))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.slow
async def test_what_passes_the_filter_is_written(tmp_path: Path, size: tuple[int, int]) -> None:
    async with screens(tmp_path, plain_captures(30), size=size) as s:
        await s.app.session.view.set_filter("id>=11")
        file = tmp_path / "some.jsonl"
        await s.press("E")
        text = s.screen_text()
        assert "id>=11" in text
        assert "jsonl" in text
        await s.press("escape")
        await chosen(s, file=file)
        assert [json.loads(line)["id"] for line in file.read_text().splitlines()] == list(range(11, 31))
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        await chosen(s, "right", file=tmp_path / "one.jsonl")  # the capture under the cursor
        assert len((tmp_path / "one.jsonl").read_text().splitlines()) == 1
        assert "Wrote" in s.screen_text()


async def test_what_was_marked_is_offered_first(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(6)) as s:
        await s.app.session.view.set_filter("id<=5")
        await s.press("g", "v", "j", "v", "E")
        assert "the marked: 2 captures" in s.screen_text()
        await s.fill(file=str(tmp_path / "marked.hooktop"), form="bundle")
        await s.press("enter")
        await s.until(lambda: not isinstance(s.app.screen, ExportScreen))
    with zipfile.ZipFile(tmp_path / "marked.hooktop") as bundle:
        assert [json.loads(line)["id"] for line in bundle.read("captures.jsonl").splitlines()] == [1, 3]
        assert json.loads(bundle.read("manifest.json"))["filter"] == "id:1 or id:3"


@pytest.mark.slow
async def test_masked_and_in_another_form(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3)) as s:
        await s.press("E", "right", "tab", "right")
        assert ".har" in s.screen_text()
        await s.press("tab", "right")
        assert "may be shared" in s.screen_text()
        await s.fill(file=str(tmp_path / "masked.har"))
        await s.press("enter")
        await s.until(lambda: not isinstance(s.app.screen, ExportScreen))
        text = (tmp_path / "masked.har").read_text()
        assert len(json.loads(text)["log"]["entries"]) == 3
        assert "5550123" not in text


@pytest.mark.slow
async def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    file = tmp_path / "there.jsonl"
    file.write_text("mine")
    async with screens(tmp_path, plain_captures(3)) as s:
        await s.press("E")
        await s.fill(file=str(file))
        await s.press("enter")
        await s.until(lambda: "such a file already" in s.screen_text())
        assert file.read_text() == "mine"
        await s.press("escape")
        assert s.app.screen is s.live


@pytest.mark.parametrize("key", ["E", "B", "I"])
@pytest.mark.parametrize(
    ("name", "said"),
    [("~nobody-has-this-name/x", "cannot be"), ("n" * 300, "cannot be"), ("x\0y", "could not be done (ValueError)")],
    ids=["home", "long", "nul"],
)
@pytest.mark.slow
async def test_a_name_that_no_file_can_have_ends_nothing(tmp_path: Path, key: str, name: str, said: str) -> None:
    async with screens(tmp_path, plain_captures(3)) as s:
        await s.press(key)
        await s.fill(file=name)
        await s.press("enter")
        assert said in s.screen_text()
        assert isinstance(s.app.screen, WorkScreen)
        await s.press("escape")
        assert s.top() is s.live


async def test_a_name_that_begins_with_a_tilde_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with screens(tmp_path, plain_captures(3)) as s:
        await chosen(s, file=Path("~draft.jsonl"))
    assert (tmp_path / "~draft.jsonl").is_file()


async def test_the_filter_is_masked_with_the_screen(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3)) as s:
        await s.app.session.view.set_filter("-from:+15555550123")
        await s.press("x", "E")
        assert "captures that pass" in s.screen_text()
        assert "5550123" not in s.screen_text()
