"""What was replaced or removed at a provider and can be put back."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from monitor.services.registrations import Offer
from monitor.text import visible
from monitor.ui import redact
from monitor.ui.format import count, day_clock, fit
from monitor.ui.lines import Part
from monitor.ui.painted import cells
from monitor.ui.safety import Plain
from monitor.ui.screens.overlay import Overlay, heading, key_parts
from monitor.ui.session import Session
from monitor.ui.widgets.rows import Cursor, Rows

_CLOSES: Final = ("esc", "closes")
_NOTHING: Final = "Nothing of what hooktop replaced or removed is left to be put back."


class Answer(StrEnum):
    """What to do with what is offered."""

    BACK = "back"  # put back
    NEVER = "never"  # and do not offer it again
    LATER = "later"  # offer it again at the next start


class Occasion(StrEnum):
    """Why it is asked."""

    ASKED = "asked"  # the user wants to see what there is
    START = "start"  # an earlier run did not end properly
    END = "end"


class Offers(Rows):
    """The offers, two rows each."""

    tall = 2

    def __init__(self, session: Session, offers: Sequence[Offer]) -> None:
        super().__init__(id="offers")
        self._session = session
        self.offers = list(offers)

    def count(self) -> int:
        """How many there are."""
        return len(self.offers)

    def row_parts(self, index: int, width: int, part: int = 0) -> Sequence[Part]:
        """What it was, then where it was and what became of it."""
        offer, token = self.offers[index], self._session.token
        record = offer.record
        if part == 0:
            when = day_clock(record.begun_at)
            what = [(visible(record.subject, limit=200), "strong"), ("  ", "plain"), (visible(record.account), "info")]
            room = width - 2 - len(when) - 1
            text = fit("".join(words for words, _ in what), room)
            shown: list[Part] = what if cells(what) <= room else [(text, "strong")]
            return [*shown, (" " * max(room - cells(shown), 0), "plain"), (" ", "plain"), (when, "quiet")]
        before = redact.shown(record.before.url, token, limit=400) if record.before is not None else ""
        state = {"remove": "removed", "update": "changed"}.get(record.kind, "replaced")
        known = "" if record.state == "done" else ", nobody knows whether it was"
        return [("  ", "plain"), (fit(f"{state}{known}; was at {before}", width - 4), "quiet")]


class RestoreScreen(Overlay[tuple[Answer, tuple[Offer, ...]]]):
    """Gives the answer and what it is about, or None."""

    CSS_PATH = "webhooks.tcss"
    OVER_NOTES = False  # it may open by itself
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "close", show=False),
        Binding("D,delete", "never", show=False),
        Binding("y", "all", show=False),
        Binding("n", "none", show=False),
        Binding("K", "later", show=False),
    ]

    def __init__(
        self,
        session: Session,
        offers: Sequence[Offer],
        occasion: Occasion = Occasion.ASKED,
        *,
        out_of_reach: str | None = None,
    ) -> None:
        """``out_of_reach`` says what cannot be put back from here."""
        super().__init__()
        self._out_of_reach = out_of_reach
        self._session = session
        self._offers = tuple(offers)
        self._occasion = occasion

    def compose(self) -> ComposeResult:
        """One box with the offers, and what the keys do."""
        with Vertical(classes="box", id="restore") as box:
            box.border_title = heading("What can be put back")
            yield Offers(self._session, self._offers)
            yield Plain(id="restore-note")

    def on_mount(self) -> None:
        offers = self.query_one(Offers)
        offers.display = bool(self._offers)
        self.query_one("#restore").set_class(not self._offers, "-empty")
        offers.styles.height = min(len(self._offers) * offers.tall, 16)
        offers.focus()
        told: list[tuple[Part, ...]] = [((self._out_of_reach, "warn"),)] if self._out_of_reach is not None else []
        self.query_one("#restore-note", Plain).show_parts(*told, *self._words())

    def _words(self) -> tuple[tuple[Part, ...], ...]:
        if not self._offers:
            nothing: list[tuple[Part, ...]] = [((_NOTHING, "quiet"),)] if self._out_of_reach is None else []
            return (*nothing, tuple(key_parts(_CLOSES)))
        many = count(len(self._offers), "registration")
        if self._occasion is Occasion.ASKED:
            keys = [("enter", "puts it back as it was"), ("D", "never offers it again"), _CLOSES]
            return (tuple(key_parts(*keys)),)
        keys = [("y", "yes, all"), ("enter", "only this"), ("n", "no")]
        if self._occasion is Occasion.START:
            question = f"An earlier run did not end properly. Put {many} back?"
            return (((question, "strong"),), tuple(key_parts(*keys, ("esc", "ask me later"))))
        question = f"This run replaced or removed {many}. Put back before the end?"
        return (((question, "strong"),), tuple(key_parts(*keys, ("K", "ask next time"), ("esc", "do not end"))))

    @on(Cursor.Opened)
    def _opened(self) -> None:
        self._answer(Answer.BACK)

    def action_all(self) -> None:
        """Put all of it back."""
        if self._occasion is not Occasion.ASKED:
            self.dismiss((Answer.BACK, self._offers))

    def action_never(self) -> None:
        """Do not offer this one again."""
        if self._occasion is Occasion.ASKED:
            self._answer(Answer.NEVER)

    def action_none(self) -> None:
        """Leave all of it as it is."""
        if self._occasion is not Occasion.ASKED:
            self.dismiss((Answer.NEVER, self._offers))

    def action_later(self) -> None:
        """End without an answer: the next start asks again."""
        if self._occasion is Occasion.END:
            self.dismiss((Answer.LATER, self._offers))

    def _answer(self, answer: Answer) -> None:
        offers = self.query_one(Offers)
        if offers.cursor < len(self._offers):
            self.dismiss((answer, (self._offers[offers.cursor],)))
