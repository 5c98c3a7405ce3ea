"""View 3: conversations, a list beside the thread of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from monitor.services.conversations import ConversationView
from monitor.ui.format import count
from monitor.ui.lines import Part
from monitor.ui.safety import toast
from monitor.ui.screens.filtered import PanedScreen
from monitor.ui.screens.frame import PaneScreen
from monitor.ui.session import Session
from monitor.ui.widgets.bars import Bar
from monitor.ui.widgets.conversation_list import ConversationList
from monitor.ui.widgets.empty import Empty
from monitor.ui.widgets.rows import Cursor
from monitor.ui.widgets.thread_pane import ThreadPane


class ThreadScreen(PaneScreen):
    """A thread as a screen of its own, where there is no room beside the list."""

    def __init__(
        self, session: Session, view: ConversationView, listed: ConversationList, catch_up: Callable[[], object]
    ) -> None:
        super().__init__(session, listed, catch_up)
        self._view = view

    def make_pane(self) -> ThreadPane:
        """The thread."""
        return ThreadPane(self.session, self._view, id="whole")

    def conversation_number(self) -> int | None:
        """It is shown already."""
        return None


class ConversationsScreen(PanedScreen):
    """The list of conversations, with the thread of the one under the cursor beside it where there is room."""

    CSS_PATH: ClassVar = ["messages.tcss", "conversations.tcss"]
    HELPED: ClassVar[frozenset[str]] = frozenset({"everywhere", "filtered", "rows", "pane", "filter"})

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.view: ConversationView = ConversationView(session.open_messages, now=session.now)

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

    @property
    def rows(self) -> ConversationList:
        """The list."""
        return self.query_one(ConversationList)

    @property
    def pane(self) -> ThreadPane:
        """The thread beside the list."""
        return self.query_one(ThreadPane)

    async def obey(self, text: str) -> None:
        """Show the conversations in which a message passes this filter."""
        await self.view.set_filter(text)

    def is_reading(self) -> bool:
        """Whether others are read: those listed before stay until then."""
        return self._reads("obey")

    def conversation_number(self) -> int | None:
        """It is shown already."""
        return None

    def copied_conversation(self) -> int | None:
        """That under the cursor, while the list is in use."""
        return None if self.pane.has_focus_within else self.rows.selected

    def tick(self) -> None:
        """Take in what changed, then draw it."""
        self.catch_up()
        if self.times_moved():
            self.rows.refresh()
        self.show_empty(
            self.view.wrong, None if self.view.loaded else 0.0,
            (("No conversation yet", "strong"),), (),
            (("they appear with the first message between two parties", "quiet"),), (),
            ((self.session.key("view_live"), "accent"), ("  shows what is captured", "quiet")),
        )  # fmt: skip
        self.query_one("#heading", Bar).update()
        super().tick()

    def take_in(self) -> bool:
        """See that list and thread are up to date."""
        self.view.catch_up()
        if self.split:
            self.pane.follow(self.rows.selected)
            self.pane.tick()
        return True

    def _heading(self, width: int) -> list[list[Part]]:
        if self.paused:
            return [self.paused]
        unread = sum(1 for listed in self.view.rows if listed.unread)
        parts: list[Part] = [(" Conversations", "strong")]
        if unread:
            parts.append((f"  {count(unread)} unread", "accent"))
        return [parts]

    @on(Cursor.Moved, "#conversations")
    def follow_cursor(self) -> None:
        """Show the thread."""
        if self.split:
            self.pane.follow(self.rows.selected)

    @on(Cursor.Opened, "#conversations")
    def _open(self) -> None:
        if self.split:
            self.pane.items.focus()
        else:
            self.open_alone(ThreadScreen(self.session, self.view, self.rows, self.catch_up))

    async def show(self, number: int) -> None:
        """Put the cursor on a conversation, whether it is listed or not, and open it."""
        if not self.view.loaded or self.view.filter_text != self.session.view.filter_text:
            await self.obey(self.session.view.filter_text)
        if self.view.index_of(number) is None:
            await self.view.load()
        if self.view.index_of(number) is None and self.view.filter_text:
            await self.view.load_all()  # it may pass and stand below what was read
        if self.view.index_of(number) is None and self.view.filter_text:
            self.apply_filter("")
            toast(self.app, "The filter was left: the conversation does not pass it.")
            await self.obey("")
        self.rows.taken_in()
        self.rows.choose(number)
        self._open()
