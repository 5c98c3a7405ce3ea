"""The theme overlay: the one under the cursor is shown at once."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from monitor.ui.screens.overlay import Overlay, heading


class ThemeScreen(Overlay[str]):
    """Gives the name of the theme chosen, or None after putting the old one back."""

    CSS_PATH = "themes.tcss"

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._names = names
        self._before = ""

    def compose(self) -> ComposeResult:
        """One box with the names."""
        with Vertical(classes="box", id="themes") as box:
            box.border_title = heading("Theme")
            box.border_subtitle = heading("enter keeps, esc puts back")
            yield OptionList(*(Option(Content(name), id=name) for name in self._names), markup=False)

    def on_mount(self) -> None:
        self._before = self.app.theme
        options = self.query_one(OptionList)
        options.highlighted = self._names.index(self._before) if self._before in self._names else 0

    @on(OptionList.OptionHighlighted)
    def _look(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_id:
            self.app.theme = event.option_id

    @on(OptionList.OptionSelected)
    def _keep(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)

    def action_close(self) -> None:
        """Put the old theme back."""
        self.app.theme = self._before
        self.dismiss(None)

    def on_key(self, event: events.Key) -> None:
        """j and k, t for the next."""
        options = self.query_one(OptionList)
        if event.character in ("j", "t"):
            options.action_cursor_down()
        elif event.character == "k":
            options.action_cursor_up()
