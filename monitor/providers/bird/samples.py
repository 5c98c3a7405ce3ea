"""Believable Bird traffic: messages on SMS, WhatsApp and e-mail, interactions and conversations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from monitor.jsonbody import Json
from monitor.providers.base import Scenario, Scene, SimulatedEvent
from monitor.providers.scenes import new_uuid, posted, same_uuid, zulu

_HOUR: Final = 3600.0


def _posted(scene: Scene, happened: float, service: str, event: str, payload: Json) -> SimulatedEvent:
    """An event that happened ``happened`` seconds into the scene, posted a moment later."""
    envelope = {"service": service, "event": event, "payload": payload}
    return posted(happened + scene.rng.uniform(0.08, 0.35), envelope)


def _time(scene: Scene, seconds: float) -> str:
    return zulu(scene.start + timedelta(seconds=seconds))


def _reference(scene: Scene, platform: str) -> str:
    """The carrier's or platform's own id of a message."""
    if platform == "whatsapp":
        return f"wamid.HBgL{scene.rng.getrandbits(96):024X}"
    return f"{scene.rng.getrandbits(128):032x}"


def _contact(scene: Scene, platform: str) -> dict[str, Json]:
    if platform == "email":
        key, value = "emailaddress", scene.customer.email
    else:
        key, value = "phonenumber", scene.customer.phone
    return {"id": same_uuid("contact", value), "identifierKey": key, "identifierValue": value}


def _connector(scene: Scene, platform: str) -> dict[str, Json]:
    value = "news@example.com" if platform == "email" else scene.business
    return {"connector": {"id": same_uuid("connector", value), "identifierValue": value}}


def _channel(scene: Scene, platform: str) -> str:
    return same_uuid("channel", platform, scene.business)


def _text(text: str) -> dict[str, Json]:
    return {"type": "text", "text": {"text": text}}


@dataclass(frozen=True, slots=True)
class _Outbound:
    """A message on its way, created when the scene begins: what all its events say alike."""

    scene: Scene
    platform: str
    common: dict[str, Json]
    parts: list[Json]

    def state(self, status: str, happened: float, **more: Any) -> SimulatedEvent:
        """The event that says ``status``; ``more`` are further fields of the payload."""
        payload = {
            **self.common,
            "parts": [] if status == "accepted" else self.parts,
            "status": status,
            "reason": "",
            "direction": "outgoing",
            **more,
            "lastStatusAt": _time(self.scene, happened),
            "createdAt": _time(self.scene, 0.0),
            "updatedAt": _time(self.scene, happened),
        }
        return _posted(self.scene, happened, "channels", f"{self.platform}.outbound", payload)

    def interaction(self, kind: str, happened: float, **more: Json) -> SimulatedEvent:
        """The event that says what the customer did with the message."""
        at = _time(self.scene, happened)
        payload = {
            "id": new_uuid(self.scene.rng),
            "messageId": self.common["id"],
            "channelId": self.common["channelId"],
            "type": kind,
            **more,
            "createdAt": at,
            "updatedAt": at,
        }
        return _posted(self.scene, happened, "channels", f"{self.platform}.interaction", payload)


def _outbound(scene: Scene, platform: str = "sms", *, template: bool = False) -> _Outbound:
    content: dict[str, Json] = {"body": _text(scene.text)}
    if template:
        name = scene.customer.name.partition(" ")[0]
        content = {
            "template": {
                "projectId": new_uuid(scene.rng),
                "version": new_uuid(scene.rng),
                "locale": "en",
                "variables": {"name": name},
            }
        }
    common = {
        "id": new_uuid(scene.rng),
        "channelId": _channel(scene, platform),
        "sender": _connector(scene, platform),
        "receiver": {"contacts": [_contact(scene, platform)]},
        **content,
        "reference": "",
    }
    return _Outbound(scene, platform, common, [{"platformReference": _reference(scene, platform)}])


def _inbound(scene: Scene, platform: str, contact: dict[str, Json], channel_id: str, happened: float) -> SimulatedEvent:
    at = _time(scene, happened)
    payload = {
        "id": new_uuid(scene.rng),
        "channelId": channel_id,
        "sender": {"contact": contact},
        "receiver": _connector(scene, platform),
        "body": _text(scene.reply),
        "reference": "",
        "parts": [{"platformReference": _reference(scene, platform)}],
        "status": "delivered",
        "reason": "",
        "direction": "incoming",
        "lastStatusAt": at,
        "createdAt": at,
        "updatedAt": at,
    }
    return _posted(scene, happened, "channels", f"{platform}.inbound", payload)


def _under_way(message: _Outbound) -> list[SimulatedEvent]:
    sent = message.scene.rng.uniform(0.6, 1.5)
    return [message.state("accepted", 0.0), message.state("sent", sent)]


def _delivered(message: _Outbound) -> list[SimulatedEvent]:
    return [*_under_way(message), message.state("delivered", message.scene.rng.uniform(2.2, 6.0))]


def _sms_delivered(scene: Scene) -> list[SimulatedEvent]:
    return _delivered(_outbound(scene))


def _failed(scene: Scene, word: str, details: str, code: int, carrier_code: str) -> list[SimulatedEvent]:
    message = _outbound(scene)
    failure = {"code": code, "source": {"name": "sms-messagebird", "code": carrier_code}}
    reason = f"details: {word}; reason: {details}; code: {carrier_code}"
    last = message.state(
        "delivery_failed", scene.rng.uniform(2.5, 7.0), reason=reason, details=details, failure=failure
    )
    return [*_under_way(message), last]


def _sms_unknown_subscriber(scene: Scene) -> list[SimulatedEvent]:
    return _failed(scene, "unknown subscriber", "unknown_subscriber", 15005, "1")


def _sms_network_error(scene: Scene) -> list[SimulatedEvent]:
    return _failed(scene, "system failure", "received_network_error", 15001, "34")


def _sms_sending_failed(scene: Scene) -> list[SimulatedEvent]:
    message = _outbound(scene)
    failure = {"code": 12003, "source": {"name": "pre-processing", "code": ""}}  # no platform had it yet
    words = "source and destination combination not allowed"
    failed = message.state("sending_failed", scene.rng.uniform(0.6, 1.8), reason=words, failure=failure, parts=[])
    return [message.state("accepted", 0.0), failed]


def _sms_inbound(scene: Scene) -> list[SimulatedEvent]:
    return [_inbound(scene, "sms", _contact(scene, "sms"), _channel(scene, "sms"), 0.2)]


def _whatsapp_read(scene: Scene) -> list[SimulatedEvent]:
    message = _outbound(scene, "whatsapp", template=True)
    return [*_delivered(message), message.interaction("read", scene.rng.uniform(8.0, 14.0))]


def _whatsapp_rejected(scene: Scene) -> list[SimulatedEvent]:
    message = _outbound(scene, "whatsapp")
    words = "outside 24h window"
    failure = {"code": 14001, "description": words, "source": {"name": "whatsapp", "code": "131047"}}
    rejected = message.state("rejected", scene.rng.uniform(0.8, 1.6), reason=words, failure=failure, parts=[])
    return [message.state("accepted", 0.0), rejected]


def _email_clicked(scene: Scene) -> list[SimulatedEvent]:
    message = _outbound(scene, "email")
    opened = scene.rng.uniform(7.0, 10.0)
    return [
        *_delivered(message),
        message.interaction("opened", opened),
        message.interaction(
            "clicked", opened + scene.rng.uniform(1.5, 4.0), metadata={"url": "https://example.com/offer"}
        ),
    ]


def _email_spam(scene: Scene) -> list[SimulatedEvent]:
    message = _outbound(scene, "email")
    return [*_delivered(message), message.interaction("reported-as-spam", scene.rng.uniform(7.0, 12.0))]


def _out_of_order(scene: Scene) -> list[SimulatedEvent]:
    """Delivered arrives first: its sent was held up on the way."""
    accepted, sent, delivered = _delivered(_outbound(scene))
    gap = delivered.after + scene.rng.uniform(0.5, 1.5) - sent.after
    return [accepted, delivered, replace(sent, after=round(sent.after + gap, 3), signed_before=gap)]


def _duplicate(scene: Scene) -> list[SimulatedEvent]:
    """The last event again, byte for byte and with its first timestamp, as a sender does that had no answer."""
    events = _delivered(_outbound(scene))
    gap = scene.rng.uniform(2.0, 5.0)
    return [*events, replace(events[-1], after=round(events[-1].after + gap, 3), signed_before=gap)]


def _late(scene: Scene) -> list[SimulatedEvent]:
    """Retries hours after the fact: they keep the time of their first signature."""
    age = scene.rng.uniform(2 * _HOUR, 7 * _HOUR)
    then = replace(scene, start=scene.start - timedelta(seconds=age))
    return [replace(event, signed_before=age) for event in _delivered(_outbound(then))]


def _conversation(scene: Scene) -> list[SimulatedEvent]:
    contact = _contact(scene, "whatsapp")
    channel_id, conversation_id = _channel(scene, "whatsapp"), new_uuid(scene.rng)
    common = {"id": conversation_id, "status": "active", "channelId": channel_id}
    inbound = _inbound(scene, "whatsapp", contact, channel_id, 0.9)
    last = {
        "id": new_uuid(scene.rng),
        "status": "delivered",
        "sender": {"type": "contact", "contact": {"identifierValue": scene.customer.phone}},
        "preview": {"text": scene.reply[:140]},
        "body": _text(scene.reply),
    }
    person = {"id": contact["id"], "type": "contact", "status": "active", "displayName": scene.customer.name}
    created = {**common, "createdAt": _time(scene, 0.2)}
    updated = {
        **common,
        "name": "",
        "visibility": "private",
        "featuredParticipants": [person],
        "activeParticipantCount": 1,
        "lastMessage": last,
        "createdAt": _time(scene, 0.2),
        "updatedAt": _time(scene, 1.4),
    }
    return [
        _posted(scene, 0.2, "conversations", "conversation.created", created),
        inbound,
        _posted(scene, 1.4, "conversations", "conversation.updated", updated),
    ]


def _conversation_deleted(scene: Scene) -> list[SimulatedEvent]:
    payload = {"id": new_uuid(scene.rng), "status": "deleted"}  # no time: the signed one stands for it
    return [_posted(scene, 0.2, "conversations", "conversation.deleted", payload)]


def _stuck(scene: Scene) -> list[SimulatedEvent]:
    return _under_way(_outbound(scene))


def _unknown(scene: Scene) -> list[SimulatedEvent]:
    payload = {"id": new_uuid(scene.rng), "status": "approved", "updatedAt": _time(scene, 0.2)}
    return [_posted(scene, 0.2, "numbers", "compliance.updated", payload)]


SCENARIOS: Final = (
    Scenario("sms-delivered", "an SMS accepted, sent and delivered", _sms_delivered, weight=12),
    Scenario("sms-failed-unknown-subscriber", "an SMS to a number that nobody has", _sms_unknown_subscriber, weight=2),
    Scenario("sms-network-error", "an SMS that the carrier's network lost", _sms_network_error),
    Scenario("sms-sending-failed", "an SMS that could not be handed on", _sms_sending_failed, weight=0),
    Scenario("sms-inbound", "an SMS from a customer", _sms_inbound, weight=6),
    Scenario("whatsapp-delivered-read", "a WhatsApp template delivered and read", _whatsapp_read, weight=6),
    Scenario("whatsapp-rejected-window", "a WhatsApp text outside the 24-hour window", _whatsapp_rejected, weight=2),
    Scenario("email-opened-clicked", "an e-mail delivered, opened and clicked", _email_clicked, weight=3),
    Scenario("email-reported-spam", "an e-mail delivered, and reported as spam", _email_spam, weight=0),
    Scenario("out-of-order", "delivered arrives before sent", _out_of_order),
    Scenario("duplicate", "delivered twice, the same bytes", _duplicate),
    Scenario("late", "retries hours after the fact", _late),
    Scenario("conversation-events", "a conversation begins and goes on", _conversation, weight=2),
    Scenario("conversation-deleted", "a conversation is deleted", _conversation_deleted, weight=0),
    Scenario("stuck", "sent, and nothing after it", _stuck),
    Scenario("unknown-event", "an event of a service without documents", _unknown, documented=False),
)
