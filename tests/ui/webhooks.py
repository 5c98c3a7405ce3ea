"""View 4 over look-alike providers and a whole monitor, for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from textual.driver import Driver

from monitor.account import Account
from monitor.config import Config, ReceiverConfig
from monitor.model.drift import DriftRow, State
from monitor.model.registration import Spec
from monitor.receiver.binding import bind
from monitor.sandbox.apis.server import FOREIGN, ProviderSandbox
from monitor.services.assemble import assembled
from monitor.services.configfile import ConfigFile
from monitor.services.demonstration import route_to
from monitor.services.localkeys import LocalKeys
from monitor.services.monitor import Settings
from monitor.services.registrations import Registrations
from monitor.services.webhooks import Webhooks
from monitor.store.registrations import RegistrationStore
from monitor.ui.app import HooktopApp
from monitor.ui.screens.change import ChangeScreen
from monitor.ui.screens.webhooks import WebhooksScreen
from monitor.ui.widgets.lines_view import LinesView
from monitor.ui.widgets.webhook_list import WebhookList
from monitor.ui.widgets.webhook_pane import WebhookPane
from tests.factory import START
from tests.sandbox.apis import PUBLIC, key_of
from tests.ui.screens import Screens, drive

NEXT = "https://next.example.com"  # tomorrow's public address
SMS = {"service": "channels", "event": "sms.outbound"}


@dataclass
class View(Screens):
    """The app in view 4, and the providers that it asks."""

    sandbox: ProviderSandbox
    registrations: Registrations
    folder: Path

    @property
    def list(self) -> WebhookList:
        """The list."""
        screen = next(screen for screen in self.app.screen_stack if isinstance(screen, WebhooksScreen))
        return screen.rows

    def row(self, account: str, subject: str | None = None, state: State | None = None) -> DriftRow:
        """The only row of an account with this subject and state."""
        rows = self.registrations.panel(account).rows
        found = [row for row in rows if subject in (None, row.subject) and state in (None, row.state)]
        assert len(found) == 1, rows
        return found[0]

    async def on(self, account: str, subject: str | None = None) -> None:
        """Put the cursor on a row."""
        self.tick()
        entries = self.list.entries
        at = next(
            at
            for at, entry in enumerate(entries)
            if entry.panel.account == account
            and (subject is None or (entry.row is not None and entry.row.subject == subject))
        )
        self.list.move_to(at)
        await self.settle()

    async def shows(self, *words: str) -> None:
        """Wait until all of these are on the screen."""
        await self.until(lambda: self._drawn() and all(word in self.screen_text() for word in words))

    def _drawn(self) -> bool:
        tick = getattr(self.app.screen, "tick", None)
        if tick is not None:
            tick()
        return True

    def box_text(self) -> str:
        """What the overlay on top says, also where that takes scrolling."""
        views = self.app.screen.query(LinesView)
        return "\n".join(line.text for view in views for line in view.document.lines)

    def pane_text(self) -> str:
        """What the pane says of the registration under the cursor, in sight or not."""
        return "\n".join(line.text for line, _ in self.app.screen.query_one(WebhookPane).items.placed)

    def phase(self) -> str | None:
        """How far the change on top is."""
        screen = self.app.screen
        return screen.phase if isinstance(screen, ChangeScreen) else None

    async def over(self) -> ChangeScreen | None:
        """Wait until a change is over; the screen where it stays open."""
        await self.until(lambda: self.phase() in (None, "over"))
        await self.settle()
        return self.app.screen if isinstance(self.app.screen, ChangeScreen) else None


@asynccontextmanager
async def view(
    folder: Path,
    *,
    size: tuple[int, int] = (120, 40),
    wanted: Sequence[tuple[str, str, Spec]] = (),
    seed: Callable[[str], dict[str, list[dict[str, object]]]] | None = None,
    accounts: Callable[[Sequence[Account]], Sequence[Account]] = lambda accounts: accounts,
    public_url: str | None = PUBLIC,
    settings: Settings | None = None,
    event_after_s: float | None = None,
    dead: bool = False,
    driver: type[Driver] | None = None,
    start: bool = True,
) -> AsyncIterator[View]:
    """The app in view 4 over the look-alikes. ``wanted`` are (account, subject, spec); ``seed`` gives what is
    registered for the last segment of our addresses, besides what is not ours; with ``dead`` no address leads here."""
    sock = bind("127.0.0.1", 0)
    own = f"http://127.0.0.1:{sock.getsockname()[1]}"

    def route(url: str) -> str | None:
        base = next((base for base in (PUBLIC, NEXT) if url.startswith(base)), None)
        return None if base is None or dead else own + url[len(base) :]

    mark = LocalKeys(folder).mark()
    rows = {name: [*FOREIGN.get(name, ()), *(seed(mark) if seed else {}).get(name, ())] for name in FOREIGN}
    async with ProviderSandbox(route=route, seed=rows, keys=key_of, event_after_s=event_after_s) as sandbox:
        config = Config(ReceiverConfig(public_url=public_url), accounts=tuple(accounts(sandbox.accounts())))
        database = folder / "hooktop.db"
        async with assembled(
            config, settings or Settings(), sock, database, local_folder=folder, alive=None
        ) as assembly:
            store = RegistrationStore(database)
            for account, subject, spec in wanted:
                store.want(account, account, subject, spec, START)
            webhooks = Webhooks(
                assembly.monitor, assembly.keychain, assembly.registrations, file=ConfigFile(folder / "config.toml"),
                route=(lambda url: None) if dead else route_to(assembly.monitor.reach, own),
            )  # fmt: skip
            app = HooktopApp(assembly.monitor, webhooks=webhooks)
            if driver is not None:
                drive(app, driver)
            async with app.run_test(size=size, notifications=True) as pilot:
                found = View(app, pilot, assembly.monitor, sandbox, assembly.registrations, folder)
                if start:
                    await begin(found)
                yield found


async def begin(s: View) -> None:
    """Go to view 4 and wait until every provider was asked."""
    await s.press("4")
    await s.until(lambda: all(p.refreshed_at is not None or p.trouble for p in s.registrations.panels()))
    s.tick()
    await s.settle()


def without(*names: str) -> Callable[[Sequence[Account]], Sequence[Account]]:
    """All accounts but these."""
    return lambda accounts: [account for account in accounts if account.name not in names]


def only(*names: str) -> Callable[[Sequence[Account]], Sequence[Account]]:
    """These accounts alone."""
    return lambda accounts: [account for account in accounts if account.name in names]


def ours(mark: str) -> dict[str, list[dict[str, object]]]:
    """Registrations of ours: as wanted, at an earlier address, switched off, and one that nobody wants."""
    here = f"{PUBLIC}/bird/{mark}"
    key = {"signingKey": "sample-key-of-the-test"}
    return {
        "bird": [
            {**SMS, **key, "url": here},
            {"service": "channels", "event": "sms.inbound", **key, "url": f"https://earlier.example.com/bird/{mark}"},
            {"service": "channels", "event": "whatsapp.inbound", **key, "url": here, "status": "inactive"},
            {"service": "channels", "event": "whatsapp.outbound", **key, "url": here},
        ],
        "connectly": [{"topic": "messages", "address": f"{PUBLIC}/connectly/{mark}"}],
    }


WANTED: Sequence[tuple[str, str, Spec]] = (
    ("volt", "all events of all numbers", {}),
    ("bird", "channels sms.outbound", SMS),
    ("bird", "channels sms.inbound", {"service": "channels", "event": "sms.inbound"}),
    ("bird", "channels whatsapp.inbound", {"service": "channels", "event": "whatsapp.inbound"}),
    ("bird", "conversations conversation.created", {"service": "conversations", "event": "conversation.created"}),
    ("connectly", "messages", {"topic": "messages"}),
    ("oneroute", "all events", {}),
)
