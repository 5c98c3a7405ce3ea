"""The table of actions."""

from __future__ import annotations

from collections import Counter

import pytest

from monitor.ui.actions import ACTIONS, CONTEXTS, TOGETHER, Action, key_name, of
from monitor.ui.app import HooktopApp
from monitor.ui.painted import cells
from monitor.ui.screens.filtered import FilteredScreen
from monitor.ui.screens.help import help_lines
from monitor.ui.screens.live import LiveScreen
from monitor.ui.screens.messages import MessagesScreen
from monitor.ui.screens.webhooks import WebhooksScreen
from monitor.ui.widgets.bars import KeyBar
from monitor.ui.widgets.capture_list import CaptureList
from monitor.ui.widgets.detail import Detail
from monitor.ui.widgets.filter_bar import FilterBar
from monitor.ui.widgets.find_line import FindLine
from monitor.ui.widgets.pane import Pane
from monitor.ui.widgets.rows import Cursor

HOLDERS = {
    "everywhere": HooktopApp, "live": LiveScreen, "list": CaptureList, "detail": Detail, "filter": FilterBar,
    "messages": MessagesScreen, "filtered": FilteredScreen, "rows": Cursor, "pane": Pane,
    "webhooks": WebhooksScreen, "find": FindLine,
}  # fmt: skip


@pytest.mark.parametrize("context", CONTEXTS)
def test_no_key_means_two_things_in_one_context(context: str) -> None:
    assert any(context in contexts for contexts in TOGETHER)
    for contexts in TOGETHER:
        keys = Counter(key for name in contexts for action in of(name) for key in action.keys)
        if "pane" in contexts:  # esc goes back one step, wherever it is pressed
            keys["escape"] = 1
        assert [key for key, number in keys.items() if number > 1] == []


def test_one_name_has_the_same_keys_everywhere() -> None:
    """A keymap names actions without their context."""
    assert len({(action.id, action.keys) for action in ACTIONS}) == len({action.id for action in ACTIONS})


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: f"{action.context}.{action.id}")
def test_every_action_exists_and_is_documented(action: Action) -> None:
    assert action.context in CONTEXTS
    assert callable(getattr(HOLDERS[action.context], f"action_{action.id}"))
    helped = "\n".join(line.text for line in help_lines(lambda _: True))
    assert action.help in helped
    assert key_name(action.keys[0]) in helped
    assert action.help
    assert not action.help.endswith(".")


def test_ids_are_unique_in_a_context() -> None:
    assert max(Counter((action.context, action.id) for action in ACTIONS).values()) == 1


@pytest.mark.parametrize(
    "contexts",
    [
        ("list", "live", "everywhere"),
        ("detail", "everywhere"),
        ("filter",),
        ("rows", "messages", "filtered", "everywhere"),
        ("pane", "rows", "filtered", "everywhere"),
        ("rows", "webhooks", "everywhere"),
    ],
)
def test_the_footer_has_few_keys_and_fits_80_columns(contexts: tuple[str, ...]) -> None:
    shown = [action for context in contexts for action in of(context) if action.footer]
    assert 4 <= len(shown) <= 9
    width = sum(cells([(f" {key_name(action.keys[0])} {action.label} ", "plain")]) for action in shown)
    assert width <= 80
    assert KeyBar is not None


def test_help_leaves_out_what_read_only_takes_away() -> None:
    text = "\n".join(line.text for line in help_lines(lambda action: not action.changes))
    assert "simulated" not in text
