"""Connectly's webhooks: what a form asks, what is wrong with one, and how the API writes it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from monitor.admin.base import UNCHANGED, AdminError, Field, Trouble
from monitor.admin.rest import filled, items_of, written
from monitor.jsonbody import Json
from monitor.model.registration import Change, Registration, Spec
from monitor.providers.fields import Fields
from monitor.secret import Secret
from monitor.text import visible
from monitor.urls import web_address

TOPICS: Final = ("messages", "delivery_status", "report")
TYPES: Final = ("custom", "zapier", "webengage", "integromat_make", "webhook_type_unspecified")
CHANNELS: Final = ("whatsapp", "sms")
FLAG: Final = ("no", "yes")
WEBENGAGE: Final = "webengageConfiguration"
TOKEN: Final = "webengageToken"  # noqa: S105 - the name of the field that holds one
_WORD: Final = re.compile(r"[!-+\--~]{1,200}")  # printable ASCII without blanks and commas
FIELDS: Final = (
    Field("topic", "Topic", "What is sent; one address for each topic.", TOPICS, required=True),
    Field("type", "Type", "Who receives; custom is a receiver of one's own.", TYPES, free=False, default=TYPES[0]),
    Field("channelTypes", "Channels", "Only what comes over these; empty for all.", CHANNELS, many=True),
    Field("echo", "Echo", "Whether outbound messages are sent here too.", FLAG, free=False),
    Field(
        "filters", "Filters", "FIELD=EXPRESSION, such as campaign_name=summer-promo-*; empty for everything.", many=True
    ),
)


def problems(spec: Spec, url: str | None) -> dict[str, str]:
    """What is wrong with a form, by Connectly's own rules."""
    found: dict[str, str] = {}
    if not _WORD.fullmatch(spec.get("topic", "").strip()):
        found["topic"] = "A topic is one word, such as messages; choose or type one."
    if spec.get("type") and spec["type"] not in TYPES:
        found["type"] = f"Connectly has the types {', '.join(TYPES)}; choose one."
    if not all(_WORD.fullmatch(channel) for channel in items_of(spec.get("channelTypes"))):
        found["channelTypes"] = "A channel is one word, such as whatsapp; separate several with commas."
    if spec.get("echo") and spec["echo"] not in FLAG:
        found["echo"] = "Echo is yes or no."
    if not all(field and expression for field, expression in _filters_of(spec)):
        found["filters"] = "A filter is written FIELD=EXPRESSION, such as campaign_name=summer-promo-*."
    if not url:
        found["url"] = "There is no public address yet."
    elif (why := _not_public(url)) is not None:
        found["url"] = f"Connectly needs a public https address: {why}."
    return found


def _not_public(url: str) -> str | None:
    """Why an address cannot be reached over https from the internet, or None."""
    try:
        parts = web_address(url)
    except ValueError as error:
        return str(error)
    host = parts.hostname or ""
    if parts.scheme != "https":
        return "it must begin with https://"
    try:
        public = ipaddress.ip_address(host).is_global
    except ValueError:
        public = "." in host and not host.endswith((".local", ".localhost", ".internal"))
    return None if public else "its host is known on this machine or in its network alone"


def warnings(spec: Spec, url: str, listed: Sequence[Registration] | None) -> list[str]:
    """What to know before a webhook is added beside those ``listed`` (None: not asked yet)."""
    found = []
    topic = visible(subject(spec))
    taken = next((other.url for other in listed or () if other.subject == subject(spec)), None)
    if topic and taken is not None and taken != url:
        found.append(f"The topic {topic} has the address {visible(taken, limit=200)} now, which would be replaced.")
    elif topic and listed is None:
        found.append(f"An address that the topic {topic} may have now would be replaced; list the webhooks to see it.")
    if any(channel != CHANNELS[0] for channel in items_of(spec.get("channelTypes"))):
        found.append("Connectly speaks of events of WhatsApp alone; of other channels nothing may come.")
    if spec.get("type") == "webengage":
        found.append("The type webengage needs a token, which hooktop does not ask for; Connectly may refuse it.")
    return found


def subject(spec: Spec) -> str:
    """The topic."""
    return spec.get("topic", "").strip()


def registration(value: Json) -> Registration | None:
    """A webhook as the API tells of it, its WebEngage token dropped; None for what has no id."""
    seen = Fields(value)
    id_ = seen.filled("id")
    if id_ is None:
        return None
    configuration = value.get("configuration")
    raw = dict(value)
    if isinstance(configuration, dict):
        raw["configuration"] = _without_token(configuration)
    spec = filled(topic=seen.text("topic"), type=seen.text("type"), **_spec_of(configuration))
    return Registration("connectly", id_, seen.text("address") or "", subject(spec), spec, raw=raw)


def token_of(value: Json) -> Secret | None:
    """The WebEngage token in a webhook as the API tells of it."""
    token = Fields(value).obj("configuration").obj(WEBENGAGE).filled(TOKEN)
    return None if token is None else Secret(token)


def has_token(configuration: Json) -> bool:
    """Whether a configuration is one to which a WebEngage token belongs."""
    return isinstance(configuration, dict) and bool(configuration.get(WEBENGAGE))


def creation(change: Change, spec: Spec, url: str, token: Secret | None) -> dict[str, Any]:
    """The body that makes a webhook; what the form does not know comes from the target, the one as it was."""
    before = _configuration(change.target)
    body: dict[str, Any] = {"topic": subject(spec), "address": url}
    if spec.get("type"):
        body["type"] = spec["type"]
    if configuration := _merged(before, spec, whole=True):
        body["configuration"] = _with_token(configuration, token)
    return body


def alteration(change: Change, target: Registration, token: Secret | None) -> dict[str, Any]:
    """The body that changes a webhook: the address, and the whole configuration when a part of it changes.

    Raises AdminError (UNSUPPORTED) for what cannot change, and when nothing would.
    """
    spec = change.spec or {}
    if any(name in spec and spec[name].strip() != target.spec.get(name, spec[name]) for name in ("topic", "type")):
        raise AdminError(
            Trouble.UNSUPPORTED,
            "Connectly cannot change a webhook's topic or type; add one for the new topic, then remove this one.",
        )
    if change.active is not None or change.signing_key is not None:
        raise AdminError(
            Trouble.UNSUPPORTED,
            "Connectly's webhooks cannot be switched off and have no key of their own; remove or re-point this one.",
        )
    body: dict[str, Any] = {}
    if change.url is not None:
        body["address"] = change.url
    before = _configuration(target)
    configuration = _merged(before, spec, whole="topic" in spec)
    if configuration != before:
        body["configuration"] = _with_token(configuration, token)
    if not body:
        raise AdminError(Trouble.UNSUPPORTED, UNCHANGED)
    return body


def _merged(before: Mapping[str, Any], spec: Spec, *, whole: bool) -> dict[str, Any]:
    """The configuration ``before`` with what the spec says, else as it was. A whole spec clears what it leaves out."""
    was = _spec_of(before)
    found = dict(before)
    if (whole or "echo" in spec) and spec.get("echo", "") != was.get("echo", ""):
        found["echo"] = spec.get("echo") == "yes"
    channels = items_of(spec.get("channelTypes"))
    if (whole or "channelTypes" in spec) and channels != items_of(was.get("channelTypes")):
        found["channelTypes"] = [*channels]
    if (whole or "filters" in spec) and _filters_of(spec) != _filters_of(was):
        found["filters"] = [{"field": field, "expression": expression} for field, expression in _filters_of(spec)]
    return found


def _spec_of(configuration: Json) -> dict[str, str]:
    """The fields of a configuration that the form knows."""
    seen = Fields(configuration)
    channels = configuration.get("channelTypes") if isinstance(configuration, dict) else None
    echo = seen.flag("echo")
    filters = [f"{item.text('field') or ''}={item.text('expression') or ''}" for item in seen.items("filters")]
    return filled(
        channelTypes=written(part for part in channels if isinstance(part, str)) if isinstance(channels, list) else "",
        echo="" if echo is None else FLAG[echo],
        filters=written(filters),
    )


def _filters_of(spec: Spec) -> tuple[tuple[str, str], ...]:
    parts = (item.partition("=") for item in items_of(spec.get("filters")))
    return tuple((field.strip(), expression.strip()) for field, _, expression in parts)


def _configuration(target: Registration | None) -> dict[str, Any]:
    found = target.raw.get("configuration") if target is not None else None
    return dict(found) if isinstance(found, dict) else {}


def _with_token(configuration: dict[str, Any], token: Secret | None) -> dict[str, Any]:
    webengage = configuration.get(WEBENGAGE)
    if token is None or not isinstance(webengage, dict):
        return configuration
    return {**configuration, WEBENGAGE: {TOKEN: token.reveal(), **webengage}}


def _without_token(configuration: dict[str, Any]) -> dict[str, Any]:
    webengage = configuration.get(WEBENGAGE)
    if not isinstance(webengage, dict):
        return configuration
    return {**configuration, WEBENGAGE: {name: part for name, part in webengage.items() if name != TOKEN}}
