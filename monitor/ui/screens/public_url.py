"""The public address under which the world reaches the receiver, to be changed by hand."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from monitor.services.webhooks import Webhooks
from monitor.text import visible
from monitor.ui.lines import Part
from monitor.ui.safety import Plain
from monitor.ui.screens.overlay import Overlay, heading
from monitor.urls import web_address


class PublicUrlScreen(Overlay[str]):
    """Gives the address typed, without a slash at its end; or None."""

    CSS_PATH = "webhooks.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "propose", show=False)]

    def __init__(self, webhooks: Webhooks, now: str | None, registered: int, mend_all: str) -> None:
        """``now`` is the address of today, to which ``registered`` registrations of ours point; ``mend_all`` the key
        that re-points them."""
        super().__init__()
        self._webhooks = webhooks
        self._now = now
        self._registered = registered
        self._mend_all = mend_all

    def compose(self) -> ComposeResult:
        """One box with the address."""
        with Vertical(classes="box", id="public-url") as box:
            box.border_title = heading("Public URL")
            box.border_subtitle = heading("enter changes it, esc closes")
            yield Plain("The base address at which providers reach this receiver, such as a tunnel's.")
            with Horizontal(id="public-url-line"):
                yield Plain("›", id="public-url-mark")
                yield Input(self._webhooks.proposal() or self._now or "", compact=True, select_on_focus=False,
                            placeholder="https://hooks.example.com")  # fmt: skip
            yield Plain(id="public-url-note")

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self._check()

    def action_propose(self) -> None:
        """Another made-up address, in a demonstration."""
        proposal = self._webhooks.proposal()
        if proposal is not None:
            self.query_one(Input).value = proposal

    def _wrong(self) -> str | None:
        text = self.query_one(Input).value.strip()
        try:
            parts = web_address(text, plain_http=True)
        except ValueError as error:
            return f"The address cannot be used: {error}."
        return "This is the base address; leave out the part from ? on." if parts.query else None

    @on(Input.Changed)
    def _check(self) -> None:
        wrong = self._wrong() if self.query_one(Input).value.strip() else None
        first: tuple[Part, ...] = ((wrong, "bad"),) if wrong else (("now  ", "quiet"), (self._shown_now(), "info"))
        points = "points" if self._registered == 1 else "point"
        own = f"{self._registered} of your registrations {points} there; {self._mend_all} re-points them afterwards."
        lines: list[tuple[Part, ...]] = [first]
        if self._registered:
            lines.append(((own, "quiet"),))
        if self._webhooks.simulated:
            made_up = "This address is made up, as all of the demonstration. "
            lines.append(((made_up, "quiet"), ("tab", "accent"), (" makes up another", "quiet")))
        self.query_one("#public-url-note", Plain).show_parts(*lines)

    def _shown_now(self) -> str:
        return visible(self._now, limit=200) if self._now is not None else "none"

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if self._wrong() is None:
            self.dismiss(event.value.strip().rstrip("/"))
        else:
            self._check()
