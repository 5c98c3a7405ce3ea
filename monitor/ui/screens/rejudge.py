"""The overlay that judges everything stored anew, such as after a key was added."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from monitor.services.keys import KeysError
from monitor.store.errors import StoreError
from monitor.ui.format import count
from monitor.ui.lines import Part
from monitor.ui.safety import Plain, toast
from monitor.ui.screens.overlay import Overlay, heading, key_parts
from monitor.ui.screens.work import DONE_S, TOLD_S
from monitor.ui.session import Session


class RejudgeScreen(Overlay[bool]):
    """Asks, judges with its progress; gives whether anything has changed."""

    CSS_PATH = "work.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "judge", show=False),
        Binding("f", "fetch", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._stop: threading.Event | None = None  # there is one while it is judged
        self._told = 0.0

    def compose(self) -> ComposeResult:
        """One box with the question."""
        with Vertical(classes="box", id="question") as box:
            box.border_title = heading("Judge anew")
            yield Plain(id="question-note")

    def on_mount(self) -> None:
        self._ask()

    def _ask(self) -> None:
        feed = self._session.monitor.feed
        whole: list[Part] = [
            (count(feed.total, "capture"), "strong"),
            (", with the keys and settings of today", "plain"),
        ]
        proven = feed.verdicts["verified"]
        now: list[Part] = [(f"{count(proven)} verified now, {count(feed.total - proven)} not", "quiet")]
        more: list[Part] = [("Readings and messages are worked out anew, too; receiving goes on.", "quiet")]
        answers = [("enter", "judges them"), ("esc", "leaves all as it is")]
        unfetched = self._unfetched()
        if unfetched:
            answers.insert(0, ("f", f"fetches the key of {' and '.join(unfetched)}"))
        self._say(whole, now, more, [], key_parts(*answers))

    def _unfetched(self) -> tuple[str, ...]:
        webhooks = self._session.webhooks
        return () if webhooks is None else webhooks.unfetched()

    def action_fetch(self) -> None:
        """Fetch the keys that providers publish and nobody has fetched yet."""
        if self._stop is None and self._unfetched():
            self._say([("fetching …", "quiet")])
            self.run_worker(self._fetch(), group="fetch", exclusive=True)

    async def _fetch(self) -> None:
        webhooks = self._session.webhooks
        for provider in self._unfetched():
            try:
                for sentence in await webhooks.fetch_key(provider) if webhooks is not None else ():
                    toast(self.app, sentence, timeout=DONE_S)
            except (KeysError, StoreError) as error:
                toast(self.app, str(error), severity="error", timeout=DONE_S)
        if self.is_mounted and self._stop is None:
            self._ask()

    def _say(self, *lines: Sequence[Part]) -> None:
        self.query_one("#question-note", Plain).show_parts(*map(tuple, lines))

    def action_judge(self) -> None:
        """Judge them."""
        if self._stop is None:
            self._stop = threading.Event()
            self.run_worker(self._judge(self._stop), group="rejudge")

    async def _judge(self, stop: threading.Event) -> None:
        monitor = self._session.monitor
        self._say([("judging …", "quiet")])
        try:
            done = await monitor.store.reread(monitor.examiner.again, self._progress, whole=False, stop=stop.is_set)
        except StoreError as error:
            toast(self.app, str(error), severity="error", timeout=DONE_S)
            self.end(False)
            return
        more = done.verified
        verified = f", {count(abs(more))} {'more are' if more > 0 else 'fewer are'} verified" if more else ""
        changed = f"{count(done.changed)} changed" if done.changed else "nothing changed"
        broken_off = " It was broken off." if stop.is_set() else ""
        said = f"Judged {count(done.captures, 'capture')} anew: {changed}{verified}.{broken_off}"
        toast(self.app, said, timeout=DONE_S)
        self.end(done.changed > 0)

    def _progress(self, upto: int, last: int) -> None:
        if upto == last:
            self._say([("messages and conversations are worked out …", "quiet")])
        elif time.monotonic() > self._told + TOLD_S:
            self._told = time.monotonic()
            of = f" of {count(last)} judged"
            self._say([(count(upto), "accent"), (of, "plain"), ("  esc breaks it off", "quiet")])

    def action_close(self) -> None:
        """Leave all as it is; what is being judged is broken off, and what is judged stays so."""
        if self._stop is None:
            self.dismiss(False)
        else:
            self._stop.set()
