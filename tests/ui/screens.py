"""The screens over a real monitor, for tests: real store, real socket, a clock that stands still."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from textual import events
from textual.driver import Driver
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot
from textual.screen import Screen
from textual.worker import WorkerCancelled

from monitor.config import Alert as Rule
from monitor.model.capture import Capture, Source
from monitor.model.reading import Direction, Reading, Status
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.providers.base import Keys
from monitor.services.alerts import Alerts
from monitor.services.forwards import Forwards
from monitor.services.monitor import Monitor, Settings
from monitor.services.simulate import Simulator
from monitor.store.message_reader import MessageReader
from monitor.ui.actions import ACTIONS, Action
from monitor.ui.app import HooktopApp
from monitor.ui.screens.base import MonitorScreen
from monitor.ui.screens.live import LiveScreen
from monitor.ui.widgets.capture_list import CaptureList
from monitor.ui.widgets.detail import Detail
from monitor.ui.widgets.form import FieldRow
from monitor.ui.widgets.lines_view import LinesView
from monitor.ui.widgets.pane import Pane
from tests.factory import FULL_READING, START, make_capture, make_request, running

NOW = START + timedelta(minutes=1)


@dataclass
class Screens:
    """A running app, and what drives it."""

    app: HooktopApp
    pilot: Pilot[int]
    monitor: Monitor

    @property
    def live(self) -> LiveScreen:
        """View 1."""
        return self.app.live

    @property
    def captures(self) -> CaptureList:
        """The list."""
        return self.live.captures

    @property
    def detail(self) -> Detail:
        """The pane of the screen on top, else the live view's."""
        return self.app.screen.query(Detail).first()

    @property
    def lines(self) -> LinesView:
        """The pane's lines."""
        return self.detail.query_one(LinesView)

    def top(self) -> Screen[Any]:
        """The screen on top."""
        return self.app.screen

    def follows(self) -> bool:
        """Whether the list follows the newest."""
        return self.captures.following

    def pane_text(self) -> str:
        """What the pane shows, folded away or not."""
        return "\n".join(line.text for line in self.lines.document.lines)

    def screen_text(self) -> str:
        """What is on the screen now."""
        compositor = self.app.screen._compositor
        return "\n".join("".join(segment.text for segment in strip) for strip in compositor.render_strips())

    async def press(self, *keys: str) -> None:
        """Press keys, then let everything settle."""
        await self.pilot.press(*keys)
        await self.settle()

    async def press_at_once(self, *keys: str) -> None:
        """Press keys faster than any of them is answered, as when one is held down, then let everything settle."""
        self.type_ahead(*keys)
        await self.pilot.pause(0.2)
        await self.settle()

    def type_ahead(self, *keys: str) -> None:
        """Press keys that are answered later."""
        driver = self.app._driver
        assert driver is not None
        for key in keys:
            driver.send_message(events.Key(key, None))

    async def settle(self) -> None:
        """Wait for timers of a debounce's length, which may be late on a busy machine, for workers and for messages."""
        await self.pilot.pause(0.06)
        # Where a key has ended the screens no timer goes on.
        await self.until(lambda: self.app.return_code is not None or all(one._resting is None for one in self._panes()))
        await self.done()

    def _panes(self) -> Iterable[Pane[Any] | Detail]:
        """Those in which the cursor comes to rest: one that follows the newest never does."""
        kinds = (Pane,) if self.follows() else (Pane, Detail)
        return [one for one in self.app.screen.query() if isinstance(one, kinds)]

    async def done(self) -> None:
        """Wait for workers (one that another has replaced counts as done) and for messages."""
        with contextlib.suppress(WorkerCancelled):
            await self.app.workers.wait_for_complete()
        await self.pilot.pause()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition."""
        async with asyncio.timeout(10):
            while not condition():
                await self.pilot.pause(0.02)

    def tick(self) -> None:
        """Bring the full screen on top up to date, as happens ten times a second."""
        screen = self.app.screen
        assert isinstance(screen, MonitorScreen)
        screen.tick()

    async def fill(self, **values: str) -> None:
        """Fill in fields of the form on top."""
        for name, text in values.items():
            await self.until(partial(self._field, name))  # a choice that was just made may bring it
            row = self._field(name)
            assert row is not None
            row.put(text)
            await self.settle()

    def _field(self, name: str) -> FieldRow | None:
        rows = self.app.screen.query(FieldRow)
        return next((row for row in rows if row.field.name == name and row.is_mounted), None)

    def toasts(self) -> str:
        """Everything that was said."""
        return "\n".join(notification.message for notification in self.app._notifications)

    async def add(self, *captures: Capture) -> None:
        """Store captures and wait until the screens have taken them in."""
        await fill(self.monitor, captures)
        self.live.tick()
        await self.settle()


async def fill(monitor: Monitor, captures: Sequence[Capture]) -> None:
    """Commit captures."""
    await asyncio.gather(*[monitor.store.add(capture) for capture in captures])


@asynccontextmanager
async def screens(
    folder: Path,
    captures: Sequence[Capture] = (),
    *,
    size: tuple[int, int] = (120, 40),
    settings: Settings | None = None,
    simulator: Callable[[Monitor], Simulator] | None = None,
    preferences: Path | None = None,
    now: Callable[[], datetime] = lambda: NOW,
    driver: type[Driver] | None = None,
    keys: Mapping[str, Keys] | None = None,
    forwards: Forwards | None = None,
    actions: Sequence[Action] = ACTIONS,
    alerts: Sequence[Rule] = (),
) -> AsyncIterator[Screens]:
    """The app over a monitor whose store holds these captures."""
    async with (
        running(folder / "hooktop.db", settings, forwards, **(keys or {})) as monitor,
        alerting(monitor, alerts) as told,
    ):
        await fill(monitor, captures)
        app = HooktopApp(
            monitor,
            alerts=told,
            simulator=simulator(monitor) if simulator else None,
            preferences=preferences,
            now=now,
            actions=actions,
        )
        if driver is not None:
            drive(app, driver)
        async with app.run_test(size=size, notifications=True, tooltips=True) as pilot:
            driven = Screens(app, pilot, monitor)
            await driven.settle()
            yield driven


@asynccontextmanager
async def alerting(monitor: Monitor, rules: Sequence[Rule]) -> AsyncIterator[Alerts]:
    """Alerts by these rules, of what is stored from now on."""
    alerts = Alerts(rules, lambda: MessageReader(monitor.store.path))
    alerts.start()
    monitor.store.follow(alerts.offer)
    try:
        yield alerts
    finally:
        await alerts.stop()


def drive(app: HooktopApp, driver: type[Driver]) -> None:
    """Have an app driven by this; ``run_test`` always takes the headless one."""
    app._build_driver = lambda headless, inline, mouse, size: driver(app, size=size)  # type: ignore[method-assign]


def plain_captures(number: int) -> list[Capture]:
    """Captures of a quiet life: their texts number them."""
    reading = Reading(
        event="message.received", direction=Direction.INBOUND, channel="sms", status=Status.RECEIVED,
        from_="+15555550123", to="+15555550145", message="volt:1",
    )  # fmt: skip
    return [
        replace(make_capture(n, body=b'{"n": %d}' % n, reading=replace(reading, text=f"text {n}")), id=0)
        for n in range(1, number + 1)
    ]


def mixed_captures() -> list[Capture]:
    """One capture of each verdict and status, with several scripts and sources."""
    statuses = list(Status)
    found = []
    bodies = [b'{"index": %d, "list": [1, {"a": null}]}' % index for index in range(len(VerdictStatus))]
    for index, verdict in enumerate(VerdictStatus):
        status = statuses[index % len(statuses)]
        reading = replace(
            FULL_READING, status=status, provider_status=status.value, text=f"Message {index} «größer» 你好",
            error=FULL_READING.error if status is Status.FAILED else None, mark=None, problems=(),
            direction=(Direction.INBOUND, Direction.OUTBOUND)[index % 2],
        )  # fmt: skip
        provider = ("volt", "bird", "connectly", "oneroute", "standard", "generic", "volt")[index]
        near = "the request line as http://example.com/volt/" if verdict is VerdictStatus.INVALID else None
        found.append(
            replace(
                make_capture(index),
                provider=provider,
                reading=reading,
                source=Source.SIMULATED if index == 3 else Source.NETWORK,
                verdict=Verdict(verdict, "said by the test", "rsa-pkcs1v15-sha256/base64", "sha256:1a2b3c4d", near),
                request=replace(make_request(path=f"/{provider}"), body=bodies[index]),
            )
        )  # fmt: skip
    return found


class RecordingDriver(HeadlessDriver):
    """Takes what would go to the terminal, as a driver that is not headless does."""

    written: list[str]

    @property
    def is_headless(self) -> bool:
        """Not: so that the app really draws."""
        return False

    def write(self, data: str) -> None:
        """Keep what is written."""
        self.__dict__.setdefault("written", []).append(data)

    def start_application_mode(self) -> None:
        """Begin with nothing written."""
        self.written = []
        super().start_application_mode()
