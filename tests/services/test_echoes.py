"""Messages that a Connectly business sent itself, which come in the form of inbound ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.model.capture import Capture
from monitor.model.reading import Direction, Status
from monitor.model.verdict import VerdictStatus
from monitor.providers.base import Keys
from monitor.providers.keys import secret_key
from monitor.providers.registry import registry
from monitor.services import echoes
from monitor.services.echoes import own_numbers
from monitor.services.examine import Examiner
from monitor.store.reader import Reader
from tests.factory import START, FixedKeys, make_request, storing

SECRET = b"connectly-test-secret"
OURS, CUSTOMER = "+15555550199", "+15555550100"


def examiner(own: Mapping[str, Iterable[str]] | None = None) -> Examiner:
    keys = Keys(keys=(secret_key(SECRET, "test"),))
    return Examiner(registry(), FixedKeys(None, connectly=keys), lambda body, value: False, own or {})


def seen(judge: Examiner, sender: str, recipient: str, *, secret: bytes = SECRET, **content: object) -> Capture:
    """The capture of a message, or of what ``content`` says."""
    parties = {"sender": {"id": sender, "channelType": "whatsapp"}, "recipient": {"id": recipient}}
    body = json.dumps({"timestamp": "1639083206", **parties, **(content or {"message": {"text": "hi"}})}).encode()
    headers = registry()["connectly"].sign(body, secret, url="", at=0)
    request = make_request(body, path="/connectly")
    return judge.examine(replace(request, headers=(*request.headers, *headers)), received_at=START)


def status(judge: Examiner, sender: str, *, secret: bytes = SECRET) -> Capture:
    update = {"id": "01FRRWW2ZAHD9GJ1SWY4VF2GBD", "status": "sent"}
    return seen(judge, sender, CUSTOMER, secret=secret, statusUpdate=update)


def direction(capture: Capture) -> Direction | None:
    assert capture.reading is not None
    return capture.reading.direction


@pytest.mark.parametrize("numbers", [OURS, OURS[1:], f" +1, {OURS} ,"])
def test_a_message_of_a_configured_number_is_outbound(numbers: str) -> None:
    judge = examiner(own_numbers([("connectly", numbers)], ()))
    reading = seen(judge, OURS, CUSTOMER).reading
    assert reading is not None
    assert (reading.direction, reading.status) == (Direction.OUTBOUND, None)
    assert (reading.from_, reading.to, reading.text) == (OURS, CUSTOMER, "hi")
    reply = seen(judge, CUSTOMER, OURS).reading
    assert reply is not None
    assert (reply.direction, reply.status) == (Direction.INBOUND, Status.RECEIVED)
    assert reply.conversation == reading.conversation == f"connectly:{OURS},{CUSTOMER}"


def test_the_sender_of_a_status_is_a_number_of_the_business() -> None:
    judge = examiner()
    first = seen(judge, OURS, CUSTOMER)
    assert direction(first) is Direction.INBOUND  # nothing tells it yet
    assert direction(status(judge, OURS.removeprefix("+"))) is Direction.OUTBOUND
    assert direction(seen(judge, OURS, CUSTOMER)) is Direction.OUTBOUND
    assert direction(judge.again(first)) is Direction.OUTBOUND
    assert direction(seen(judge, CUSTOMER, OURS)) is Direction.INBOUND


def test_what_is_forged_teaches_nothing() -> None:
    judge = examiner()
    forged = status(judge, CUSTOMER, secret=b"another")
    assert forged.verdict.status is VerdictStatus.INVALID
    assert direction(seen(judge, CUSTOMER, OURS)) is Direction.INBOUND


def test_no_more_is_learnt_than_a_business_has_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(echoes, "MAX_NUMBERS", 2)
    judge = examiner()
    for number in ("+15555550101", "+15555550102", "+15555550103"):
        status(judge, number)
    turned = [direction(seen(judge, f"+1555555010{n}", CUSTOMER)) is Direction.OUTBOUND for n in (1, 2, 3)]
    assert turned == [True, True, False]


@pytest.mark.parametrize("sender", ["9" * 65, "9\0" + "9" * 65])
async def test_a_text_too_long_for_a_number_is_neither_kept_in_memory_nor_read_at_the_start(
    sender: str, tmp_path: Path
) -> None:
    judge = examiner()
    said = status(judge, sender)
    assert said.reading is not None
    assert said.reading.from_ is not None
    assert len(said.reading.from_) > 64
    assert direction(seen(judge, sender, CUSTOMER)) is Direction.INBOUND
    async with storing(tmp_path / "c.db") as store:
        await store.add(said)
        reader = Reader(store.path)
        assert reader.senders() == []
        reader.close()


def test_other_providers_say_themselves_which_way_a_message_went() -> None:
    judge = examiner({"bird": [OURS], "generic": [OURS]})
    assert direction(seen(judge, OURS, CUSTOMER)) is Direction.INBOUND


async def test_the_database_tells_the_numbers_after_a_restart(tmp_path: Path) -> None:
    judge = examiner()
    async with storing(tmp_path / "c.db") as store:
        for capture in (status(judge, OURS), status(judge, CUSTOMER, secret=b"another"), seen(judge, CUSTOMER, OURS)):
            await store.add(capture)
        reader = Reader(store.path)
        known = own_numbers([("bird", "")], reader.senders())
        reader.close()
    assert known == {"bird": set(), "connectly": {OURS}}
    assert direction(seen(examiner(known), OURS, CUSTOMER)) is Direction.OUTBOUND
