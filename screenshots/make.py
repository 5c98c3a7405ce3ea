"""Makes the pictures in this folder: the same traffic, clock and sizes every time.

python -m screenshots.make [FOLDER]
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from textual.pilot import Pilot
from textual.widgets import Input
from textual.worker import WorkerCancelled

from monitor import tasks
from monitor.config import Config, ReceiverConfig
from monitor.model.capture import Capture, Request
from monitor.providers.registry import BUILT_IN, registry
from monitor.receiver.binding import bind
from monitor.sandbox.envelope import seal
from monitor.sandbox.traffic import Traffic
from monitor.secret import fingerprint
from monitor.services import demonstration
from monitor.services.assemble import Assembly, assembled
from monitor.services.localkeys import LocalKeys
from monitor.services.monitor import Monitor, Settings
from monitor.services.registrations import Panel, Registrations
from monitor.services.webhooks import Webhooks
from monitor.ui.app import HooktopApp
from monitor.ui.screens.live import LiveScreen

START: Final = datetime(2026, 1, 31, 21, 30, tzinfo=UTC)
SEED: Final = 11
URL: Final = "https://a1b2.trycloudflare.com"
PORT: Final = 8787
# What providers and the demonstration make up anew in every run, and what stands for it in the pictures.
RANDOM: Final = {
    r"127\.0\.0\.1:\d+": "127.0.0.1:8790",
    r"demo-[0-9a-f]{4}\.": "demo-50a3.",
    r"hk-[0-9a-f]{8}": "hk-fa95f03a",
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}": "302d4485-ed82-4865-9e31-a0527dd1cd{:02}",
    r"\bwh_[0-9A-Z]{26}": "wh_C7WQV0XYK742NKJ5GH84RDAH{:02}",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """One file: its name, the size in cells, the theme, the keys pressed first, and how many captures there are."""

    name: str
    size: tuple[int, int]
    theme: str = "hooktop-dark"
    keys: tuple[str, ...] = ()
    captures: int = 120


PICTURES: Final = (
    Picture("live-80x24", (80, 24)),
    Picture("live-120x40", (120, 40)),
    Picture("live-120x40-light", (120, 40), "hooktop-light"),
    Picture("live-120x40-ansi", (120, 40), "ansi-dark"),
    Picture("live-180x50", (180, 50)),
    Picture("live-180x50-light", (180, 50), "hooktop-light"),
    Picture("body-80x24", (80, 24), keys=("k", "k", "enter", "right")),
    Picture("failed-120x40", (120, 40), keys=("slash", *"status:failed", "enter")),
    Picture("signature-120x40", (120, 40), keys=(*("k",) * 25, "enter", *("right",) * 3)),  # of one that is INVALID
    Picture("masked-120x40", (120, 40), keys=("x",)),
    Picture("messages-80x24", (80, 24), keys=("2", "j")),
    Picture("message-80x24", (80, 24), keys=("2", "j", "j", "enter")),
    Picture("messages-120x40", (120, 40), keys=("2", *("j",) * 22, "enter", "j")),
    Picture("messages-180x50-light", (180, 50), "hooktop-light", ("2", "j", "j", "enter", "j")),
    Picture("failures-120x40", (120, 40), keys=("2", "e")),
    Picture("conversations-80x24", (80, 24), keys=("3",)),
    Picture("conversations-120x40", (120, 40), keys=("3", "j", "j", "enter")),
    Picture("conversations-180x50-light", (180, 50), "hooktop-light", ("3", "j", "j")),
    Picture("figures-80x24", (80, 24), keys=("S",), captures=600),
    Picture("figures-120x40", (120, 40), keys=("S",), captures=600),
    Picture("figures-180x50-light", (180, 50), "hooktop-light", ("S",), captures=600),
    Picture("webhooks-80x24", (80, 24), keys=("4",)),
    Picture("webhooks-120x40", (120, 40), keys=("4", "j", "j")),
    Picture("webhooks-180x50-light", (180, 50), "hooktop-light", ("4", "j", "j")),
    Picture("help-120x40", (120, 40), keys=("question_mark",)),
    Picture("send-120x40-light", (120, 40), "hooktop-light", ("s",)),
    Picture("empty-80x24", (80, 24), captures=0),
)


def traffic(local: LocalKeys, number: int) -> Iterator[tuple[Request, datetime]]:
    """Requests of mixed traffic and when they arrive; the same in every run but for keys and signatures."""
    known = registry()
    providers = {name: known[name] for name in BUILT_IN if known[name].scenarios}  # no plug-ins
    for delivery in islice(Traffic(SEED, list(providers.values()), 1.0, START), number):
        at = START + timedelta(seconds=delivery.at)
        envelope = seal(
            delivery,
            providers[delivery.provider],
            local.signing_key(delivery.provider),
            url=f"http://127.0.0.1:{PORT}/{delivery.provider}",
            at=at.timestamp(),
            stamp=local.stamp,
        )
        headers = (("host", f"127.0.0.1:{PORT}"), *envelope.headers)
        yield Request("POST", f"/{delivery.provider}", "", headers, envelope.body, "127.0.0.1:51234"), at


def captured(monitor: Monitor, local: LocalKeys, number: int) -> list[Capture]:
    """The traffic as captures; the keys, which differ from run to run, get names that do not."""
    found = []
    for request, at in traffic(local, number):
        capture = monitor.examiner.examine(request, received_at=at)
        key = capture.verdict.key and fingerprint(capture.provider.encode())
        found.append(replace(capture, verdict=replace(capture.verdict, key=key)))
    return found


def stand_still(monitor: Monitor, *, busy: bool) -> None:
    """Rate, time and port as they are in every run; where nothing is captured nothing comes."""
    feed = monitor.feed
    feed._clock = lambda: float(feed._second)
    feed._seconds.extend((n * n + n // 3) % 5 if busy else 0 for n in range(60))
    monitor.port = PORT


async def draw(picture: Picture, folder: Path) -> None:
    """Draw one picture into the folder."""
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        config = Config(receiver=ReceiverConfig(public_url=URL))
        async with assembled(
            config, Settings(demo=True), bind("127.0.0.1", 0), home / "hooktop.db", local_folder=home
        ) as assembly:
            monitor = assembly.monitor
            captures = captured(monitor, LocalKeys(home), picture.captures)
            for capture in captures:
                await monitor.store.add(capture)
            await monitor.store.caught_up()
            now = captures[-1].received_at + timedelta(seconds=1) if captures else START
            webhooks = demonstration.webhooks_of(assembly) if "4" in picture.keys else None
            app = HooktopApp(
                monitor, simulator=assembly.simulator, webhooks=webhooks, alerts=assembly.alerts, now=lambda: now
            )
            async with providers(assembly, webhooks, home), app.run_test(size=picture.size) as pilot:
                stand_still(monitor, busy=bool(captures))
                app.theme = picture.theme
                await settle(app, pilot)
                for key in picture.keys:
                    await pilot.press(key)
                    if not isinstance(app.focused, Input):  # a key means what is on the screen, so that must be there
                        await settle(app, pilot)
                await settle(app, pilot)
                path = folder / f"{picture.name}.svg"
                path.write_text(app.export_screenshot(title="hooktop"), "utf-8")


class Still:
    """Makes what the demonstration's providers say the same in every run."""

    def __init__(self) -> None:
        self._names: dict[str, dict[str, str]] = {name: {} for name in RANDOM.values()}

    def __call__(self, value: Any) -> Any:
        """The value with its random ids and addresses replaced, each always in the same way, and its times."""
        if isinstance(value, Enum):
            return value
        if isinstance(value, str):
            for pattern, name in RANDOM.items():
                value = re.sub(pattern, partial(self._named, name), value)
            return value
        if isinstance(value, datetime):
            return START - timedelta(hours=3)
        if isinstance(value, tuple):
            return tuple(map(self, value))
        if isinstance(value, Mapping):
            return {key: self(item) for key, item in value.items()}
        if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{one.name: self(getattr(value, one.name)) for one in fields(value) if one.init})
        return value

    def _named(self, name: str, found: re.Match[str]) -> str:
        known = self._names[name]
        return known.setdefault(found[0], name.format(len(known)))


def hold_still(registrations: Registrations) -> None:
    """Let the panels be the same in every run."""

    def panel(account: str) -> Panel:
        found = original(account)
        took_s = None if found.took_s is None else 0.031
        refreshed_at = None if found.refreshed_at is None else START
        made: Panel = still(found)
        return replace(made, took_s=took_s, refreshed_at=refreshed_at)

    still, original, names = Still(), registrations.panel, [panel.account for panel in registrations.panels()]
    registrations.panel = panel  # type: ignore[method-assign]  # for a picture
    registrations.panels = lambda: tuple(map(panel, names))  # type: ignore[method-assign]  # as above
    registrations.panels()  # names are given in this order


def asked(panels: Sequence[Panel]) -> bool:
    """Whether all accounts are there and their providers have answered."""
    return bool(panels) and not any(panel.busy or (panel.host and panel.refreshed_at is None) for panel in panels)


@asynccontextmanager
async def providers(assembly: Assembly, webhooks: Webhooks | None, home: Path) -> AsyncIterator[None]:
    """The demonstration's providers, once all of them have said what they have."""
    if webhooks is None:
        yield
        return
    running = tasks.start(demonstration.providers(assembly, webhooks, home, home / "hooktop.db"), "providers")
    try:
        async with asyncio.timeout(60):
            changed = asyncio.Event()
            assembly.registrations.follow(changed.set)
            while not asked(assembly.registrations.panels()):
                changed.clear()
                await changed.wait()
        hold_still(assembly.registrations)
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])


async def settle(app: HooktopApp, pilot: Pilot[int]) -> None:
    """Wait for what is read off the loop and for debounced panes, then bring everything up to date."""
    for _ in range(3):
        await pilot.pause(0.2)
        while any(not worker.is_finished for worker in app.workers):
            with suppress(WorkerCancelled):  # another has replaced it
                await app.workers.wait_for_complete()
    live = app.screen_stack[0]
    if isinstance(live, LiveScreen):
        live.tick()
    await pilot.pause()


async def main(folder: Path) -> None:
    """Draw every picture."""
    for picture in PICTURES:
        await draw(picture, folder)
        print(folder / f"{picture.name}.svg")


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent))
