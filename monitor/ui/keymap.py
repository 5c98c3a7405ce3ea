"""Other keys than the usual ones: what ``[ui.keymap]`` of the configuration says, checked against the actions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Final

from textual.keys import Keys, _character_to_key

from monitor.config import ConfigError, KeySetting
from monitor.text import visible
from monitor.ui.actions import ACTIONS, CONTEXTS, KEY_NAMES, TOGETHER, TYPED, Action, key_name

_NAMED: Final = frozenset(
    {key.value for key in Keys if key.value.isascii() and key.value[0].isalpha()} - {"return", "any", "ignore"}
)
_MODIFIERS: Final = ("ctrl+", "alt+", "shift+")
_WRITTEN: Final = {shown: key for key, shown in KEY_NAMES.items() if key in _NAMED} | {
    "del": "delete",
    "bs": "backspace",
}
_ALIKE: Final = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+h": "backspace", "ctrl+@": "ctrl+space"}
_OWN: Final = {
    "ctrl+c": "copies what is selected",
    "ctrl+z": "does nothing, so that receiving goes on",
    "tab": "goes to the next pane or field",
    "shift+tab": "goes to the pane or field before",
}
_BACK: Final = frozenset({"back", "clear"})  # esc goes back one step, wherever it is pressed


def in_force(settings: Iterable[KeySetting]) -> tuple[Action, ...]:
    """The table of actions with these keys. Raises ConfigError for what is no action, no key, or taken already."""
    said = {setting.action: setting for setting in settings}
    ids = {action.id for action in ACTIONS}
    for setting in said.values():
        if setting.action not in ids:
            near = get_close_matches(setting.action.lower(), sorted(ids), 1, 0.0)[0]
            raise ConfigError(f"{setting.named} is no action; did you mean {near}?")
    actions = tuple(
        replace(action, keys=_keys(said[action.id], action)) if action.id in said else action for action in ACTIONS
    )
    _collide_not(actions, said)
    return actions


def bound(actions: Sequence[Action]) -> dict[str, str]:
    """Textual's keymap for actions whose keys are not the usual ones."""
    return {
        action.binding: ",".join(action.keys)
        for action, usual in zip(actions, ACTIONS, strict=True)
        if action.keys != usual.keys
    }


def _keys(setting: KeySetting, action: Action) -> tuple[str, ...]:
    keys = tuple(dict.fromkeys(_key(setting, written) for written in setting.keys.split()))
    usual = {key for one in ACTIONS if one.id == action.id for key in one.keys}
    for key in keys:
        if key in _OWN and key not in usual:
            raise ConfigError(f"{setting.named} cannot have the key {key_name(key)}, which {_OWN[key]}; take another.")
        if _types(key) and (action.id == "quit" or action.context in TYPED):
            raise ConfigError(
                f"{setting.named} cannot have the key {key_name(key)}, which is typed into a filter; "
                "take one such as ctrl+x or f10."
            )
    return keys


def _key(setting: KeySetting, written: str) -> str:
    """A key as Textual names it."""
    key = _WRITTEN.get(written, written)
    if len(key) > 1 and key.startswith("^"):
        key = f"ctrl+{key[1:]}"
    *modifiers, last = key.split("+") if len(key) > 1 and not key.endswith("++") else [key]
    if len(last) == 1 and not modifiers and last.isprintable():
        return _character_to_key(last)
    key = "+".join([*modifiers, _WRITTEN.get(last, last)])
    alike = _ALIKE.get(key)
    if alike is not None:
        raise ConfigError(f"{setting.named} cannot have the key {key}: a terminal sends {alike} for it; take another.")
    if key in _NAMED or (modifiers == ["alt"] and len(last) == 1 and last.isalnum()):
        return key
    shown = visible(written, limit=30)
    raise ConfigError(f"{setting.named} has {shown}, which is no key; write keys as in x, X, ctrl+x, f5 or pagedown.")


def _types(key: str) -> bool:
    """Whether a key puts a character into an input."""
    return key == "space" or not (key in _NAMED or key.startswith(_MODIFIERS))


def _collide_not(actions: Sequence[Action], said: dict[str, KeySetting]) -> None:
    """Refuse a key that would mean two things at once."""
    for together in TOGETHER:
        taken: dict[str, Action] = {}
        for action in actions:
            # Quitting works while a text is typed, too.
            for key in action.keys if action.context in together or action.id == "quit" else ():
                other = taken.setdefault(key, action)
                if other.id == action.id or {other.id, action.id} <= _BACK:
                    continue
                mine, theirs = (action, other) if action.id in said else (other, action)
                if mine.id in said:
                    raise ConfigError(
                        f"{said[mine.id].named} has the key {key_name(key)}, which is that of {theirs.id} already "
                        f"({CONTEXTS[theirs.context]}: {theirs.help}); take another, or give {theirs.id} another."
                    )
