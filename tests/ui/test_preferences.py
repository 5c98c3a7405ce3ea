"""What the screens remember."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from monitor.services.monitor import Settings
from monitor.ui.preferences import HISTORY, Preferences
from monitor.ui.themes import DEFAULT
from tests.ui.screens import plain_captures, screens


def test_choices_come_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "screens.json"
    kept = Preferences.load(path)
    kept.theme, kept.relative_times = "nord", True
    kept.remember_filter("status:failed")
    again = Preferences.load(path)
    assert (again.theme, again.relative_times, again.filters) == ("nord", True, ["status:failed"])


def test_the_theme_said_last_holds(tmp_path: Path) -> None:
    path = tmp_path / "screens.json"
    assert Preferences.load(path).theme_over("nord") == "nord"
    Preferences.load(path).choose_theme("dracula", "nord")
    again = Preferences.load(path)
    assert again.theme_over("nord") == "dracula"  # the configuration says what it said when it was chosen
    assert again.theme_over("gruvbox") == "gruvbox"  # it says something new
    assert again.theme_over(None) == "dracula"


def test_the_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Preferences.load(tmp_path / "a" / "screens.json").save()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a" / "screens.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "text", ["", "[", "[]", "null", '{"theme": 5, "filters": "x"}', '{"filters": [1, null]}', "[" * 5000, "\x00"]
)
def test_a_broken_file_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "screens.json"
    path.write_text(text)
    kept = Preferences.load(path)
    assert kept.theme_over(None) == DEFAULT
    assert all(isinstance(old, str) for old in kept.filters)


def test_history_is_bounded_and_has_each_filter_once(tmp_path: Path) -> None:
    kept = Preferences.load(tmp_path / "screens.json")
    for n in range(HISTORY + 10):
        kept.remember_filter(f"n{n}")
    kept.remember_filter("n30")
    assert len(kept.filters) == HISTORY
    assert kept.filters[-1] == "n30"
    assert kept.filters.count("n30") == 1
    assert json.loads((tmp_path / "screens.json").read_text())["filters"] == kept.filters


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kept = Preferences.load(tmp_path / "file" / "screens.json")
    kept.remember_filter("x")
    assert kept.filters == ["x"]


def test_another_terminal_keeps_what_it_chose(tmp_path: Path) -> None:
    path = tmp_path / "screens.json"
    Preferences.load(path).remember_filter("old")
    one, other = Preferences.load(path), Preferences.load(path)
    other.masked = True
    other.remember_filter("theirs")
    other.choose_theme("nord", None)
    one.relative_times = True
    one.save()
    one.remember_filter("ours")
    kept = Preferences.load(path)
    assert (kept.masked, kept.theme, kept.relative_times) == (True, "nord", True)
    assert kept.filters == one.filters == ["old", "theirs", "ours"]
    one.masked = True
    one.save()
    one.masked = False
    one.save()  # what was said last holds
    assert not Preferences.load(path).masked


@pytest.mark.slow
async def test_the_mask_stays_on_for_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "screens.json"
    async with screens(tmp_path, plain_captures(1), preferences=path) as s:
        assert "+15555550123" in s.screen_text()
        await s.press("x")
    (tmp_path / "hooktop.db").unlink()
    async with screens(tmp_path, plain_captures(1), preferences=path) as s:
        assert "MASK" in s.screen_text()
        assert "+15555550123" not in s.screen_text()
        await s.press("x")
        assert "MASK" not in s.screen_text()
    assert not Preferences.load(path).masked
    async with screens(tmp_path, preferences=path, settings=Settings(mask=True)) as s:
        assert s.app.session.masked
