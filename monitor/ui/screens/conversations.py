"""View 3: conversations, a list beside the thread of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from monitor.model.capture import Capture
from monitor.model.conversation import Bubble, CentreLine
from monitor.services.conversations import ConversationView
from monitor.ui.actions import Action
from monitor.ui.format import count
from monitor.ui.jumps import GoBack, ShowCapture, ShowMessage
from monitor.ui.lines import Part
from monitor.ui.safety import toast
from monitor.ui.screens.base import MonitorScreen
from monitor.ui.screens.filtered import SPLIT, FilteredScreen
from monitor.ui.session import Session
from monitor.ui.widgets.bars import Bar
from monitor.ui.widgets.conversation_list import ConversationList
from monitor.ui.widgets.empty import Empty
from monitor.ui.widgets.pane import Pane
from monitor.ui.widgets.rows import Cursor, ItemsView
from monitor.ui.widgets.thread_pane import ThreadPane


class ThreadScreen(MonitorScreen):
    """A thread as a screen of its own, where there is no room beside the list."""

    HELPED: ClassVar[frozenset[str]] = frozenset({"everywhere", "rows", "pane"})

    def __init__(
        self, session: Session, view: ConversationView, conversations: ConversationList, catch_up: Callable[[], None]
    ) -> None:
        """``catch_up`` keeps the list below up to date."""
        super().__init__(session)
        self._view = view
        self._conversations = conversations
        self._catch_up = catch_up

    def compose_main(self) -> ComposeResult:
        """The pane alone."""
        yield ThreadPane(self.session, self._view, id="whole")

    def on_mount(self) -> None:
        self.query_one(ItemsView).focus()
        self.pane.follow(self._conversations.selected)

    @property
    def pane(self) -> ThreadPane:
        """The pane."""
        return self.query_one(ThreadPane)

    @property
    def capture_number(self) -> int | None:
        """The first capture of what the cursor stands on."""
        return capture_of(self.pane)

    @property
    def capture(self) -> Capture | None:
        """That capture."""
        number = self.capture_number
        return None if number is None else self.session.inspector.capture(number)

    def conversation_number(self) -> int | None:
        """It is shown already."""
        return None

    def contexts(self) -> Sequence[str]:
        """Those of the pane."""
        return ("pane", "rows")

    def tick(self) -> None:
        """List and thread go on."""
        self._catch_up()
        self.pane.tick()
        super().tick()

    def restyle(self) -> None:
        """Make the lines again."""
        self._conversations.refresh()
        self.pane.restyle()
        super().restyle()

    @on(Pane.Left)
    def _left(self) -> None:
        if self.session.trail:
            self.post_message(GoBack())
        else:
            self.dismiss()

    @on(Pane.Stepped)
    def _stepped(self, event: Pane.Stepped) -> None:
        self._conversations.move_to(self._conversations.cursor + event.step)
        self.pane.follow(self._conversations.selected)

    @on(Cursor.Opened)
    def _opened(self) -> None:
        open_item(self, self.pane)


class ConversationsScreen(FilteredScreen):
    """The list of conversations, with the thread of the one under the cursor beside it where there is room."""

    CSS_PATH = ["messages.tcss", "conversations.tcss"]  # noqa: RUF012 - Textual's
    HELPED: ClassVar[frozenset[str]] = frozenset({"everywhere", "filtered", "rows", "pane", "filter"})

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.view = ConversationView(session.open_messages, now=session.now)

    def compose_main(self) -> ComposeResult:
        """The list, the thread, the filter bar."""
        session = self.session
        with Horizontal(id="main"):
            with Vertical(id="left"):
                yield Bar(self._heading, id="heading")
                yield ConversationList(self.view, session.look, session.now)
                yield Empty()
            yield ThreadPane(session, self.view, id="thread")
        yield self.filter_bar()

    def on_mount(self) -> None:
        self.rows.focus()
        self._obey(self.session.view.filter_text)

    def on_unmount(self) -> None:
        self.view.close()

    @property
    def rows(self) -> ConversationList:
        """The list."""
        return self.query_one(ConversationList)

    @property
    def pane(self) -> ThreadPane:
        """The thread beside the list."""
        return self.query_one(ThreadPane)

    @property
    def obeyed(self) -> str:
        """The filter that is shown now."""
        return self.view.filter_text

    async def obey(self, text: str) -> None:
        """Show the conversations in which a message passes this filter."""
        await self.view.set_filter(text)

    @property
    def capture_number(self) -> int | None:
        """The first capture of what the cursor stands on, while the thread is in use."""
        return capture_of(self.pane) if self.pane.has_focus_within else None

    @property
    def capture(self) -> Capture | None:
        """That capture."""
        number = self.capture_number
        return None if number is None else self.session.inspector.capture(number)

    def conversation_number(self) -> int | None:
        """It is shown already."""
        return None

    def copied_conversation(self) -> int | None:
        """That under the cursor, while the list is in use."""
        return None if self.pane.has_focus_within else self.rows.selected

    def contexts(self) -> Sequence[str]:
        """Those of the pane in use."""
        if self.typing:
            return ("filter",)
        return ("pane", "rows", "filtered") if self.pane.has_focus_within else ("rows", "filtered")

    def applies(self, action: Action) -> bool:
        """As for every screen; and nothing can be opened in an empty list."""
        return super().applies(action) and (action.id not in ("open", "copy") or bool(self.view.rows))

    def note(self) -> str:
        """Where the cursor stands."""
        return f"{count(self.rows.cursor + 1)}/{count(len(self.view.rows))}" if self.view.rows else ""

    def tick(self) -> None:
        """Take in what changed, then draw it."""
        self.catch_up()
        if self.session.preferences.relative_times:
            self.rows.refresh()
        self.show_empty(
            self.view.wrong, None if self.view.loaded else 0.0,
            (("No conversation yet", "strong"),), (),
            (("they appear with the first message between two parties", "quiet"),), (),
            ((self.session.key("view_live"), "accent"), ("  shows what is captured", "quiet")),
        )  # fmt: skip
        self.query_one("#heading", Bar).update()
        super().tick()

    def catch_up(self) -> None:
        """See that list and thread are up to date."""
        try:
            if not self.session.view.frozen:
                self.view.catch_up()
                if self.size.width >= SPLIT:
                    self.pane.tick()
            self.rows.taken_in()
            self.session.read_trouble = None
        except Exception as error:  # whatever the store has, the receiver and the screens go on
            self.session.read_trouble = type(error).__name__

    def restyle(self) -> None:
        """Draw list and thread again."""
        self.rows.refresh()
        self.pane.restyle()
        super().restyle()

    def _heading(self, width: int) -> list[list[Part]]:
        if self.session.view.frozen:
            return [[(f" paused, {self.session.key('freeze')} goes on ", "chip")]]
        unread = sum(1 for listed in self.view.rows if listed.unread)
        parts: list[Part] = [(" Conversations", "strong")]
        if unread:
            parts.append((f"  {count(unread)} unread", "accent"))
        return [parts]

    def on_resize(self) -> None:
        """Other room, other panes."""
        if self.is_mounted:
            self.call_after_refresh(self._after_resize)

    def _after_resize(self) -> None:
        self._follow_cursor()
        focused = self.focused
        if focused is None or not focused.display or not focused.region:
            self.rows.focus()
        self.tick()

    @on(Cursor.Moved, "#conversations")
    def _follow_cursor(self) -> None:
        if self.size.width >= SPLIT:
            self.pane.follow(self.rows.selected)

    @on(Cursor.Opened, "#conversations")
    def _open(self) -> None:
        if self.size.width >= SPLIT:
            self.pane.items.focus()
        else:
            self.app.push_screen(ThreadScreen(self.session, self.view, self.rows, self.catch_up))

    @on(Cursor.Opened, "#thread-items")
    def _open_item(self) -> None:
        open_item(self, self.pane)

    @on(Pane.Left)
    def _left(self) -> None:
        if self.session.trail:
            self.post_message(GoBack())
        else:
            self.rows.focus()

    @on(Pane.Stepped)
    def _stepped(self, event: Pane.Stepped) -> None:
        self.rows.move_to(self.rows.cursor + event.step)

    async def show(self, number: int) -> None:
        """Put the cursor on a conversation, whether it is listed or not, and open it."""
        if not self.view.loaded or self.view.filter_text != self.session.view.filter_text:
            await self.obey(self.session.view.filter_text)
        if self.view.index_of(number) is None:
            await self.view.load()
        if self.view.index_of(number) is None and self.view.filter_text:
            self.apply_filter("")
            toast(self.app, "The filter was left: the conversation does not pass it.")
            await self.obey("")
        self.rows.taken_in()
        self.rows.choose(number)
        self._open()

    def action_clear(self) -> None:
        """Back to where a jump came from; else show everything again."""
        if self.session.trail:
            self.post_message(GoBack())
        else:
            super().action_clear()


def capture_of(pane: ThreadPane) -> int | None:
    """The first capture of what the cursor stands on in a thread."""
    match pane.item:
        case Bubble(message=message):
            return message.captures[0] if message.captures else None
        case CentreLine(capture=capture):
            return capture
    return None


def open_item(screen: MonitorScreen, pane: ThreadPane) -> None:
    """Show the message of a bubble, or the capture of a centre line."""
    number = capture_of(pane)
    if number is None:
        return
    message = screen.session.links(number)[0] if isinstance(pane.item, Bubble) else None
    screen.post_message(ShowCapture(number) if message is None else ShowMessage(message))
