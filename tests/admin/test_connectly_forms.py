"""The form of a Connectly webhook: what is asked, refused and warned of, and what a listed one says of itself."""

from __future__ import annotations

import json
import re

import pytest

from tests.admin.connectlys import NEW, TOPIC, URL, adding, connectly, documented


def test_the_form() -> None:
    fields = {field.name: field for field in connectly().fields({})}
    assert list(fields) == ["topic", "type", "channelTypes", "echo", "filters"]
    assert fields["topic"].choices == ("messages", "delivery_status", "report")
    assert fields["topic"].free
    assert fields["topic"].required
    assert fields["type"].choices == ("custom", "zapier", "webengage", "integromat_make", "webhook_type_unspecified")
    assert (fields["type"].default, fields["type"].free) == ("custom", False)
    assert (fields["channelTypes"].choices, fields["channelTypes"].many) == (("whatsapp", "sms"), True)
    assert (fields["echo"].choices, fields["echo"].free) == (("no", "yes"), False)
    assert fields["filters"].many
    assert "campaign_name" in fields["filters"].help


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        (TOPIC, []),
        ({"topic": "a_new_one"}, []),
        ({}, ["topic"]),
        ({"topic": "two words"}, ["topic"]),
        ({**TOPIC, "type": "carrier"}, ["type"]),
        ({**TOPIC, "echo": "maybe"}, ["echo"]),
        ({**TOPIC, "channelTypes": "whatsapp,rcs"}, []),
        ({**TOPIC, "channelTypes": "what app"}, ["channelTypes"]),
        ({**TOPIC, "filters": "campaign_name=a-*"}, []),
        ({**TOPIC, "filters": "campaign_name"}, ["filters"]),
        ({**TOPIC, "filters": "=a"}, ["filters"]),
    ],
)
def test_problems(spec: dict[str, str], wrong: list[str]) -> None:
    found = connectly().problems(spec, URL)
    assert list(found) == wrong
    assert all(re.fullmatch(r"[A-Z].*\.", sentence) for sentence in found.values())


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://abc.ngrok-free.app",
        "https://example.com:8443/x?t=1",
        "https://8.8.8.8/x",
        "https://[2606:4700::1]/",
    ],
)
def test_addresses_that_connectly_takes(url: str) -> None:
    assert connectly().problems(TOPIC, url) == {}


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/x",
        "http://127.0.0.1:8787/connectly",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
        "https://192.168.1.2/",
        "https://10.0.0.1/",
        "https://box/",
        "https://box.local/",
        "https://u:p@example.com/",
        "https://example.com/ x",
        "https://example.com/#x",
        "<YOUR_ENDPOINT>",
        "",
        None,
    ],
)
def test_addresses_that_connectly_does_not_take(url: str | None) -> None:
    assert list(connectly().problems(TOPIC, url)) == ["url"]


async def test_warnings() -> None:
    admin, _ = await documented()
    (warning,) = admin.warnings(TOPIC, NEW)
    assert f"The topic messages has the address {URL} now" in warning
    assert admin.warnings(TOPIC, URL) == []
    assert admin.warnings({"topic": "report", "channelTypes": "whatsapp", "type": "custom"}, NEW) == []
    (warning,) = admin.warnings({"topic": "report", "channelTypes": "whatsapp,sms"}, NEW)
    assert "WhatsApp alone" in warning
    (warning,) = admin.warnings({"topic": "report", "type": "webengage"}, NEW)
    assert "needs a token" in warning
    (warning,) = connectly().warnings(TOPIC, NEW)
    assert "list the webhooks to see it" in warning


async def test_nothing_is_said_of_a_topic_before_one_is_given() -> None:
    (warning,) = connectly().warnings(TOPIC, NEW)
    assert "the topic messages may have" in warning
    assert connectly().warnings({"topic": " "}, NEW) == []


async def test_the_spec_of_a_listed_one_gives_the_same_subject_and_settings() -> None:
    configuration = {
        "echo": True,
        "channelTypes": ["whatsapp", "a,b"],
        "filters": [{"field": "campaign_name", "expression": "x, y=z*"}, {"field": "other", "expression": "ü"}],
    }
    admin, (*_, one) = await documented({"id": "x", "topic": "t", "address": URL, "configuration": configuration})
    assert admin.subject(one.spec) == one.subject == "t"
    sent = json.loads(admin.request(adding(dict(one.spec))).body or "")
    assert sent == {"topic": "t", "address": URL, "configuration": configuration}
    assert admin.subject({"topic": " messages "}) == "messages"
