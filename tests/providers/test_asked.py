"""What a plug-in gives is looked through before anybody relies on it: it costs no capture."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from monitor.account import Account
from monitor.config import Config
from monitor.jsonbody import parse
from monitor.model.reading import Media, MessageError, Reading, Status
from monitor.model.verdict import Check, Verdict, VerdictStatus
from monitor.providers import asked
from monitor.providers.base import Keys, Scenario, Signed, SimulatedEvent
from monitor.providers.generic import Generic
from monitor.providers.keys import Key, KeyProblem
from monitor.providers.registry import Registry, registry
from monitor.sandbox.problems import SimulationProblem
from monitor.sandbox.single import one
from monitor.secret import Secret
from monitor.services import coverage, keychain
from monitor.services.examine import Examiner
from monitor.services.localkeys import LocalKeys
from monitor.store.store import Store
from tests.factory import START, FixedKeys, make_request

RIGHT = Verdict(VerdictStatus.VERIFIED, "over raw body", checks=(Check("header", True),))
READ = Reading(
    "sent", message="fifth:1", status=Status.SENT, media=(Media("image", None, 5),), error=MessageError("1"),
    occurred_at=START, facts=(("plan", "a"),),
)  # fmt: skip


class Fifth(Generic):
    """A plug-in that gives what it is told to."""

    name = "fifth"

    def __init__(self, gives: Any) -> None:
        self.gives = gives

    def verify(self, *_: object) -> Any:
        return self.gives

    def read(self, *_: object) -> Any:
        return self.gives

    def signed(self, *_: object) -> Any:
        return self.gives


def verdict(gives: Any) -> Verdict:
    return asked.verdict(Fifth(gives), make_request(), parse(b"{}"), Keys(), 0.0)


def reading(gives: Any) -> Reading | None:
    return asked.reading(Fifth(gives), make_request(), parse(b"{}"))


@pytest.mark.parametrize("given", [RIGHT, replace(RIGHT, age_s=3), replace(RIGHT, checks=[Check("header", True)])])  # type: ignore[arg-type]
def test_a_verdict_of_the_right_form_is_taken(given: Verdict) -> None:
    assert verdict(given) is given


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (True, "its answer is of the type bool"),
        (replace(RIGHT, status="verified"), "status is of the type str"),  # type: ignore[arg-type]
        (replace(RIGHT, reason=None), "reason is of the type NoneType"),  # type: ignore[arg-type]
        (replace(RIGHT, reason="\ud800"), "reason is a text with half a character"),
        (replace(RIGHT, key=b"1a2b3c4d"), "key is of the type bytes"),  # type: ignore[arg-type]
        (replace(RIGHT, age_s=Decimal(3)), "age_s is of the type Decimal"),  # type: ignore[arg-type]
        (replace(RIGHT, age_s=float("nan")), "age_s is of the type float"),
        (replace(RIGHT, checks=("header",)), "checks.0 is of the type str"),  # type: ignore[arg-type]
    ],
)
def test_a_verdict_of_another_form_is_invalid_and_says_why(given: Any, why: str) -> None:
    found = verdict(given)
    assert (found.status, found.reason) == (VerdictStatus.INVALID, f"the check itself failed ({why})")


@pytest.mark.parametrize("given", [None, READ, Reading(problems=["a list"])])  # type: ignore[arg-type]
def test_a_reading_of_the_right_form_is_taken(given: Reading | None) -> None:
    assert reading(given) is given


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"text": "hi"}, "its answer is of the type dict"),
        (replace(READ, status="sent"), "status is of the type str"),  # type: ignore[arg-type]
        (replace(READ, text=5), "text is of the type int"),  # type: ignore[arg-type]
        (replace(READ, text="\udc80"), "text is a text with half a character"),
        (replace(READ, aliases="fifth:2"), "aliases is of the type str"),  # type: ignore[arg-type]
        (replace(READ, occurred_at=datetime(2026, 1, 1)), "occurred_at is a time without a zone"),
        (replace(READ, media=(Media("image", "", "5"),)), "size is of the type str"),  # type: ignore[arg-type]
        (replace(READ, error=MessageError(temporary="no")), "temporary is of the type str"),  # type: ignore[arg-type]
        (replace(READ, facts={"plan": "a"}), "facts is of the type dict"),  # type: ignore[arg-type]
        (replace(READ, facts=(("plan", 1),)), "facts.0.1 is of the type int"),  # type: ignore[arg-type]
        (replace(READ, facts=(("plan",),)), "facts.0 is of the type tuple"),  # type: ignore[arg-type]
    ],
)
def test_a_reading_of_another_form_is_a_problem_that_says_why(given: Any, why: str) -> None:
    assert reading(given) == Reading(problems=(f"the reader failed ({why})",))


@pytest.mark.parametrize(
    ("given", "problems"),
    [
        (None, None),
        ({"text": "hi"}, ("the reader failed (its answer is of the type dict)",)),
        (replace(READ, from_="1", direction="inbound"), ("the reader failed (direction is of the type str)",)),  # type: ignore[arg-type]
    ],
)
def test_a_plug_in_that_also_sends_echoes_is_told_of_its_reading_alone(
    given: Any, problems: tuple[str, ...] | None
) -> None:
    class Echo(Fifth):
        def echo(self, reading: Reading) -> Reading:
            return reading

    found = Examiner(Registry([Echo(given), registry()["generic"]]), FixedKeys(), lambda body, value: False).examine(
        make_request(b"{}", path="/fifth"), received_at=START
    )
    assert (found.reading and found.reading.problems) == problems


@pytest.mark.parametrize("given", [None, "raw", [("raw body", b"{}")], [Signed("raw body", "{}")]])  # type: ignore[arg-type]
def test_what_was_signed_is_nothing_where_it_has_another_form(given: Any) -> None:
    assert asked.signed(Fifth(given), make_request(), parse(b"{}"), Keys()) == ()


def raises(_: object) -> Any:
    raise RuntimeError("a secret")


@pytest.mark.parametrize("build", [raises, lambda _: None, lambda _: [{"body": b""}]])
def test_a_scenario_that_cannot_be_played_is_told_and_costs_no_other(build: Any) -> None:
    scenario = Scenario("odd", "cannot be played", build)
    fifth = Fifth(None)
    fifth.scenarios = (scenario,)
    with pytest.raises(SimulationProblem, match='^"odd" of fifth cannot be played; its plug-in has to be mended$'):
        one(fifth, "odd", seed=1, start=START)


def test_coverage_goes_on_without_a_scenario_that_cannot_be_played(monkeypatch: pytest.MonkeyPatch) -> None:
    fifth = Fifth(READ)
    fifth.scenarios = (Scenario("odd", "", raises), Scenario("even", "", lambda _: [SimulatedEvent(0, b"{}")]))
    monkeypatch.setattr(coverage, "registry", lambda: [fifth])
    (kind,) = coverage.documented.__wrapped__()
    assert (kind.provider, kind.event) == ("fifth", "sent")


@pytest.mark.parametrize("made", [None, {"x-mac": "1"}, [("x-mac", b"1")]])
def test_a_plug_in_that_cannot_sign_is_told(made: Any) -> None:
    class Signing(Fifth):
        def sign(self, *_: object, **__: object) -> Any:
            return made

    with pytest.raises(KeyProblem, match=r"^fifth cannot sign \(its answer.* is of the type \w+\); its plug-in"):
        asked.sign(Signing(None), b"", b"key", url="", at=0)


async def test_whatever_a_plug_in_gives_the_capture_is_stored(tmp_path: Path) -> None:
    class Wrong(Fifth):
        def verify(self, *_: object) -> Any:
            return Verdict("verified", None)  # type: ignore[arg-type]

        def read(self, *_: object) -> Any:
            return replace(READ, status="sent")  # type: ignore[arg-type]

    examiner = Examiner(Registry([Wrong(None), registry()["generic"]]), FixedKeys(), lambda body, value: False)
    store = Store.open(tmp_path / "h.db")
    store.start()
    try:
        stored = await store.add(examiner.examine(make_request(b"{}", path="/fifth"), received_at=START))
    finally:
        await store.stop()
    assert (stored.id, stored.marks) == (1, ())


def test_keys_of_another_provider_are_left_out_and_the_rest_is_read() -> None:
    given = replace(READ, message="volt:1", aliases=("fifth:2", "volt:2"), conversation="somebody")
    problems = [f"{name} does not begin with fifth: and is left out" for name in ("message", "conversation", "aliases")]
    assert reading(given) == replace(READ, message=None, aliases=("fifth:2",), problems=tuple(problems))


def leaves(*_: object, **__: object) -> Any:
    """A script's way to end."""
    sys.exit(3)


@pytest.mark.parametrize("path", ["/fifth", "/"])
def test_a_plug_in_that_would_end_the_program_costs_no_capture(path: str) -> None:
    class Leaving(Fifth):
        recognise = verify = read = leaves

    examiner = Examiner(Registry([Leaving(None), registry()["generic"]]), FixedKeys(), lambda body, value: False)
    capture = examiner.examine(make_request(b"{}", path=path), received_at=START)
    if path == "/fifth":
        assert capture.verdict.reason == "the check itself failed (SystemExit)"
        assert capture.reading == Reading(problems=("the reader failed (SystemExit)",))
    else:
        assert capture.provider == "generic"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (lambda: None, "its answer is of the type NoneType"),
        (lambda: b"a secret", "its answer is of the type bytes"),
        (lambda: Key("sha256:1", "x", secret="a secret"), "secret is of the type str"),  # type: ignore[arg-type]
        (lambda: raises(None), "RuntimeError"),
        (leaves, "SystemExit"),
    ],
)
def test_a_key_that_is_none_is_a_problem_that_does_not_show_it(given: Callable[[], Any], why: str) -> None:
    class Keyed(Fifth):
        def key(self, *_: object) -> Any:
            return given()

    with pytest.raises(KeyProblem) as caught:
        asked.key(Keyed(None), "a secret", "x")
    assert str(caught.value) == f"a key cannot be used ({why})"


def test_a_plug_in_whose_keys_are_none_says_so_in_its_verdicts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Keyed(Fifth):
        def key(self, text: str, origin: str) -> Any:
            return text.encode()

    monkeypatch.setattr(keychain, "registry", lambda: Registry([Keyed(None), registry()["generic"]]))
    account = Account("fifth", "fifth", signing_secrets=(Secret("a secret"),))
    found = keychain.Keychain(Config(accounts=(account,)), None, LocalKeys(tmp_path))
    assert found.keys("fifth").keys == ()
    assert found.keys("fifth").why_none == "a key cannot be used (its answer is of the type bytes)"


def test_keys_of_a_plug_in_that_is_not_there_under_its_name_are_a_problem(tmp_path: Path) -> None:
    account = Account("own", "fifth", signing_secrets=(Secret("a secret"),))
    found = keychain.Keychain(Config(accounts=(account,)), None, LocalKeys(tmp_path)).problems[-1]
    why = "no key of it is used: no plug-in that was loaded names its provider fifth"
    assert (found.provider, found.account, found.text) == ("fifth", "own", why)
