"""Changes on their way: the question, the rehearsal, the sending, and what came of it. Nothing here blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input
from textual.worker import Worker

from monitor.admin.base import Trouble
from monitor.model.registration import ChangeState
from monitor.providers.keys import KeyProblem
from monitor.services.registrations import Action, Confirm, Outcome, Plan, Progress
from monitor.services.webhooks import Webhooks
from monitor.ui.documents.change import Course, course_lines
from monitor.ui.format import count
from monitor.ui.jumps import ShowCapture
from monitor.ui.lines import Document, Part, foreign
from monitor.ui.safety import Plain, toast
from monitor.ui.screens.overlay import Overlay, heading, key_parts
from monitor.ui.session import Session
from monitor.ui.widgets.lines_view import LinesView

if TYPE_CHECKING:
    from monitor.tunnels.rehearsal import Hop

# After these nothing was done, and the same may go well later.
_AGAIN: Final = frozenset({Trouble.RATE_LIMITED, Trouble.UNREACHABLE, Trouble.AUTH, Trouble.REFUSED})


class Phase(StrEnum):
    """How far it is."""

    ASKED = "asked"
    REHEARSED = "rehearsed"
    BROKEN = "broken"  # nothing would arrive, so it is asked whether to send it all the same
    SENT = "sent"
    OVER = "over"


class ChangeScreen(Overlay[tuple[Outcome, ...]]):
    """Carries out plans; gives what came of them, nothing when nothing was sent.

    It asks first as strongly as the plans say. What points at today's address is rehearsed before it is sent.
    """

    CSS_PATH = "webhooks.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", show=False),
        Binding("n", "close", show=False),
        Binding("enter", "enter", show=False),
        Binding("s", "skip", show=False),
        Binding("r", "again", show=False),
        Binding("o", "capture", show=False),
        Binding("c", "copy", show=False),
        Binding("j,down", "scroll(1)", show=False),
        Binding("k,up", "scroll(-1)", show=False),
        Binding("pagedown,ctrl+d", "page(1)", show=False),
        Binding("pageup,ctrl+u", "page(-1)", show=False),
    ]

    def __init__(self, session: Session, webhooks: Webhooks, plans: Sequence[Plan], *, title: str) -> None:
        super().__init__()
        self._session = session
        self._webhooks = webhooks
        self._title = title
        self._course = Course(plans)
        self.phase = Phase.ASKED
        self._worker: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        """One box: what is asked and how it goes, and a line to type in where that is asked."""
        with Vertical(classes="box", id="change") as box:
            box.border_title = heading(self._title)
            yield LinesView(id="change-lines")
            yield Plain(id="change-question")
            with Horizontal(id="change-typing"):
                yield Plain("›", id="change-mark")
                yield Input(compact=True, select_on_focus=False, id="change-input")

    def on_mount(self) -> None:
        self._begin(self._course.plans)

    @property
    def _view(self) -> LinesView:
        return self.query_one(LinesView)

    def _begin(self, plans: Sequence[Plan]) -> None:
        """Ask what has to be asked; else start at once."""
        self._course = Course(plans)
        self.phase = Phase.ASKED
        box = self.query_one(Input)
        box.value = ""
        if self._possible and self._confirm is Confirm.NONE and not self._by_hand:
            self._start()
        else:
            self._show()
            if self._typed is not None:
                box.focus()

    def _show(self) -> None:
        """Draw how it is, and what the keys do now."""
        self.query_one("#change-typing").display = self._typed is not None
        self.query_one("#change-question", Plain).show_parts(self._question())
        view = self._view
        view.show(Document(course_lines(self._course, self._session.token)), keep=True)
        self.call_after_refresh(self._make_room)
        if self.phase is not Phase.ASKED:
            view.focus()

    def _make_room(self) -> None:
        """As many lines as there are, and as fit; the last ones once it has begun."""
        view = self._view
        most = self.size.height * 9 // 10 - 4 - self.query_one("#change-question").size.height
        view.styles.height = min(max(view.virtual_size.height, 1), max(most, 3))
        if self.phase is not Phase.ASKED:
            self.call_after_refresh(view.move_to_end, top=False)

    def on_resize(self) -> None:
        """Other room."""
        self.call_after_refresh(self._make_room)

    # --- what is asked -------------------------------------------------------------------------------------------

    @property
    def _possible(self) -> list[Plan]:
        return [plan for plan in self._course.plans if plan.possible]

    @property
    def _confirm(self) -> Confirm:
        """The strongest of what the plans ask for."""
        asked = {plan.confirm for plan in self._possible}
        return next((confirm for confirm in (Confirm.TYPE, Confirm.YES) if confirm in asked), Confirm.NONE)

    @property
    def _typed(self) -> str | None:
        """What must be typed before it goes on."""
        if self.phase is not Phase.ASKED or self._confirm is not Confirm.TYPE:
            return None
        return next((plan.typed for plan in self._possible if plan.confirm is Confirm.TYPE), None)

    @property
    def _by_hand(self) -> bool:
        return any(plan.by_hand is not None for plan in self._possible)

    @property
    def _outcomes(self) -> tuple[Outcome, ...]:
        return tuple(self._course.outcomes.values())

    @property
    def _next(self) -> Plan | None:
        """What would get further than a refused plan."""
        return next((one.next for one in self._outcomes if one.next is not None), None)

    @property
    def _can_again(self) -> bool:
        outcomes = self._outcomes
        if len(outcomes) != 1 or outcomes[0].state is not ChangeState.FAILED:
            return False
        return outcomes[0].next is None and outcomes[0].kind in _AGAIN

    @property
    def _capture(self) -> int | None:
        """The request of the provider that came in meanwhile."""
        return next((step.capture for step in self._course.steps if step.capture is not None), None)

    @property
    def _key(self) -> str | None:
        """A new signing key, which is shown this once."""
        return next((one.key.reveal() for one in self._outcomes if one.key is not None), None)

    def _question(self) -> tuple[Part, ...]:
        """What the keys do now."""
        keys: list[tuple[str, str]] = []
        words = ""
        match self.phase:
            case Phase.ASKED if not self._possible:
                keys = [("esc", "closes")]
            case Phase.ASKED if (typed := self._typed) is not None:
                return (
                    ("Type ", "plain"), foreign(typed, "strong", limit=200), (" and press ", "plain"),
                    ("enter", "accent"), (" to do it; ", "plain"), ("esc", "accent"), (" leaves all as it is", "quiet"),
                )  # fmt: skip
            case Phase.ASKED if self._confirm is Confirm.YES:
                words, keys = "Do it?  ", [("y", "yes"), ("n", "no, leave all as it is")]
            case Phase.ASKED:
                keys = [("c", "copies the address"), ("enter", "notes it as done"), ("esc", "closes")]
            case Phase.REHEARSED:
                keys = [("s", "sends at once, without this"), ("esc", "gives it up")]
            case Phase.BROKEN:
                words = "A webhook would not arrive. Send it all the same?  "
                keys = [("y", "yes"), ("n", "no")]
            case Phase.SENT:
                keys = [("esc", "gives up waiting")]
            case Phase.OVER:
                keys = [
                    *([("y", "goes on with it")] if self._next is not None else []),
                    *([("c", "copies the key")] if self._key is not None else []),
                    *([("o", "opens the request that came")] if self._capture is not None else []),
                    *([("r", "asks again")] if self._can_again else []),
                    ("enter", "closes"),
                ]
        return (words, "strong"), *key_parts(*keys)

    # --- the keys ------------------------------------------------------------------------------------------------

    def action_enter(self) -> None:
        """Leave it when it is over; note what is done by hand. Enter is never a yes to a loss."""
        if self.phase is Phase.OVER or not self._possible:
            self.action_close()
        elif self.phase is Phase.ASKED and self._by_hand and self._confirm is Confirm.NONE:
            self._start()

    def action_yes(self) -> None:
        """Yes to what is asked now."""
        following = self._next
        if self.phase is Phase.BROKEN:
            self._send()
        elif self.phase is Phase.ASKED and self._possible and self._confirm is Confirm.YES:
            self._start()
        elif self.phase is Phase.OVER and following is not None:
            self._begin((following,))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if self._typed is not None and event.value.strip() == self._typed:
            self._start()

    def action_skip(self) -> None:
        """Send without a rehearsal."""
        if self.phase is Phase.REHEARSED and self._worker is not None:
            self._worker.cancel()
            self._send()

    def action_again(self) -> None:
        """Ask the provider once more."""
        if self.phase is Phase.OVER and self._can_again:
            self._begin(self._course.plans)

    def action_capture(self) -> None:
        """To the request that the provider sent meanwhile."""
        number = self._capture
        if self.phase is Phase.OVER and number is not None:
            self.app.post_message(ShowCapture(number))

    def action_copy(self) -> None:
        """The new signing key to the clipboard, and nowhere else; or the address that is placed by hand."""
        key, by_hand = self._key, next((plan for plan in self._possible if plan.by_hand is not None), None)
        if key is not None:
            self.app.copy_to_clipboard(key)
            toast(self.app, "The signing key was sent to the clipboard.")
        elif by_hand is not None and by_hand.url is not None:
            self.app.copy_to_clipboard(by_hand.url)
            toast(self.app, "The address was sent to the clipboard.")

    def action_close(self) -> None:
        """Leave; what is on its way is given up first."""
        if self.phase is Phase.SENT and self._worker is not None:
            self._worker.cancel()
        else:
            self.dismiss(self._outcomes)

    def action_scroll(self, rows: int) -> None:
        """Move by lines."""
        self._view.move(rows)

    def action_page(self, pages: int) -> None:
        """Move by half pages."""
        self._view.move_pages(pages * 0.5)

    # --- the way and the sending ---------------------------------------------------------------------------------

    def _start(self) -> None:
        """Try the way first, where something is to point here."""
        provider = next((plan.provider for plan in self._possible if self._points_here(plan)), None)
        if provider is None:
            self._send()
            return
        self.phase = Phase.REHEARSED
        self._course.rehearsing = True
        self._worker = self.run_worker(self._rehearsing(provider), group="change")
        self._show()

    def _points_here(self, plan: Plan) -> bool:
        if plan.change is None or plan.by_hand is not None or plan.change.url is None:
            return False
        try:
            return plan.change.url == self._session.monitor.reach.hook_url(plan.provider)
        except KeyProblem:
            return False

    async def _rehearsing(self, provider: str) -> None:
        course = self._course

        def seen(hop: Hop) -> None:
            course.hops.append(hop)
            self._show()

        try:
            rehearsal = await self._webhooks.rehearse(provider, seen)
        except KeyProblem as problem:
            toast(self.app, str(problem), severity="error")
            self.end(())
            return
        course.rehearsing = False
        if rehearsal.ok:
            self._send()
        else:
            self.phase = Phase.BROKEN
            self._show()

    def _send(self) -> None:
        """Ask the providers: the accounts at once, one change after the other within an account."""
        self.phase = Phase.SENT
        self._course.rehearsing = False
        self._course.working = True
        self._worker = self.run_worker(self._sending(), group="change")
        self._show()

    async def _sending(self) -> None:
        course = self._course
        numbers = [number for number, plan in enumerate(course.plans) if plan.possible]

        async def one_account(account: str) -> None:
            for number in numbers:
                if course.plans[number].account == account:
                    outcome = await self._webhooks.registrations.carry_out(course.plans[number], self._told)
                    course.outcomes[number] = outcome
                    self._show()

        accounts = list(dict.fromkeys(course.plans[number].account for number in numbers))
        try:
            await asyncio.gather(*map(one_account, accounts))
        except asyncio.CancelledError:
            course.cancelled = True
            for account in accounts if self.is_attached else ():  # the list may tell what became of it
                self.app.run_worker(self._webhooks.registrations.refresh(account), group=f"look-{account}")
            raise
        finally:
            course.working = False
            self.phase = Phase.OVER
            if self.is_attached:
                self._ended()

    def _told(self, step: Progress) -> None:
        self._course.steps.append(step)
        if self.is_attached:
            self._show()

    def _ended(self) -> None:
        """All went well: say so and leave. Else, or where there is something to read, stay."""
        outcomes = self._outcomes
        smooth = all(one.state is ChangeState.DONE and one.key is None and one.plan.by_hand is None for one in outcomes)
        if self._course.cancelled or not outcomes or not smooth or self._capture is not None:
            self._show()
            return
        lost = any(one.plan.action in (Action.REMOVE, Action.REPLACE) and one.plan.change for one in outcomes)
        what = outcomes[0].sentence if len(outcomes) == 1 else f"Done: {count(len(outcomes), 'change')}."
        key = self._session.key("restore")
        toast(self.app, what + (f"\n{key} offers to put it back." if lost else ""))
        self.end(outcomes)
