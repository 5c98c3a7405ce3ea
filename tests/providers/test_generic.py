"""Webhooks of senders that nobody knows."""

from __future__ import annotations

import pytest

from monitor.jsonbody import parse
from monitor.model.reading import Reading
from monitor.model.verdict import VerdictStatus
from monitor.providers.base import NO_MATCH, Keys
from monitor.providers.generic import provider
from monitor.providers.keys import KeyProblem
from tests.factory import make_request


def read(body: bytes, **headers: str) -> Reading:
    return provider.read(make_request(body, path="/generic", **headers), parse(body))


def test_nothing_is_ever_verified() -> None:
    key = provider.key("a secret", "test")
    request = make_request(b"{}", x_hub_signature_256="sha256=00")
    verdict = provider.verify(request, parse(b"{}"), Keys(keys=(key,)), 0.0)
    assert verdict.status is VerdictStatus.UNCHECKED
    assert "nothing was checked" in verdict.reason
    assert provider.signed(request, parse(b"{}"), Keys()) == ()
    assert provider.sign(b"{}", provider.local_key(), url="https://example.com", at=0) == []
    assert provider.recognise(request, parse(b"{}")) == NO_MATCH
    with pytest.raises(KeyProblem):
        provider.key("", "test")


@pytest.mark.parametrize(
    ("body", "event"),
    [
        (b'{"type":"invoice.paid"}', "invoice.paid"),
        (b'{"event":"push"}', "push"),
        (b'{"event_type":"a"}', "a"),
        (b'{"eventType":"b"}', "b"),
        (b'{"topic":"orders/create"}', "orders/create"),
        (b'{"type":"event_callback","event":{"type":"message"}}', "event_callback"),
        (b'{"type":7,"event":["x"],"topic":""}', None),
        (b'{"type":"' + b"x" * 201 + b'"}', None),
        (b'{"type":"\\ud800"}', "\ufffd"),
        (b"{}", None),
        (b"[]", None),
        (b'"type"', None),
        (b"MessageSid=SM1&MessageStatus=delivered", None),
    ],
)
def test_the_event_is_read_where_it_is_named(body: bytes, event: str | None) -> None:
    reading = read(body)
    assert reading == Reading(event=event, problems=reading.problems)
    assert bool(reading.problems) == body.startswith(b"Message")


def test_a_header_goes_before_the_body() -> None:
    reading = read(b'{"type":"x"}', x_github_event="issues", x_github_delivery="72d3162e")
    assert (reading.event, reading.event_id) == ("issues", "72d3162e")
    assert read(b"", x_shopify_topic="orders/create").event == "orders/create"
