"""View 2: one row per message, not per webhook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from monitor.services.messages import MessageView
from monitor.store.message_reader import Order
from monitor.ui.actions import Action, bindings
from monitor.ui.format import count
from monitor.ui.inspector import BODY
from monitor.ui.lines import Part
from monitor.ui.message_columns import heading
from monitor.ui.safety import toast
from monitor.ui.screens.failures import FailuresScreen
from monitor.ui.screens.filtered import PanedScreen
from monitor.ui.screens.frame import TRIPLE, over_list
from monitor.ui.screens.message import MessageScreen
from monitor.ui.session import Session
from monitor.ui.widgets.bars import Bar
from monitor.ui.widgets.detail import Detail
from monitor.ui.widgets.empty import Empty
from monitor.ui.widgets.message_list import MessageList
from monitor.ui.widgets.message_pane import MessagePane
from monitor.ui.widgets.rows import Cursor

_EMPTY: Final[dict[Order, tuple[str, str]]] = {
    Order.NEWEST: ("No message yet", "messages appear with the first webhook that tells of one"),
    Order.SLOWEST: ("No message has taken its whole way yet", "{}  shows another order"),
    Order.STUCK: ("Nothing is under way", "every message has come to its end; {} shows another order"),
    Order.FAILED: ("No message has failed", "{}  shows another order"),
}

_MODES: Final = {
    Order.SLOWEST: "FINISHED, SLOWEST FIRST", Order.STUCK: "UNFINISHED, STUCK FIRST", Order.FAILED: "FAILED ONLY",
}  # fmt: skip


class MessagesScreen(PanedScreen):
    """The list of messages, with the lifecycle of the one under the cursor beside it where there is room."""

    CSS_PATH = "messages.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings("messages")
    HELPED: ClassVar[frozenset[str]] = frozenset(
        {"everywhere", "messages", "filtered", "rows", "pane", "detail", "filter", "find"}
    )
    OF_LIST: ClassVar[tuple[str, ...]] = ("rows", "messages", "filtered")

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.view: MessageView = MessageView(session.open_messages, now=session.now)
        self._drawn = 0

    def compose_main(self) -> ComposeResult:
        """The list, the panes, the filter bar."""
        session = self.session
        with Horizontal(id="main"):
            with Vertical(id="left"):
                yield Bar(self._heading, id="heading")
                yield MessageList(self.view, session.look, session.now)
                yield Empty()
            yield MessagePane(session, self.view, id="message")
            yield Detail(session.inspector, session.detail, session.reader, tabs=(BODY,), id="body")
        yield self.filter_bar()

    # --- parts ---------------------------------------------------------------------------------------------------

    @property
    def rows(self) -> MessageList:
        """The list."""
        return self.query_one(MessageList)

    @property
    def pane(self) -> MessagePane:
        """The pane beside the list."""
        return self.query_one(MessagePane)

    @property
    def body(self) -> Detail:
        """The pane with the body of the capture that the pane's cursor stands on."""
        return self.query_one("#body", Detail)

    @property
    def capture_number(self) -> int | None:
        """As beside every list; and the capture whose body is in use."""
        return self.pane.capture_number if self.body.has_focus_within else super().capture_number

    def contexts(self) -> Sequence[str]:
        """Those of the pane in use."""
        return self.body.contexts if self.body.has_focus_within else super().contexts()

    def applies(self, action: Action) -> bool:
        """As beside every list; the keys of the body where there is room for it."""
        if action.id == "replay" and action.context == "messages" and self.copied_message() is None:
            return False
        return super().applies(action) and (self.size.width >= TRIPLE or action.context not in ("detail", "find"))

    async def obey(self, text: str) -> None:
        """Show the messages that pass this filter, from the top where it is another."""
        if text != self.view.filter_text:
            self.rows.to_top()
        await self.view.set_filter(text)
        await self.view.look_for_stuck()

    def message_number(self) -> int | None:
        """It is shown already."""
        return None

    def copied_message(self) -> int | None:
        """That under the cursor."""
        return self.rows.selected

    def conversation_number(self) -> int | None:
        """The conversation of the message under the cursor."""
        selected = self.rows.selected
        return None if selected is None else self.session.links(selected)[1]

    def modes(self) -> Sequence[Part]:
        """The order, where it is not the newest, and which messages it leaves."""
        mode = _MODES.get(self.view.order)
        return [*super().modes(), *([(mode, "chip")] if mode is not None else [])]

    # --- bringing up to date -------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Take in what changed, then draw it."""
        changed = self.catch_up()
        if self.split:
            self.pane.follow(self.rows.selected)
        self.pane.tick(changed)
        self._drawn += 1
        if self.times_moved() or (self.view.stuck_from and self._drawn % 10 == 0):
            self.rows.refresh()
        title, hint = _EMPTY[self.view.order]
        before, key, after = hint.partition("{}")
        self.show_empty(
            self.view.wrong,
            self.view.scanned,
            ((title, "strong"),),
            (),
            ((before, "quiet"), (key and self.session.key("order"), "accent"), (after, "quiet")),
            self._behind(),
            ((self.session.key("view_live"), "accent"), ("  shows what is captured", "quiet")),
        )
        self.query_one("#heading", Bar).update()
        super().tick()

    def take_in(self) -> bool:
        """Take in what changed since the last call; gives whether something did."""
        return self.view.catch_up()

    def _behind(self) -> list[Part]:
        behind = self.view.behind
        return [] if behind is None else [(f"reading in what was captured: {behind:.0%}", "warn")]

    def _heading(self, width: int) -> list[list[Part]]:
        state = self.paused or self._behind()
        if not state and self.rows.unseen:
            state = [(f" ▲ {count(self.rows.unseen)} new, {self.session.key('top')} ", "chip")]
        labels = heading(self.rows.scrollable_content_region.width or width) if len(self.view) else ""
        return over_list(labels, state, width)

    # --- list and pane -------------------------------------------------------------------------------------------

    @on(Cursor.Moved, "#messages")
    def follow_cursor(self) -> None:
        """Show the message."""
        if self.split:
            self.pane.follow(self.rows.selected)
        self._follow_stage()

    @on(Cursor.Moved, "#message-items")
    def _follow_stage(self) -> None:
        if self.size.width >= TRIPLE and self.pane.capture_number is not None:
            self.body.follow(self.pane.capture_number)

    def restyle(self) -> None:
        """The body of the capture, too, is hidden or shown."""
        self.body.reload(keep=True)
        super().restyle()

    @on(Cursor.Opened, "#messages")
    def _open(self) -> None:
        self.rows.stay()
        if self.split:
            self.pane.items.focus()
        else:
            self.open_alone(MessageScreen(self.session, self.view, self.rows, self.catch_up))

    async def show(self, number: int) -> None:
        """Put the cursor on a message, without the filter where it does not pass, and open it."""
        if self.view.filter_text != self.session.view.filter_text:
            await self.obey(self.session.view.filter_text)
        if self.view.index_of(number) is None:
            self.view.catch_up()
        if self.view.index_of(number) is None and not self.view.looked:
            await self.view.load()  # the look that runs since this view came up has not come to it
        if self.view.index_of(number) is None and self.view.filter_text:
            self.apply_filter("")
            toast(self.app, "The filter was left: the message does not pass it.")
            await self.obey("")
        if self.view.index_of(number) is None:
            known = self.view.order is Order.NEWEST  # what stands there stays while it is looked at anew
            await (self.view.load() if known else self.view.set_order(Order.NEWEST))
        index = self.view.index_of(number)
        if index is None:
            toast(self.app, "This message is not in the list.", severity="warning")
            return
        self.rows.taken_in()
        self.rows.move_to(index)
        self._open()

    def action_failures(self) -> None:
        """Why messages failed."""

        def chosen(text: str | None) -> None:
            if text is not None:
                self.apply_filter(text)

        shown = "" if self.view.wrong is not None else self.view.filter_text
        self.app.push_screen(FailuresScreen(self.session, shown), chosen)

    def action_order(self) -> None:
        """The next order."""
        orders = list(Order)
        self.rows.to_top()
        self.read(self.view.set_order(orders[(orders.index(self.view.order) + 1) % len(orders)]), "obey")
