"""What view 4 looks like: few pictures, of accounts whose lists are given, with a clock that stands still."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pytest_textual_snapshot import SVGImageExtension
from textual.widgets import Input

from monitor.account import Account
from monitor.config import Config, ReceiverConfig
from monitor.model.registration import ChangeKind, ChangeRecord, ChangeState, Registration, Wanted
from monitor.receiver.binding import bind
from monitor.secret import Secret
from monitor.services.assemble import Assembly, assembled
from monitor.services.configfile import ConfigFile
from monitor.services.monitor import Settings
from monitor.services.webhooks import Webhooks
from monitor.ui.app import HooktopApp
from monitor.ui.screens.webhooks import WebhooksScreen
from tests.ui.screens import Screens
from tests.ui.test_snapshots import stand_still

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("utc")
URL = "https://a1b2.trycloudflare.com"
OLD = "https://old-9.trycloudflare.com"
MARK = "hk-0a1b2c3d"
ACCOUNTS = (
    Account("volt", "volt", "https://api.respondflow.com/graphql", Secret("sample-token-9f2a")),
    Account(
        "bird-eu", "bird", "https://api.bird.com", Secret("sample-access-11c0"), workspace_id="w1",
        organization_id="o1", signing_secrets=(Secret("sample-signing-key"),),
    ),
    Account("connectly", "connectly", "https://api.connectly.ai", Secret("sample-api-key"), business_id="b1"),
    Account("oneroute", "oneroute", "https://api.oneroute.io"),
)  # fmt: skip


def bird(number: int, event: str, url: str, active: bool = True) -> Registration:
    spec = {"service": "channels", "event": event}
    created = NOW - timedelta(days=number)
    return Registration("bird", f"sub-{number}", url, f"channels {event}", spec, active, created, created)


def know(assembly: Assembly) -> None:
    """What the providers have and what is wanted, as if they had been asked just now."""
    desks = assembly.registrations._desks
    hook = f"{URL}/bird/{MARK}"
    listed = {
        "bird-eu": [
            bird(1, "sms.outbound", hook),
            bird(2, "sms.inbound", f"{OLD}/bird/{MARK}"),
            bird(3, "whatsapp.inbound", hook, False),
            bird(4, "email.outbound", "https://example.com/hooks/bird"),
        ],
        "connectly": [
            Registration(
                "connectly", "wh_1", "https://example.com/hooks/delivery", "delivery_status",
                {"topic": "delivery_status"},
            )
        ],
    }  # fmt: skip
    wanted = {
        "volt": ["all events of all numbers"],
        "bird-eu": ["channels sms.outbound", "channels sms.inbound", "channels whatsapp.inbound"],
        "connectly": ["messages"],
        "oneroute": ["all events"],
    }
    for name, desk in desks.items():
        desk.listed = tuple(listed.get(name, ()))
        found = {one.subject: one.spec for one in desk.listed}
        desk.wanted = tuple(
            Wanted(n, name, desk.provider, subject, found.get(subject, {}), NOW - timedelta(days=2))
            for n, subject in enumerate(wanted[name])
        )
        desk._refreshed_at = NOW
        desk._took_s = 0.18 if name != "oneroute" else None
        desk.draft_key = Secret("sample-new-signing-key-0001")
        desk._alive = {f"{OLD}/bird/{MARK}": False}
    moved = listed["bird-eu"][1]
    desks["bird-eu"].records = (
        ChangeRecord(
            1, "bird-eu", "bird", ChangeKind.ADD, moved.subject, None, moved, NOW - timedelta(hours=3),
            NOW - timedelta(hours=3), ChangeState.DONE, "an-earlier-run",
        ),
    )  # fmt: skip
    assembly.registrations._office.verified[("bird", Secret("sample-signing-key").fingerprint())] = NOW
    for desk in desks.values():
        desk.publish()


@asynccontextmanager
async def pictured(folder: Path, size: tuple[int, int], theme: str) -> AsyncIterator[Screens]:
    """View 4, nobody asked."""
    (folder / "local-keys.json").write_text(json.dumps({"keys": {}, "mark": MARK}))
    config = Config(ReceiverConfig(public_url=URL), accounts=ACCOUNTS)
    sock = bind("127.0.0.1", 0)
    async with assembled(config, Settings(), sock, folder / "hooktop.db", local_folder=folder, alive=None) as assembly:
        registrations = assembly.registrations

        async def nobody(account: str | None = None) -> None:
            know(assembly)

        await registrations.open()
        registrations.open = nobody  # type: ignore[method-assign]  # which the app does at its start, in its own time
        registrations.refresh = nobody  # type: ignore[method-assign]  # nobody is asked for a picture
        file = ConfigFile(folder / "config.toml")
        webhooks = Webhooks(assembly.monitor, assembly.keychain, registrations, file=file)
        app = HooktopApp(assembly.monitor, webhooks=webhooks, now=lambda: NOW)
        async with app.run_test(size=size, notifications=True) as pilot:
            s = Screens(app, pilot, assembly.monitor)
            app.theme = theme
            stand_still(s)
            know(assembly)
            await s.press("4")
            yield s


@pytest.mark.parametrize(
    ("size", "theme", "keys"),
    [
        ((80, 24), "hooktop-dark", ["j", "j"]),
        ((120, 40), "hooktop-light", ["j", "j"]),
        ((120, 40), "hooktop-dark", ["j", "a", *"email.int", "down"]),
        ((80, 24), "ansi-dark", ["G", "k", "D"]),
    ],
    ids=["list", "registration-light", "form", "remove-ansi"],
)
@pytest.mark.slow
async def test_webhooks(
    tmp_path: Path, snapshot: SnapshotAssertion, size: tuple[int, int], theme: str, keys: list[str]
) -> None:
    async with pictured(tmp_path, size, theme) as s:
        await s.press(*keys)
        for box in s.app.screen.query(Input):
            box.cursor_blink = False
        webhooks = s.app.screen_stack[0]
        assert isinstance(webhooks, WebhooksScreen)
        webhooks.tick()
        await s.settle()
        await s.settle()
        assert s.app.export_screenshot(title="hooktop") == snapshot(extension_class=SVGImageExtension)
