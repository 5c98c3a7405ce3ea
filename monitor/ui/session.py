"""What the screens of one run share: the monitor, the view on it, and how the user wants to see things."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING

from monitor import tasks
from monitor.model.verdict import VerdictStatus
from monitor.providers.keys import KeyProblem
from monitor.services.messages import reader_of
from monitor.services.monitor import Monitor
from monitor.services.view import View
from monitor.ui.actions import ACTIONS, Action, key_name
from monitor.ui.columns import Look
from monitor.ui.documents.look import Reader
from monitor.ui.format import count
from monitor.ui.inspector import DetailState, Inspector
from monitor.ui.jumps import Jump
from monitor.ui.lines import Part, foreign
from monitor.ui.mask import mask_numbers
from monitor.ui.preferences import Preferences

if TYPE_CHECKING:
    from monitor.model.capture import Request
    from monitor.model.message import Message
    from monitor.services.alerts import Alerts
    from monitor.services.replay import Replayer
    from monitor.services.simulate import Simulator
    from monitor.services.webhooks import Webhooks
    from monitor.ui.sending import Sending


class Session:
    """One run of the screens."""

    def __init__(
        self,
        monitor: Monitor,
        simulator: Simulator | None,
        preferences: Preferences,
        now: Callable[[], datetime],
        webhooks: Webhooks | None = None,
        hidden: Sequence[str] = (),
        actions: Sequence[Action] = ACTIONS,
    ) -> None:
        """``hidden`` are secrets that may be in no masked file, ``actions`` what can be done with which keys."""
        self.hidden = hidden
        self.actions = actions
        self.monitor = monitor
        self.simulator = simulator
        self.webhooks = webhooks
        self.preferences = preferences
        self.now = now
        self.view = View(monitor.reader, now=now)
        self.inspector = Inspector(monitor)
        self.detail = DetailState(wrap=preferences.wrap)
        self.masked = monitor.settings.mask or preferences.masked
        self.open_messages = reader_of(monitor)
        self.trail: list[Jump] = []  # the jumps between views that have not been taken back
        self._linker = self.open_messages()
        self._links: tuple[int, tuple[int | None, int | None]] = (0, (None, None))
        self.changes = 0  # how often captures were let go or judged anew
        monitor.store.on_pruned(self._pruned)
        monitor.store.on_reread(self._reread)
        self.replayer: Replayer | None = None
        self.alerts: Alerts | None = None
        self.replay_to: str | None = None  # where captures were sent again last, None for where they are forwarded to
        self.marks: dict[int, None] = {}  # captures that were marked, in this order
        self.read_trouble: Exception | None = None  # why the store could not be read, while it could not
        self.sending: Sending | None = None  # what is sent, or was sent last
        self.importing: tuple[int, int] | None = None  # captures of a file that were taken in, and all of them
        self.editing: asyncio.Task[tuple[Request | None, str | None]] | None = None  # the editor has the terminal
        self.broken_off: str | None = None  # what the end of the screens broke off and left in part, in sentences

    def _pruned(self, tally: Mapping[tuple[str, str], int]) -> None:
        self.changes += 1
        tasks.start(self._leave_out(), "leave out what was let go")

    async def _leave_out(self) -> None:
        await self.view.prune()
        marked = set(self.marks)
        for number in marked - await asyncio.to_thread(self._there, marked) if marked else ():
            self.marks.pop(number, None)

    def _there(self, numbers: set[int]) -> set[int]:
        with closing(self.monitor.reader()) as reader:
            return set(reader.rows(list(numbers)))

    def _reread(self, tally: Mapping[tuple[str, str], int]) -> None:
        self.changes += 1
        self._links = (0, (None, None))
        self.inspector.rereads += 1
        tasks.start(self.view.reread(), "show what was judged anew")

    def close(self) -> None:
        """Close the connections to the store, and keep what was chosen in the panes."""
        if self.detail.wrap != self.preferences.wrap:
            self.preferences.wrap = self.detail.wrap
            self.preferences.save()
        self.view.close()
        self.inspector.close()
        self._linker.close()

    def breaks_off(self, sentence: str) -> None:
        """The end of the screens breaks something off, which is said when they are gone."""
        self.broken_off = sentence if self.broken_off is None else f"{self.broken_off} {sentence}"

    def links(self, capture: int | None) -> tuple[int | None, int | None]:
        """The numbers of the message and the conversation that a capture belongs to. Raises StoreError."""
        if capture is None:
            return None, None
        known, links = self._links
        if known != capture or None in links:  # messages are folded a moment after a capture was stored
            links = self._linker.links(capture)
            self._links = (capture, links)
        return links

    def message(self, number: int | None) -> Message | None:
        """A message by its number, None where there is none. Raises StoreError."""
        return None if number is None else self._linker.message(number)

    def key(self, action: str) -> str:
        """The key of an action, as it is written for people."""
        return key_name(next(one.keys[0] for one in self.actions if one.id == action))

    def unproven(self) -> str:
        """What to do about captures that today's keys may prove, as a sentence; empty without any, and where nothing
        may be changed."""
        verdicts = self.monitor.feed.verdicts
        unkeyed, invalid = verdicts[VerdictStatus.NO_KEY], verdicts[VerdictStatus.INVALID]
        found = [f"{count(unkeyed, 'capture')} had no key"] if unkeyed else []
        found += [f"{count(invalid, 'capture')} {'was' if invalid == 1 else 'were'} INVALID"] if invalid else []
        return f"{' and '.join(found)}: {self.key('rejudge')} judges all anew." if found and self.changing_key else ""

    @property
    def changing_key(self) -> Callable[[str], str] | None:
        """``key`` for actions that change something, None where nothing may be changed."""
        return None if self.monitor.settings.read_only else self.key

    @property
    def can_send(self) -> bool:
        """Whether simulated events can be sent."""
        return self.simulator is not None and not self.monitor.settings.read_only

    @property
    def token(self) -> str | None:
        """The secret path token, to be hidden wherever it would show."""
        return self.monitor.settings.token

    def hook_url(self, provider: str) -> str | None:
        """Where a provider's webhooks are to be sent, None where that cannot be said."""
        try:
            return self.monitor.reach.hook_url(provider)
        except KeyProblem:
            return None

    def look(self) -> Look:
        """How the list writes its rows."""
        monitor = self.monitor
        return Look(self.preferences.relative_times, self.masked, monitor.settings.demo, monitor.forwards is not None)

    def reader(self) -> Reader:
        """How documents are made."""
        return Reader(self.masked, self.token, self.monitor.settings.demo)

    def filter_words(self, text: str) -> str | None:
        """A filter as the title of a box may show it; None without one."""
        return foreign(mask_numbers(text) if self.masked else text, limit=60)[0] if text else None

    def modes(self) -> list[Part]:
        """The states of the screens that are not the usual ones."""
        view = self.view
        modes: list[Part] = []
        if self.webhooks is not None and self.webhooks.tunnel is not None and self.webhooks.tunnel.trouble is not None:
            modes.append(("TUNNEL DOWN", "alarm"))
        if self.read_trouble is not None:
            modes.append((f"STORE UNREADABLE {type(self.read_trouble).__name__}", "alarm"))
        if view.frozen:
            waiting = f" {count(view.pending)} waiting" if view.pending else ""
            modes.append((f"PAUSED{waiting}", "chip"))
        if view.filter_text:
            text = mask_numbers(view.filter_text) if self.masked else view.filter_text
            modes.append(("FILTER " + foreign(text, limit=40)[0], "chip"))
        if self.masked:
            modes.append(("MASK", "chip"))
        if self.marks:
            marked = f"MARKED #{next(iter(self.marks))}" if len(self.marks) == 1 else f"{count(len(self.marks))} MARKED"
            modes.append((marked, "chip"))
        if self.importing is not None:
            modes.append((f"IMPORTING {count(self.importing[0])} of {count(self.importing[1])}", "chip"))
        if self.sending is not None and self.sending.running:
            modes.append(self.sending.mode)
        return modes
