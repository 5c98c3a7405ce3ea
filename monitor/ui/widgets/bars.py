"""The bars of one or two lines: status, list heading, tabs, keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events
from textual.strip import Strip

from monitor.ui.actions import Action, key_name
from monitor.ui.format import shortened
from monitor.ui.lines import Part
from monitor.ui.painted import Painted, cells
from monitor.ui.status import view_at

Lines = Sequence[Sequence[Part]]


class Bar(Painted):
    """Draws the lines that a function makes for its width. ``update`` draws again only what has changed."""

    def __init__(self, make: Callable[[int], Lines], *, id: str) -> None:
        super().__init__(id=id)
        self._make = make
        self._lines: Lines = ()

    def update(self) -> None:
        """Make the lines again."""
        lines = self._make(self.size.width)
        if lines != self._lines:
            self._lines = lines
            self.refresh()

    def on_resize(self) -> None:
        self.update()

    def render_line(self, y: int) -> Strip:
        """One line."""
        parts = self._lines[y] if y < len(self._lines) else ()
        return self.paint(parts, self.size.width, self.ground)


class StatusBar(Bar):
    """The status line; a click on the name of a view shows that."""

    def on_click(self, event: events.Click) -> None:
        """Show the view under the mouse."""
        view = view_at(self._lines[0], event.x) if event.y == 0 and self._lines else None
        if view is not None:  # by the app, since this bar may be on a screen that is closed for it
            self.app.call_later(self.app.run_action, f"view_{view}")


class TabBar(Painted):
    """Names on one line, one of them chosen; a click chooses another."""

    def __init__(self, chosen: Callable[[str], None]) -> None:
        super().__init__()
        self._chosen = chosen
        self._names: tuple[str, ...] = ()
        self._current = ""
        self._note = ""
        self._found = ""

    def show(self, names: Sequence[str], current: str, note: str, found: str) -> None:
        """Show these names, the current one marked, a visible note at the right where there is room for it, and what
        was found, for which the names make room."""
        self._names, self._current, self._note, self._found = tuple(names), current, note, found
        self.refresh()

    @property
    def _room(self) -> int:
        """The cells for the names and the marks before them."""
        return self.size.width - (len(self._found) + 2 if self._found else 0)

    @property
    def _shown(self) -> list[str]:
        """The names, cut where there is no room for all of them."""
        return shortened(self._names, self._room - len(self._names))

    @property
    def _gap(self) -> str:
        """What stands between two names: less where there is little room."""
        room = self._room - sum(len(name) + 1 for name in self._names)
        return " " * max(min(room // max(len(self._names), 1), 2), 0)

    def render_line(self, y: int) -> Strip:
        """The line."""
        parts: list[Part] = []
        for name, shown in zip(self._names, self._shown, strict=True):
            here = name == self._current
            parts += [("▸" if here else " ", "accent"), (shown, "strong" if here else "quiet"), (self._gap, "plain")]
        room = self.size.width - cells(parts) - 1
        note = f"  {self._note}" if self._found and self._note else self._note
        note = note if len(self._found) + len(note) < room else ""
        if self._found:
            parts.append((self._found.rjust(room - len(note)), "plain"))
            room = len(note)
        if note:
            parts.append((note.rjust(room), "faint"))
        return self.paint(parts, self.size.width, self.ground)

    def on_click(self, event: events.Click) -> None:
        """Choose the name under the mouse."""
        at = 0
        for name, shown in zip(self._names, self._shown, strict=True):
            at += len(shown) + 1 + len(self._gap)
            if event.x < at:
                self._chosen(name)
                return


class KeyBar(Painted):
    """The keys that matter here, from the table of actions; a click does what the key does. The note at the right goes
    before the last of the keys where it is ``wanted``."""

    def __init__(self, shown: Callable[[], list[Action]], note: Callable[[], str], wanted: Callable[[], bool]) -> None:
        super().__init__(id="keys")
        self._shown = shown
        self._make_note = note
        self._wanted = wanted
        self._actions: list[Action] = []
        self._note = ""
        self._kept = 0  # cells for the note

    def update(self) -> None:
        """Look again which keys matter."""
        actions, note = self._shown(), self._make_note()
        kept = len(note) + 2 if note and self._wanted() else 0
        if (actions, note, kept) != (self._actions, self._note, self._kept):
            self._actions, self._note, self._kept = actions, note, kept
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line: as many keys as fit, and the note at the right where there is room."""
        width = self.size.width
        parts: list[Part] = []
        for action in self._fitting():
            parts += [(" " + key_name(action.keys[0]), "accent"), (f" {action.label} ", "quiet")]
        room = width - cells(parts) - 1
        if len(self._note) <= room:
            parts.append((self._note.rjust(room), "quiet"))
        return self.paint(parts, width, self.ground)

    def _fitting(self) -> list[Action]:
        """As many of the keys as there is room for, the first rather than the last, but that for help before all."""
        room, kept = self.size.width - self._kept, set()
        for action in sorted(self._actions, key=lambda action: action.id != "help"):
            room -= _cells(action)
            if room < 0:
                break
            kept.add(action)
        return [action for action in self._actions if action in kept]

    def on_click(self, event: events.Click) -> None:
        """Press the key under the mouse."""
        at = 0
        for action in self._fitting():
            at += _cells(action)
            if event.x < at:
                self.app.simulate_key(action.keys[0])
                return


def _cells(action: Action) -> int:
    return len(key_name(action.keys[0])) + len(action.label) + 3
