"""Registrations beside a receiver: probes, first events, keys that verify at once; hanging providers; a crash."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from monitor import tasks
from monitor.account import Account
from monitor.config import Config
from monitor.model.drift import State
from monitor.model.registration import ChangeState
from monitor.model.verdict import VerdictStatus
from monitor.receiver.binding import bind
from monitor.secret import KeyringSecret
from monitor.services.assemble import assembled
from monitor.services.monitor import Settings
from monitor.services.registrations import Progress, Registrations, Step
from monitor.store.reader import Reader
from monitor.store.registrations import RegistrationStore
from tests.services.keyrings import FakeKeyring
from tests.services.registering import DELIVERY, NEXT, SMS, World, caught_up, receiving, until, world


def captures(folder: Path) -> list[tuple[int, str, VerdictStatus]]:
    """What was stored: id, provider and verdict."""
    reader = Reader(folder / "hooktop.db")
    try:
        return [(capture.id, capture.provider, capture.verdict.status) for capture in reader.page()]
    finally:
        reader.close()


async def test_no_capture_waits_for_the_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Watched(FakeKeyring):
        """A keyring that knows who has asked it."""

        asked: ClassVar[list[threading.Thread]] = []

        def get_password(self, service: str, name: str) -> str | None:
            self.asked.append(threading.current_thread())
            return super().get_password(service, name)

    ring = Watched()
    ring.entries["hooktop", "shop.1"] = "the webhook secret"
    monkeypatch.setitem(sys.modules, "keyring", ring)
    account = Account("shop", "connectly", signing_secrets=(KeyringSecret("shop.1"),))
    async with assembled(
        Config(accounts=(account,)), Settings(), bind("127.0.0.1", 0), tmp_path / "h.db", local_folder=tmp_path
    ) as assembly:
        assembly.monitor.reach.change("https://hooks.example.com")
        assert len(assembly.keychain.keys("connectly").keys) == 1
    assert len(ring.asked) == 1
    assert threading.main_thread() not in ring.asked


async def test_the_probe_of_what_another_run_registers_is_its_first_event(tmp_path: Path) -> None:
    async with receiving(tmp_path, event_after_s=None) as (w, _):
        await w.registrations.refresh("volt")
        other = w.again()
        assert (await other.carry_out(other.plan_add("volt", {}))).state is ChangeState.DONE
        assert await caught_up(w.registrations) == ("volt",)
        assert w.row("volt", State.BY_HAND).first_event_at is not None


async def test_the_probe_of_a_registration_is_answered_while_it_is_asked_for_and_tied_to_it(tmp_path: Path) -> None:
    async with receiving(tmp_path, event_after_s=None) as (w, assembly):
        await w.registrations.refresh()
        changes: list[int] = []
        w.registrations.follow(lambda: changes.append(w.registrations.version))
        steps: list[Progress] = []
        done = await w.do(w.registrations.plan_add("volt", {}), steps)
        assert done.state is ChangeState.DONE, done.sentence
        named = [step.step for step in steps]
        assert named.index(Step.ASKING) < named.index(Step.PROBE) < named.index(Step.ANSWERED)
        (probe,) = done.probes
        assert captures(tmp_path) == [(probe, "volt", VerdictStatus.VERIFIED)]
        assert done.registration is not None
        assert w.registrations.probes("volt", done.registration.id) == (probe,)
        row = w.row("volt", State.BY_HAND)
        assert row.first_event_at is not None
        assert changes
        assert assembly.monitor.receiving

        later = w.again()
        await later.open()
        assert later.probes("volt", done.registration.id) == (probe,)
        assert later.panel("volt").rows[0].first_event_at is None  # not looked at yet
        await later.refresh("volt")
        assert later.panel("volt").rows[0].first_event_at == row.first_event_at


async def test_a_probe_that_the_provider_counts_as_failed(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (w, _):
        w.sandbox.fault("volt", "probe_refused")
        done = await w.do(w.registrations.plan_add("volt", {}))
        assert done.state is ChangeState.FAILED
        assert "webhook failed to respond successfully" in done.said
        assert len(done.probes) == 1  # it did come in
        assert w.rows("volt") == ()


async def test_a_new_key_verifies_the_first_delivery(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (w, _):
        await w.registrations.refresh()
        done = await w.do(w.registrations.plan_add("bird", SMS))
        assert done.state is ChangeState.DONE
        await until(lambda: w.row("bird", State.SAME).verified_at is not None)
        assert [found[1:] for found in captures(tmp_path)] == [("bird", VerdictStatus.VERIFIED)]
        assert w.row("bird", State.SAME).why == "It is as wanted: active, key known, verified."
        # What the provider signs for the old address is still verified when the public address is another.
        w.reach.change(NEXT)
        await w.do(w.registrations.plan_mend(w.row("bird", State.ELSEWHERE)))
        await until(lambda: len(captures(tmp_path)) == 2)
        assert {found[2] for found in captures(tmp_path)} == {VerdictStatus.VERIFIED}


async def test_a_monitor_uses_a_key_that_a_command_made_beside_it(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (w, assembly):
        command = w.again()
        await command.open()
        done = await command.carry_out(command.plan_add("bird", SMS))
        assert done.key is not None
        await until(lambda: len(captures(tmp_path)) == 1)
        assert captures(tmp_path)[0][2] is VerdictStatus.VERIFIED
        assert done.key.fingerprint() in [key.id for key in assembly.keychain.keys("bird").keys]
        await w.registrations.refresh("bird")
        assert w.row("bird", State.SAME).wanted is not None


async def test_the_first_event_at_an_address_that_was_set_by_hand(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (w, assembly):
        plan = w.registrations.plan_add("oneroute", {})
        assert plan.by_hand is not None
        assert plan.by_hand.url == "https://app.oneroute.io/settings/account-settings"
        assert plan.url == w.reach.hook_url("oneroute")
        await w.do(plan)
        row = w.row("oneroute", State.BY_HAND)
        assert row.first_event_at is None
        assert row.why.endswith("nothing came to it yet.")
        reader, writer = await asyncio.open_connection(assembly.monitor.host, assembly.monitor.port)
        body = b'{"event":"message.sent"}'
        writer.write(
            b"POST %s HTTP/1.1\r\nHost: hooks.example.com\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\nConnection: close\r\n\r\n%s"
            % (w.reach.hook_path("oneroute").encode(), len(body), body)
        )
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
        await writer.wait_closed()
        await until(lambda: w.row("oneroute").first_event_at is not None)
        assert w.row("oneroute").why.endswith("something came to it.")
        await w.do(w.registrations.plan_remove(w.row("oneroute")))
        assert w.rows("oneroute") == ()
        assert await w.registrations.offers() == ()


async def test_one_hanging_provider_keeps_nobody_waiting(tmp_path: Path) -> None:
    async with world(
        tmp_path,
        accounts=lambda accounts: [*accounts[:3], replace(accounts[2], name="second"), accounts[3]],
    ) as w:
        assert len(w.registrations.panels()) == 5
        w.sandbox.fault("bird", "hang")
        refreshing = tasks.start(w.registrations.refresh(), "refresh")
        others = ("volt", "connectly", "second", "oneroute")
        await until(lambda: all(w.registrations.panel(name).refreshed_at is not None for name in others))
        assert w.registrations.panel("bird").busy == "asking what is registered"
        assert {w.registrations.panel(name).busy for name in others} == {None}
        assert (await w.do(w.registrations.plan_add("second", DELIVERY))).state is ChangeState.DONE
        refreshing.cancel()
        with suppress(asyncio.CancelledError):
            await refreshing
        assert w.registrations.panel("bird").busy is None


async def test_a_change_that_is_cancelled_on_its_way_stays_begun_and_is_looked_up(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh()
        plan = w.registrations.plan_add("bird", SMS)
        w.sandbox.fault("bird", "done_then_hang")
        task = tasks.start(w.registrations.carry_out(plan), "change")
        await until(lambda: len(w.sandbox.registrations("bird")) == 3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert w.registrations.panel("bird").busy is None
        store = RegistrationStore(tmp_path / "hooktop.db")
        assert [record.state for record in store.records()] == [ChangeState.BEGUN]
        assert "no answer came" in w.row("bird", State.MISSING).why
        w.sandbox.fault("bird")
        await w.registrations.refresh()
        assert w.row("bird", State.SAME).why.startswith("It is as wanted: active, key known")
        assert [record.state for record in store.records()] == [ChangeState.DONE]


@pytest.mark.slow
async def test_a_provider_that_never_answers_is_given_up_in_time(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.sandbox.fault("connectly", "hang")
        async with asyncio.timeout(20):
            await w.registrations.refresh()
        assert "did not answer within 15 s" in (w.registrations.panel("connectly").trouble or "")


CHANGE = """
import asyncio, pathlib, sys
from monitor.services.assemble import registrations_of
from monitor.config import load
from monitor.services.registrations import Step

async def main():
    folder = pathlib.Path(sys.argv[1])
    config = load(folder / "config.toml", {{}})
    registrations = registrations_of(config, folder / "hooktop.db", "https://hooks.example.com")
    await registrations.open()
    await registrations.refresh("connectly")
    plan = {plan}
    tell = lambda progress: print(progress.step.value, flush=True)
    await registrations.carry_out(plan, tell)

asyncio.run(main())
"""
REPLACE = 'registrations.plan_add("connectly", {"topic": "delivery_status"})'
REMOVE = 'registrations.plan_remove(registrations.panel("connectly").rows[0])'


@pytest.mark.parametrize(
    ("plan", "fault"), [(REPLACE, "hang"), (REPLACE, "done_then_hang"), (REMOVE, "done_then_hang")]
)
async def test_killed_between_asking_and_answer_the_next_start_offers_the_restore(
    tmp_path: Path, plan: str, fault: str
) -> None:
    async with world(tmp_path) as w:
        before = w.sandbox.registrations("connectly")
        account = next(account for account in w.config.accounts if account.name == "connectly")
        assert account.api_secret is not None
        (tmp_path / "config.toml").write_text(
            f'[accounts.connectly]\nprovider = "connectly"\napi_key = "{account.api_secret.reveal()}"\n'
            f'business_id = "{account.business_id}"\napi_url = "{account.api_url}"\n'
        )
        (tmp_path / "config.toml").chmod(0o600)
        done = await killed(w, CHANGE.format(plan=plan), fault)
        assert done == -signal.SIGKILL
        happened = w.sandbox.registrations("connectly") != before
        assert happened == (fault == "done_then_hang")

        w.sandbox.fault("connectly")
        start: Registrations = w.again()
        await start.open()
        (offer,) = await start.offers()  # before anybody has asked the provider
        assert "nobody knows whether it was" in offer.sentence
        assert "example.com/hooks/delivery" in offer.sentence
        await start.refresh()
        offers = await start.offers()
        if not happened:
            assert start.plan_restore(offer.record).change is None  # it is as it was
        else:
            (offer,) = offers
            assert "it can be put back" in offer.sentence
        assert (await start.carry_out(start.plan_restore(offer.record))).state is ChangeState.DONE
        put_back = w.sandbox.registrations("connectly")
        assert [{**row, "id": ""} for row in put_back] == [{**row, "id": ""} for row in before]
        assert await start.offers() == ()


async def killed(w: World, program: str, fault: str) -> int:
    """Run a program until it has asked the provider, which does not answer, and kill it; its exit status."""
    environment = {"PATH": "", "HOME": str(w.folder), "XDG_DATA_HOME": str(w.folder / "data")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(w.folder), stdout=subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            while (line := await process.stdout.readline()) != b"asking\n":
                if line == b"saved\n":
                    w.sandbox.fault("connectly", fault)
                assert line
            if fault == "hang":
                await until(lambda: bool(w.sandbox._connections()))
            else:
                await until(lambda: _differs(w))
    finally:
        process.kill()
        status = await process.wait()
    return status


def _differs(w: World) -> bool:
    rows = w.sandbox.registrations("connectly")
    return not rows or rows[0]["address"] != "https://example.com/hooks/delivery"
