"""Finding providers: built in, brought by others, and whose a request is."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest

from monitor.account import PLUG_INS
from monitor.jsonbody import parse
from monitor.providers import registry as module
from monitor.providers.generic import Generic
from monitor.providers.registry import BUILT_IN, Registry, registry
from tests.corpora import payload_index
from tests.factory import make_request


class Fifth(Generic):
    """A provider of another package."""

    name = "fifth"


class Usurper(Generic):
    """A plug-in that calls itself by a built-in name."""

    name = "volt"


fifth, usurper = Fifth(), Usurper()


def test_the_built_in_providers_are_found_by_name() -> None:
    assert registry().names()[: len(BUILT_IN)] == BUILT_IN
    for name in BUILT_IN:
        provider = registry()[name]
        assert provider.name == name
        assert provider.label
        assert registry().get(name) is provider
    assert registry().get("nobody") is None


def test_a_broken_or_greedy_plug_in_is_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    values = {
        "a": "no.such.module:provider",
        "b": f"{__name__}:nothing",
        "c": f"{__name__}:usurper",
        "d": f"{__name__}:fifth",
        "e": f"{__name__}:fifth",
        "f": "sys:maxsize",
    }
    volt = registry()["volt"]  # kept for others as it is without them
    points = EntryPoints(EntryPoint(name, value, PLUG_INS) for name, value in values.items())

    def entry_points(**params: Any) -> EntryPoints:
        return points.select(**params)

    monkeypatch.setattr(module, "entry_points", entry_points)
    found = registry.__wrapped__()
    assert found.names() == (*BUILT_IN, "fifth")
    assert found["volt"] is volt
    assert found["fifth"] is fifth
    assert len(caplog.records) == 5
    assert caplog.messages[0] == "provider plug-in a cannot be loaded: ModuleNotFoundError: No module named 'no'"


class Wrong(Generic):
    """A plug-in whose members are set to what they must not be."""

    name = "fifth"

    def __init__(self, **members: object) -> None:
        vars(self).update(members)


class Lacking:
    """A plug-in of another version."""

    name = label = "fifth"
    signature_headers = scenarios = ()


class Raising(Fifth):
    """A plug-in whose scenarios cannot be asked for."""

    @property
    def scenarios(self) -> Any:  # type: ignore[override]
        raise RuntimeError("no scenarios")


def leaves() -> Any:
    """What a module does that is a script."""
    sys.exit(3)


class Leaving(EntryPoint):
    """An entry point whose module ends the program, and one that talks meanwhile."""

    def load(self) -> Any:
        print("loading")
        return leaves() if self.value == "leaves" else Fifth()


@pytest.mark.parametrize(
    ("gives", "why"),
    [
        (Fifth, "TypeError: it is a class, and is to be an object of it"),
        (Lacking(), "TypeError: it has no key, local_key, read, recognise, sign, signed, verify"),
        (Wrong(name=5), "TypeError: its name is no text"),
        (Wrong(label=None), "TypeError: its label is no text"),
        (Wrong(signature_headers="x-mac"), "TypeError: its signature_headers are no tuple of names in lower case"),
        (Wrong(signature_headers=("X-Mac",)), "TypeError: its signature_headers are no tuple of names in lower case"),
        (Wrong(scenarios=None), "TypeError: its scenarios are no tuple of Scenario"),
        (Raising(), "RuntimeError: no scenarios"),
    ],
)
def test_a_plug_in_that_is_no_provider_is_left_out_and_says_why(
    gives: object, why: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(f"{__name__}.fifth", gives)
    points = EntryPoints([EntryPoint("fifth", f"{__name__}:fifth", PLUG_INS)])
    monkeypatch.setattr(module, "entry_points", lambda **_: points)
    assert registry.__wrapped__().names() == BUILT_IN
    assert caplog.messages == [f"provider plug-in fifth cannot be loaded: {why}"]


def test_a_plug_in_neither_ends_the_program_nor_writes_among_its_data(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    points = EntryPoints([Leaving("a", "leaves", PLUG_INS), Leaving("b", "stays", PLUG_INS)])
    monkeypatch.setattr(module, "entry_points", lambda **_: points)
    assert registry.__wrapped__().names() == (*BUILT_IN, "fifth")
    assert caplog.messages == ["provider plug-in a cannot be loaded: SystemExit: 3"]
    assert capsys.readouterr() == ("", "loading\nloading\n")


@pytest.mark.parametrize("entry", payload_index(), ids=lambda entry: entry["file"])
def test_every_payload_goes_to_its_provider(entry: dict[str, Any]) -> None:
    body = parse(entry["body_bytes"])
    found = registry().recognise(make_request(entry["body_bytes"]), body).name
    unclear = ("registration_test", "unknown_shape", "campaign_unknown", "unknown_service", "new_platform")
    assert found == entry["provider"] or (found == "generic" and any(word in entry["file"] for word in unclear))


def test_a_header_goes_before_a_body() -> None:
    (raw,) = [e["body_bytes"] for e in payload_index("volt") if e["file"] == "volt/sent.json"]
    body = parse(raw)
    assert registry().recognise(make_request(raw), body).name == "volt"
    assert registry().recognise(make_request(raw, webhook_signature="v1,AAAA"), body).name == "standard"
    assert registry().recognise(make_request(b"x"), parse(b"x")).name == "generic"


def test_a_registry_needs_no_more_than_its_providers() -> None:
    only = Registry([registry()["generic"], fifth])
    assert only.names() == ("generic", "fifth")
    assert only.recognise(make_request(), parse(b"{}")).name == "generic"


def test_finding_providers_loads_no_heavy_library() -> None:
    code = (
        "import sys; from monitor.providers.registry import registry; registry();"
        "print(sorted({'cryptography', 'textual', 'httpx', 'starlette', 'sqlite3'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
