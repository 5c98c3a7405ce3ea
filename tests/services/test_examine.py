"""From a request to a capture."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from monitor.jsonbody import Body
from monitor.model.capture import Request, Source
from monitor.model.reading import Reading
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.providers.base import Keys, Provider, Scenario, Signed
from monitor.providers.keys import Key, SigningKey, secret_key
from monitor.providers.registry import Registry, registry
from monitor.services.examine import Examiner
from tests.factory import START, FixedKeys, make_request

SECRET = b"connectly-test-secret"
BODY = b'{"timestamp":"1639083206","sender":{"id":"+15555550100","channelType":"whatsapp"},"message":{"text":"hi"}}'


def examiner(**keys: Keys) -> Examiner:
    return Examiner(registry(), FixedKeys(None, **keys), lambda body, value: value == "stamp")


def signed() -> Request:
    [(name, value)] = registry()["connectly"].sign(BODY, SECRET, url="", at=0)
    request = make_request(BODY, path="/hooks")
    return replace(request, headers=(*request.headers, (name, value)))


def test_verdict_and_reading_of_a_recognised_request() -> None:
    keys = Keys(keys=(secret_key(SECRET, "test"),))
    capture = examiner(connectly=keys).examine(signed(), received_at=START)
    assert capture.provider == "connectly"
    assert capture.verdict.status is VerdictStatus.VERIFIED
    assert capture.reading is not None
    assert capture.reading.text == "hi"
    assert capture.origin.peer == "127.0.0.1"
    assert capture.source is Source.NETWORK


def test_a_sender_without_end_is_left_out_and_the_rest_is_read() -> None:
    body = BODY.replace(b"+15555550100", b"+1" + b"5" * 5000)
    reading = examiner().examine(replace(signed(), body=body), received_at=START).reading
    assert reading is not None
    assert (reading.text, reading.from_, reading.conversation) == ("hi", None, None)
    assert "from has more than 1,000 characters and is left out" in reading.problems


@pytest.mark.parametrize(
    ("method", "path", "provider"),
    [
        ("POST", "/bird", "bird"),
        ("POST", "/bird/token", "bird"),
        ("POST", "/birds", "connectly"),
        ("POST", "/", "connectly"),
        ("PUT", "/bird", "generic"),
    ],
)
def test_the_path_names_the_provider_else_the_request_does(method: str, path: str, provider: str) -> None:
    request = replace(signed(), method=method, path=path)
    assert examiner().examine(request, received_at=START).provider == provider


def test_a_stamp_of_ours_makes_it_simulated() -> None:
    request = make_request(BODY, x_hooktop_local="stamp")
    assert examiner().examine(request, received_at=START).source is Source.SIMULATED


def test_our_own_keys_verify_our_own_events_and_nothing_else() -> None:
    ours = Keys(keys=(secret_key(SECRET, "local"),))
    theirs = Keys(keys=(secret_key(b"another", "account"),))
    guarded = Examiner(registry(), FixedKeys(local=ours, connectly=theirs), lambda body, value: value == "stamp")
    stamp = ("x-hooktop-local", "stamp")
    simulated = replace(signed(), headers=(*signed().headers, stamp))

    def status(request: Request) -> VerdictStatus:
        return guarded.examine(request, received_at=START).verdict.status

    assert status(simulated) is VerdictStatus.VERIFIED
    assert status(replace(simulated, body=BODY + b" ")) is VerdictStatus.INVALID
    assert status(signed()) is VerdictStatus.INVALID  # the same without the stamp is somebody else's


def test_a_simulated_bird_event_verifies_over_the_address_it_was_posted_to() -> None:
    [*headers] = registry()["bird"].sign(b"{}", SECRET, url="http://127.0.0.1:8787/bird?x=1", at=START.timestamp())
    request = replace(make_request(b"{}", path="/bird", host="127.0.0.1:8787", x_hooktop_local="stamp"), query="x=1")
    request = replace(request, headers=(*request.headers, *headers))
    ours = Keys(keys=(secret_key(SECRET, "local"),))
    guarded = Examiner(registry(), FixedKeys(local=ours), lambda body, value: value == "stamp")
    assert guarded.examine(request, received_at=START).verdict.status is VerdictStatus.VERIFIED


def test_again_uses_todays_keys_and_leaves_imported_rows_unchecked() -> None:
    first = examiner().examine(signed(), received_at=START)
    assert first.verdict.status is VerdictStatus.NO_KEY
    later = examiner(connectly=Keys(keys=(secret_key(SECRET, "test"),)))
    assert later.again(replace(first, id=7)).verdict.status is VerdictStatus.VERIFIED
    unchecked = Verdict(VerdictStatus.UNCHECKED, "imported")
    imported = replace(first, source=Source.IMPORTED, verdict=unchecked)
    assert later.again(imported).verdict is unchecked


class Broken:
    """A plug-in that fails at everything it is asked."""

    name = "broken"
    label = "Broken"
    signature_headers: tuple[str, ...] = ()
    scenarios: Sequence[Scenario] = ()

    def recognise(self, request: Request, body: Body) -> int:
        raise RuntimeError("secret in the text")

    def verify(self, request: Request, body: Body, keys: Keys, now: float) -> Verdict:
        raise RuntimeError("secret in the text")

    def signed(self, request: Request, body: Body, keys: Keys) -> Sequence[Signed]:
        raise RuntimeError("secret in the text")

    def read(self, request: Request, body: Body) -> Reading:
        raise RecursionError("secret in the text")

    def sign(self, body: bytes, key: SigningKey, *, url: str, at: float) -> list[tuple[str, str]]:
        raise RuntimeError("secret in the text")

    def local_key(self) -> SigningKey:
        return b"x"

    def key(self, text: str, origin: str) -> Key:
        return secret_key(text.encode(), origin)


class Silent(Broken):
    """A plug-in that forgets to give back what it was asked for."""

    def recognise(self, request: Request, body: Body) -> Any:
        return None

    def verify(self, request: Request, body: Body, keys: Keys, now: float) -> Any:
        return None

    def read(self, request: Request, body: Body) -> Any:
        return None


@pytest.mark.parametrize("path", ["/broken", "/"])
def test_a_provider_that_says_nothing_costs_no_capture(path: str) -> None:
    guarded = Examiner(Registry([Silent(), registry()["generic"]]), FixedKeys(), lambda body, value: False)
    capture = guarded.examine(make_request(BODY, path=path), received_at=START)
    assert capture.request.body == BODY
    if path == "/broken":
        assert (capture.verdict.status, capture.reading) == (VerdictStatus.INVALID, None)
    else:
        assert capture.provider == "generic"


@pytest.mark.parametrize("path", ["/broken", "/"])
def test_a_broken_provider_costs_no_capture(path: str) -> None:
    broken: Provider = Broken()
    guarded = Examiner(Registry([broken, registry()["generic"]]), FixedKeys(), lambda body, value: False)
    capture = guarded.examine(make_request(BODY, path=path), received_at=START)
    assert capture.request.body == BODY
    assert "secret" not in repr((capture.verdict, capture.reading))
    if path == "/broken":
        assert capture.verdict.status is VerdictStatus.INVALID
        assert capture.reading == Reading(problems=("the reader failed (RecursionError)",))
    else:
        assert capture.provider == "generic"


def test_the_line_of_a_broken_provider_is_told_and_no_value(caplog: pytest.LogCaptureFixture) -> None:
    guarded = Examiner(Registry([Broken(), registry()["generic"]]), FixedKeys(), lambda body, value: False)
    guarded.examine(make_request(BODY, path="/broken"), received_at=START)
    told = [record.getMessage() for record in caplog.records]
    assert any(re.fullmatch(r"broken\.verify failed: \w+ \(test_examine\.py, line \d+\)", line) for line in told)
    assert "secret" not in repr(told)


def bird(*secrets: bytes, public_url: str | None = None) -> Examiner:
    """What knows these keys of Bird and this public URL."""
    keys = Keys(tuple(secret_key(secret, "a test") for secret in secrets), public_url=public_url)
    return Examiner(registry(), FixedKeys(None, bird=keys), lambda body, value: False)


@pytest.mark.parametrize(
    ("then", "keys", "found"),
    [
        ("https://old.example.com", (b"one", b"two"), VerdictStatus.VERIFIED),
        ("https://old.example.com", (b"two",), VerdictStatus.INVALID),  # the key was taken away
        ("https://another.example.com", (b"one",), VerdictStatus.INVALID),  # it never was right
    ],
)
def test_what_was_verified_stays_so_when_the_address_is_another_today(
    then: str, keys: tuple[bytes, ...], found: VerdictStatus
) -> None:
    headers = registry()["bird"].sign(BODY, b"one", url="https://old.example.com/bird", at=START.timestamp())
    request = replace(make_request(BODY, path="/bird"), headers=tuple(headers))
    stored = bird(b"one", public_url=then).examine(request, received_at=START)
    assert (stored.verdict.status is VerdictStatus.VERIFIED) is (then == "https://old.example.com")
    assert bird(*keys, public_url="https://new.example.com").again(stored).verdict.status is found
