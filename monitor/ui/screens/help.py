"""The help overlay, made from the table of actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from monitor.model.verdict import SIGNS
from monitor.ui.actions import ACTIONS, CONTEXTS, Action, key_name, of
from monitor.ui.lines import Document, Line, line
from monitor.ui.screens.overlay import LinesOverlay, heading
from monitor.ui.widgets.lines_view import LinesView

_KEYS: Final = 14  # cells of the keys' column

_MEANINGS: Final = {
    "verified": "the signature matches a key, and its time is right",
    "invalid": "a signature and a key are there, and do not match",
    "stale": "the signature is right, its time is too old or too new",
    "missing": "there should be a signature, and there is none",
    "no_key": "signed, but there is no key to check it with",
    "unsigned": "neither signature nor key: nothing to check",
    "unchecked": "unknown sender, or imported",
}


def help_lines(
    applies: Callable[[Action], bool], table: Sequence[Action] = ACTIONS, here: Sequence[str] = ()
) -> list[Line]:
    """Every action that applies, by context, those in use ``here`` first; then what the verdicts mean."""
    lines: list[Line] = []
    for context in dict.fromkeys([*here, *CONTEXTS]):
        title = CONTEXTS[context]
        actions = _actions(of(context, table), applies)
        if actions:
            lines += [line((title, "accent")), *actions, Line("")]
    lines.append(line(("Verdicts", "accent")))
    for status, (glyph, word, role) in SIGNS.items():
        lines.append(line((f"{glyph} {word}".ljust(_KEYS), role), (_MEANINGS[status], "plain"), indent=_KEYS))
    return lines


def _actions(actions: Iterable[Action], applies: Callable[[Action], bool]) -> list[Line]:
    return [
        line(
            (" ".join(key_name(key) for key in action.keys).ljust(_KEYS), "info"), (action.help, "plain"), indent=_KEYS
        )
        for action in actions
        if applies(action)
    ]


class HelpScreen(LinesOverlay[None]):
    """All keys."""

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "close", show=False, id="everywhere.help"),
        Binding("enter", "close", show=False),
        Binding("pagedown,space", "page(0.5)", show=False),
        Binding("pageup", "page(-0.5)", show=False),
    ]

    def __init__(self, applies: Callable[[Action], bool], actions: Sequence[Action], here: Sequence[str] = ()) -> None:
        """``here`` are the contexts in use, the nearest first."""
        super().__init__()
        self._here = here
        self._applies = applies
        self._table = actions

    def compose(self) -> ComposeResult:
        """One box with the lines."""
        with Vertical(classes="box", id="help") as box:
            box.border_title = heading("Keys")
            box.border_subtitle = heading("jk scroll, esc closes")
            yield LinesView()

    def on_mount(self) -> None:
        self.lines.show(Document(help_lines(self._applies, self._table, self._here)))
