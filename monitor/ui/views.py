"""An app of four views: which of them is seen, the jumps from one into another, and the way back."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.message import Message

from monitor.store.errors import StoreError
from monitor.ui.jumps import GoBack, Jump, ShowCapture, ShowConversation, ShowMessage
from monitor.ui.offering import Offering
from monitor.ui.paced import PacedApp
from monitor.ui.safety import toast
from monitor.ui.screens.base import MonitorScreen
from monitor.ui.screens.filtered import FilteredScreen
from monitor.ui.screens.frame import ListScreen
from monitor.ui.screens.live import LiveScreen
from monitor.ui.session import Session

if TYPE_CHECKING:
    from monitor.services.webhooks import Webhooks


class ViewsApp(PacedApp):
    """Shows one of the views, each with the screens that were opened over it."""

    DEFAULT_MODE = "live"

    def __init__(self, session: Session) -> None:
        """Where the session has no webhooks there is no fourth view."""
        self.session = session  # the stylesheets ask at once for what is preferred
        super().__init__()
        self.live = LiveScreen(session)
        self.add_mode("live", lambda: self.live)
        self.add_mode("messages", self._messages)
        self.add_mode("conversations", self._conversations)
        self._offering: Offering | None = None
        if session.webhooks is not None:
            self._offering = Offering(self, session, session.webhooks)
            self.add_mode("webhooks", partial(self._webhooks, session.webhooks, self._offering))

    @abstractmethod
    async def end(self) -> None:
        """Leave the first screen."""

    def _messages(self) -> MonitorScreen:
        from monitor.ui.screens.messages import MessagesScreen

        return MessagesScreen(self.session)

    def _conversations(self) -> MonitorScreen:
        from monitor.ui.screens.conversations import ConversationsScreen

        return ConversationsScreen(self.session)

    def _webhooks(self, webhooks: Webhooks, offering: Offering) -> MonitorScreen:
        from monitor.ui.screens.webhooks import WebhooksScreen

        return WebhooksScreen(self.session, webhooks, offering)

    def _base(self) -> MonitorScreen | None:
        """The nearest full screen: below overlays, the one they lie on."""
        return next((s for s in reversed(self.screen_stack) if isinstance(s, MonitorScreen)), None)

    # --- switching -----------------------------------------------------------------------------------------------

    async def _view(self, mode: str) -> None:
        self.session.trail.clear()
        if mode != self.current_mode:
            await self._switch(mode)
            return
        while len(self.screen_stack) > 1:  # it is this view, which may show one thing alone
            await self.pop_screen()
        base = self._base()
        if isinstance(base, ListScreen):
            base.rows.focus()

    async def _switch(self, mode: str) -> None:
        await self.switch_mode(mode)
        base = self._base()
        if base is not None:  # mask, times or filter may have changed while it was out of sight
            base.restyle()

    async def action_view_live(self) -> None:
        """View 1."""
        await self._view("live")

    async def action_view_messages(self) -> None:
        """View 2."""
        await self._view("messages")

    async def action_view_conversations(self) -> None:
        """View 3."""
        await self._view("conversations")

    async def action_view_webhooks(self) -> None:
        """View 4."""
        if self._offering is not None:
            await self._view("webhooks")
        else:
            toast(self, "There are no webhooks to see: nothing is received here.", severity="warning")

    async def action_leave(self) -> None:
        """Back, out of a pane, too; from the first screen quit."""
        base = self._base()
        if self.session.trail and len(self.screen_stack) <= self.session.trail[-1].depth:
            self.post_message(GoBack())
        elif len(self.screen_stack) > 1:
            self.pop_screen()
        elif isinstance(base, ListScreen) and base.in_pane:
            base.leave_pane()
        elif self.current_mode != "live":
            await self.action_view_live()
        else:
            await self.end()

    # --- jumping -------------------------------------------------------------------------------------------------

    def action_message(self) -> None:
        """To the message that this is about."""
        self._go_to("message", lambda base: base.message_number(), ShowMessage)

    def action_conversation(self) -> None:
        """To the conversation that this belongs to."""
        self._go_to("conversation", lambda base: base.conversation_number(), ShowConversation)

    def _go_to(
        self, what: str, number_of: Callable[[MonitorScreen], int | None], wish: Callable[[int], Message]
    ) -> None:
        base = self._base()
        try:
            number = number_of(base) if base is not None else None
        except StoreError as error:
            toast(self, str(error), severity="error")
            return
        if number is not None:
            self.post_message(wish(number))
        elif self.current_mode != f"{what}s":  # there it is shown already
            toast(self, f"This belongs to no {what}.", severity="warning")

    @on(ShowCapture)
    async def _show_capture(self, wish: ShowCapture) -> None:
        await self._jump("live", wish.number)

    @on(ShowMessage)
    async def _show_message(self, wish: ShowMessage) -> None:
        await self._jump("messages", wish.number)

    @on(ShowConversation)
    async def _show_conversation(self, wish: ShowConversation) -> None:
        await self._jump("conversations", wish.number)

    async def _jump(self, mode: str, number: int) -> None:
        """Show something in another view, and remember the way back."""
        origin, text = self.current_mode, self.session.view.filter_text
        await self._switch(mode)
        trail, jump = self.session.trail, Jump(origin, 2)
        if mode != origin:
            while len(self.screen_stack) > 1:
                await self.pop_screen()
            trail.append(jump)  # before anything is seen: who leaves it at once gets back, too
        screen = self.screen_stack[0]
        if isinstance(screen, FilteredScreen):
            try:
                await screen.show(number)
                self.frame()  # the next key is meant for the pane, which an empty list has hidden
            except StoreError as error:
                toast(self, str(error), severity="error")
        if trail and trail[-1] is jump:
            left = text if not self.session.view.filter_text else ""
            trail[-1] = Jump(origin, len(self.screen_stack), left)

    @on(GoBack)
    async def _go_back(self) -> None:
        if self.session.trail:
            jump = self.session.trail.pop()
            while len(self.screen_stack) > 1:
                await self.pop_screen()
            if jump.left and not self.session.view.filter_text:
                self.live.read(self.session.view.set_filter(jump.left), "filter")
                await asyncio.sleep(0)  # it is in force before that view looks
            await self._switch(jump.origin)
