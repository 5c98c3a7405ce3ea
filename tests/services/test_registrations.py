"""Registrations over look-alike APIs: added, mended, replaced, removed and put back, on real sockets."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor import tasks
from monitor.account import Account
from monitor.admin.base import Admin, AdminError, Trouble
from monitor.admin.clients import admin_for
from monitor.config import Config
from monitor.model.drift import State
from monitor.model.registration import Change, ChangeState, Registration
from monitor.secret import Secret
from monitor.services.registrations import Action, Confirm, Plan, Progress, Registrations, Step
from monitor.services.settling import SETTLED_AFTER
from monitor.services.signingkeys import SigningKeys
from monitor.store.registrations import RegistrationStore
from tests.sandbox.apis import PUBLIC
from tests.services.registering import DELIVERY, MESSAGES, NEXT, SMS, caught_up, until, world


class Unanswered:
    """A client whose changes get no answer: they happen, or they do not."""

    def __init__(self, admin: Admin, happens: bool) -> None:
        self._admin = admin
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._admin, name)

    async def perform(self, change: Change) -> Registration | None:
        if self._happens:
            await self._admin.perform(change)
        raise AdminError(Trouble.UNCERTAIN, "Nobody answered; look at the list before you ask again.")


class Refusing:
    """A client whose changes are all refused."""

    def __init__(self, admin: Admin, error: AdminError) -> None:
        self._admin = admin
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._admin, name)

    async def perform(self, change: Change) -> Registration | None:
        raise self._error


class Slow:
    """A client during whose changes another run looks for them."""

    caught_up: tuple[str, ...] | None = None

    def __init__(self, admin: Admin, other: Registrations) -> None:
        self._admin = admin
        self._other = other

    def __getattr__(self, name: str) -> Any:
        return getattr(self._admin, name)

    async def perform(self, change: Change) -> Registration | None:
        Slow.caught_up = await self._other.catch_up()
        return await self._admin.perform(change)


class Twice:
    """A client whose list tells the last of it again, as pages do when something comes in before them."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    def __getattr__(self, name: str) -> Any:
        return getattr(self._admin, name)

    async def list(self) -> Sequence[Registration]:
        found = await self._admin.list()
        return [*found, *found[-1:]]


async def test_everything_is_listed_and_what_is_not_ours_left_alone(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        assert [panel.account for panel in w.registrations.panels()] == ["volt", "bird", "connectly", "oneroute"]
        assert all(panel.refreshed_at is None for panel in w.registrations.panels())
        await w.registrations.refresh()
        assert {panel.trouble for panel in w.registrations.panels()} == {None}
        assert w.states("bird") == ["not_ours", "not_ours"]
        assert w.states("connectly") == ["not_ours"]
        assert w.states("volt") == w.states("oneroute") == []
        panel = w.registrations.panel("bird")
        assert panel.credential == "••••-key"
        assert panel.host.startswith("127.0.0.1:")
        assert panel.took_s is not None
        assert panel.busy is None
        assert w.registrations.plan_mend_all() == ()
        assert not w.registrations.plan_mend(w.rows("bird")[0]).possible


async def test_what_another_run_changes_is_seen_once_it_is_done(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh("bird")
        assert await caught_up(w.registrations) == ()
        seen = w.registrations.version
        other = w.again(make=lambda account, on_call: Slow(admin_for(account, on_call=on_call), w.registrations))
        await other.refresh()
        done = await other.carry_out(other.plan_add("bird", SMS))
        assert done.state is ChangeState.DONE, done.sentence
        assert (Slow.caught_up, w.registrations.version) == ((), seen)
        assert await caught_up(w.registrations) == ("bird",)
        row = w.row("bird", State.SAME)
        assert await caught_up(w.registrations) == ()
        await w.do(w.registrations.plan_active(row, False))
        assert await caught_up(w.registrations) == ()  # that was ours
        assert await caught_up(other) == ("bird",)
        calls = len(w.registrations.calls)
        (row,) = [row for row in other.panel("bird").rows if row.state is State.INACTIVE]
        await other.carry_out(other.plan_remove(row))
        assert (await other.carry_out(other.plan_add("volt", {}))).state is ChangeState.DONE
        assert await caught_up(w.registrations) == ("volt", "bird")
        assert w.states("bird") == ["not_ours", "not_ours"]
        assert {call.account for call in list(w.registrations.calls)[calls:]} == {"bird"}  # nobody asked for Volt's


async def test_what_another_run_got_no_answer_to_is_seen_when_none_can_come(tmp_path: Path) -> None:
    ahead = timedelta(0)
    async with world(tmp_path) as w:
        first = w.again(now=lambda: datetime.now(UTC) + ahead)
        await first.refresh("bird")
        second = w.again(make=lambda account, on_call: Unanswered(admin_for(account, on_call=on_call), False))
        await second.refresh("bird")
        assert (await second.carry_out(second.plan_add("bird", SMS))).state is ChangeState.BEGUN
        assert await caught_up(first) == ()
        ahead = SETTLED_AFTER + timedelta(seconds=1)
        assert await caught_up(first) == ("bird",)
        (record,) = RegistrationStore(tmp_path / "hooktop.db").records()
        assert record.state is ChangeState.FAILED


async def test_what_another_run_changes_while_the_accounts_do_is_seen(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        done = await w.do(w.registrations.plan_add("bird", SMS))
        assert await caught_up(w.registrations) == ()
        other = w.again()
        await other.refresh("bird")
        (row,) = [row for row in other.panel("bird").rows if row.found == done.registration]
        assert (await other.carry_out(other.plan_remove(row))).state is ChangeState.DONE
        w.registrations.configure(replace(w.config, accounts=w.config.accounts[::-1]))
        await w.registrations.open()
        assert await caught_up(w.registrations) == ("bird",)
        assert w.states("bird") == ["not_ours", "not_ours"]


async def test_what_is_done_here_about_the_changes_of_another_run_is_not_its(tmp_path: Path) -> None:
    ahead = timedelta(0)
    async with world(tmp_path) as w:
        here = w.again(now=lambda: datetime.now(UTC) + ahead)
        await here.refresh()
        other = w.again(make=lambda account, on_call: Unanswered(admin_for(account, on_call=on_call), True))
        await other.refresh()
        removed, left = other.panel("bird").rows
        assert (await other.carry_out(other.plan_remove(removed))).state is ChangeState.DONE  # the list shows it
        assert await caught_up(here) == ("bird",)
        (record,) = here.records("bird")
        back = await here.carry_out(here.plan_restore(record))
        assert back.state is ChangeState.DONE, back.sentence
        assert await caught_up(here) == ()
        assert (await other.carry_out(other.plan_remove(left))).state is ChangeState.DONE
        assert await caught_up(here) == ("bird",)
        await here.dismiss(here.records("bird")[-1])
        assert await caught_up(here) == ()
        store = RegistrationStore(tmp_path / "hooktop.db")
        added = replace(record, id=0, state=ChangeState.BEGUN, subject="another", ended_at=None)
        store.begin(added)
        ahead = SETTLED_AFTER + timedelta(seconds=1)
        await here.refresh("bird")  # which finds out what became of it
        assert await caught_up(here) == ()


async def test_what_another_run_was_refused_changes_nothing(tmp_path: Path) -> None:
    refused = AdminError(Trouble.REFUSED, "No.")
    async with world(tmp_path) as w:
        other = w.again(make=lambda account, on_call: Refusing(admin_for(account, on_call=on_call), refused))
        assert (await other.carry_out(other.plan_add("volt", {}))).state is ChangeState.FAILED
        seen = w.registrations.version
        assert await caught_up(w.registrations) == ()
        assert w.registrations.version > seen
        assert [record.state for record in w.registrations.records("volt")] == [ChangeState.FAILED]


async def test_what_is_being_noted_here_is_not_taken_for_anothers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as w:
        loop, seen = asyncio.get_running_loop(), list[tuple[str, ...]]()
        want = RegistrationStore.want

        def want_and_wait(store: RegistrationStore, *what: Any) -> None:
            want(store, *what)
            seen.append(asyncio.run_coroutine_threadsafe(w.registrations.catch_up(), loop).result(10))

        monkeypatch.setattr(RegistrationStore, "want", want_and_wait)
        assert await caught_up(w.registrations) == ()
        await w.do(w.registrations.plan_add("oneroute", {}))  # by hand
        assert seen == [()]
        RegistrationStore(tmp_path / "hooktop.db").unwant("oneroute", w.rows("oneroute")[0].subject)
        assert await caught_up(w.registrations) == ("oneroute",)


async def test_a_bird_webhook_from_form_to_removal(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh()
        assert "event" in w.registrations.plan_add("bird", {"service": "channels"}).problems
        plan = w.registrations.plan_add("bird", SMS)
        assert (plan.action, plan.confirm, plan.loses) == (Action.ADD, Confirm.NONE, None)
        assert plan.request.startswith("POST http://127.0.0.1:")
        assert plan.change is not None
        assert plan.change.signing_key is not None
        assert plan.key == plan.change.signing_key.fingerprint()
        assert plan.key == w.registrations.plan_add("bird", SMS).key  # the same while one types
        steps: list[Progress] = []
        done = await w.do(plan, steps)
        assert (done.state, done.kind) == (ChangeState.DONE, None), done.sentence
        named = [step.step for step in steps]
        assert named == [Step.SAVED, Step.KEY_KEPT, Step.ASKING, Step.ANSWERED, Step.LOOKING, Step.ENDED]
        assert done.key is not None
        assert len(base64.b64decode(done.key.reveal())) == 32
        at_bird = w.sandbox.registrations("bird")[-1]
        assert (at_bird["signingKey"], at_bird["url"]) == (done.key.reveal(), w.reach.hook_url("bird"))
        row = w.row("bird", State.SAME)
        assert row.why == "It is as wanted: active, key known."
        assert not w.registrations.plan_add("bird", SMS).possible

        plan = w.registrations.plan_active(row, False)
        assert (plan.action, plan.confirm) == (Action.DEACTIVATE, Confirm.YES)
        await w.do(plan)
        assert w.row("bird", State.INACTIVE).mend is not None
        plan = w.registrations.plan_mend(w.row("bird", State.INACTIVE))
        assert plan.action is Action.ACTIVATE
        await w.do(plan)
        row = w.row("bird", State.SAME)

        plan = w.registrations.plan_edit(row, {**SMS, "filters": "messageStatus=failed"})
        assert plan.subject == "channels sms.outbound messageStatus=failed"
        await w.do(plan)
        row = w.row("bird", State.SAME)
        assert row.subject == plan.subject
        assert row.wanted is not None
        assert not w.registrations.plan_edit(row, {"service": "channels", "event": "sms.inbound"}).possible

        plan = w.registrations.plan_remove(row)
        assert plan.confirm is Confirm.YES
        assert plan.loses is not None
        assert row.found is not None
        assert row.found.url in plan.loses
        done = await w.do(plan)
        assert done.state is ChangeState.DONE
        assert w.states("bird") == ["not_ours", "not_ours"]
        assert len(w.sandbox.registrations("bird")) == 2


async def test_a_removed_bird_webhook_comes_back_with_a_new_id_and_key(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh()
        target = next(row for row in w.rows("bird") if row.subject == "channels email.outbound")
        plan = w.registrations.plan_remove(target)
        assert (plan.confirm, plan.typed) == (Confirm.TYPE, "example.com")
        assert (await w.do(plan)).state is ChangeState.DONE
        (offer,) = await w.registrations.offers()
        assert "example.com/hooks/bird" in offer.sentence
        plan = w.registrations.plan_restore(offer.record)
        assert plan.action is Action.RESTORE
        assert "new id" in " ".join(plan.warnings)
        assert "new signing key" in " ".join(plan.warnings)
        done = await w.do(plan)
        assert done.state is ChangeState.DONE
        back = next(row for row in w.rows("bird") if row.subject == "channels email.outbound")
        assert back.found is not None
        assert target.found is not None
        assert back.found.url == target.found.url
        assert back.found.id != target.found.id
        assert back.state is State.NOT_OURS
        assert back.wanted is None
        assert await w.registrations.offers() == ()
        assert await w.registrations.restorable() == ()


class Late:
    """A client whose changes wait until they are let through."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self.asked, self.let = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._admin, name)

    async def perform(self, change: Change) -> Registration | None:
        self.asked.set()
        await self.let.wait()
        return await self._admin.perform(change)


async def test_what_is_put_back_while_its_removal_is_on_its_way_is_not_taken_for_there(tmp_path: Path) -> None:
    made: list[Late] = []

    def late(account: Account, **more: Any) -> Admin:
        made.append(Late(admin_for(account, **more)))
        return made[-1]

    async with world(tmp_path) as w:
        slow = w.again(make=late)
        await slow.open()
        await slow.refresh("bird")
        target = next(row for row in slow.panel("bird").rows if row.subject == "channels email.outbound")
        removal = tasks.start(slow.carry_out(slow.plan_remove(target)), "removal")
        await until(lambda: any(one.asked.is_set() for one in made))
        (offer,) = await slow.offers()
        plan = slow.plan_restore(offer.record)
        assert plan.change is None  # it is there still
        back = tasks.start(slow.carry_out(plan), "back")
        for one in made:
            one.let.set()
        assert (await removal).state is ChangeState.DONE
        outcome = await back
        assert (outcome.state, outcome.kind) == (ChangeState.FAILED, Trouble.CONFLICT)
        assert len(await slow.restorable()) == 1
        assert outcome.next is not None
        assert (await slow.carry_out(outcome.next)).state is ChangeState.DONE
        assert target.found is not None
        assert target.found.url in [row["url"] for row in w.sandbox.registrations("bird")]
        assert await slow.restorable() == ()


@pytest.mark.parametrize("pause", [timedelta(), timedelta(minutes=5)])
async def test_what_went_since_the_list_was_read_is_not_taken_for_put_back(tmp_path: Path, pause: timedelta) -> None:
    async with world(tmp_path) as w:
        now = datetime.now(UTC)
        later = w.again(make=lambda account, **more: Unanswered(admin_for(account, **more), False), now=lambda: now)
        await later.open()
        await later.refresh("bird")
        target = next(row for row in later.panel("bird").rows if row.subject == "channels email.outbound")
        assert (await later.carry_out(later.plan_remove(target))).state is ChangeState.BEGUN
        (offer,) = await later.offers()
        plan = later.plan_restore(offer.record)
        assert plan.change is None  # as it was, says the list
        await w.registrations.refresh("bird")
        await w.do(w.registrations.plan_remove(w.row("bird", subject="channels email.outbound")))
        now += pause
        outcome = await later.carry_out(plan)
        assert (outcome.state, outcome.kind) == (ChangeState.FAILED, Trouble.CONFLICT)
        assert await later.restorable() != ()


async def test_a_list_from_before_a_change_is_not_acted_upon_however_new(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        now = datetime.now(UTC)
        registrations = w.again(now=lambda: now)
        await registrations.open()
        await registrations.refresh("bird")
        row = next(row for row in registrations.panel("bird").rows if row.subject == "channels email.outbound")
        w.sandbox.fault("bird", "bad_gateway")  # it is removed, and neither that nor the list is told
        assert (await registrations.carry_out(registrations.plan_remove(row))).state is ChangeState.BEGUN
        w.sandbox.fault("bird")
        (offer,) = await registrations.offers()
        plan = registrations.plan_restore(offer.record)
        assert plan.change is None  # as it was, says the list
        outcome = await registrations.carry_out(plan)
        assert (outcome.state, outcome.kind) == (ChangeState.FAILED, Trouble.CONFLICT)
        assert outcome.next is not None
        assert (await registrations.carry_out(outcome.next)).state is ChangeState.DONE
        assert "email.outbound" in {one["event"] for one in w.sandbox.registrations("bird")}
        assert await registrations.restorable() == ()


async def test_what_another_does_the_job_of_is_not_put_back_a_second_time(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh("bird")
        await w.do(w.registrations.plan_add("bird", SMS))
        w.sandbox._apis["bird"].seed([{**SMS, "url": w.reach.hook_url("bird") or ""}])
        await w.registrations.refresh("bird")
        await w.do(w.registrations.plan_mend(w.row("bird", State.LEFT_OVER)))  # which removes it
        (offer,) = await w.registrations.restorable()
        plan = w.registrations.plan_restore(offer.record)
        assert plan.title.startswith("Nothing is to be done: channels sms.outbound")
        assert (await w.do(plan)).state is ChangeState.DONE
        assert await w.registrations.restorable() == ()
        assert [one["event"] for one in w.sandbox.registrations("bird")].count("sms.outbound") == 1


async def test_the_settings_that_another_has_set_and_stay_are_told_before_it_is_replaced(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh("connectly")
        told = "It keeps the settings that this leaves out: channelTypes whatsapp, filters campaign_name=summer-promo-*"
        plan = w.registrations.plan_add("connectly", {**DELIVERY, "echo": "no"})
        assert plan.warnings[-1] == f"{told}; edit it to clear them."
        assert (await w.do(plan)).state is ChangeState.DONE
        edited = w.registrations.plan_edit(w.row("connectly"), DELIVERY)
        assert (await w.do(edited)).state is ChangeState.DONE
        assert w.sandbox.registrations("connectly")[0]["configuration"]["filters"] == []
        again = w.registrations.plan_add("connectly", {**DELIVERY, "echo": "yes"})
        assert not any("keeps" in warning for warning in again.warnings)


async def test_a_connectly_topic_is_replaced_only_after_a_question_and_put_back(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh()
        plan = w.registrations.plan_add("connectly", DELIVERY)
        assert plan.action is Action.REPLACE
        assert (plan.confirm, plan.typed) == (Confirm.TYPE, "delivery_status")
        assert plan.loses is not None
        assert "https://example.com/hooks/delivery" in plan.loses
        assert plan.request.startswith("PUT ")
        assert "configuration" not in plan.request  # what is not named keeps its value
        before = w.sandbox.registrations("connectly")[0]
        done = await w.do(plan)
        assert done.state is ChangeState.DONE, done.sentence
        assert w.row("connectly", State.SAME).subject == "delivery_status"
        assert w.sandbox.registrations("connectly")[0]["configuration"] == before["configuration"]

        (offer,) = await w.registrations.offers()
        plan = w.registrations.plan_restore(offer.record)
        assert plan.confirm is Confirm.NONE  # what gives way is ours
        await w.do(plan)
        assert w.sandbox.registrations("connectly") == [before]
        assert w.states("connectly") == ["not_ours"]
        assert await w.registrations.offers() == ()


async def test_a_connectly_topic_that_was_taken_meanwhile(tmp_path: Path) -> None:
    async with world(tmp_path, foreign=False) as w:
        await w.registrations.refresh()
        plan = w.registrations.plan_add("connectly", MESSAGES)
        assert plan.action is Action.ADD
        w.sandbox._apis["connectly"].seed([{"topic": "messages", "address": "https://prod.example.com/hook"}])
        done = await w.do(plan)  # the list is fresh, so the provider is asked, and answers 409
        assert (done.state, done.kind, done.status) == (ChangeState.FAILED, Trouble.CONFLICT, 409)
        assert "replacing it is an update" in done.sentence
        assert done.next is not None
        assert (done.next.action, done.next.confirm, done.next.typed) == (Action.REPLACE, Confirm.TYPE, "messages")
        assert w.sandbox.registrations("connectly")[0]["address"] == "https://prod.example.com/hook"
        assert w.states("connectly") == ["not_ours"]  # what failed is not wanted
        assert (await w.do(done.next)).state is ChangeState.DONE
        assert w.states("connectly") == ["same"]


async def test_a_connectly_topic_that_went_away_meanwhile(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh()
        plan = w.registrations.plan_add("connectly", DELIVERY)
        w.sandbox._apis["connectly"].rows.clear()
        done = await w.do(plan)
        assert (done.state, done.kind) == (ChangeState.FAILED, Trouble.NOT_FOUND)
        assert done.next is not None
        assert (done.next.action, done.next.confirm) == (Action.ADD, Confirm.NONE)
        assert (await w.do(done.next)).state is ChangeState.DONE
        assert w.states("connectly") == ["same"]


async def test_an_account_that_is_taken_out_while_it_is_asked(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh()
        plan = w.registrations.plan_add("connectly", DELIVERY)
        w.sandbox._apis["connectly"].rows.clear()
        w.registrations._desks["connectly"].listed = None  # so that it is asked for first
        done = await w.registrations.carry_out(
            plan, lambda step: w.registrations.configure(replace(w.config, accounts=()))
        )
        assert (done.state, done.kind, done.next) == (ChangeState.FAILED, Trouble.NOT_FOUND, None)


async def test_what_somebody_else_tidied_up_is_still_wanted_where_another_does_its_job(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh()
        done = await w.do(w.registrations.plan_add("bird", SMS))
        assert done.registration is not None
        mark = done.registration.url.rpartition("/")[2]
        w.sandbox._apis["bird"].seed([{**SMS, "url": f"https://old.example.com/bird/{mark}"}])
        await w.registrations.refresh("bird")
        desk = w.registrations._desks["bird"]
        assert desk.admin is not None
        gone = AdminError(Trouble.NOT_FOUND, "It is gone.", status=404)
        desk._admin = Refusing(desk.admin, gone)
        refused = await w.do(w.registrations.plan_mend(w.row("bird", State.LEFT_OVER)))
        assert refused.kind is Trouble.NOT_FOUND
        assert w.states("bird") == ["same", "left_over", "not_ours", "not_ours"]
        await w.do(w.registrations.plan_remove(w.row("bird", State.SAME)))
        assert desk.wanted == ()  # what was wanted itself and is gone is wanted no longer


async def test_a_webhook_that_is_listed_twice_is_not_left_over_beside_itself(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        registrations = w.again(make=lambda account, on_call: Twice(admin_for(account, on_call=on_call)))
        await registrations.refresh("bird")
        done = await registrations.carry_out(registrations.plan_add("bird", SMS))
        assert done.state is ChangeState.DONE
        await registrations.refresh("bird")
        assert [row.state.value for row in registrations.panel("bird").rows] == ["same", "not_ours", "not_ours"]
        assert registrations.plan_mend_all() == ()  # which would remove it


async def test_what_was_changed_meanwhile_is_not_touched(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh()
        plan = w.registrations.plan_add("connectly", DELIVERY)
        next(iter(w.sandbox._apis["connectly"].rows.values()))["address"] = "https://other.example.com/"
        await w.registrations.refresh("connectly")
        done = await w.do(plan)
        assert (done.state, done.kind) == (ChangeState.FAILED, Trouble.CONFLICT)
        assert "https://other.example.com/" in done.sentence
        assert done.next is not None
        assert "https://other.example.com/" in (done.next.loses or "")
        assert w.sandbox.registrations("connectly")[0]["address"] == "https://other.example.com/"
        assert await w.registrations.restorable() == ()


async def test_everything_is_re_pointed_after_the_address_changed(tmp_path: Path) -> None:
    async def alive(url: str) -> bool | None:
        return False if url.startswith(PUBLIC) else None

    async with world(tmp_path, alive=alive) as w:
        await w.registrations.refresh()
        for account, spec in (("volt", {}), ("bird", SMS), ("connectly", MESSAGES), ("oneroute", {})):
            outcome = await w.do(w.registrations.plan_add(account, spec))
            assert outcome.state is ChangeState.DONE, outcome.sentence
        assert w.row("volt").state is w.row("oneroute").state is State.BY_HAND
        assert w.registrations.plan_mend_all() == ()
        calls = len(w.registrations.calls)
        w.reach.change(NEXT)
        assert len(w.registrations.calls) == calls  # drift is worked out at once, without asking anybody
        for account in ("volt", "bird", "connectly", "oneroute"):
            assert w.row(account, State.ELSEWHERE).url == w.reach.hook_url(account)
        await w.registrations.refresh()
        assert w.row("bird", State.DEAD_TUNNEL).mend is not None

        plans = w.registrations.plan_mend_all()
        assert [(plan.account, plan.action) for plan in plans] == [
            ("volt", Action.ADD),  # Volt cannot update
            ("bird", Action.REPOINT),
            ("connectly", Action.REPOINT),
        ]
        assert {plan.confirm for plan in plans} == {Confirm.NONE}
        outcomes = await w.registrations.carry_out_all(plans)
        assert {outcome.state for outcome in outcomes} == {ChangeState.DONE}
        assert w.sandbox.registrations("bird")[-1]["url"] == f"{NEXT}{w.reach.hook_path('bird')}"
        assert w.sandbox.registrations("connectly")[-1]["address"] == w.reach.hook_url("connectly")
        assert w.states("volt") == ["by_hand", "left_over"]
        left = w.row("volt", State.LEFT_OVER)
        assert left.by_hand is not None
        plan = w.registrations.plan_mend(left)
        assert plan.by_hand is not None
        assert plan.request == ""
        await w.do(plan)
        assert w.states("volt") == ["by_hand"]
        plan = w.registrations.plan_mend(w.row("oneroute"))
        assert plan.by_hand is not None
        assert plan.url == w.reach.hook_url("oneroute")
        await w.do(plan)
        assert w.row("oneroute").state is State.BY_HAND
        assert await w.registrations.offers() == ()  # an address of ours that gave way to another is no loss


async def test_a_provider_that_asks_to_wait_is_left_alone(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh()
        for event in ("sms.inbound", "sms.outbound", "email.inbound"):
            await w.do(w.registrations.plan_add("bird", {**SMS, "event": event}))
        w.reach.change(NEXT)
        await w.registrations.refresh("bird")
        w.sandbox.fault("bird", "rate_limited")
        before = len(w.registrations.calls)
        first, *others = await w.registrations.carry_out_all(w.registrations.plan_mend_all())
        assert len(w.registrations.calls) == before + 1
        assert (first.kind, first.status, first.retry_after_s) == (Trouble.RATE_LIMITED, 429, 7.0)
        assert [(one.kind, one.status) for one in others] == [(Trouble.RATE_LIMITED, None)] * 2
        assert "it asked to be left alone; try again in" in others[0].sentence
        w.sandbox.fault("bird")
        w.registrations._desks["bird"].leave_alone(0)
        done = await w.registrations.carry_out_all(w.registrations.plan_mend_all())
        assert [one.state for one in done] == [ChangeState.DONE] * 3


async def test_volt_with_a_rich_schema_is_listed_updated_and_removed(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.sandbox.fault("volt", "rich_schema")
        await w.registrations.refresh()
        assert w.states("volt") == ["not_ours"]
        await w.do(w.registrations.plan_add("volt", {}))
        w.reach.change(NEXT)
        plan = w.registrations.plan_mend(w.row("volt", State.ELSEWHERE))
        assert plan.action is Action.REPOINT
        await w.do(plan)
        assert w.states("volt") == ["same", "not_ours"]
        await w.do(w.registrations.plan_remove(w.row("volt", State.SAME)))
        assert [row["url"] for row in w.sandbox.registrations("volt")] == ["https://example.com/webhooks"]
        offer = (await w.registrations.restorable())[0]
        await w.do(w.registrations.plan_restore(offer.record))
        assert w.states("volt")[-1] == "not_ours"


async def test_webhooks_that_are_mended_together_get_a_signing_key_each(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh()
        for spec in (SMS, {**SMS, "event": "sms.inbound"}):
            await w.do(w.registrations.plan_add("bird", spec))
        for row in w.sandbox.registrations("bird")[-2:]:
            w.sandbox._api("bird").rows.pop(row["id"])
        await w.registrations.refresh()
        done = await w.registrations.carry_out_all(w.registrations.plan_mend_all())
        keys = [row["signingKey"] for row in w.sandbox.registrations("bird")[-2:]]
        assert len(set(keys)) == 2
        assert {outcome.key.reveal() for outcome in done if outcome.key is not None} == set(keys)
        assert w.states("bird").count("same") == 2


async def test_what_is_removed_comes_back_as_it_was_then(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh()
        await w.do(w.registrations.plan_add("bird", SMS))
        edited = {**SMS, "filters": "messageStatus=failed"}
        await w.do(w.registrations.plan_edit(w.row("bird", State.SAME), edited))
        w.reach.change(NEXT)
        await w.do(w.registrations.plan_mend(w.row("bird", State.ELSEWHERE)))
        await w.do(w.registrations.plan_remove(w.row("bird", State.SAME)))
        (offer,) = await w.registrations.restorable()
        assert "channels sms.outbound messageStatus=failed with Bird" in offer.sentence
        assert "until hooktop removed it" in offer.sentence
        await w.do(w.registrations.plan_restore(offer.record))
        back = w.row("bird", State.SAME)
        assert back.subject == "channels sms.outbound messageStatus=failed"
        assert back.found is not None
        assert back.found.url == w.reach.hook_url("bird")
        assert await w.registrations.restorable() == ()


async def test_a_template_is_not_put_back_and_that_is_said(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh()
        await w.do(w.registrations.plan_add("bird", SMS))
        await w.do(w.registrations.plan_remove(w.row("bird", State.SAME)))
        (offer,) = await w.registrations.restorable()
        before = offer.record.before
        assert before is not None
        had = replace(offer.record, before=replace(before, raw={**before.raw, "template": "twilio"}))
        said = set(w.registrations.plan_restore(had).warnings) - set(
            w.registrations.plan_restore(offer.record).warnings
        )
        assert said == {"Its template (twilio) is not put back: hooktop sends none."}


async def test_what_was_of_others_comes_back_as_theirs_also_after_a_removal(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh()
        await w.do(w.registrations.plan_add("connectly", DELIVERY))
        await w.do(w.registrations.plan_remove(w.row("connectly", State.SAME)))
        (offer,) = await w.registrations.restorable()
        assert "was at https://example.com/hooks/delivery until hooktop changed it" in offer.sentence
        await w.do(w.registrations.plan_restore(offer.record))
        assert w.states("connectly") == ["not_ours"]
        assert await w.registrations.restorable() == ()


async def test_a_create_that_timed_out_and_happened_is_found_in_the_list(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh()
        w.sandbox.fault("bird", "bad_gateway")
        done = await w.do(w.registrations.plan_add("bird", SMS))
        assert (done.state, done.kind) == (ChangeState.BEGUN, Trouble.UNCERTAIN)  # the list fails, too
        assert done.next is None
        assert len(w.sandbox.registrations("bird")) == 3
        assert w.row("bird", State.MISSING).why.startswith("It was asked for at ")
        assert "no answer came" in " ".join(w.registrations.plan_add("bird", SMS).warnings)
        w.sandbox.fault("bird")
        again = w.registrations.plan_mend(w.row("bird", State.MISSING))
        await w.registrations.refresh("bird")
        assert w.row("bird", State.SAME).why == "It is as wanted: active, key known."
        refused = await w.registrations.carry_out(again)
        assert (refused.state, refused.kind) == (ChangeState.FAILED, Trouble.CONFLICT)
        assert len(w.sandbox.registrations("bird")) == 3
        (record,) = RegistrationStore(tmp_path / "hooktop.db").records(account="bird")
        assert record.state is ChangeState.DONE
        assert record.after is not None


async def test_what_was_changed_without_an_answer_is_wanted_as_it_was_meant(tmp_path: Path) -> None:
    filtered = {**SMS, "filters": "messageStatus=delivered"}
    async with world(tmp_path) as w:
        registrations = w.again()
        await registrations.refresh()
        for account, spec in (("bird", SMS), ("connectly", MESSAGES)):
            await registrations.carry_out(registrations.plan_add(account, spec))

        async def lost(plan: Plan) -> list[tuple[str, str]]:
            """What the next run finds where the answer to this plan is lost, and with it the list."""
            w.sandbox.fault(plan.account, "bad_gateway")
            assert (await registrations.carry_out(plan)).state is ChangeState.BEGUN
            w.sandbox.fault(plan.account)
            await registrations.refresh(plan.account)
            assert registrations.plan_mend_all() == ()
            rows = registrations.panel(plan.account).rows
            return [(row.subject, row.state.value) for row in rows if row.state is not State.NOT_OURS]

        row = registrations.panel("bird").rows[0]
        now = "channels sms.outbound messageStatus=delivered"
        assert await lost(registrations.plan_edit(row, filtered)) == [(now, "same")]
        row = registrations.panel("bird").rows[0]
        assert await lost(registrations.plan_remove(row)) == []
        row = registrations.panel("connectly").rows[0]
        assert await lost(registrations.plan_remove(row)) == []


@pytest.mark.parametrize("happens", [True, False])
async def test_a_change_without_an_answer_is_looked_up_at_once(tmp_path: Path, happens: bool) -> None:
    async with world(tmp_path) as w:
        now = [datetime(2026, 1, 31, 12, tzinfo=UTC)]
        registrations = w.again(make=lambda account, on_call: Unanswered(admin_for(account, on_call=on_call), happens))
        registrations._office.now = lambda: now[0]
        await registrations.refresh()
        plan = registrations.plan_add("bird", SMS)
        done = await registrations.carry_out(plan)
        assert done.state is (ChangeState.DONE if happens else ChangeState.BEGUN)
        assert done.key is not None
        assert "the list shows it" in done.sentence if happens else "does not show it so far" in done.sentence
        rows = [row for row in registrations.panel("bird").rows if row.wanted is not None]
        assert [row.state for row in rows] == [State.SAME if happens else State.MISSING]
        if not happens:
            await registrations.refresh()
            assert "no answer came" in registrations.panel("bird").rows[0].why
            now[0] += SETTLED_AFTER + timedelta(seconds=1)
            await registrations.refresh()  # by now it would be there
            assert registrations.panel("bird").rows[0].why == "The provider does not have it."
            (record,) = RegistrationStore(tmp_path / "hooktop.db").records()
            assert (record.state, record.after) == (ChangeState.FAILED, None)


async def test_what_may_be_registered_already_is_not_mended_without_a_question(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh("volt")
        w.sandbox.fault("volt", "bad_gateway")
        assert (await w.do(w.registrations.plan_add("volt", {}))).state is ChangeState.BEGUN
        w.sandbox.fault("volt")
        for plan in (*w.registrations.plan_mend_all(), w.registrations.plan_mend(w.row("volt", State.MISSING))):
            assert plan.confirm is Confirm.YES
            assert plan.warnings == (
                "It was asked for before and no answer came; look again, or there may be two of it.",
            )
            last = plan
        assert (await w.do(last)).state is ChangeState.DONE
        w.reach.change(NEXT)  # at another address there cannot be two
        (plan,) = w.registrations.plan_mend_all()
        assert (plan.confirm, plan.warnings) == (Confirm.NONE, ())


async def test_what_was_asked_for_twice_has_the_key_of_the_one_that_was_answered(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        first = w.again(make=lambda account, on_call: Unanswered(admin_for(account, on_call=on_call), False))
        await first.refresh()
        assert (await first.carry_out(first.plan_add("bird", SMS))).state is ChangeState.BEGUN
        w.registrations = w.again()
        await w.registrations.refresh()
        done = await w.do(w.registrations.plan_add("bird", SMS))
        assert done.registration is not None
        assert done.key is not None
        await w.registrations.refresh("bird")
        signing = w.registrations._office.signing
        kept = signing.of("bird", done.registration.id)
        assert kept is not None
        assert kept.fingerprint == done.key.fingerprint()
        assert [record.state.value for record in w.registrations.records("bird")] == ["begun", "done"]
        w.registrations._office.now = lambda: datetime.now(UTC) + 2 * SETTLED_AFTER
        await w.registrations.refresh("bird")
        assert [record.state.value for record in w.registrations.records("bird")] == ["failed", "done"]
        assert signing.of("bird", done.registration.id) == kept


async def test_an_update_and_a_removal_without_an_answer_are_looked_up(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        registrations = w.again(make=lambda account, on_call: Unanswered(admin_for(account, on_call=on_call), True))
        await registrations.refresh()
        done = await registrations.carry_out(registrations.plan_add("connectly", DELIVERY))
        assert done.state is ChangeState.DONE
        assert done.registration is not None
        assert done.registration.url == w.reach.hook_url("connectly")
        (offer,) = await registrations.offers()
        done = await registrations.carry_out(registrations.plan_remove(registrations.panel("connectly").rows[0]))
        assert done.state is ChangeState.DONE
        assert await registrations.offers() == (offer,)  # what was there first, not what was there in between
        await registrations.carry_out(registrations.plan_restore(offer.record))
        assert w.sandbox.registrations("connectly")[0]["address"] == "https://example.com/hooks/delivery"
        assert w.sandbox.registrations("connectly")[0]["configuration"]["echo"] is False
        assert await registrations.offers() == ()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("unauthorized", Trouble.AUTH),
        ("forbidden", Trouble.AUTH),
        ("rate_limited", Trouble.RATE_LIMITED),
        ("server_error", Trouble.REFUSED),
        ("reset", Trouble.UNREACHABLE),
        ("html", Trouble.UNINTELLIGIBLE),
        ("redirect", Trouble.UNINTELLIGIBLE),
        ("escapes", Trouble.REFUSED),
    ],
)
async def test_an_api_that_fails_says_so_in_its_panel_and_costs_nobody_else(
    tmp_path: Path, fault: str, kind: Trouble
) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh()
        w.sandbox.fault("connectly", fault)
        await w.registrations.refresh()
        panel = w.registrations.panel("connectly")
        assert panel.trouble_kind is kind
        assert panel.trouble is not None
        assert panel.trouble.isprintable()
        assert panel.trouble.endswith(".")
        assert w.states("connectly") == ["not_ours"]  # as it was listed before
        assert w.registrations.panel("bird").trouble is None
        done = await w.do(w.registrations.plan_add("connectly", MESSAGES))
        assert done.state is (ChangeState.BEGUN if fault in ("html", "redirect", "reset") else ChangeState.FAILED)
        assert done.sentence.isprintable()
        assert len(w.sandbox.registrations("connectly")) == 1
        w.sandbox.fault("connectly")
        await w.registrations.refresh()
        assert w.registrations.panel("connectly").trouble is None


async def test_a_list_and_a_test_that_are_refused_tell_the_trace_id(tmp_path: Path) -> None:
    asked_for = re.compile(r"\. Its support will ask for the trace id [0-9]{20}\.$")
    async with world(tmp_path) as w:
        w.sandbox.fault("connectly", "server_error")
        await w.registrations.refresh("connectly")
        assert asked_for.search(w.registrations.panel("connectly").trouble or "")
        tested = await w.registrations.test("connectly")
        assert not tested.ok
        assert asked_for.search(tested.sentence)


async def test_credentials_are_tested_with_a_call_that_changes_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for account in ("volt", "bird", "connectly"):
            for _ in range(2):
                tested = await w.registrations.test(account)
                assert tested.ok
                assert "took the credentials" in tested.sentence
                assert tested.took_s is not None
        assert "has 2 webhooks" in (await w.registrations.test("bird")).sentence
        assert "Nothing was tried" in (await w.registrations.test("oneroute")).sentence
        w.sandbox.fault("volt", "unauthorized")
        tested = await w.registrations.test("volt")
        assert not tested.ok
        assert "401" in tested.sentence


@pytest.mark.parametrize(
    ("fault", "ok", "said"),
    [
        ("server_error", False, "failed with 500"),
        ("rate_limited", False, "429"),
        ("not_found", False, "404"),
        ("html", False, "an HTML page"),
        ("forbidden", True, "does not tell its schema (the credentials do not allow this), so whether"),
        ("no_introspection", True, "does not tell its schema (GraphQL introspection is not allowed.), so whether"),
    ],
)
async def test_volt_took_no_credentials_where_it_did_not_answer_what_was_asked(
    tmp_path: Path, fault: str, ok: bool, said: str
) -> None:
    async with world(tmp_path) as w:
        w.sandbox.fault("volt", fault)
        tested = await w.registrations.test("volt")
        assert (tested.ok, said in tested.sentence) == (ok, True), tested
        assert (w.registrations.panel("volt").trouble is None) is ok
        w.sandbox.fault("volt")
        await w.registrations.refresh()
        assert w.registrations.panel("volt").trouble is None
        assert "took the credentials" in (await w.registrations.test("volt")).sentence


async def test_what_others_lost_is_offered_until_a_run_has_asked(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh()
        await w.do(w.registrations.plan_add("connectly", DELIVERY))
        await w.do(w.registrations.plan_add("bird", SMS))
        await w.do(w.registrations.plan_remove(w.row("bird", State.SAME)))
        (offer,) = await w.registrations.offers()  # what was removed was hooktop's own: no loss to anybody
        assert offer.record.account == "connectly"
        assert [other.record.account for other in await w.registrations.restorable()] == ["bird", "connectly"]

        crashed_before = w.again()
        await crashed_before.open()
        assert await crashed_before.offers() == (offer,)
        await crashed_before.leave()  # it has asked, and was told to leave things as they are
        later = w.again()
        await later.open()
        assert await later.offers() == ()
        assert offer in await later.restorable()
        assert await later.restorable("volt") == ()
        await later.dismiss(offer.record)
        assert [other.record.account for other in await later.restorable()] == ["bird"]
        assert not later.plan_restore(replace(offer.record, state=ChangeState.DISMISSED)).possible


async def test_who_only_watches_is_not_asked_and_leaves_the_question_to_the_next_run(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh("connectly")
        await w.do(w.registrations.plan_add("connectly", DELIVERY))
        watching = w.again(read_only=True)
        await watching.open()
        assert await watching.offers() == ()
        await watching.leave()
        assert len(await w.again().offers()) == 1


async def test_a_plan_for_an_address_of_yesterday_is_not_carried_out(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh()
        plan = w.registrations.plan_add("bird", SMS)
        w.reach.change(NEXT)
        done = await w.do(plan)
        assert (done.state, done.kind) == (ChangeState.FAILED, Trouble.CONFLICT)
        assert done.next is not None
        assert done.next.url == w.reach.hook_url("bird")
        assert len(w.sandbox.registrations("bird")) == 2


async def test_what_was_registered_is_known_at_the_start_without_asking_anybody(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.do(w.registrations.plan_add("bird", SMS))
        url = w.reach.hook_url("bird")
        w.reach.change(None)
        start = w.again()
        assert start.panels() == start.panels()
        await start.read()
        assert start._keychain.keys("bird").urls == (url,)
        await until(lambda: all(panel.host for panel in start.panels()))  # the clients are made on demand
        assert start.panel("bird").rows[0].state is State.NOT_LISTED
        assert not start.calls


async def test_what_came_to_an_earlier_address_may_be_signed_for_that(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh()
        await w.do(w.registrations.plan_add("bird", SMS))
        before = w.reach.hook_url("bird")
        w.reach.change(NEXT)
        (plan,) = w.registrations.plan_mend_all()
        await w.do(plan)
        urls = w.registrations._keychain.keys("bird").urls
        assert (urls[0], urls[-1]) == (w.reach.hook_url("bird"), before)


async def test_read_only_refuses_every_plan(tmp_path: Path) -> None:
    async with world(tmp_path, read_only=True) as w:
        await w.registrations.refresh()
        plans = [
            w.registrations.plan_add("bird", SMS),
            w.registrations.plan_add("connectly", DELIVERY),
            w.registrations.plan_add("oneroute", {}),
            w.registrations.plan_remove(w.rows("bird")[0]),
            w.registrations.plan_active(w.rows("bird")[0], False),
        ]
        for plan in plans:
            assert "read-only" in plan.problems[""]
            assert (await w.registrations.carry_out(plan)).state is ChangeState.FAILED
        assert not any(call.method in ("PUT", "PATCH", "DELETE") for call in w.registrations.calls)
        assert await w.registrations.restorable() == ()


async def test_what_nobody_could_list_is_not_taken_for_missing(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh("bird")
        await w.do(w.registrations.plan_add("bird", SMS))
        start = w.again()
        await start.open()
        for why in ("Bird was not asked yet what it has", "Bird refused the credentials"):
            (row,) = start.panel("bird").rows
            for plan in (start.plan_remove(row), start.plan_edit(row, {**SMS, "event": "sms.inbound"})):
                assert why in plan.problems[""]
            w.sandbox.fault("bird", "unauthorized")
            await start.refresh("bird")


async def test_without_a_public_address_nothing_is_registered(tmp_path: Path) -> None:
    async with world(tmp_path, public_url=None) as w:
        await w.registrations.refresh()
        assert "url" in w.registrations.plan_add("bird", SMS).problems
        w.reach.change(PUBLIC)
        await w.do(w.registrations.plan_add("bird", SMS))
        w.reach.change(None)
        assert w.row("bird", State.NO_ADDRESS).mend is None
        assert w.registrations.plan_mend_all() == ()


async def test_an_account_that_lacks_something(tmp_path: Path) -> None:
    async with world(
        tmp_path,
        accounts=lambda accounts: [
            replace(accounts[1], workspace_id=None, organization_id=None),
            replace(accounts[2], api_secret=None),
        ],
    ) as w:
        await w.registrations.refresh()
        assert "workspace_id" in w.registrations.plan_add("bird", SMS).problems[""]
        assert w.registrations.plan_add("bird", SMS).by_hand is None
        assert w.registrations.admin("connectly") is None
        assert "api_key" in (w.registrations.panel("connectly").trouble or "")
        assert not w.registrations.plan_add("connectly", MESSAGES).possible


async def test_ephemeral_removes_what_this_run_added_and_nothing_else(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        first = w.registrations
        await first.refresh()
        await w.do(first.plan_add("bird", {"service": "channels", "event": "sms.inbound"}))
        second, started = w.again(), datetime.now(UTC)
        await second.open()
        await second.refresh()
        for account, spec in (("bird", SMS), ("connectly", MESSAGES), ("volt", {}), ("oneroute", {})):
            assert (await second.carry_out(second.plan_add(account, spec))).state is ChangeState.DONE
        outcomes = await second.remove_added(started)
        assert sorted((outcome.plan.account, outcome.state.value) for outcome in outcomes) == [
            ("bird", "done"),
            ("connectly", "done"),
            ("volt", "failed"),
        ]
        assert "stays registered" in next(o.sentence for o in outcomes if o.plan.account == "volt")
        assert [row["event"] for row in w.sandbox.registrations("bird")][-1] == "sms.inbound"
        assert [row["topic"] for row in w.sandbox.registrations("connectly")] == ["delivery_status"]
        await first.refresh()
        assert w.states("bird")[0] == "same"


async def test_what_an_earlier_run_made_is_offered_for_adoption(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.registrations.refresh()
        await w.do(w.registrations.plan_add("bird", SMS))
        RegistrationStore(tmp_path / "hooktop.db").unwant("bird", "channels sms.outbound")
        await w.registrations.refresh()
        row = w.row("bird", State.UNWANTED)
        plan = w.registrations.plan_mend(row)
        assert (plan.action, plan.change) == (Action.ADOPT, None)
        await w.do(plan)
        assert w.row("bird", State.SAME).wanted is not None
        RegistrationStore(tmp_path / "hooktop.db").unwant("bird", "channels sms.outbound")
        w.reach.change(NEXT)
        await w.registrations.refresh()
        plan = w.registrations.plan_mend(w.row("bird", State.UNWANTED))
        assert plan.action is Action.REPOINT
        assert w.registrations.plan_mend_all() == ()
        await w.do(plan)
        assert w.row("bird", State.SAME).wanted is not None


async def test_a_key_that_is_not_known_is_replaced_after_a_question(tmp_path: Path) -> None:
    async with world(tmp_path, foreign=False) as w:
        w.sandbox._apis["bird"].seed([{**SMS, "url": w.reach.hook_url("bird"), "signingKey": "sample-unknown-key"}])
        RegistrationStore(tmp_path / "hooktop.db").want(
            "bird", "bird", "channels sms.outbound", SMS, w.registrations._office.now()
        )
        w.registrations.configure(
            replace(w.config, accounts=tuple(replace(account, signing_secrets=()) for account in w.config.accounts))
        )
        await w.registrations.refresh()
        plan = w.registrations.plan_mend(w.row("bird", State.KEY_UNKNOWN))
        assert (plan.action, plan.confirm) == (Action.NEW_KEY, Confirm.YES)
        done = await w.do(plan)
        assert done.key is not None
        assert w.sandbox.registrations("bird")[0]["signingKey"] == done.key.reveal()
        assert w.row("bird").state is State.SAME


async def test_a_key_that_was_made_for_an_account_is_known_when_that_has_another_name(tmp_path: Path) -> None:
    async with world(tmp_path, foreign=False) as w:
        bird = next(replace(account, signing_secrets=()) for account in w.config.accounts if account.name == "bird")
        w.registrations.configure(replace(w.config, accounts=(bird,)))
        await w.registrations.refresh()
        await w.do(w.registrations.plan_add("bird", SMS))
        w.registrations.configure(replace(w.config, accounts=(replace(bird, name="bird-eu"),)))
        await w.registrations.refresh()
        await w.do(w.registrations.plan_mend(w.row("bird-eu", State.UNWANTED)))  # what is wanted is the account's
        assert w.row("bird-eu").state is State.SAME
        await w.do(w.registrations.plan_remove(w.row("bird-eu")))
        assert [key.retired_at is not None for key in SigningKeys(tmp_path).made()] == [True]


async def test_an_account_in_the_keyring_is_opened_when_it_is_first_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    from monitor.secret import KeyringSecret
    from tests.services.keyrings import FakeKeyring, KeyringLocked

    ring = FakeKeyring(KeyringLocked())
    monkeypatch.setitem(sys.modules, "keyring", ring)
    async with world(
        tmp_path, accounts=lambda accounts: [replace(accounts[1], api_secret=KeyringSecret("bird.1"))]
    ) as w:
        assert w.registrations.plan_add("bird", SMS).possible
        await w.registrations.refresh()
        assert "locked" in (w.registrations.panel("bird").trouble or "")
        done = await w.do(w.registrations.plan_add("bird", SMS))
        assert (done.state, done.kind) == (ChangeState.FAILED, Trouble.AUTH)
        ring.trouble = None
        ring.entries["hooktop", "bird.1"] = "sample-bird-access-key"
        await w.registrations.refresh()
        assert w.registrations.panel("bird").trouble is None
        assert w.states("bird") == ["not_ours", "not_ours"]


async def test_no_secret_is_in_the_database_the_records_or_what_is_shown(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.sandbox.fault("bird", "echo_key")
        await w.registrations.refresh()
        plans = [
            w.registrations.plan_add("bird", SMS),
            w.registrations.plan_add("connectly", DELIVERY),
            w.registrations.plan_add("volt", {}),
        ]
        steps: list[Progress] = []
        outcomes = [await w.do(plan, steps) for plan in plans]
        await w.do(w.registrations.plan_remove(w.row("bird", State.SAME)))
        known = [outcome.key for outcome in outcomes]
        known += [secret for a in w.config.accounts for secret in (a.api_secret, *a.signing_secrets)]
        secrets = [secret.reveal() for secret in known if secret is not None]
        assert len(secrets) >= 5
        store = RegistrationStore(tmp_path / "hooktop.db")
        texts = [
            *(repr(plan) + plan.request for plan in plans),
            *map(repr, outcomes),
            *map(repr, steps),
            *map(repr, w.registrations.calls),
            *map(repr, w.registrations.panels()),
            *map(repr, store.records()),
            *map(repr, store.wanted()),
            *(repr(Secret(secret)) for secret in secrets),
        ]
        data = b"".join(path.read_bytes() for path in tmp_path.glob("hooktop.db*"))
        for secret in secrets:
            assert secret.encode() not in data
            assert not any(secret in text for text in texts)


async def test_ephemeral_removes_what_was_made_without_an_answer(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        started = datetime.now(UTC)
        await w.registrations.refresh()
        before = w.sandbox.registrations("bird")
        w.sandbox.fault("bird", "bad_gateway")
        assert (await w.do(w.registrations.plan_add("bird", SMS))).state is ChangeState.BEGUN
        assert len(w.sandbox.registrations("bird")) == len(before) + 1
        w.sandbox.fault("bird")
        outcomes = await w.registrations.remove_added(started)
        assert [(one.plan.account, one.state) for one in outcomes] == [("bird", ChangeState.DONE)]
        assert w.sandbox.registrations("bird") == before


async def test_ephemeral_names_what_may_have_been_made_where_nothing_is_listed(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        started = datetime.now(UTC)
        await w.registrations.refresh()
        w.sandbox.fault("volt", "bad_gateway")
        assert (await w.do(w.registrations.plan_add("volt", {}))).state is ChangeState.BEGUN
        w.sandbox.fault("volt")
        [outcome] = await w.registrations.remove_added(started)
        assert outcome.state is ChangeState.FAILED
        assert "may be registered. Volt was asked for it and gave no answer." in outcome.sentence


async def test_ephemeral_removes_or_names_what_it_added_with_an_account_that_was_taken_out(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        started = datetime.now(UTC)
        await w.registrations.refresh()
        before = w.sandbox.registrations("bird")
        assert (await w.do(w.registrations.plan_add("bird", SMS))).state is ChangeState.DONE
        assert (await w.do(w.registrations.plan_add("connectly", MESSAGES))).state is ChangeState.DONE
        accounts = {account.name: account for account in w.sandbox.accounts()}
        renamed = [replace(accounts["bird"], name=name) for name in ("bird-eu", "bird-twice")]
        w.registrations.configure(Config(accounts=tuple(renamed)))
        await w.registrations.open()
        outcomes = await w.registrations.remove_added(started)
        assert [(one.plan.account, one.state) for one in outcomes] == [
            ("bird-eu", ChangeState.DONE),
            ("connectly", ChangeState.FAILED),
        ]
        assert w.sandbox.registrations("bird") == before
        assert "may be registered. There is no account connectly any more" in outcomes[1].sentence


@pytest.mark.parametrize("why", ["unreachable", "taken out"])
async def test_ephemeral_names_where_what_it_cannot_remove_leads_now(tmp_path: Path, why: str) -> None:
    async with world(tmp_path) as w:
        started = datetime.now(UTC)
        await w.registrations.refresh()
        await w.do(w.registrations.plan_add("bird", SMS))
        await w.do(w.registrations.plan_add("connectly", MESSAGES))
        w.reach.change(NEXT)
        await w.do(w.registrations.plan_mend(w.row("bird", State.ELSEWHERE)))
        await w.do(w.registrations.plan_remove(w.row("connectly", State.ELSEWHERE)))
        later = w.again()  # it has asked for no list so far
        if why == "taken out":
            later.configure(Config())
        else:
            w.sandbox.fault("bird", "unavailable")
            w.sandbox.fault("connectly", "unavailable")
        [outcome] = await later.remove_added(started)
        assert outcome.state is ChangeState.FAILED
        assert outcome.sentence.startswith(f"{w.reach.hook_url('bird')} ")


async def test_ephemeral_removes_what_it_added_also_when_the_clock_was_set_back(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        started = datetime.now(UTC)
        hour_before = w.again(now=lambda: datetime.now(UTC) - timedelta(hours=1))
        await hour_before.open()
        await hour_before.refresh()
        before = w.sandbox.registrations("connectly")
        await hour_before.carry_out(hour_before.plan_add("connectly", MESSAGES))
        assert [one.state for one in await hour_before.remove_added(started)] == [ChangeState.DONE]
        assert w.sandbox.registrations("connectly") == before


async def test_a_list_from_before_the_clock_was_set_back_is_not_acted_upon(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        clock = [datetime.now(UTC)]
        first, second = w.again(now=lambda: clock[0]), w.again()
        await first.open()
        await first.refresh()
        plan = first.plan_add("connectly", DELIVERY)  # in the place of somebody else's address
        await second.open()
        await second.refresh()
        assert (await second.carry_out(second.plan_add("connectly", DELIVERY))).state is ChangeState.DONE
        clock[0] -= timedelta(hours=1)
        outcome = await first.carry_out(plan)
        assert (outcome.state, outcome.kind) == (ChangeState.FAILED, Trouble.CONFLICT)
        assert "was changed meanwhile" in outcome.sentence
        assert len(RegistrationStore(tmp_path / "hooktop.db").records()) == 1
