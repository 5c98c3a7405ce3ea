"""Volt's client against the look-alike of its API: the whole way, and every switch that spoils an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from monitor.admin.base import LIST, AdminError, ApiCall, Trouble
from monitor.admin.clients import admin_for
from monitor.admin.http import Api
from monitor.admin.volt import SUBJECT
from monitor.model.registration import Change, ChangeKind, Registration
from monitor.sandbox.apis.faults import ApiFault, known
from monitor.sandbox.apis.server import FOREIGN, ProviderSandbox
from tests.admin.server import http, served
from tests.deadlines import LONG_S, long_deadlines
from tests.sandbox.apis import when_waiting

# What a spoilt answer to a registration means; slow and dripping ones are met with a short deadline.
MEANS = {
    ApiFault.UNAUTHORIZED: Trouble.AUTH,
    ApiFault.FORBIDDEN: Trouble.AUTH,
    ApiFault.NOT_FOUND: Trouble.NOT_FOUND,
    ApiFault.CONFLICT: Trouble.CONFLICT,
    ApiFault.RATE_LIMITED: Trouble.RATE_LIMITED,
    ApiFault.SERVER_ERROR: Trouble.REFUSED,
    ApiFault.UNAVAILABLE: Trouble.REFUSED,
    ApiFault.HANG: Trouble.UNCERTAIN,
    ApiFault.RESET: Trouble.UNCERTAIN,
    ApiFault.HTML: Trouble.UNINTELLIGIBLE,
    ApiFault.REDIRECT: Trouble.UNINTELLIGIBLE,
    ApiFault.BOMB: Trouble.UNINTELLIGIBLE,
    ApiFault.HUGE: Trouble.UNINTELLIGIBLE,
    ApiFault.ESCAPES: Trouble.REFUSED,
    ApiFault.SLOW: Trouble.UNCERTAIN,
    ApiFault.DRIP: Trouble.UNCERTAIN,
    ApiFault.DONE_THEN_HANG: Trouble.UNCERTAIN,
    ApiFault.BAD_GATEWAY: Trouble.UNCERTAIN,
    ApiFault.EMPTY: Trouble.UNINTELLIGIBLE,
    ApiFault.TRUNCATED: Trouble.UNCERTAIN,
    ApiFault.NOT_JSON: Trouble.UNINTELLIGIBLE,
    ApiFault.PROBE_REFUSED: Trouble.REFUSED,
}
LATE = {ApiFault.HANG, ApiFault.SLOW, ApiFault.DRIP, ApiFault.DONE_THEN_HANG}


@pytest.fixture
async def sandbox() -> AsyncIterator[ProviderSandbox]:
    async with ProviderSandbox(seed=FOREIGN, event_after_s=None) as running:
        yield running


async def test_the_whole_way_over_a_rich_schema(sandbox: ProviderSandbox) -> None:
    sandbox.fault("volt", "rich_schema")
    client = admin_for(sandbox.accounts()[0])
    await client.learn()
    assert [client.cannot(use) for use in (LIST, *ChangeKind)] == [None] * 4
    async with served(http(b"{}")) as (ours, probes):
        made = await client.perform(Change(ChangeKind.ADD, SUBJECT, {}, ours))
    assert isinstance(made, Registration)
    assert made.url == ours
    assert made.created_at is not None
    assert len(probes) == 1
    assert {found.url for found in await client.list()} == {"https://example.com/webhooks", ours}
    moved = await client.perform(Change(ChangeKind.UPDATE, SUBJECT, url=f"{ours}/new", target=made))
    assert moved is not None
    assert (moved.id, moved.url) == (made.id, f"{ours}/new")
    assert await client.perform(Change(ChangeKind.REMOVE, SUBJECT, target=moved)) is None
    with pytest.raises(AdminError, match="webhook not found"):
        await client.perform(Change(ChangeKind.REMOVE, SUBJECT, target=moved))
    assert [row["url"] for row in sandbox.registrations("volt")] == ["https://example.com/webhooks"]


@pytest.mark.parametrize(("fault", "why"), [("no_introspection", "introspection is not allowed"), ("forbidden", "")])
async def test_without_its_schema_registration_is_left(sandbox: ProviderSandbox, fault: str, why: str) -> None:
    sandbox.fault("volt", fault)
    client = admin_for(sandbox.accounts()[0])
    await client.learn()
    assert client.cannot(ChangeKind.ADD) is None
    assert why in str(client.cannot(LIST))


async def test_a_registration_that_is_done_in_part(sandbox: ProviderSandbox) -> None:
    sandbox.fault("volt", "partial")
    async with served(http(b"{}")) as (ours, _):
        made = await admin_for(sandbox.accounts()[0]).perform(Change(ChangeKind.ADD, SUBJECT, {}, ours))
    assert made is not None
    assert "lastUpdatedAt is not known yet" in made.note


def test_every_switch_that_spoils_a_registration_is_tried() -> None:
    offers = {ApiFault.UNSIGNED_PROBE, ApiFault.PARTIAL, ApiFault.NO_INTROSPECTION, ApiFault.RICH_SCHEMA}
    assert MEANS.keys() | offers == set(known("volt"))


@pytest.mark.parametrize("fault", MEANS)
async def test_a_spoilt_answer_is_a_clear_sentence(
    monkeypatch: pytest.MonkeyPatch, sandbox: ProviderSandbox, fault: ApiFault
) -> None:
    sandbox.fault("volt", fault)
    account = sandbox.accounts()[0]
    calls: list[ApiCall] = []
    client = admin_for(account, on_call=calls.append)
    async with served(http(b"{}")) as (ours, _):
        change = Change(ChangeKind.ADD, SUBJECT, {}, ours)
        with pytest.raises(AdminError) as caught:
            if fault in LATE:
                deadline = long_deadlines(monkeypatch)
                when_waiting(monkeypatch, lambda: deadline().reschedule(0))
                request = replace(client.request(change), deadline_s=LONG_S)
                await Api("volt", on_call=calls.append).send(request)
            else:
                await client.perform(change)
    error = caught.value
    assert error.kind is MEANS[fault]
    sentence = str(error)
    assert sentence.endswith(".")
    assert sentence.isprintable()
    assert ("may have been done" in sentence) == (error.kind in (Trouble.UNCERTAIN, Trouble.UNINTELLIGIBLE))
    assert len(calls) == 1
    assert account.api_secret is not None
    assert account.api_secret.reveal() not in f"{sentence} {error.said} {calls}"
