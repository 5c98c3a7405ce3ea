"""The command palette: every action that applies, from the table of actions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from textual.await_complete import AwaitComplete
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider, SearchIcon
from textual.content import Content

from monitor.ui.actions import Action, key_name
from monitor.ui.screens.base import MonitorScreen

_TARGETS: Final = {
    "everywhere": "app",
    "live": "screen",
    "messages": "screen",
    "webhooks": "screen",
    "filtered": "screen",
}


class Palette(CommandPalette):
    """Textual's palette without its pictograph, which is two cells wide in some terminals and one in others."""

    def on_mount(self) -> None:
        self.query_one(SearchIcon).icon = "›"

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Close, once: of two clicks beside it the second comes before it is gone."""
        return super().dismiss(result) if self.is_current else AwaitComplete()


class ActionCommands(Provider):
    """Actions as commands."""

    def _actions(self) -> list[Action]:
        screen = self.screen
        if not isinstance(screen, MonitorScreen):
            return []
        return [a for a in screen.session.actions if a.palette and a.context in _TARGETS and screen.applies(a)]

    def _command(self, action: Action) -> Callable[[], Awaitable[bool]]:
        return partial(self.app.run_action, f"{_TARGETS[action.context]}.{action.id}", default_namespace=self.screen)

    async def discover(self) -> Hits:
        """All of them."""
        for action in self._actions():
            yield DiscoveryHit(_title(action), self._command(action), text=action.label, help=_keys(action))

    async def search(self, query: str) -> Hits:
        """Those whose sentence matches, or the word that the keys at the bottom have for them."""
        matcher = self.matcher(query)
        for action in self._actions():
            score = max(matcher.match(action.help), matcher.match(action.label))
            if score > 0:
                yield Hit(score, matcher.highlight(action.help), self._command(action), text=action.help,
                          help=_keys(action))  # fmt: skip


def _title(action: Action) -> Content:
    return Content(action.help)


def _keys(action: Action) -> str:
    return "key " + " or ".join(key_name(key) for key in action.keys)
