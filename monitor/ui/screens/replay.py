"""Replay: how captures are to be sent again, and then the answers beside the first ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from monitor.model.capture import Request
from monitor.providers.keys import KeyProblem
from monitor.services.replay import Replayer, ReplayProblem, Wish
from monitor.services.replayed import Outcome, Replayed, words
from monitor.store.errors import StoreError
from monitor.text import visible
from monitor.ui.format import count
from monitor.ui.lines import Document, Part
from monitor.ui.replay_rows import answer_lines, answer_row
from monitor.ui.safety import Plain
from monitor.ui.screens.overlay import LinesOverlay, Options, OptionsOverlay, heading, option
from monitor.ui.session import Session
from monitor.ui.which import Which
from monitor.ui.widgets.lines_view import LinesView
from monitor.ui.widgets.rows import Cursor, Rows
from monitor.urls import spelled_out

EVERY_S: Final = 0.1
WHOLE: Final = 200  # answers whose bodies are held for a look; the store has all of them
LISTED: Final = 5_000  # answers that are listed, the newest
_KEPT: Final = "The answers are kept with the capture, in its Forward tab."
_BY_RULES: Final = "Each goes to the app that the rules of forwarding name for it; another address gets all of them."


@dataclass(frozen=True, slots=True)
class ReplayOrder:
    """What to send, how, and whether it is edited first."""

    numbers: Sequence[int]
    wish: Wish
    edit: bool


class ReplayScreen(OptionsOverlay[ReplayOrder]):
    """Gives the order, or None."""

    CSS_PATH = "replay.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "address", show=False),
        Binding("w", "which", show=False),
        Binding("p", "pace", show=False),
        Binding("tab", "app.focus_next", show=False),
    ]
    _WAYS: ClassVar = (
        ("a", "as it came", "byte for byte", False, False),
        ("e", "edited", "headers and body, in your editor ($EDITOR)", True, False),
        ("l", "signed anew", "with a local key, and labelled LOCAL", False, True),
        ("b", "both", "edited, then signed anew", True, True),
    )

    def __init__(
        self,
        replayer: Replayer,
        choices: Sequence[Which],
        more: Callable[[], Which | None],
        to: str,
        default: str | None,
        *,
        masked: bool,
    ) -> None:
        """``choices`` are the captures that can be meant, the first at first; ``more`` looks for others, in a thread.
        ``to`` is the address offered, and ``default`` the one that forwarding uses: sent there, captures go to where
        forwarding sends each of them."""
        super().__init__()
        self._replayer = replayer
        self._choices = choices
        self._more = more
        self._which = 0
        self._to = to
        self._default = default
        self._timed = False
        self._masked = masked

    def compose(self) -> ComposeResult:
        """The ways, then where to, which and how fast."""
        with Vertical(classes="box", id="replay") as box:
            box.border_title = heading("Replay")
            box.border_subtitle = heading("enter sends, esc closes")
            yield Options(
                *(
                    option(key, (f"{key}  ", "accent"), (name.ljust(14), "plain"), (help_, "quiet"))
                    for key, name, help_, _, _ in self._WAYS
                )
            )
            with Horizontal(classes="replay-row"):
                yield Plain("u", classes="key")
                yield Plain("to", classes="name")
                yield Input(self._to, placeholder="http://localhost:3000 (your app)", compact=True, id="replay-to")
            with Horizontal(classes="replay-row"):
                yield Plain("w", classes="key")
                yield Plain("which", classes="name")
                yield Plain(id="replay-which")
            with Horizontal(classes="replay-row"):
                yield Plain("p", classes="key")
                yield Plain("pace", classes="name")
                yield Plain(id="replay-pace")
            yield Plain(_KEPT, id="replay-note")

    def on_mount(self) -> None:
        self._show()
        self.run_worker(self._look_for_more(), exit_on_error=False)

    async def _look_for_more(self) -> None:
        try:
            more = await asyncio.to_thread(self._more)
        except StoreError as error:
            self._note(str(error))
            return
        if more is not None:
            self._choices = [*self._choices[: self._which + 1], more, *self._choices[self._which + 1 :]]
            self._show()

    def _show(self) -> None:
        which = self._choices[self._which]
        other = self._choices[(self._which + 1) % len(self._choices)]
        more = f"   or {visible(other.what, limit=80)}" if other is not which else ""
        self.query_one("#replay-which", Plain).show_parts(((visible(which.what, limit=80), "plain"), (more, "faint")))
        pace = "with the gaps in which they came" if self._timed else "one after another, as they are answered"
        self.query_one("#replay-pace", Plain).show(pace)
        ruled = self._replayer.has_rules and len(which.numbers) > 1 and self._address == self._default
        self.query_one("#replay-note", Plain).show(_BY_RULES if ruled else _KEPT)

    @property
    def _address(self) -> str:
        return spelled_out(self.query_one(Input).value.strip())

    def _note(self, text: str) -> None:
        self.query_one("#replay-note", Plain).show_parts(((visible(text, limit=300), "warn"),))

    @on(Input.Changed)
    def _changed(self) -> None:
        self._show()

    @on(Options.OptionSelected)
    def _selected(self, event: Options.OptionSelected) -> None:
        self._order(event.option_id or "a")

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self._order(self._WAYS[self.options.highlighted or 0][0])

    def _order(self, key: str) -> None:
        _, _, _, edit, resign = next(way for way in self._WAYS if way[0] == key)
        numbers = self._choices[self._which].numbers
        to = self._address
        if not to:
            self._note("Say where to: u, then the address of your app.")
            return
        if edit and len(numbers) != 1:
            self._note("One capture is edited at a time: w chooses which.")
            return
        if edit and self._masked:
            self._note("The editor would show what the mask hides: esc, then take the mask off.")
            return
        wish = Wish(None if to == self._default else to, timed=self._timed, resign=resign)
        try:
            self._replayer.check(wish)
        except ReplayProblem as problem:
            self._note(str(problem))
            return
        self.dismiss(ReplayOrder(numbers, wish, edit))

    def action_address(self) -> None:
        """Go to the address."""
        self.query_one(Input).focus()

    def action_which(self) -> None:
        """Other captures."""
        self._which = (self._which + 1) % len(self._choices)
        self._show()

    def action_pace(self) -> None:
        """One after another, or as they came."""
        self._timed = not self._timed
        self._show()

    def on_key(self, event: events.Key) -> None:
        """A way's own key."""
        if self.options.has_focus and event.character in [way[0] for way in self._WAYS]:
            event.stop()
            self._order(str(event.character))


# --- the answers ---------------------------------------------------------------------------------------------------


class Answers(Rows):
    """What came of each capture, in the order in which it came."""

    def __init__(self) -> None:
        super().__init__(id="answers")
        self.answers: list[Replayed] = []

    def count(self) -> int:
        """How many there are."""
        return len(self.answers)

    def row_parts(self, index: int, width: int, part: int = 0) -> Sequence[Part]:
        """One of them."""
        return answer_row(self.answers[index], width)


class AnswersScreen(LinesOverlay[None]):
    """Sends, and shows the answers as they come; below them the one under the cursor, beside the first."""

    CSS_PATH = "replay.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "turn", show=False),
        Binding("ctrl+c", "close", show=False),
    ]

    def __init__(
        self, session: Session, replayer: Replayer, order: ReplayOrder, edited: Request | None, note: str
    ) -> None:
        """``note`` is what the user should know of the order."""
        super().__init__()
        self._session = session
        self._replayer = replayer
        self._order = order
        self._edited = edited
        self._note = note
        self._stop = asyncio.Event()
        self._news = False
        self._shown: tuple[Replayed, int] | None = None
        self.outcome = Outcome(len(order.numbers))
        self.running = True

    def compose(self) -> ComposeResult:
        """One box: the answers, how far it is, the answer in full."""
        with Vertical(classes="box", id="replay-answers") as box:
            what = count(len(self._order.numbers), "capture")
            to = self._order.wish.to
            box.border_title = heading(f"Replaying {what}" + (f" to {visible(to, limit=60)}" if to else ""))
            yield Answers()
            yield Plain(id="replay-progress")
            yield LinesView()

    def on_mount(self) -> None:
        self.set_class(len(self._order.numbers) == 1, "-one")
        self._list.focus()
        self.set_interval(EVERY_S, self._take)
        self.run_worker(self._send(), exit_on_error=False)
        self._take()

    @property
    def _list(self) -> Answers:
        return self.query_one(Answers)

    # --- sending -------------------------------------------------------------------------------------------------

    async def _send(self) -> None:
        order = self._order
        try:
            self.outcome = await self._replayer.replay(
                order.numbers, order.wish, edited=self._edited, told=self._told, stop=self._stop
            )
        except asyncio.CancelledError:  # the screens end: who sends all of them anew sends these twice
            part = f"after {count(self.outcome.done)} of its {count(self.outcome.wanted, 'capture')}"
            when = part if self.outcome.wanted > 1 else "before the answer came"
            self._session.breaks_off(f"The replay ended early, {when}.")
            raise
        except (ReplayProblem, KeyProblem, StoreError) as problem:
            self._note = str(problem)
        except Exception as error:  # whatever replaying met, the screens go on
            self._note = f"The replay ended ({type(error).__name__})."
        finally:
            self.running = False
            self._news = True
        if self.outcome.unkept:
            self._note = f"{count(self.outcome.unkept, 'answer')} could not be kept. {self.outcome.trouble}"

    def _told(self, one: Replayed, outcome: Outcome) -> None:
        if outcome.sent > WHOLE:
            before = one.before if isinstance(one.before, int) else replace(one.before, body=b"")
            one = replace(one, attempt=replace(one.attempt, body=b""), before=before)
        listed = self._list
        follows = listed.cursor >= listed.count() - 1 and not self.lines.has_focus  # which are read
        if listed.count() >= LISTED:
            del listed.answers[0]
            listed.cursor = max(listed.cursor - 1, 0)
        listed.answers.append(one)
        if follows:
            listed.cursor = listed.count() - 1
        self.outcome = outcome
        self._news = True

    def _take(self) -> None:
        """Show what has come."""
        listed = self._list
        if self._news:
            self._news = False
            listed.changed()
            if listed.cursor == listed.count() - 1:
                self.call_after_refresh(listed.bring_cursor)  # when there is a scroll bar: before that nothing scrolls
        done, wanted = self.outcome.done, self.outcome.wanted
        parts: list[Part] = [(words(self.outcome) if done else "waiting for the answer", "plain")]
        if wanted > 1:
            parts.insert(0, (f"{count(done)} of {count(wanted)}   {self.outcome.rate:,.1f}/s   ", "strong"))
        if self._note:
            parts.append((f"   {visible(self._note, limit=300)}", "warn"))
        self.query_one("#replay-progress", Plain).show_parts(tuple(parts))
        state = "esc stops" if self.running else "esc closes"
        if not self.running and self._stop.is_set():
            state = f"stopped, {state}"
        if self.lines.has_focus:
            state = "jk scroll, tab goes back, esc stops" if self.running else "jk scroll, esc goes back"
        else:
            state = f"tab reads the answer, {state}"
        self.query_one("#replay-answers").border_subtitle = heading(state)
        self._follow()

    @on(Cursor.Moved)
    def _follow(self) -> None:
        listed = self._list
        if listed.cursor >= listed.count():
            return
        one, width = listed.answers[listed.cursor], max(self.lines.scrollable_content_region.width, 20)
        if self._shown != (one, width):
            same = self._shown is not None and self._shown[0] is one
            self._shown = one, width
            self.lines.show(Document(answer_lines(one, self._session.reader(), width)), keep=same)

    # --- keys ----------------------------------------------------------------------------------------------------

    @on(Cursor.Opened)
    def action_turn(self) -> None:
        """From the list to the answer in full, or back."""
        (self.lines if self._list.has_focus else self._list).focus()

    def action_close(self) -> None:
        """Out of the answer in full; stop what runs; then out of this."""
        if self.lines.has_focus and not self.running:
            self._list.focus()
        elif self.running:
            self._stop.set()
        else:
            self.dismiss(None)
