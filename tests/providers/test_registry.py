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
