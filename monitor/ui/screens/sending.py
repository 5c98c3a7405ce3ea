"""What is being sent: how far it is, what was answered, and the key that stops it."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from monitor.ui.format import count
from monitor.ui.lines import Part
from monitor.ui.safety import Plain
from monitor.ui.screens.overlay import Overlay, heading
from monitor.ui.sending import Sending

LOOK_S: Final = 0.2
BAR: Final = 40  # cells


class SendingScreen(Overlay[None]):
    """Shows a send that is under way, until it is closed; closing lets it go on."""

    CSS_PATH = "send.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("x", "stop", show=False), Binding("s", "close", show=False)]

    def __init__(self, sending: Sending) -> None:
        super().__init__()
        self._sending = sending

    def compose(self) -> ComposeResult:
        """One box with the figures."""
        with Vertical(classes="box", id="sending") as box:
            box.border_title = heading("Sending simulated events")
            yield Plain(id="sending-lines")

    def on_mount(self) -> None:
        self._draw()
        self.set_interval(LOOK_S, self._draw)

    def _draw(self) -> None:
        sending = self._sending
        outcome = sending.outcome
        done = round(BAR * outcome.posted / max(outcome.total, 1))
        bar: tuple[Part, ...] = (("━" * done, "info"), ("─" * (BAR - done), "faint"))
        number = f"  {count(outcome.posted)} of {count(outcome.total)}"
        self.query_one("#sending-lines", Plain).show_parts(
            ((sending.what, "strong"),),
            (),
            (*bar, (number, "plain")),
            (("answered ", "quiet"), (outcome.answers, "plain" if outcome.posted else "faint")),
        )
        keys = "x stops, esc lets it go on" if sending.running else "it is over, esc closes"
        self.query_one("#sending").border_subtitle = heading(keys)

    def action_stop(self) -> None:
        """Send no more."""
        self._sending.stop()
