"""The theme overlay: the one under the cursor is shown once the cursor rests."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets.option_list import Option

from monitor.ui.screens.overlay import Options, OptionsOverlay, heading
from monitor.ui.widgets.pane import DEBOUNCE_S


class ThemeScreen(OptionsOverlay[str]):
    """Gives the name of the theme chosen, or None after putting the old one back."""

    CSS_PATH = "themes.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("t", "next", show=False)]

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._names = names
        self._before = ""
        self._resting: Timer | None = None

    def compose(self) -> ComposeResult:
        """One box with the names."""
        with Vertical(classes="box", id="themes") as box:
            box.border_title = heading("Theme")
            box.border_subtitle = heading("enter keeps, esc puts back")
            yield Options(*(Option(Content(name), id=name) for name in self._names))

    def on_mount(self) -> None:
        self._before = self.app.theme
        self.options.highlighted = self._names.index(self._before) if self._before in self._names else 0

    @on(Options.OptionHighlighted)
    def _look(self, event: Options.OptionHighlighted) -> None:
        self._rest()
        if event.option_id:
            # Another theme has all drawn anew: while a key is held, receiving and the next key would wait for each.
            self._resting = self.set_timer(DEBOUNCE_S, partial(self._show, event.option_id))

    @on(Options.OptionSelected)
    def _keep(self, event: Options.OptionSelected) -> None:
        self._show(event.option_id or self._before)
        self.dismiss(event.option_id)

    def action_close(self) -> None:
        """Put the old theme back."""
        self._show(self._before)
        self.dismiss(None)

    def _show(self, name: str) -> None:
        self._rest()
        self.app.theme = name

    def _rest(self) -> None:
        """What was to be shown is not to be any more."""
        if self._resting is not None:
            self._resting.stop()
            self._resting = None

    def action_next(self) -> None:
        """The next theme."""
        self.options.action_cursor_down()
