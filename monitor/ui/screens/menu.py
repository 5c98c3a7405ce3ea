"""A menu: a few choices, each with its key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical

from monitor.ui.screens.overlay import Options, OptionsOverlay, heading, option


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry: its id, the key that takes it, and visible texts that say what it is."""

    id: str
    key: str
    label: str
    help: str


class MenuScreen(OptionsOverlay[str]):
    """Gives the id of the entry chosen, or None."""

    CSS_PATH = "menu.tcss"

    def __init__(self, title: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._title = title
        self._choices = choices

    def compose(self) -> ComposeResult:
        """One box with the entries."""
        wide = max(len(choice.label) for choice in self._choices)
        with Vertical(classes="box", id="menu") as box:
            box.border_title = heading(self._title)
            box.border_subtitle = heading("esc closes")
            box.styles.width = wide + max(cell_len(choice.help) for choice in self._choices) + 9  # and all in its frame
            yield Options(
                *(
                    option(c.id, (f"{c.key}  ", "accent"), (c.label.ljust(wide + 2), "plain"), (c.help, "quiet"))
                    for c in self._choices
                )
            )

    @on(Options.OptionSelected)
    def _selected(self, event: Options.OptionSelected) -> None:
        self.dismiss(event.option_id)

    def on_key(self, event: events.Key) -> None:
        """The entry's own key."""
        for choice in self._choices:
            if event.character == choice.key:
                event.stop()
                self.dismiss(choice.id)
                return
