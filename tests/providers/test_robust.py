"""No body and no header makes any provider raise, and what cannot be read is said."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.jsonbody import Json, compact, parse
from monitor.model.capture import Request
from monitor.model.reading import Direction, Status
from monitor.model.verdict import VerdictStatus
from monitor.providers.base import Keys, Provider
from monitor.providers.keys import secret_key, verifying_key
from monitor.providers.registry import registry
from tests.corpora import corpora, payload_index, provider_reference
from tests.providers.hmac_checks import bodies

PROVIDERS = list(registry())
EACH = pytest.mark.parametrize("provider", PROVIDERS, ids=registry().names())
KEYS = Keys(
    keys=(
        secret_key(b"a secret of nobody", "test"),
        verifying_key(registry()["volt"].local_key(), "test"),
        registry()["standard"].key("whpk_" + base64.b64encode(bytes(range(32))).decode(), "test"),
    ),
    urls=("https://hooks.example.com/in",),
    public_url="https://hooks.example.com",
)
SIGNING = [provider for provider in PROVIDERS if provider.signature_headers]
RSA = registry()["volt"].local_key()
HEADERS = sorted(
    {name for provider in PROVIDERS for name in provider.signature_headers}
    | {"webhook-id", "webhook-timestamp", "messagebird-request-timestamp", "x-forwarded-host", "content-type"}
)
LATIN = st.text(st.characters(max_codepoint=255), max_size=80)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def _all(provider: Provider, request: Request) -> None:
    body = parse(request.body)
    provider.recognise(request, body)
    verdict = provider.verify(request, body, KEYS, 1_700_000_000.0)
    assert verdict.status in set(VerdictStatus) - {VerdictStatus.VERIFIED}
    assert verdict.reason
    assert list(provider.signed(request, body, KEYS)) is not None
    reading = provider.read(request, body)
    assert reading.status in {None, *Status}
    assert reading.direction in {None, *Direction}
    for text in (*reading.problems, *(part for fact in reading.facts for part in fact), reading.text or ""):
        text.encode("utf-8")  # no lone surrogates: the store holds UTF-8


@EACH
@given(
    headers=st.lists(st.tuples(st.sampled_from(HEADERS), LATIN), max_size=6),
    body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()),
)
@settings(max_examples=200, deadline=None)
def test_any_bytes_and_headers(provider: Provider, headers: list[tuple[str, str]], body: bytes) -> None:
    _all(provider, Request("POST", "/%00/x", "a=1", tuple(headers), body))


@cache
@pytest.mark.parametrize("part", ["sha256=", "sha512=sha256=", "v1,", "v1a, ", "=", "A", "0a", '"', "%"])
@EACH
def test_headers_as_long_as_the_receiver_takes_them(provider: Provider, part: str) -> None:
    for name in HEADERS:
        _all(provider, Request("POST", f"/{provider.name}", "", ((name, part * (60_000 // len(part))),), b"{}"))


def _shaped(name: str) -> st.SearchStrategy[bytes]:
    """Bodies with the names and values of a provider's payloads; of any, where it has none."""
    return bodies(name) if payload_index(name) else JSON.map(lambda value: json.dumps(value).encode())


@EACH
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_any_values_under_the_names_that_are_known(provider: Provider, data: st.DataObject) -> None:
    _all(provider, Request("POST", f"/{provider.name}", "", (), data.draw(_shaped(provider.name))))


@pytest.mark.parametrize("provider", SIGNING, ids=lambda provider: provider.name)
@given(body=JSON.map(lambda value: json.dumps(value).encode()), at=st.integers(0, 400), change=st.integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_any_body_that_is_signed_is_verified_and_no_longer_when_a_byte_is_changed(
    provider: Provider, body: bytes, at: int, change: int
) -> None:
    url, now = "https://hooks.example.com/in", 1_700_000_000.0
    key = provider.local_key() if provider.name != "volt" else RSA
    keys = Keys((verifying_key(key, "test"),), (url,))
    headers = tuple(provider.sign(body, key, url=url, at=now))

    def verified(sent: bytes) -> bool:
        verdict = provider.verify(Request("POST", "/in", "", headers, sent), parse(sent), keys, now)
        return verdict.status is VerdictStatus.VERIFIED

    assert verified(body)
    at %= len(body)
    changed = body[:at] + bytes([body[at] ^ change]) + body[at + 1 :]
    alike = False
    if provider.name == "oneroute":  # signs what JavaScript writes of a body
        with contextlib.suppress(ValueError):
            alike = compact(json.loads(changed)) == body
    assert verified(changed) is alike


def _sample(name: str) -> list[bytes]:
    """Bodies to spoil: those of the index, and for the others one of each shape."""
    if name == "standard":
        return [b'{"type":"user.created","timestamp":"2026-01-31T12:00:00Z","data":{"id":"usr_1","n":1,"ok":true}}']
    if name == "generic":
        return [b'{"type":"a","event":"b","event_type":"c","id":1}']
    return [entry["body_bytes"] for entry in payload_index(name)]


def _spoiled(value: Json) -> Iterator[tuple[str, Json]]:
    """The value with one field after the other removed, null, of other types; path and spoiled copy."""

    def walk(node: Any, path: str, put: Callable[[Json], Json]) -> Iterator[tuple[str, Json]]:
        items = (
            list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
        )
        for key, child in items:
            here = f"{path}.{key}"

            def replaced(new: Json, key: Any = key) -> Json:
                copy = dict(node) if isinstance(node, dict) else list(node)
                copy[key] = new
                return put(copy)

            if isinstance(node, dict):
                yield here, put({name: item for name, item in node.items() if name != key})
            for new in (None, "", "text", 1, 1.5, True, [], [child], {}, {"": None}, "\ud800", 2**70, "9" * 400):
                yield here, replaced(new)
            yield from walk(child, here, replaced)

    return walk(value, "", lambda new: new)


@EACH
def test_each_field_of_each_payload_removed_null_and_of_other_types(provider: Provider) -> None:
    tried = 0
    for raw in _sample(provider.name):
        for path, value in _spoiled(json.loads(raw)):
            tried += 1
            body = json.dumps(value).encode()
            try:
                _all(provider, Request("POST", f"/{provider.name}", "", (), body))
            except Exception as error:  # names the field that does it
                raise AssertionError(f"{path}: {body[:300]!r}") from error
    assert tried > 50


@EACH
def test_bodies_that_are_no_json_object(provider: Provider) -> None:
    odd = json.loads((provider_reference() / "payloads" / "non_json_bodies.json").read_text("utf-8"))
    plain = [entry["body_utf8"].encode() for entry in odd] + [b"[" * 100_000, b"\xff\xfe", b'"\\ud800"', b"null", b"0"]
    for raw in plain:
        _all(provider, Request("POST", f"/{provider.name}", "", (), raw))


@EACH
def test_the_json_test_suite(provider: Provider) -> None:
    files = sorted((corpora() / "json-test-suite").glob("test_*/*.json"))
    assert len(files) == 340
    for file in files:
        _all(provider, Request("POST", f"/{provider.name}", "", (), file.read_bytes()))


@EACH
def test_every_naughty_string_in_every_field(provider: Provider) -> None:
    naughty = json.loads((corpora() / "naughty-strings" / "blns.json").read_text("utf-8"))
    assert len(naughty) == 515
    value = json.loads(_sample(provider.name)[0])

    def filled(node: Any, text: str) -> Any:
        if isinstance(node, dict):
            return {key: filled(child, text) for key, child in node.items()}
        if isinstance(node, list):
            return [filled(child, text) for child in node]
        return text if isinstance(node, str) else node

    for text in naughty:
        headers = [(name, text.encode("utf-8").decode("latin-1")) for name in HEADERS]
        body = json.dumps(filled(value, text)).encode()
        _all(provider, Request("POST", f"/{provider.name}", "", tuple(headers), body))
