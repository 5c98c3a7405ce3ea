"""What this installation says of its own requests, and nobody else can."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.model.capture import LOCAL_MARK, STAMP_HEADER, Request, Source
from monitor.model.verdict import VerdictStatus
from monitor.providers.base import Keys
from monitor.providers.keys import secret_key
from monitor.providers.registry import registry
from monitor.services.examine import Examiner
from monitor.services.localkeys import LocalKeys
from monitor.services.stamps import Stamp, replay_stamp, stamp_of
from tests.factory import START, FixedKeys, make_request

BODY = b'{"type":"inbound"}'


def stamped(value: str, body: bytes = BODY) -> Request:
    request = make_request(body)
    return replace(request, headers=(*request.headers, (STAMP_HEADER, value)))


@pytest.fixture
def local(tmp_path: Path) -> LocalKeys:
    """The secrets of an installation."""
    return LocalKeys(tmp_path)


@pytest.mark.parametrize("signed_here", [True, False])
def test_a_replay_is_known_again(local: LocalKeys, signed_here: bool) -> None:
    value = replay_stamp(local.stamp, BODY, START, local=signed_here)
    assert stamp_of(stamped(value), local.is_stamp) == Stamp(Source.REPLAYED, signed_here, START)
    assert stamp_of(stamped(local.stamp(BODY)), local.is_stamp) == Stamp(Source.SIMULATED, local=True)
    assert stamp_of(make_request(BODY), local.is_stamp) is None


def test_a_stranger_cannot_make_or_change_one(local: LocalKeys, tmp_path: Path) -> None:
    value = replay_stamp(local.stamp, BODY, START, local=False)
    said, _, mac = value.rpartition(" ")
    elsewhere = LocalKeys(tmp_path / "other")
    elsewhere.stamp(b"")
    forged = [
        (value, BODY + b" "),
        (value.replace("replayed", "replayed-local"), BODY),
        (value.replace(said.split()[1], "1"), BODY),
        (f"{said} {'0' * 64}", BODY),
        (f" {mac}", BODY),
        (f"{said} {local.stamp(BODY)}", BODY),  # a simulated event is no replay
        (mac, BODY),  # ... nor the reverse
        (mac, f"hooktop replay\n{said}\n".encode() + BODY),
        (replay_stamp(elsewhere.stamp, BODY, START, local=False), BODY),
        ("replayed 99999999999999999 x", BODY),
        ("replayed", BODY),
        ("\xff", BODY),
    ]
    for one, body in forged:
        assert stamp_of(stamped(one, body), local.is_stamp) is None, one


def test_a_replay_is_verified_as_at_its_first_arrival(local: LocalKeys) -> None:
    """Bird signs a time: what came in time came in time, whenever it is sent again."""
    secret = b"bird-signing-key"
    keys = Keys(keys=(secret_key(secret, "account"),), public_url="https://hooks.example.com")
    examiner = Examiner(registry(), FixedKeys(None, bird=keys), local.is_stamp)
    signed = registry()["bird"].sign(BODY, secret, url="https://hooks.example.com/bird", at=START.timestamp())
    request = replace(make_request(BODY, path="/bird"), headers=tuple(signed))
    later = START + timedelta(days=90)

    def examined(headers: list[tuple[str, str]], body: bytes = BODY) -> tuple[Source, VerdictStatus]:
        found = examiner.examine(replace(request, headers=tuple(headers), body=body), received_at=later)
        assert examiner.again(found) == found
        return found.source, found.verdict.status

    def stamp(body: bytes = BODY, *, signed_here: bool = False) -> tuple[str, str]:
        return STAMP_HEADER, replay_stamp(local.stamp, body, START, local=signed_here)

    assert examined(signed) == (Source.NETWORK, VerdictStatus.STALE)
    assert examined([*signed, stamp()]) == (Source.REPLAYED, VerdictStatus.VERIFIED)
    assert examined([*signed, stamp(b"{}")], b"{}") == (Source.REPLAYED, VerdictStatus.INVALID)
    # what says that a local key signed it is not checked with the keys of the provider, nor the reverse
    assert examined([*signed, stamp(signed_here=True)]) == (Source.REPLAYED, VerdictStatus.NO_KEY)


def test_a_local_key_verifies_a_replay_that_it_signed_and_marks_it(local: LocalKeys) -> None:
    ours = Keys(keys=(secret_key(b"local-secret", "local"),))
    theirs = Keys(keys=(secret_key(b"account-secret", "account"),))
    examiner = Examiner(registry(), FixedKeys(ours, connectly=theirs), local.is_stamp)
    signed = registry()["connectly"].sign(BODY, b"local-secret", url="", at=0)
    request = replace(make_request(BODY, path="/connectly"), headers=tuple(signed))

    def with_stamp(*, signed_here: bool) -> Request:
        value = replay_stamp(local.stamp, BODY, START, local=signed_here)
        return replace(request, headers=(*request.headers, (STAMP_HEADER, value)))

    found = examiner.examine(with_stamp(signed_here=True), received_at=START)
    assert (found.source, found.verdict.status) == (Source.REPLAYED, VerdictStatus.VERIFIED)
    assert found.marks == (LOCAL_MARK,)
    found = examiner.examine(with_stamp(signed_here=False), received_at=START)
    assert (found.source, found.verdict.status) == (Source.REPLAYED, VerdictStatus.INVALID)
    assert found.marks == ()


def test_a_replay_whose_stamp_cannot_be_checked_any_more_stays_what_it_was(local: LocalKeys, tmp_path: Path) -> None:
    examiner = Examiner(registry(), FixedKeys(), local.is_stamp)
    value = replay_stamp(local.stamp, BODY, START, local=True)
    found = examiner.examine(stamped(value), received_at=START)
    found = replace(found, verdict=replace(found.verdict, status=VerdictStatus.VERIFIED))
    again = Examiner(registry(), FixedKeys(), LocalKeys(tmp_path / "new").is_stamp).again(found)
    assert (again.source, again.verdict, again.marks) == (Source.REPLAYED, found.verdict, (LOCAL_MARK,))
