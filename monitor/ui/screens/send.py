"""The overlay that sends simulated events: which scenario, how many, well or badly signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from monitor.services.simulate import Simulator
from monitor.text import visible
from monitor.ui.format import pad
from monitor.ui.safety import Plain, content
from monitor.ui.screens.overlay import Overlay, heading

MAX_COUNT = 10_000


@dataclass(frozen=True, slots=True)
class Order:
    """What to send. ``count`` None: the scenario once, in full."""

    provider: str
    scenario: str
    count: int | None
    bad_signature: bool


class SendScreen(Overlay[Order]):
    """Gives the order, or None."""

    CSS_PATH = "send.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "bad", show=False),
        Binding("c", "count", show=False),
        Binding("tab", "app.focus_next", show=False),
    ]

    def __init__(self, simulator: Simulator) -> None:
        super().__init__()
        self._bad = False
        self._scenarios = [(provider.name, scenario) for provider, scenario in simulator.scenarios()]

    def compose(self) -> ComposeResult:
        """The scenarios by provider, then the options."""
        with Vertical(classes="box", id="send") as box:
            box.border_title = heading("Send a simulated event")
            box.border_subtitle = heading("enter sends, esc closes")
            yield OptionList(*self._options(), markup=False)
            with Horizontal(id="send-options"):
                yield Plain("c", classes="key")
                yield Plain("how many")
                yield Input(placeholder="all", type="integer", max_length=5, compact=True, id="send-count")
                yield Plain("b", classes="key")
                yield Plain(id="send-bad")
            yield Plain("Signed with a key of this installation and labelled LOCAL.", id="send-note")

    def _options(self) -> list[Option]:
        options = []
        before = ""
        for index, (provider, scenario) in enumerate(self._scenarios):
            shown = provider if provider != before else ""
            before = provider
            options.append(
                Option(
                    content(
                        (
                            (pad(visible(shown), 11), "info"),
                            (pad(visible(scenario.name), 26) + " ", "plain"),
                            (visible(scenario.summary, limit=120), "quiet"),
                        )
                    ),
                    id=str(index),
                )
            )
        return options

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self._send(int(event.option_id or 0))

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self._send(self.query_one(OptionList).highlighted or 0)

    def _send(self, index: int) -> None:
        text = self.query_one("#send-count", Input).value.strip()
        count = int(text) if text.isdecimal() and text.isascii() else None
        if count is not None and not 1 <= count <= MAX_COUNT:
            self.query_one("#send-note", Plain).show(f"How many must be between 1 and {MAX_COUNT:,}.")
            return
        provider, scenario = self._scenarios[index]
        self.dismiss(Order(provider, scenario.name, count, self._bad))

    def action_bad(self) -> None:
        """Switch the bad signature."""
        self._bad = not self._bad
        self._show_bad()

    def on_mount(self) -> None:
        self._show_bad()

    def _show_bad(self) -> None:
        self.query_one("#send-bad", Plain).show(f"bad signature: {'yes' if self._bad else 'no'}")

    def action_count(self) -> None:
        """Go to the number."""
        self.query_one("#send-count", Input).focus()

    def on_key(self, event: events.Key) -> None:
        """j and k move in the list; esc leaves the number first."""
        options = self.query_one(OptionList)
        if not options.has_focus:
            if event.key == "escape":
                event.stop()
                options.focus()
            return
        if event.character == "j":
            options.action_cursor_down()
        elif event.character == "k":
            options.action_cursor_up()
