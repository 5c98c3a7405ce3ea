"""View 4: every state with its key, forms, confirmations, restoring, and screens that stay live meanwhile."""

from __future__ import annotations

import asyncio
import re
import stat
import sys
import threading
import time
import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import httpx
import pytest
from textual.widget import Widget
from textual.widgets import Input
from textual.worker import WorkerState

from monitor.admin.base import ApiCall
from monitor.config import Config
from monitor.model.capture import Capture
from monitor.model.drift import DriftRow, State
from monitor.model.registration import ChangeKind, ChangeRecord, ChangeState, Registration
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.services.configfile import ConfigFile
from monitor.services.desk import Panel
from monitor.services.monitor import Settings
from monitor.services.news import differences
from monitor.services.registrations import Registrations
from monitor.services.webhooks import Webhooks
from monitor.store.errors import StoreError
from monitor.store.registrations import RegistrationStore
from monitor.tunnels.rehearsal import Hop, HopStatus
from monitor.ui.documents.look import Reader
from monitor.ui.documents.registration import InFull
from monitor.ui.keymap import in_force
from monitor.ui.screens.account_form import AccountForm
from monitor.ui.screens.api_log import ApiLogScreen, call_lines, call_parts
from monitor.ui.screens.change import ChangeScreen
from monitor.ui.screens.menu import MenuScreen
from monitor.ui.screens.public_url import PublicUrlScreen
from monitor.ui.screens.registration import RegistrationScreen
from monitor.ui.screens.rehearsal import RehearsalScreen
from monitor.ui.screens.restore import Offers, RestoreScreen
from monitor.ui.screens.webhook_form import WebhookForm
from monitor.ui.screens.webhooks import WebhooksScreen
from monitor.ui.webhook_rows import block_lines, state_parts
from monitor.ui.widgets.bars import Bar
from monitor.ui.widgets.rows import ItemsView
from monitor.ui.widgets.webhook_pane import WebhookPane
from tests.factory import START, make_capture
from tests.sandbox.apis import PUBLIC
from tests.services.keyrings import FakeKeyring
from tests.ui.screens import RecordingDriver
from tests.ui.test_keymap import settings
from tests.ui.test_safety import HOSTILE, foreign_controls
from tests.ui.webhooks import NEXT, SMS, WANTED, View, begin, only, ours, view, without

FOREIGN_TOPIC = "https://example.com/hooks/delivery"
SECRETS = ("sample-volt-token", "sample-bird-access-key", "sample-connectly-api-key", "sample-key-of-the-test")


# --- the list --------------------------------------------------------------------------------------------------------


async def test_every_row_says_how_it_stands_and_which_key_mends_it(tmp_path: Path) -> None:
    async with view(tmp_path, size=(120, 44), wanted=WANTED, seed=ours) as s:
        lines = s.screen_text().splitlines()

        def line(subject: str) -> str:
            return next(text for text in lines if f" {subject}  " in text)

        for subject, state, key in (
            ("all events of all numbers", "✖ missing", "u register"),
            ("channels sms.outbound", "✔ same", ""),
            ("channels sms.inbound", "✖ points elsewhere", "u re-point"),
            ("channels whatsapp.inbound", "‖ inactive", "u activate"),
            ("conversations conversation.created", "✖ missing", "u register"),
            ("channels whatsapp.outbound", "! not wanted", "u adopt"),
            ("channels email.outbound", "– not ours", ""),
            ("all events", "✖ missing", "u by hand"),
        ):
            assert state in line(subject), line(subject)
            assert line(subject)[-12:].strip() == key
        for words in ("volt  Volt  ••••oken", " ms  ", "no API, done by hand", "1 registration elsewhere, U re-points"):
            assert words in s.screen_text(), words
        assert not any(secret in s.screen_text() for secret in SECRETS)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(60, 15), (80, 24), (99, 30), (120, 40), (150, 30), (180, 50)], ids=str)
async def test_nothing_is_cut_without_a_sign(tmp_path: Path, size: tuple[int, int]) -> None:
    async with view(tmp_path, size=size, wanted=WANTED, seed=ours) as s:
        width = s.list.scrollable_content_region.width
        for line, entry in s.list.placed:
            assert len(line.text) <= width
            row = s.list.entries[entry].row if entry is not None else None
            if row is not None and row.mend is not None:
                assert line.text.split("  ")[-1].strip().startswith("u ")  # the key that mends is always there
            if row is not None and row.subject not in line.text:
                assert "…" in line.text


async def test_the_pane_tells_all_of_a_registration(tmp_path: Path) -> None:
    async with view(tmp_path, size=(120, 50), wanted=WANTED, seed=ours) as s:
        await s.on("bird", "channels sms.inbound")
        row = s.row("bird", "channels sms.inbound")
        assert row.found is not None
        await s.until(lambda: row.found is not None and row.found.id in s.pane_text())
        for words in ("service channels", "event sms.inbound", row.found.url, f"{PUBLIC}/bird/hk-"):
            assert words in s.pane_text()
        await s.on("oneroute")
        await s.until(lambda: "set the address" in s.pane_text())


async def test_of_a_webhook_that_is_not_ours_no_address_of_ours_is_told(tmp_path: Path) -> None:
    async with view(tmp_path, wanted=WANTED, seed=ours) as s:
        await s.on("bird", "channels email.outbound")
        await s.until(lambda: "left alone" in s.pane_text())
        text = s.pane_text()
        assert "provider has https://example.com/hooks/bird" in text
        assert PUBLIC not in text
        assert "\n\n\n" not in text
        await s.on("bird", "channels sms.outbound")
        assert f"our address  {PUBLIC}/bird/" in s.pane_text()


async def test_the_pane_tells_of_a_template(tmp_path: Path) -> None:
    def seed(mark: str) -> dict[str, list[dict[str, object]]]:
        return {"bird": [{**SMS, "url": f"{PUBLIC}/bird/{mark}", "template": "twilio"}]}

    async with view(tmp_path, seed=seed) as s:
        await s.on("bird", "channels sms.outbound")
        await s.until(lambda: "twilio  events may come in another form" in s.pane_text())


@pytest.mark.slow
async def test_without_room_enter_opens_it(tmp_path: Path) -> None:
    async with view(tmp_path, size=(80, 24), wanted=WANTED, seed=ours) as s:
        await s.on("bird", "channels sms.inbound")
        await s.press("enter")
        assert isinstance(s.top(), RegistrationScreen)
        await s.shows("earlier.example.com")
        await s.press("J")
        await s.shows("channels whatsapp.inbound")
        await s.press("escape")
        assert isinstance(s.top(), WebhooksScreen)


@pytest.mark.slow
async def test_trouble_is_one_line_and_the_other_accounts_are_there(tmp_path: Path) -> None:
    async with view(tmp_path, size=(80, 24), start=False) as s:
        s.sandbox.fault("connectly", "unauthorized")
        await begin(s)
        await s.shows("✖ Connectly refused", "channels email.outbound")
        s.sandbox.fault("connectly")
        await s.press("r")
        await s.until(lambda: s.registrations.panel("connectly").trouble is None)
        await s.shows("delivery_status")


@pytest.mark.slow
async def test_no_account_says_how_to_add_one(tmp_path: Path) -> None:
    async with view(tmp_path, size=(80, 24), accounts=lambda accounts: []) as s:
        await s.shows("No account with a provider yet", "adds one")
        assert "a add" not in s.screen_text()
        await s.press("u", "U", "d", "D", "e", "w", "y", "enter", "j", "R")
        assert isinstance(s.top(), RestoreScreen)
        await s.shows("Nothing of what hooktop replaced")
        await s.press("escape")
        assert isinstance(s.top(), WebhooksScreen)


@pytest.mark.slow
async def test_foreign_text_does_not_act_on_the_terminal(tmp_path: Path) -> None:
    def hostile(mark: str) -> dict[str, list[dict[str, object]]]:
        return {
            "bird": [{"service": "channels", "event": text, "url": f"https://example.com/{text}"} for text in HOSTILE]
        }

    async with view(tmp_path, size=(120, 40), seed=hostile, accounts=only("bird"), driver=RecordingDriver) as s:
        for _ in range(len(HOSTILE) + 2):
            await s.press("j")
        await s.press("enter", "escape", "L", "enter", "escape", "escape", "D", "escape", "y", "escape")
        assert isinstance(s.top(), WebhooksScreen)
        driver = s.app._driver
        assert isinstance(driver, RecordingDriver)
        assert foreign_controls(driver.written) == set()


# --- registering -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_register_with_volt_and_see_its_probe(tmp_path: Path) -> None:
    async with view(tmp_path, event_after_s=0) as s:
        await s.on("volt")
        await s.press("a")
        assert isinstance(s.top(), WebhookForm)
        for words in ("mutation registerWebhook", "••••oken", "to every registered address"):
            assert words in s.box_text()
        await s.press("enter")
        screen = await s.over()
        assert screen is not None
        for words in ("The way here works (simulated)", "A request of Volt came in", "✔ Done: register"):
            assert words in s.box_text(), s.box_text()
        record = s.registrations.records("volt")[-1]
        await s.press("o")
        await s.until(lambda: s.app.current_mode == "live" and s.captures.selected == record.probes[0])
        await s.press("escape")
        await s.until(lambda: isinstance(s.top(), ChangeScreen))
        await s.press("enter")
        assert isinstance(s.top(), WebhooksScreen)
        assert s.list.selected is not None
        assert s.list.selected.row == s.row("volt", "all events of all numbers")
        await s.until(lambda: s.row("volt", "all events of all numbers").first_event_at is not None)
        await s.press("enter")
        await s.until(lambda: f"capture {record.probes[0]}" in s.pane_text())
        assert "What hooktop did" in s.pane_text()
        assert "✔ verified" in s.pane_text()
        await s.press("enter")
        await s.until(lambda: s.app.current_mode == "live")


@pytest.mark.slow
async def test_a_form_checks_while_it_is_filled_in(tmp_path: Path) -> None:
    async with view(tmp_path, event_after_s=0) as s:
        await s.on("bird")
        await s.press("a", "enter")
        assert isinstance(s.top(), WebhookForm)
        assert "An event is one word" in s.screen_text()
        await s.press(*"sms.o")
        assert "sms.outbound" in s.screen_text()
        await s.press("down")
        assert '"event":"sms.outbound"' in s.box_text().replace(" ", "")
        assert "sample-bird" not in s.box_text()
        assert s.box_text().count("••••") >= 2  # the access key, the new signing key
        await s.press("tab", *"nonsense")
        assert "KEY=VALUE" in s.screen_text()
        await s.press("enter")
        assert isinstance(s.top(), WebhookForm)
        await s.fill(filters="messageStatus=delivered")
        await s.press("enter")
        await s.over()
        assert "✔ Done: register channels sms.outbound messageStatus=delivered" in s.box_text()
        [made] = [row for row in s.sandbox.registrations("bird") if row.get("signingKey")]
        key, plan = made["signingKey"], s.registrations.records("bird")[-1]
        assert key in s.box_text()
        assert "sha256:" in s.box_text()
        await s.press("c")
        assert s.app.clipboard == key
        assert not (tmp_path / "hooktop-copied.txt").exists()
        await s.press("enter")
        assert isinstance(s.top(), WebhooksScreen)
        assert key not in s.screen_text()
        assert plan.after is not None
        await s.until(lambda: s.row("bird", plan.subject).verified_at is not None)
        await s.shows("✔ same, verified")


@pytest.mark.slow
async def test_the_account_is_chosen_in_the_form(tmp_path: Path) -> None:
    async with view(tmp_path) as s:
        await s.on("volt")
        await s.press("a", "c")
        assert "Topic" in s.screen_text()
        await s.press("tab", *"messages", "enter")
        assert (await s.over()) is None
        assert s.row("connectly", "messages").state is State.SAME


@pytest.mark.slow
async def test_one_route_is_done_by_hand_and_noticed(tmp_path: Path) -> None:
    async with view(tmp_path, accounts=only("oneroute")) as s:
        await s.press("a", "enter")
        assert isinstance(s.top(), ChangeScreen)
        for words in ("a person does", "app.oneroute.io", f"{PUBLIC}/oneroute/hk-"):
            assert words in s.box_text()
        await s.press("c")
        assert s.app.clipboard.startswith(f"{PUBLIC}/oneroute/hk-")
        await s.press("enter")
        await s.over()
        await s.press("enter")
        await s.shows("◷ by hand, nothing came yet")
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.post(s.monitor.url + "/oneroute/x", content=b'{"event":"newMessage"}')
        await s.shows("✔ by hand, first event")
        await s.press("y")
        assert isinstance(s.top(), MenuScreen) or s.app.clipboard.startswith(PUBLIC)


# --- mending ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_one_key_mends_a_row(tmp_path: Path) -> None:
    async with view(tmp_path, wanted=WANTED, seed=ours) as s:
        await s.on("bird", "channels sms.inbound")
        await s.press("u")
        assert (await s.over()) is None
        assert s.row("bird", "channels sms.inbound").state is State.SAME
        assert "Done: re-point channels sms.inbound" in s.toasts()
        await s.on("bird", "channels whatsapp.inbound")
        await s.press("u")
        await s.over()
        assert s.row("bird", "channels whatsapp.inbound").state is State.SAME
        await s.press("u")
        assert "nothing to mend" in s.toasts()
        await s.on("bird", "channels email.outbound")
        await s.press("u")
        assert isinstance(s.top(), WebhooksScreen)


@pytest.mark.slow
async def test_another_public_url_is_one_key_for_all(tmp_path: Path) -> None:
    async with view(tmp_path, wanted=WANTED, seed=ours, accounts=without("volt", "oneroute")) as s:
        await s.press("p")
        assert isinstance(s.top(), PublicUrlScreen)
        assert "3 of your registrations point there" in s.screen_text()
        box = s.app.screen.query_one(Input)
        box.value = "ftp://nowhere"
        await s.press("enter")
        assert "cannot be used" in s.screen_text()
        box.value = NEXT + "/"
        await s.press("enter")
        assert s.monitor.reach.public_url == NEXT
        await s.shows("4 registrations elsewhere, U re-points")
        await s.press("1")
        await s.until(lambda: s.app.current_mode == "live")
        s.app.live.tick()
        await s.settle()
        assert "4 REGISTRATIONS ELSEWHERE, KEY 4" in s.screen_text()
        await s.press("4", "U")
        await s.over()
        assert {row.state for row in s.registrations.panel("connectly").rows if row.wanted} == {State.SAME}
        states = {row.subject: row.state for row in s.registrations.panel("bird").rows if row.wanted}
        assert set(states.values()) == {State.SAME}
        hosts = [str(row["url"]) for row in s.sandbox.registrations("bird")]
        assert sum(url.startswith(NEXT) for url in hosts) == 4
        assert sum("example.com/" in url and "next" not in url and PUBLIC not in url for url in hosts) == 2


@pytest.mark.slow
async def test_a_way_that_is_broken_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    async with view(tmp_path, wanted=WANTED, seed=ours, dead=True) as s:
        await s.on("bird", "channels sms.inbound")
        await s.press("u")
        await s.until(lambda: "would not arrive. Send it all the same" in s.screen_text())
        assert "no tunnel has this address" in s.box_text()
        await s.press("n")
        assert isinstance(s.top(), WebhooksScreen)
        assert s.registrations.records("bird") == ()
        await s.press("u")
        await s.until(lambda: "Send it all the same" in s.screen_text())
        await s.press("y")
        await s.over()
        assert s.row("bird", "channels sms.inbound").state is State.SAME


# --- what can be lost ------------------------------------------------------------------------------------------------


async def test_a_form_in_which_nothing_was_touched_says_quietly_that_nothing_would_change(tmp_path: Path) -> None:
    words = "Nothing of this webhook would change"
    async with view(tmp_path, accounts=only("bird", "connectly"), wanted=WANTED, seed=ours) as s:
        for account, subject in (("bird", "channels sms.outbound"), ("connectly", "messages")):
            await s.on(account, subject)
            await s.press("e")
            assert isinstance(s.top(), WebhookForm)
            assert s.box_text().startswith(words)
            await s.press("enter")
            assert s.box_text().startswith(f"✖ {words}")
            await s.press("escape")
        await s.on("bird", "channels sms.outbound")
        await s.press("e")
        await s.fill(filters="messageStatus=delivered")
        await s.fill(filters="")
        assert s.box_text().startswith(f"✖ {words}")


@pytest.mark.slow
async def test_deactivate_edit_and_remove(tmp_path: Path) -> None:
    async with view(tmp_path, wanted=WANTED, seed=ours) as s:
        await s.on("bird", "channels sms.outbound")
        await s.press("d")
        assert "no longer, until it is activated" in s.box_text()
        await s.press("enter")  # is never a yes
        assert isinstance(s.top(), ChangeScreen)
        await s.press("n")
        assert s.registrations.records("bird") == ()
        await s.press("d", "y")
        await s.over()
        assert s.row("bird", "channels sms.outbound").state is State.INACTIVE
        await s.press("d")
        await s.over()
        assert s.row("bird", "channels sms.outbound").state is State.SAME
        await s.press("e")
        assert isinstance(s.top(), WebhookForm)
        await s.fill(filters="messageStatus=delivered")
        await s.press("enter")
        await s.over()
        subject = "channels sms.outbound messageStatus=delivered"
        assert s.row("bird", subject).state is State.SAME
        await s.on("bird", subject)
        await s.press("D")
        assert "What is there now is saved" in s.box_text()
        await s.press("y")
        await s.over()
        assert "R offers to put it back" in s.toasts()
        assert subject not in [row.subject for row in s.registrations.panel("bird").rows]
        await s.press("R", "enter")  # what is ours comes back as it was when it was removed
        await s.over()
        assert "signing key" in s.box_text()
        assert subject in [row.subject for row in s.registrations.panel("bird").rows]


@pytest.mark.slow
async def test_replacing_a_topic_of_somebody_else_is_typed_and_put_back(tmp_path: Path) -> None:
    async with view(tmp_path, accounts=only("connectly")) as s:
        before = s.sandbox.registrations("connectly")
        await s.press("a")
        await s.fill(topic="delivery_status")
        assert f"{FOREIGN_TOPIC} gets delivery_status no longer" in s.box_text()
        await s.press("enter")
        await s.shows("Type delivery_status and press enter")
        await s.press("enter", "y", "enter", *"wrong", "enter")
        assert s.sandbox.registrations("connectly") == before
        s.app.screen.query_one(Input).value = "delivery_status"
        await s.press("enter")
        await s.over()
        assert s.sandbox.registrations("connectly")[0]["address"].startswith(PUBLIC)
        assert "R offers to put it back" in s.toasts()
        await s.press("R")
        assert isinstance(s.top(), RestoreScreen)
        await s.shows(f"was at {FOREIGN_TOPIC}")
        await s.press("enter")
        await s.over()
        after = s.sandbox.registrations("connectly")
        assert after == before
        assert s.row("connectly").state is State.NOT_OURS


@pytest.mark.slow
async def test_what_cannot_be_removed_is_done_by_hand(tmp_path: Path) -> None:
    async with view(tmp_path, accounts=only("volt")) as s:
        await s.press("a", "enter")
        await s.over()
        await s.press("enter", "D")
        assert "Volt Messaging, Account Settings, Webhooks" in s.box_text()
        assert "notes it as done" not in s.screen_text() or s.box_text()
        await s.press("escape")
        assert s.row("volt").found is not None


async def test_what_was_removed_of_an_account_that_is_there_no_more_is_told(tmp_path: Path) -> None:
    async with view(tmp_path, wanted=WANTED, seed=ours) as s:
        await s.on("bird", "channels sms.outbound")
        await s.press("D", "y")
        await s.over()
        s.registrations.configure(Config(accounts=()))
        await s.registrations.open()
        await s.press("R")
        await s.shows("removed of bird can be put back once there is an account of this name")
        assert "Nothing of what hooktop replaced" not in s.screen_text()


@pytest.mark.slow
async def test_never_offered_again(tmp_path: Path) -> None:
    async with view(tmp_path, wanted=WANTED, seed=ours) as s:
        await s.on("bird", "channels sms.outbound")
        await s.press("D", "y")
        await s.over()
        await s.press("R", "D")
        await s.settle()
        await s.press("R")
        await s.shows("Nothing of what hooktop replaced")


async def test_keys_wait_for_what_can_be_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with view(tmp_path, wanted=WANTED, seed=ours) as s:
        await s.on("bird", "channels sms.outbound")
        await s.press("D", "y")
        await s.over()
        await s.on("bird", "channels sms.inbound")
        await typed_behind(s, monkeypatch, Registrations, "restorable", "R", "D")
        async with asyncio.timeout(10):
            while await s.registrations.restorable():
                await asyncio.sleep(0.01)
        await s.settle()
        assert isinstance(s.top(), WebhooksScreen)  # the row under the cursor was not asked about


async def test_keys_wait_for_the_form_of_an_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    async with view(tmp_path, accounts=lambda _: []) as s:
        await s.press("A", "s")
        await s.fill(signing_secrets="first", name="mine")
        await s.press("enter")
        await s.until(lambda: isinstance(s.top(), WebhooksScreen))
        await typed_behind(s, monkeypatch, Webhooks, "check_change", "s", "W")
        await s.until(lambda: isinstance(s.top(), AccountForm))
        await s.until(lambda: any(field.value == "W" for field in s.top().query(Input)))


async def test_a_key_behind_a_new_account_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    async with view(tmp_path, accounts=lambda _: []) as s:
        await s.press("A", "s")
        await s.fill(signing_secrets="first", name="mine")
        monkeypatch.setattr(WebhooksScreen, "tick", lambda _: None)  # nor is anything else brought up to date
        await s.press("enter")
        await s.until(lambda: isinstance(s.top(), WebhooksScreen))
        await s.press("s")
        await s.shows("Change the account mine")


async def typed_behind(s: View, monkeypatch: pytest.MonkeyPatch, service: type, read: str, *keys: str) -> None:
    """Type keys of which the first one reads for a while before it opens what the others are meant for."""
    begun, go_on, real = asyncio.Event(), asyncio.Event(), getattr(service, read)

    async def slow(*asked: object) -> object:
        begun.set()
        await go_on.wait()
        return await real(*asked)

    with monkeypatch.context() as patched:
        patched.setattr(service, read, slow)
        s.type_ahead(*keys)
        async with asyncio.timeout(10):
            await begun.wait()
        await asyncio.sleep(0.1)  # until the others wait, too
        assert isinstance(s.top(), WebhooksScreen)
        go_on.set()


# --- refusals, and screens that stay live ----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("unauthorized", "credentials"),
        ("rate_limited", "7 s"),
        ("server_error", "500"),
        ("html", "Bird"),
        ("reset", "Bird"),
        ("redirect", "Bird"),
        ("escapes", "Bird"),
        ("truncated", "Bird"),
    ],
)
async def test_each_refusal_is_a_sentence(tmp_path: Path, fault: str, words: str) -> None:
    async with view(tmp_path, accounts=only("bird")) as s:
        await s.press("a")
        await s.fill(event="sms.inbound")
        s.sandbox.fault("bird", fault)
        await s.press("enter")
        await s.until(lambda: isinstance(s.top(), ChangeScreen))
        await s.over()
        assert words in s.box_text(), s.box_text()
        assert "Traceback" not in s.box_text()
        await s.press("enter")
        form = isinstance(s.top(), WebhookForm)
        assert form == (s.registrations.records("bird")[-1:] == () or _failed(s))


def _failed(s: View) -> bool:
    return s.registrations.records("bird")[-1].state is ChangeState.FAILED


@pytest.mark.slow
async def test_a_refusal_by_volt_can_be_asked_again(tmp_path: Path) -> None:
    async with view(tmp_path, accounts=only("volt")) as s:
        s.sandbox.fault("volt", "probe_refused")
        await s.press("a", "enter")
        await s.over()
        assert "its test request there failed" in s.box_text()
        s.sandbox.fault("volt")
        await s.press("r")
        await s.over()
        assert "✔ Done: register" in s.box_text()


@pytest.mark.slow
async def test_while_a_provider_is_slow_the_screens_are_live_and_esc_gives_up(tmp_path: Path) -> None:
    async with view(tmp_path, accounts=only("bird")) as s:
        await s.press("a")
        await s.fill(event="sms.inbound")
        s.sandbox.fault("bird", "done_then_hang")
        await s.pilot.press("enter")
        await s.until(lambda: s.phase() == "sent")
        async with httpx.AsyncClient(trust_env=False) as client:
            for number in range(5):
                begun = time.monotonic()
                answer = await client.post(s.monitor.url + "/generic", content=b"%d" % number)
                assert answer.status_code == 200
                assert time.monotonic() - begun < 2
        bar = s.app.screen_stack[0].query_one("#status", Bar)
        await s.until(lambda: "5 captures" in str(bar._lines))  # below the overlay
        assert isinstance(s.top(), ChangeScreen)
        s.sandbox.fault("bird")
        await s.press("escape")
        await s.over()
        assert "nobody knows whether it was done" in s.box_text()
        await s.press("enter", "escape")
        assert isinstance(s.top(), WebhooksScreen)
        await s.until(lambda: any(row.subject == "channels sms.inbound" for row in s.registrations.panel("bird").rows))


async def test_what_was_given_up_before_it_was_sent_is_not_called_unknown(tmp_path: Path) -> None:
    async with view(tmp_path, accounts=only("bird")) as s:
        await s.press("a")
        await s.fill(event="sms.inbound")
        before = s.sandbox.registrations("bird")
        s.registrations._desks["bird"].outdated = True
        s.sandbox.fault("bird", "hang")  # the list, which is asked for first
        await s.pilot.press("enter")
        await s.until(lambda: s.phase() == "sent")
        await s.press("escape")
        await s.over()
        assert "Given up before it was sent, so nothing was changed." in s.box_text()
        assert s.sandbox.registrations("bird") == before


@pytest.mark.slow
async def test_the_log_of_calls_the_way_here_and_copying(tmp_path: Path) -> None:
    async with view(tmp_path, wanted=WANTED, seed=ours) as s:
        await s.press("L")
        assert isinstance(s.top(), ApiLogScreen)
        calls = len(s.registrations.calls)
        await s.shows(f"{calls} calls, secrets hidden", "✔ 200", "GET", "/webhook-subscriptions")
        await s.press("G", "enter", "j", "k", "y", "escape")
        assert isinstance(s.top(), ApiLogScreen)
        copied = r"(GET|POST) http://127.*: ••••.*\n\nanswer 200 after \d+ ms, 20\d\d-"
        assert re.match(copied, s.app.clipboard, re.DOTALL)
        assert "secrets hidden" in s.toasts()
        assert not any(secret in s.app.clipboard for secret in SECRETS)
        assert "Authorization: ••••" in s.box_text() or "X-API-Key: ••••" in s.box_text()
        await s.registrations.refresh("connectly")
        await s.until(lambda: f"{calls + 1} calls" in s.screen_text())
        for secret in SECRETS:
            assert secret not in s.screen_text()
            assert secret not in s.box_text()
        await s.press("L")
        assert isinstance(s.top(), WebhooksScreen)
        await s.press("w")
        assert isinstance(s.top(), RehearsalScreen)
        await s.shows("✔ A webhook would arrive", "✔ local port")
        await s.press("r")
        await s.shows("✔ A webhook would arrive")
        await s.press("escape")
        await s.on("oneroute")
        await s.press("y")
        assert s.app.clipboard.startswith(f"{PUBLIC}/oneroute/hk-")
        await s.on("bird", "channels sms.inbound")
        assert f"our address  {PUBLIC}/bird/" in s.pane_text()
        await s.press("y")
        assert "our address" in s.screen_text()  # called so here, too
        await s.press("2")
        assert s.app.clipboard.startswith("https://earlier.example.com/bird/")
        s.monitor.reach.change(None)
        await s.press("w")
        assert "no public URL yet" in s.toasts()


async def test_a_way_that_is_tried_to_its_end_after_its_box_was_closed(tmp_path: Path) -> None:
    async with view(tmp_path, wanted=WANTED, seed=ours) as s:
        await s.press("w")
        box = s.top()
        assert isinstance(box, RehearsalScreen)
        await s.press("escape")
        await s.until(lambda: not box.is_mounted or not box.query("LinesView"))
        box._seen(Hop("tunnel", HopStatus.OK, "It answers.", 0.1))


@pytest.mark.slow
async def test_read_only_watches(tmp_path: Path) -> None:
    async with view(tmp_path, wanted=WANTED, seed=ours, settings=Settings(read_only=True)) as s:
        assert " u re-point" not in s.screen_text()
        assert "U re-points" not in s.screen_text()
        await s.on("bird", "channels sms.inbound")
        for key in ("a", "u", "U", "d", "e", "D", "R", "p", "A"):
            s.app.clear_notifications()
            await s.press(key)
            assert isinstance(s.top(), WebhooksScreen), key
            assert "read-only" in s.toasts(), key
        await s.press("question_mark")
        assert "Remove this registration" not in s.screen_text()
        await s.press("escape", "r")
        assert "add" not in s.screen_text().splitlines()[-1]
        reach = s.monitor.reach
        s.app.clear_notifications()
        reach.change(NEXT)
        await s.until(lambda: "elsewhere" in s.toasts())
        assert ", then U" not in s.toasts()
        reach.change(None)
        await s.press("w")
        await s.until(lambda: "--public-url sets one" in s.toasts())


async def test_read_only_without_accounts_names_no_key_for_one(tmp_path: Path) -> None:
    async with view(tmp_path, accounts=lambda _: [], settings=Settings(read_only=True)) as s:
        await s.shows("No account with a provider yet", "hooktop accounts add bird")
        assert "adds one" not in s.screen_text()
        await s.press("1")
        await s.until(lambda: "4  shows the webhooks at the providers" in s.screen_text())
        assert "registers" not in s.screen_text()


# --- accounts, copying, start and end --------------------------------------------------------------------------------


@pytest.mark.slow
async def test_an_account_is_added_in_the_app(tmp_path: Path) -> None:
    async with view(tmp_path, accounts=only("volt")) as s:
        bird = next(account for account in s.sandbox.accounts() if account.name == "bird")
        for status in (VerdictStatus.NO_KEY, VerdictStatus.INVALID, VerdictStatus.INVALID):
            await s.app.session.monitor.store.add(replace(make_capture(), verdict=Verdict(status, "a reason")))
        await s.press("A")
        assert isinstance(s.top(), AccountForm)
        await s.press("b")
        await s.fill(name="volt")
        await s.press("enter")
        assert "There is an account with this name" in s.screen_text()
        await s.fill(name="bird-eu", access_key="sample-bird-access-key", workspace_id=bird.workspace_id or "")
        await s.fill(organization_id=bird.organization_id or "", api_url=bird.api_url or "")
        assert "sample-bird-access-key" not in s.screen_text()
        await s.press("enter")
        await s.until(lambda: isinstance(s.top(), WebhooksScreen))
        await s.until(lambda: "took the credentials" in s.toasts())
        assert "1 capture had no key and 2 captures were INVALID: V judges all anew." in s.toasts()
        await s.shows("bird-eu  Bird  ••••-key", "channels email.outbound")
        written = tmp_path / "config.toml"
        assert stat.S_IMODE(written.stat().st_mode) == 0o600
        assert tomllib.loads(written.read_text())["accounts"]["bird-eu"]["provider"] == "bird"


async def test_an_account_of_the_form_is_what_the_file_says_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", FakeKeyring())
    monkeypatch.setenv("SAMPLE_API_KEY", "sample-connectly-api-key")
    monkeypatch.setenv("BIRD_ACCESS_KEY", "sample-bird-access-key")
    async with view(tmp_path, accounts=lambda _: []) as s:
        for name in ("SAMPLE_API_KEY", "BIRD_ACCESS_KEY"):
            monkeypatch.delenv(name)  # as whatever may hold a secret leaves the environment at the start
        await s.press("A", "c")
        await s.fill(api_key="env:SAMPLE_API_KEY", webhook_secrets="sample-webhook-secret")
        await s.fill(business_id="biz_sample", api_url=s.sandbox.url("connectly"))
        await s.press("enter")
        await s.until(lambda: "took the credentials" in s.toasts())
        assert "The environment variables of bird make no account, since" in s.toasts()
        config = s.app.session.webhooks._keychain.config  # type: ignore[union-attr]
        assert config.accounts[0].signing_secrets[0].masked().startswith("keyring:connectly.")
        file = ConfigFile(tmp_path / "config.toml")
        monkeypatch.setattr(file, "environ", {"SAMPLE_API_KEY": "sample-connectly-api-key"})
        assert differences(config.accounts, file.load().accounts) == ""


async def test_an_account_without_an_api_is_added_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    async with view(tmp_path, accounts=lambda _: []) as s:
        await s.press("A", "s")
        await s.fill(signing_secrets="whsec_c2FtcGxlLXN0YW5kYXJkLXNlY3JldA==", name="stripe-like")
        await s.press("enter")
        await s.shows("stripe-like  Standard Webhooks  ••••dA==", "which has no API for webhooks")
        await s.settle()
        assert "Nothing was tried" not in s.toasts()
        [account] = s.app.session.webhooks._keychain.config.accounts  # type: ignore[union-attr]
        assert account.signing_secrets[0].reveal().startswith("whsec_")


@pytest.mark.slow
async def test_a_credential_that_was_mistyped_is_mended_in_the_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = FakeKeyring()
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    async with view(tmp_path, accounts=lambda _: []) as s:
        await s.press("A", "c")
        await s.fill(api_key="mistyped", business_id="biz_sample", api_url=s.sandbox.url("connectly"))
        await s.press("enter")
        await s.until(lambda: "refused the credentials" in s.toasts())
        await s.until(lambda: "s settings" in s.screen_text())
        await s.press("s")
        await s.until(lambda: isinstance(s.top(), AccountForm))
        await s.shows("Change the account connectly", "keyring:connectly.", "biz_sample")
        await s.press("enter")  # nothing was typed
        await s.until(lambda: isinstance(s.top(), WebhooksScreen))
        assert list(keyring.entries.values()) == ["mistyped"]
        await s.press("s")
        await s.until(lambda: isinstance(s.top(), AccountForm))
        await s.fill(api_key="sample-connectly-api-key", webhook_secrets="sample-webhook-secret")
        await s.press("enter")
        await s.until(lambda: "took the credentials" in s.toasts())
        await s.until(lambda: s._drawn() and "s settings" not in s.screen_text())
        assert sorted(keyring.entries.values()) == ["sample-connectly-api-key", "sample-webhook-secret"]
        account = tomllib.loads((tmp_path / "config.toml").read_text())["accounts"]["connectly"]
        assert account["business_id"] == "biz_sample"
        assert account["api_key"].startswith("keyring:connectly.")


async def test_a_comma_behind_a_secret_takes_none_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    async with view(tmp_path, accounts=lambda _: []) as s:
        await s.press("A", "s")
        await s.fill(signing_secrets="first,", name="mine")
        await s.press("enter")
        await s.until(lambda: isinstance(s.top(), WebhooksScreen))
        for typed, secrets in (("second, ", ["first", "second"]), (",", ["first", "second"])):
            await s.press("s")
            await s.until(lambda: isinstance(s.top(), AccountForm))
            await s.fill(signing_secrets=typed)
            await s.press("enter")
            await s.until(lambda: isinstance(s.top(), WebhooksScreen))
            account = tomllib.loads((tmp_path / "config.toml").read_text())["accounts"]["mine"]
            assert account["signing_secrets"] == secrets


async def test_an_account_of_the_environment_is_not_changed_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOLT_API_TOKEN", "sample-token")
    async with view(tmp_path, accounts=only("volt")) as s:
        await s.on("volt")
        await s.press("s")
        await s.until(lambda: "The account volt comes from environment variables; change them." in s.toasts())
        assert isinstance(s.top(), WebhooksScreen)


def left_behind(folder: Path) -> ChangeRecord:
    """A replacement that another run made and did not live to tell."""
    before = Registration("connectly", "wh_1", FOREIGN_TOPIC, "delivery_status", {"topic": "delivery_status"})
    after = Registration("connectly", "wh_1", f"{PUBLIC}/connectly/x", "delivery_status", {"topic": "delivery_status"})
    now = datetime.now(UTC)
    record = ChangeRecord(
        0, "connectly", "connectly", ChangeKind.UPDATE, "delivery_status", before, after, now, None, ChangeState.BEGUN,
        "another-run",
    )  # fmt: skip
    return RegistrationStore(folder / "hooktop.db").begin(record)


@pytest.mark.slow
async def test_after_a_crash_the_next_start_offers_to_put_back(tmp_path: Path) -> None:
    async with view(tmp_path, accounts=only("connectly")):
        pass
    left_behind(tmp_path)
    async with view(tmp_path, accounts=only("connectly"), start=False) as s:
        await s.until(lambda: isinstance(s.top(), RestoreScreen))
        await s.shows("did not end properly. Put 1 registration back?")
        await s.press("n")
        await s.until(lambda: not isinstance(s.top(), RestoreScreen))
        await s.settle()
    async with view(tmp_path, accounts=only("connectly"), start=False) as s:
        await begin(s)
        assert isinstance(s.top(), WebhooksScreen)


async def replaced(s: View) -> None:
    await s.press("a")
    await s.fill(topic="delivery_status")
    await s.press("enter")
    await s.until(lambda: isinstance(s.top(), ChangeScreen))
    s.app.screen.query_one(Input).value = "delivery_status"
    await s.press("enter")
    await s.over()


@pytest.mark.slow
async def test_the_end_asks_once_and_puts_back(tmp_path: Path) -> None:
    async with view(tmp_path, size=(80, 24), accounts=only("connectly")) as s:
        before = s.sandbox.registrations("connectly")
        await replaced(s)
        await s.press("ctrl+q")
        await s.until(lambda: isinstance(s.top(), RestoreScreen))
        assert "Put back before the end?" in s.screen_text()
        assert "n no   K ask next time   esc do not end" in s.screen_text()
        await s.press("escape")
        assert isinstance(s.top(), WebhooksScreen)
        await s.press("ctrl+q")
        await s.until(lambda: isinstance(s.top(), RestoreScreen))
        await s.press("y")
        await s.until(lambda: s.app.return_code == 0)
        assert s.sandbox.registrations("connectly") == before


@pytest.mark.slow
@pytest.mark.parametrize(("key", "asked"), [("n", False), ("K", True), ("ctrl+q", True)])
async def test_the_end_without_putting_back(tmp_path: Path, key: str, asked: bool) -> None:
    async with view(tmp_path, accounts=only("connectly")) as s:
        await replaced(s)
        await s.press("1", "q")
        await s.until(lambda: isinstance(s.top(), RestoreScreen))
        await s.press(key)
        await s.until(lambda: s.app.return_code == 0)
    async with view(tmp_path, accounts=only("connectly"), start=False) as s:
        async with asyncio.timeout(10):
            while not s.registrations.panel("connectly").host:
                await s.pilot.pause(0.02)
        await s.settle()
        await s.settle()
        assert isinstance(s.top(), RestoreScreen) is asked


@pytest.mark.slow
@pytest.mark.parametrize("key", ["y", "n"])
async def test_the_end_asks_of_what_gave_way_while_it_was_asked(tmp_path: Path, key: str) -> None:
    async with view(tmp_path, accounts=only("bird", "connectly")) as s:
        await s.on("connectly")
        await replaced(s)
        await s.press("ctrl+q")
        await s.until(lambda: isinstance(s.top(), RestoreScreen))
        first = s.app.screen
        await s.registrations.carry_out(s.registrations.plan_remove(s.row("bird", "channels email.outbound")))
        await s.press(key)
        await s.until(lambda: isinstance(s.top(), RestoreScreen) and s.app.screen is not first)
        await s.shows("channels email.outbound", "replaced or removed 1 registration. Put back before the end?")
        assert "delivery_status" not in [offer.record.subject for offer in s.app.screen.query_one(Offers).offers]
        await s.press("n")
        await s.until(lambda: s.app.return_code == 0)


@pytest.mark.slow
async def test_without_anything_replaced_quitting_asks_nothing(tmp_path: Path) -> None:
    async with view(tmp_path, accounts=only("bird"), seed=ours, wanted=[("bird", "channels sms.outbound", SMS)]) as s:
        await s.press("ctrl+q")
        await s.until(lambda: s.app.return_code == 0)


@pytest.mark.usefixtures("utc")
def test_the_log_of_calls_names_the_day_of_what_was_not_today() -> None:
    call = ApiCall(START, "mine", "GET", "https://api.example.com/n", "", 200, "{}", None, 0.1)
    for width, today, later in ((200, "12:00:00.1", "Sa 12:00  "), (60, "12:00:00", "Sa 12:00")):
        rows = [call_parts(call, width, Reader(), START + timedelta(days=days)) for days in (0, 1)]
        assert [parts[0][0] for parts in rows] == [f"{today} ", f"{later} "]
        assert rows[0][1:] == rows[1][1:]


@pytest.mark.usefixtures("utc")
def test_a_row_names_the_day_of_what_was_not_today() -> None:
    row = DriftRow("mine", "volt", "all events", None, None, None, State.SAME, "", ours=True, verified_at=START)
    said = [state_parts(row, long=True, now=START + timedelta(days=days))[-1][0] for days in (0, 1)]
    assert said == [", verified 12:00", ", verified 2026-01-31"]
    by_hand = replace(row, state=State.BY_HAND, verified_at=None, first_event_at=START)
    said = [state_parts(by_hand, long=True, now=START + timedelta(days=days))[-1][0] for days in (0, 1)]
    assert said == [", first event 12:00", ", first event 2026-01-31"]
    assert state_parts(row, long=True) == [("✔ same", "good")]


def test_the_address_to_set_by_hand_is_shown_without_its_token() -> None:
    token = "sample-path-token-0123456789"
    said = f"set the address by hand where they are sent from: {PUBLIC}/standard/{token}"
    panel = Panel("shop", "standard", "Standard Webhooks", "", "", None, {}, trouble=said)
    placed, [entry] = block_lines([panel], 200, START, token=token)
    for lines in (placed, InFull(entry).lines(token)):
        shown = "\n".join(line.text for line, _ in lines)
        assert f"{PUBLIC}/standard/••••" in shown
        assert token not in shown


def test_the_log_of_calls_hides_numbers_while_the_screen_is_masked() -> None:
    said = '{"phone": "+15555550100"}'
    url = "https://api.example.com/n/+15555550100"
    refused = ApiCall(START, "mine", "POST", url, said, 422, said, None, 0.1)
    failed = replace(refused, status=None, answer="", error="no answer of 15555550100")
    for masked, call in product((False, True), (refused, failed)):
        reader = Reader(masked)
        shown = "".join(text for text, _ in call_parts(call, 200, reader, START))
        whole = "\n".join(line.text for line in call_lines(call, reader))
        assert ("5555550100" in shown) is ("15555550100" in whole) is not masked
        assert whole.count("00") >= 3  # the last two digits stay, to tell one from another


def test_the_log_of_calls_names_the_status_of_an_answer_that_is_not_taken() -> None:
    call = ApiCall(START, "mine", "GET", "https://api.example.com/n", "GET /n", 307, "", "It sends on.", 0.1)
    assert "✖ 307" in "".join(text for text, _ in call_parts(call, 100, Reader(False), START))
    lines = [line.text.strip() for line in call_lines(call, Reader(False))]
    assert lines[-2:] == ["Came  answer 307 after 100 ms", "It sends on."]


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ('{"data":[{"id":1,"url":"https://a.example/x"}],"next":null}',
         ['{', '  "data": [', '    {', '      "id": 1,', '      "url": "https://a.example/x"', '    }', '  ],',
          '  "next": null', '}']),
        ('[{"id":1},{"i…', ['[', '  {', '    "id": 1', '  },', '  {', '    "i', '…']),  # as the log cuts it
        ('{"a":1}}}…', ['{', '  "a": 1', '}', '}', '}', '…']),
        ("{no JSON}", ["{no JSON}"]),
        ("[" * 5000 + "…", ["[" * 5000 + "…"]),
        ("<html>\n</html>", ["<html>", "</html>"]),
    ],
)  # fmt: skip
def test_the_log_of_calls_lays_json_out(answer: str, shown: list[str]) -> None:
    call = ApiCall(START, "mine", "POST", "https://api.example.com/n", "POST /n\nA: b\n\n{}", 200, answer, None, 0.1)
    lines = [line.text.rstrip() for line in call_lines(call, Reader(False))]
    assert lines == ["Asked", "POST /n", "A: b", "", "{}", "", "Came  answer 200 after 100 ms", *shown]


async def test_a_new_public_url_is_told_with_what_another_program_registered(tmp_path: Path) -> None:
    async with view(tmp_path, seed=ours, accounts=without("volt", "oneroute")) as s:
        s.app.session.actions = in_force(settings(view_webhooks="f4", mend_all="ctrl+y"))
        elsewhere = RegistrationStore(tmp_path / "hooktop.db")
        for account, subject, spec in WANTED:
            elsewhere.want(account, account, subject, spec, START)
        s.monitor.reach.change(NEXT)
        await s.until(lambda: bool(s.app._notifications))
        said = [one.message for one in s.app._notifications]
        assert said == [f"The public URL is {NEXT} now.\n4 registrations of yours point elsewhere: f4, then ^y."]


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_keys_at_the_bottom_are_those_of_the_row(tmp_path: Path, size: tuple[int, int]) -> None:
    def keys() -> str:
        return s.screen_text().splitlines()[-1]

    async with view(tmp_path, size=size, wanted=WANTED, seed=ours) as s:
        await s.on("bird", "channels sms.inbound")
        await s.until(lambda: "u re-point" in keys())
        assert "U mend all" in keys()
        await s.on("bird", "channels email.outbound")
        await s.until(lambda: " u " not in keys())
        assert "q back" in keys()
        s.monitor.reach.change(None)
        await s.on("bird", "channels sms.inbound")
        await s.until(lambda: "p address" in keys())
        assert " u " not in keys()
        assert "U mend all" not in keys()  # without an address there is nothing that it could do
        await s.press("enter")
        await s.until(lambda: "esc back" in keys() and "p address" in keys())
        await s.press("p")
        assert isinstance(s.top(), PublicUrlScreen)


@pytest.mark.slow
async def test_the_call_that_is_read_stays_when_another_is_made(tmp_path: Path) -> None:
    async with view(tmp_path, wanted=WANTED, seed=ours) as s:
        await s.press("L", "enter", "G")
        log = s.top()
        assert isinstance(log, ApiLogScreen)
        before, calls = s.box_text(), len(s.registrations.calls)
        await s.registrations.refresh("connectly")
        await s.until(lambda: f"{calls + 1} calls" in s.screen_text())
        assert s.box_text() == before
        await s.press("g", "escape", "g")
        await s.until(lambda: s.box_text() != before)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (150, 40)])
async def test_a_long_key_stands_in_the_row_that_it_mends(tmp_path: Path, size: tuple[int, int]) -> None:
    async with view(tmp_path, size=size, start=False, wanted=WANTED, seed=ours) as s:
        s.app.session.actions = in_force(settings(mend="backspace"))
        await begin(s)
        lines = s.screen_text().splitlines()
        assert any("elsewhere" in line and "backspace re-point" in line for line in lines)


async def test_an_account_that_comes_or_is_renamed_meanwhile_is_asked(tmp_path: Path) -> None:
    async with view(tmp_path, accounts=only("connectly")) as s:
        bird = next(account for account in s.sandbox.accounts() if account.name == "bird")
        await s.shows("delivery_status")
        for name in ("bird-eu", "bird-europe"):
            accounts = (*only("connectly")(s.sandbox.accounts()), replace(bird, name=name))
            s.registrations.configure(Config(accounts=accounts))
            await s.registrations.open()
            await s.shows(f"{name}  Bird", "channels email.outbound")
        assert sum(call.account == "connectly" for call in s.registrations.calls) == 1


async def test_an_account_is_asked_once_where_two_looks_begin_at_once(tmp_path: Path) -> None:
    async with view(tmp_path, accounts=only("connectly")) as s:
        await s.shows("delivery_status")
        [account] = only("connectly")(s.sandbox.accounts())
        screen = s.top()
        assert isinstance(screen, WebhooksScreen)
        s.registrations.configure(Config(accounts=(replace(account, name="other"),)))
        screen.action_look()
        screen.catch_up()
        await s.registrations.open()
        await s.shows("other  Connectly", "delivery_status")
        await s.settle()
        assert sum(call.account == "other" for call in s.registrations.calls) == 1


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("gone", [(Bar,), (ItemsView,), (Bar, ItemsView)])
async def test_a_pane_that_is_taken_off_the_screen_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: tuple[type[Widget], ...], fails: bool
) -> None:
    go_on = threading.Event()

    def slow(*_: object) -> tuple[list[ChangeRecord], dict[int, Capture | None]]:
        go_on.wait(10)
        if fails:
            raise StoreError("sample")
        return [], {}

    async with view(tmp_path, accounts=only("connectly")) as s:
        await s.on("connectly", "delivery_status")
        pane = s.top().query_one(WebhookPane)
        monkeypatch.setattr(pane, "_read", slow)
        pane.reload()
        [worker] = [one for one in s.app.workers if one.group == f"load-{pane.id}" and not one.is_finished]
        await s.pilot.pause()
        for part in gone:  # each goes by itself
            await pane.query_one(part).remove()
        go_on.set()
        await worker.wait()
        assert worker.state is WorkerState.SUCCESS
        await pane.recompose()


async def test_a_form_for_an_account_that_is_taken_out_meanwhile(tmp_path: Path) -> None:
    async with view(tmp_path, accounts=only("bird", "connectly")) as s:
        await s.on("bird")
        await s.press("a")
        await s.fill(event="sms.inbound")
        s.registrations.configure(Config(accounts=tuple(only("connectly")(s.sandbox.accounts()))))
        await s.fill(event="sms.outbound")
        await s.press("enter")
        assert isinstance(s.top(), WebhookForm)
        assert "There is no account bird any more" in s.screen_text()
        await s.fill(account="connectly", topic="messages")
        await s.press("enter")
        await s.over()
        assert s.row("connectly", "messages").state is State.SAME


async def test_what_was_removed_at_an_account_that_is_taken_out_meanwhile(tmp_path: Path) -> None:
    async with view(tmp_path, accounts=only("bird", "connectly"), wanted=[WANTED[5]], seed=ours) as s:
        await s.on("connectly", "messages")
        await s.press("D", "y")
        await s.over()
        await s.press("R")
        assert isinstance(s.top(), RestoreScreen)
        s.registrations.configure(Config(accounts=tuple(only("bird")(s.sandbox.accounts()))))
        await s.press("enter", "y")
        await s.over()
        assert "There is no account connectly any more" in s.box_text()
