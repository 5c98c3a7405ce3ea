"""The theme overlay: the one under the cursor is shown at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets.option_list import Option

from monitor.ui.screens.overlay import Options, OptionsOverlay, heading


class ThemeScreen(OptionsOverlay[str]):
    """Gives the name of the theme chosen, or None after putting the old one back."""

    CSS_PATH = "themes.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("t", "next", show=False)]

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._names = names
        self._before = ""

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
        if event.option_id:
            self.app.theme = event.option_id

    @on(Options.OptionSelected)
    def _keep(self, event: Options.OptionSelected) -> None:
        self.dismiss(event.option_id)

    def action_close(self) -> None:
        """Put the old theme back."""
        self.app.theme = self._before
        self.dismiss(None)

    def action_next(self) -> None:
        """The next theme."""
        self.options.action_cursor_down()
