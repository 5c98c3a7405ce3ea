"""The overlay that judges everything stored anew, such as after a key was added."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import ClassVar

from textual.binding import Binding, BindingType

from monitor.model.verdict import VerdictStatus
from monitor.services.keys import KeysError
from monitor.store.errors import StoreError
from monitor.ui.format import count
from monitor.ui.lines import Part
from monitor.ui.safety import toast
from monitor.ui.screens.overlay import key_parts
from monitor.ui.screens.question import QuestionScreen
from monitor.ui.screens.work import DONE_S, TOLD_S
from monitor.ui.session import Session


class RejudgeScreen(QuestionScreen):
    """Asks, offers to fetch the keys that can be, judges."""

    TITLE = "Judge anew"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "judge", show=False),
        Binding("f", "fetch", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._told = 0.0
        self._judged = (0, session.monitor.feed.total)

    def ask(self) -> None:
        """Say what is judged, and what is known of it now."""
        feed = self._session.monitor.feed
        whole: list[Part] = [
            (count(feed.total, "capture"), "strong"),
            (", with the keys and settings of today", "plain"),
        ]
        proven = feed.verdicts[VerdictStatus.VERIFIED]
        now: list[Part] = [(f"{count(proven)} verified now, {count(feed.total - proven)} not", "quiet")]
        more: list[Part] = [("Readings and messages are worked out anew, too; receiving goes on.", "quiet")]
        answers = [("enter", "judges them"), ("esc", "leaves all as it is")]
        unfetched = self._unfetched()
        if unfetched:
            answers.insert(0, ("f", f"fetches the key of {' and '.join(unfetched)}"))
        self.say(whole, now, more, [], key_parts(*answers))

    def _unfetched(self) -> tuple[str, ...]:
        webhooks = self._session.webhooks
        return () if webhooks is None else webhooks.unfetched()

    def action_fetch(self) -> None:
        """Fetch the keys that providers publish and nobody has fetched yet."""
        if self.stop is None and self._unfetched():
            self.say([("fetching …", "quiet")])
            self.run_worker(self._fetch(), group="fetch", exclusive=True)

    async def _fetch(self) -> None:
        webhooks = self._session.webhooks
        for provider in self._unfetched():
            try:
                for sentence in await webhooks.fetch_key(provider) if webhooks is not None else ():
                    toast(self.app, sentence, timeout=DONE_S)
            except (KeysError, StoreError) as error:
                toast(self.app, str(error), severity="error", timeout=DONE_S)
        if self.is_mounted and self.stop is None:
            self.ask()

    def action_judge(self) -> None:
        """Judge them."""
        self.begin()

    async def work(self, stop: threading.Event) -> tuple[str, bool]:
        """Judge them; what is judged stays so. Raises StoreError."""
        monitor, webhooks = self._session.monitor, self._session.webhooks
        self.say([("judging …", "quiet")])
        if webhooks is not None:
            await webhooks.look_for_keys()
        try:
            done = await monitor.store.reread(
                monitor.examiner.again, self._progress, made=self._made, whole=False, stop=stop.is_set
            )
        except asyncio.CancelledError:  # the screens end: nobody would see a note
            upto, last = map(count, self._judged)
            self._session.breaks_off(f"Judging anew ended early, after {upto} of {last}; 'hooktop reindex' judges all.")
            raise
        more = done.verified
        verified = f", {count(abs(more))} {'more are' if more > 0 else 'fewer are'} verified" if more else ""
        changed = f"{count(done.changed)} changed" if done.changed else "nothing changed"
        return f"Judged {count(done.captures, 'capture')} anew: {changed}{verified}.", done.changed > 0

    def _progress(self, upto: int, last: int) -> None:
        self._judged = (upto, last)
        if upto == last:
            self._told = 0.0
            self._made(0.0)
        elif self._is_due():
            of = f" of {count(last)} judged"
            self.say([(count(upto), "accent"), (of, "plain"), ("  esc breaks it off", "quiet")])

    def _made(self, share: float) -> None:
        if self._is_due():
            self.say([("messages and conversations are worked out …", "quiet"), (f" {share:.0%}", "accent")])

    def _is_due(self) -> bool:
        """Whether how far it is may be said again; then it counts as said."""
        due = time.monotonic() > self._told + TOLD_S
        self._told = time.monotonic() if due else self._told
        return due
