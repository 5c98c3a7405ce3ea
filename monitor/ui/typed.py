"""An app to which what is typed comes key by key, so that keys typed ahead do what the same keys do one at a time.

Textual hands a key to the widget in focus, and runs what is bound to it only when the key came back from there. Of
keys that come at once (a slow line, a busy moment, a text expander) all would go to the widget that had the focus
before the first: the words of a filter would be taken for keys of the list.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from textual import events, on
from textual.app import App
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from monitor.ui.pasting import one_line
from monitor.ui.safety import toast

LOOK_S: Final = 0.1  # between two looks whether the widget that has a key was removed with it
LOOKS: Final = 20  # with which a widget that is still there may hold up the next key
MOST: Final = 10_000  # characters of a field that has no limit of its own: drawing more holds up all else


class Followed(Message):
    """Comes behind a key on its way from the widget back to the app, where the key does what it does, then once more
    (``again``) behind what the widget tells of that: an input that is done gives the focus to another so."""

    def __init__(self, turn: int, screen: Screen[object], *, again: bool) -> None:
        super().__init__()
        self.turn = turn
        self.screen = screen
        self.again = again


class TypedApp(App[int]):
    """Takes the next key or paste when the one before is done, and the screen that it opened has its focus."""

    def __init__(self) -> None:
        super().__init__()
        self._typed: deque[events.Key | events.Paste] = deque()
        self._under_way = False
        self._turn = 0
        self._late: asyncio.TimerHandle | None = None

    async def on_event(self, event: events.Event) -> None:
        """Something happened; what is typed has to wait for its turn."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
            return
        self._typed.append(event)
        if not self._under_way:
            await self._take()

    async def _take(self) -> None:
        self._under_way = bool(self._typed)
        if self._typed:
            event = self._typed.popleft()
            if isinstance(event, events.Key) or self._fits(event):
                await super().on_event(event)
            self._follow()

    def _fits(self, paste: events.Paste) -> bool:
        """Whether the field in use has room for a paste, which becomes one line; where it has none, say so."""
        paste.text = one_line(paste.text)
        field = self.focused
        if not isinstance(field, Input):
            return True
        most = field.max_length or MOST
        long = len(field.value) - len(field.selected_text) + len(paste.text)
        if long > most:
            said = f"This field takes {most:,} characters; with what was pasted it would have {long:,}."
            toast(self, f"{said} Nothing was pasted.", severity="warning")
        return long <= most

    def _follow(self, *, again: bool = False) -> None:
        if not self.screen_stack:  # the app ends
            return
        self._turn += 1
        holder = self.focused or self.screen
        followed = Followed(self._turn, self.screen, again=again)
        if not holder.post_message(followed):
            self.post_message(followed)
        self._look_again(holder, Followed(self._turn, self.screen, again=again), LOOKS)

    def _look_again(self, holder: Widget, late: Followed, looks: int) -> None:
        """See that the keys behind it get their turn also where a key never comes back."""
        if looks and holder.is_running and holder.is_attached:
            loop = asyncio.get_running_loop()
            self._late = loop.call_later(LOOK_S, self._look_again, holder, late, looks - 1)
        else:
            self.post_message(late)

    @on(Followed)
    def _followed(self, message: Followed) -> None:
        if message.turn != self._turn:
            return
        self._turn += 1  # it comes once more when it was late
        if self._late is not None:
            self._late.cancel()
        if self.screen_stack and (not message.again or self.screen is not message.screen):
            self._follow(again=True)  # also behind what gives a new screen its focus
        else:
            self.call_later(self._take)  # behind a ``focus()`` of what the key did
