"""Keys from the configuration.

``python -m tests.ui.test_keymap`` writes the table of actions in docs/configuration.md anew.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from monitor.config import ConfigError, KeySetting, parse
from monitor.ui.actions import ACTIONS, CONTEXTS, key_name
from monitor.ui.keymap import bound, in_force
from monitor.ui.screens.help import HelpScreen
from monitor.ui.screens.messages import MessagesScreen
from tests.corpora import ROOT
from tests.ui.screens import plain_captures, screens

PAGE = ROOT / "docs" / "configuration.md"
_TABLE = re.compile(r"(<!-- actions: [^>]* -->\n).*?(<!-- /actions -->)", re.DOTALL)
FILE = Path("/there/config.toml")


def settings(**keys: str) -> tuple[KeySetting, ...]:
    text = "[ui.keymap]\n" + "".join(f'{action} = "{written}"\n' for action, written in keys.items())
    return parse(text, FILE, {}).ui.keymap


def keys_of(action: str, context: str, **keys: str) -> tuple[str, ...]:
    return next(one.keys for one in in_force(settings(**keys)) if (one.id, one.context) == (action, context))


def test_without_settings_all_is_as_usual() -> None:
    assert in_force(()) == ACTIONS
    assert bound(ACTIONS) == {}


@pytest.mark.parametrize(
    ("written", "key", "shown"),
    [
        ("Y", "Y", "Y"), ("ctrl+y", "ctrl+y", "^y"), ("^y", "ctrl+y", "^y"),
        ("f5", "f5", "f5"), ("$", "dollar_sign", "$"),
        ("+", "plus", "+"), ("-", "minus", "-"), ("ö", "ö", "ö"), ("insert", "insert", "insert"),
        ("esc", None, ""), ("pgup", None, ""), ("alt+y", "alt+y", "alt+y"), ("&", "ampersand", "&"),
        ("shift+tab", None, ""), ("ctrl+pgup", "ctrl+pageup", "^pageup"), (",", "comma", ","),
        ("@", "at", "@"), ("_", "underscore", "_"), ("«", "left_pointing_double_angle_quotation_mark", "«"),
    ],
)  # fmt: skip
def test_keys_are_written_as_people_write_them(written: str, key: str | None, shown: str) -> None:
    if key is None:  # understood, and taken already
        with pytest.raises(ConfigError, match="is that of|which goes to"):
            in_force(settings(copy=written))
        return
    assert keys_of("copy", "everywhere", copy=written) == (key,)
    assert key_name(key) == shown


def test_an_action_has_its_keys_wherever_it_is() -> None:
    assert keys_of("replay", "live", replay="Z f6") == ("Z", "f6")
    assert keys_of("replay", "detail", replay="Z f6") == ("Z", "f6")


def test_two_actions_can_change_places() -> None:
    changed = settings(filter="f", find="f", follow="/")
    assert bound(in_force(changed)) == {
        "live.filter": "f", "filtered.filter": "f", "detail.find": "f", "live.follow": "slash",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"quitt": "ctrl+x"}, "line 2: [ui.keymap] quitt is no action; did you mean quit?"),
        ({"copy": "wheel"}, "line 2: [ui.keymap] copy has wheel, which is no key"),
        ({"copy": "ctrl+"}, "which is no key"),
        ({"copy": "shift+y"}, "which is no key"),
        ({"copy": "\\u202e"}, "which is no key"),
        ({"copy": "ctrl+i"}, "a terminal sends tab for it"),
        ({"copy": "ctrl+c"}, "cannot have the key ^c, which copies what is selected"),
        ({"copy": "tab"}, "goes to the next pane"),
        ({"theme": "ctrl+t", "copy": "x"}, "line 3: [ui.keymap] copy has the key x, which is that of mask already"),
        ({"copy": "r"}, "is that of replay already (Live view: "),
        ({"copy": "f5", "theme": "f5"}, "line 3: [ui.keymap] theme has the key f5, which is that of copy already"),
        ({"order": "J"}, "is that of next_entry already"),
        ({"quit": "Q"}, "which is typed into a filter"),
        ({"keep": "space"}, "which is typed into a filter"),
        ({"up": "f5", "cursor_up": "f6", "quit": "up"}, "is that of earlier already"),
    ],
)
def test_mistakes_name_their_line_and_key(keys: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        in_force(settings(**keys))
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{FILE}, line ")


def actions_table() -> str:
    """Every action by its name, with its usual keys and where it is."""
    lines = ["| action | keys | where | does |", "|---|---|---|---|"]
    for name in dict.fromkeys(action.id for action in ACTIONS):
        same = [action for action in ACTIONS if action.id == name]
        keys = " ".join(f"`{key_name(key)}`" for key in same[0].keys)
        where = ", ".join(CONTEXTS[action.context].lower() for action in same)
        lines.append(f"| `{name}` | {keys} | {where} | {same[0].help} |")
    return "\n".join(lines) + "\n"


def with_actions(text: str) -> str:
    """The text of the page with the table of today."""
    return _TABLE.sub(lambda found: found[1] + actions_table() + found[2], text)


def test_the_documentation_names_every_action() -> None:
    text = PAGE.read_text("utf-8")
    assert all(f"| `{action.id}` |" in text for action in ACTIONS)
    assert with_actions(text) == text, "run python -m tests.ui.test_keymap"


@pytest.mark.slow
async def test_footer_help_palette_and_hints_show_the_keys_in_force(tmp_path: Path) -> None:
    actions = in_force(settings(copy="Y", help="f2", follow="space", freeze="f", view_messages="f6", bottom="Z"))
    async with screens(tmp_path, plain_captures(3), size=(140, 60), actions=actions) as s:
        text = s.screen_text()
        assert " Y copy" in text
        assert " y copy" not in text
        assert " f pause" in text
        assert "f6 messages" in text
        await s.press("question_mark")
        assert s.top() is s.live
        await s.press("f2")
        assert isinstance(s.top(), HelpScreen)
        assert "Y             Copy the message" in s.screen_text()
        await s.press("f2")  # closes what it opened
        assert s.top() is s.live
        await s.press("f")
        assert s.app.session.view.frozen
        assert "paused, f goes on" in s.screen_text()
        await s.press("f", "k", "Z")
        assert "paused" not in s.screen_text()
        assert s.follows()
        await s.press("ctrl+p", *"copy")
        await s.until(lambda: "key Y" in s.screen_text())
        await s.press("escape", "2")
        assert s.top() is s.live
        await s.press("f6")
        assert isinstance(s.top(), MessagesScreen)


async def test_quit_with_another_key_works_while_something_is_typed(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3), actions=in_force(settings(quit="ctrl+x"))) as s:
        await s.press("slash", *"xq", "ctrl+q")
        assert "xq" in s.screen_text()
        await s.press("ctrl+x")
        await s.until(lambda: not s.app.is_running)


async def test_keys_of_the_filter_bar_go_over_those_of_the_input(tmp_path: Path) -> None:
    actions = in_force(settings(keep="ctrl+right", complete="enter", give_up="f4", clear="f3", quit="f10"))
    async with screens(tmp_path, plain_captures(3), actions=actions) as s:
        await s.press("slash", *"prov")
        assert re.search(r"provider: .*whether|provider: .*who sent it", s.screen_text())
        await s.press("enter", *"bird")
        assert " f4 clear" in s.screen_text()  # it is still typed
        await s.until(lambda: "f4  shows everything again" in s.screen_text())
        await s.press("ctrl+right")
        assert s.app.session.view.filter_text == "provider:bird"
        await s.until(lambda: "f3  shows everything again" in s.screen_text())
        await s.press("f3", "slash")
        assert " enter\n" in re.sub(" +\n", "\n", s.screen_text())  # completes
        await s.press("f4", "ctrl+c")
        assert "q or f10 quits" in s.toasts()


if __name__ == "__main__":
    PAGE.write_text(with_actions(PAGE.read_text("utf-8")), "utf-8")
