"""What boxes over a screen look like where there is little or much to show: neither empty nor cut without need."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from monitor.account import SETTINGS
from monitor.ui.safety import toast
from monitor.ui.screens.account_form import _label
from monitor.ui.screens.menu import Choice, MenuScreen
from monitor.ui.screens.restore import Occasion, RestoreScreen
from tests.ui.screens import Screens, plain_captures, screens
from tests.ui.test_room import cut
from tests.ui.webhooks import WANTED, only, ours, view

LABELS = 16  # cells of the column that the labels of a form have


@pytest.mark.slow
async def test_a_menu_is_as_wide_as_its_choices_where_there_is_room(tmp_path: Path) -> None:
    long = "https://long.example.com/" + "x" * 60
    async with screens(tmp_path, size=(120, 40)) as s:
        for choices in (
            [Choice("1", "1", "the address", long), Choice("2", "2", "id", "7")],
            [Choice("2", "2", "id", "7")],
        ):
            s.app.push_screen(MenuScreen("Copy", choices))
            await s.settle()
            assert "…" not in s.screen_text()
            assert (long in s.screen_text()) == (len(choices) == 2)
            assert s.top().query_one("#menu").size.width >= 72  # as all menus
            await s.press("escape")


@pytest.mark.slow
async def test_a_mark_of_messages_is_refused_among_captures_and_has_figures(tmp_path: Path) -> None:
    one, two = (replace(capture, marks=()) for capture in plain_captures(2))
    async with screens(tmp_path, [one, two, two]) as s:
        await s.monitor.store.caught_up()
        await s.press("slash", *"mark:duplicate", "enter")
        await s.until(lambda: "duplicate is noticed of messages, not of captures" in s.screen_text())
        await s.press("escape", "2", "slash", *"mark:duplicate", "enter")
        await s.until(lambda: "1/1" in s.screen_text())
        await s.press("S")
        await s.until(lambda: "No capture passes the filter; messages do." in s.screen_text())
        assert "How long it took" in s.screen_text()


async def test_boxes_of_nothing_begin_with_what_they_say(tmp_path: Path) -> None:
    async with view(tmp_path / "4", accounts=only("bird"), seed=ours) as s:
        await s.press("R")
        assert_begins(s, "restore", "Nothing of what hooktop replaced")
    async with screens(tmp_path) as s:
        await s.press("exclamation_mark")
        assert_begins(s, "alerts", "Nothing is watched: ")
        await s.press("escape", "2", "e")
        assert_begins(s, "failures", "No message has failed.")


def assert_begins(s: Screens, box: str, words: str) -> None:
    """The first row of a box has these words, and all that it says fits."""
    assert words in s.screen_text().splitlines()[s.top().query_one(f"#{box}").content_region.y]
    assert cut(s) == []


@pytest.mark.slow
async def test_figures_of_nothing_take_a_line(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3), size=(80, 24)) as s:
        await s.press("slash", *"zzzz", "enter", "S")
        await s.until(lambda: "No capture passes the filter." in s.screen_text())
        await s.until(lambda: s.top().query_one("#stats").size.height == 1)
        await s.press("escape", "escape", "S")
        await s.until(lambda: "verified" in s.screen_text() and s.top().query_one("#stats").size.height > 15)


@pytest.mark.slow
async def test_a_log_of_no_calls_takes_a_line(tmp_path: Path) -> None:
    async with view(tmp_path, size=(80, 24), accounts=lambda accounts: []) as s:
        await s.press("L")
        await s.shows("No call to a provider was made yet.", "esc closes")
        assert s.top().query_one("#api-log").size.height == 1


@pytest.mark.slow
async def test_a_call_that_is_read_names_the_key_that_goes_back(tmp_path: Path) -> None:
    async with view(tmp_path, size=(80, 24), wanted=WANTED, seed=ours) as s:
        await s.press("L")
        await s.shows("enter reads one, y copies it, esc closes")
        await s.press("enter")
        await s.shows("jk scroll, y copies it, esc goes back")
        await s.press("escape")
        await s.shows("enter reads one, y copies it, esc closes")


@pytest.mark.slow
async def test_the_keys_are_those_of_the_pane_in_use(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3), size=(180, 50)) as s:
        assert "enter open" in s.screen_text()
        await s.press("enter", "h", "h")
        assert "▸Signature" in s.screen_text()
        assert "▸Body" in s.screen_text()
        assert "enter fold" not in s.screen_text().splitlines()[-1]
        await s.press("tab")
        assert "enter fold" in s.screen_text().splitlines()[-1]


@pytest.mark.slow
async def test_accounts_that_are_named_as_their_providers_are_not_explained(tmp_path: Path) -> None:
    async with view(tmp_path, size=(80, 24)) as s:
        await s.on("volt")
        await s.press("a")
        await s.shows("Where it is registered.")


@pytest.mark.parametrize("provider", SETTINGS)
def test_labels_of_an_account_fit_their_column_and_differ(provider: str) -> None:
    labels = [_label(setting.name) for setting in SETTINGS[provider]]
    assert max(map(len, labels)) <= LABELS
    assert len(set(labels)) == len(labels)


@pytest.mark.slow
async def test_a_box_below_another_is_seen_again_afterwards(tmp_path: Path) -> None:
    async with screens(tmp_path, size=(80, 24)) as s:
        s.app.push_screen(MenuScreen("Lower", [Choice(str(n), str(n), "below", "") for n in range(9)]))
        await s.settle()
        s.app.push_screen(MenuScreen("Upper", [Choice("1", "1", "above", "")]))
        await s.until(lambda: "above" in s.screen_text() and "below" not in s.screen_text())
        assert "Lower" not in s.screen_text()
        await s.press("escape")
        await s.until(lambda: s.screen_text().count("below") == 9)


@pytest.mark.slow
async def test_what_was_said_does_not_lie_over_a_box_that_is_opened(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3), size=(60, 15)) as s:
        for key in ("I", "P", "y", "S", "question_mark"):
            await s.press("ctrl+c")
            assert "ctrl+q quits" in s.toasts()
            await s.press(key)
            assert "ctrl+q quits" not in s.toasts()
            await s.press("escape")
        toast(s.app, "the database was put aside")
        s.app.push_screen(RestoreScreen(s.app.session, (), Occasion.START))  # which opens by itself
        await s.settle()
        assert "put aside" in s.toasts()
