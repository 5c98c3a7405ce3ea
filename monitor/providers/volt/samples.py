"""Believable Volt traffic: what the documented payloads look like for other messages at other times."""

from __future__ import annotations

import string
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from monitor.jsonbody import Json, clean
from monitor.providers.base import Scenario, Scene, SimulatedEvent
from monitor.providers.scenes import new_uuid, posted, same_uuid

_BASE62: Final = string.ascii_letters + string.digits
# GSM 03.38: the basic alphabet, then the characters that take an escape and so count twice.
_GSM: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWICE: Final = frozenset("^{}\\[~]|€\f")
_UNICODE_TEXT: Final = (
    "[bold]Not markup[/bold] ¡hola! 👋🏽 Zoë paid 5 € for 寿司\nsecond line: مرحبا بالعالم · "
    "שלום · แมว · a\u0301 and a \u202eright-to-left override\u202c"
)
_SPAM: Final[dict[str, Json]] = {
    "provider_error_code": "40002",
    "provider_error_detail": "The message was flagged by a SPAM filter and was not delivered. "
    "This is a temporary condition.",
    "provider_error_title": "Blocked as spam - temporary",
    "carrier_name": "T-MOBILE USA, INC.",
    "error_code": "702",
}
# Composed: a code of the list in errors.py, and no carrier, as for a number that no carrier knows.
_UNDELIVERABLE: Final[dict[str, Json]] = {
    "provider_error_code": "40008",
    "provider_error_title": "Undeliverable",
}


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds") if moment else None


def _size(text: str) -> tuple[str, int]:
    """Encoding and number of parts of a text message."""
    if set(text) <= _GSM | _GSM_TWICE:
        length = len(text) + sum(char in _GSM_TWICE for char in text)
        return "GSM-7", 1 if length <= 160 else -(-length // 153)
    length = len(text.encode("utf-16-le")) // 2
    return "UCS-2", 1 if length <= 70 else -(-length // 67)


def _envelope_id(scene: Scene) -> str:
    return f"rfw_{same_uuid('organization', scene.business)[:8]}_{uuid.UUID(new_uuid(scene.rng)).hex}"


@dataclass(frozen=True, slots=True)
class _Message:
    """One message of a scene, of which events tell. ``accepted`` is when Volt took it."""

    scene: Scene
    outbound: bool
    text: str | None
    accepted: datetime
    app_id: str
    id: str | None
    media: tuple[str, ...] = ()

    def event(
        self,
        event: str,
        status: str,
        occurred: datetime,
        sent: datetime | None = None,
        *,
        envelope_id: str | None = None,
        **more: Json,
    ) -> Json:
        """The body of one event. ``more`` adds to the payload, or replaces what is in it."""
        scene, sides = self.scene, [self.scene.customer.phone, self.scene.business]
        to_number, from_number = sides if self.outbound else reversed(sides)
        encoding, parts = _size(self.text or "")
        completed = occurred if event == "message.finalized" else None
        payload: dict[str, Json] = {
            "message_app_id": self.app_id,
            "id": self.id,
            "to_number": to_number,
            "from_number": from_number,
            "valid_until": _time(self.accepted + timedelta(hours=1)) if self.outbound else None,
            "type": "MMS" if self.media else "SMS",
            "text": self.text,
            "sent_at": _time(sent),
            "received_at": _time(self.accepted),
            **more,
            "status": status,
            "parts": parts,
            "messaging_profile_id": same_uuid("profile", scene.business),
            "media": list(self.media),
            "encoding": None if self.media else encoding,
            "direction": "outbound" if self.outbound else "inbound",
            "completed_at": _time(completed),
            "occurred_at": _time(occurred),
            "event_type": event,
        }
        # whole seconds, rounded up where the fraction is near the next: so in the documented examples
        return {
            "type": "messaging",
            "id": envelope_id or _envelope_id(scene),
            "payload": payload,
            "time": int(occurred.timestamp() + 0.1),
        }


def _seconds(rng: Random, low: float, high: float) -> timedelta:
    return timedelta(seconds=round(rng.uniform(low, high), 3))


def _post(scene: Scene, occurred: datetime, body: Json) -> SimulatedEvent:
    """Posted a moment after it happened."""
    return posted((occurred - scene.start).total_seconds() + scene.rng.uniform(0.05, 0.25), body)


def _outbound(scene: Scene, text: str | None = None, *, early: timedelta = timedelta()) -> _Message:
    accepted = scene.start - early + _seconds(scene.rng, 0.01, 0.2)
    rf_id = "rf_" + "".join(scene.rng.choices(_BASE62, k=20))
    return _Message(scene, True, clean(scene.text if text is None else text), accepted, new_uuid(scene.rng), rf_id)


def _inbound(scene: Scene, text: str | None, at: datetime, media: tuple[str, ...] = ()) -> SimulatedEvent:
    message = _Message(scene, False, text and clean(text), at, new_uuid(scene.rng), None, media)
    occurred = at + _seconds(scene.rng, 0.08, 0.2)
    return _post(scene, occurred, message.event("message.received", "webhook_delivered", occurred))


def _sent(message: _Message) -> tuple[datetime, SimulatedEvent]:
    """When it was handed to the carrier, and the event that says so."""
    sent = message.accepted + _seconds(message.scene.rng, 0.15, 0.6)
    return sent, _post(message.scene, sent, message.event("message.sent", "sent", sent, sent))


def _lifecycle(
    scene: Scene, status: str, low: float, high: float, error: dict[str, Json] | None = None, text: str | None = None
) -> list[SimulatedEvent]:
    """Sent, then final ``low`` to ``high`` seconds later."""
    message = _outbound(scene, text)
    sent, first = _sent(message)
    final = sent + _seconds(scene.rng, low, high)
    more = {"received_at": None, **error} if error else {}  # null on failures in the documented example
    return [first, _post(scene, final, message.event("message.finalized", status, final, sent, **more))]


def _delivered(scene: Scene) -> list[SimulatedEvent]:
    return _lifecycle(scene, "delivered", 0.7, 3.5)


def _failed_spam(scene: Scene) -> list[SimulatedEvent]:
    return _lifecycle(scene, "failed", 0.6, 2.0, _SPAM)


def _failed_undeliverable(scene: Scene) -> list[SimulatedEvent]:
    return _lifecycle(scene, "failed", 6.0, 12.0, _UNDELIVERABLE)


def _received(scene: Scene) -> list[SimulatedEvent]:
    return [_inbound(scene, scene.reply, scene.start + _seconds(scene.rng, 0.05, 0.4))]


def _reply(scene: Scene) -> list[SimulatedEvent]:
    """The customer answers a message that was delivered."""
    events = _delivered(scene)
    answered = scene.start + timedelta(seconds=events[-1].after) + _seconds(scene.rng, 3.0, 8.0)
    return [*events, _inbound(scene, scene.reply, answered)]


def _out_of_order(scene: Scene) -> list[SimulatedEvent]:
    """The final event overtakes the one that says sent."""
    first, last = _delivered(scene)
    return [last, SimulatedEvent(last.after + scene.rng.uniform(0.4, 1.5), first.body)]


def _duplicate(scene: Scene) -> list[SimulatedEvent]:
    """The same bytes again, as after an answer that was lost."""
    first, last = _delivered(scene)
    return [first, last, SimulatedEvent(last.after + scene.rng.uniform(2.0, 5.0), last.body)]


def _late(scene: Scene) -> list[SimulatedEvent]:
    """Delivered hours ago, told only now; Volt signs no time, so the verdict cannot see it."""
    message = _outbound(scene, early=_seconds(scene.rng, 3 * 3600, 9 * 3600))
    sent = message.accepted + _seconds(scene.rng, 0.15, 0.6)
    final = sent + _seconds(scene.rng, 0.7, 3.5)
    return [
        posted(0.2, message.event("message.sent", "sent", sent, sent)),
        posted(0.5 + scene.rng.uniform(0, 1), message.event("message.finalized", "delivered", final, sent)),
    ]


def _conflict(scene: Scene) -> list[SimulatedEvent]:
    """Delivered and failed at the same instant under one envelope id, as the documented examples are."""
    message = _outbound(scene)
    sent, first = _sent(message)
    final = sent + _seconds(scene.rng, 0.7, 3.5)
    shared = _envelope_id(scene)
    delivered = message.event("message.finalized", "delivered", final, sent, envelope_id=shared)
    failed = message.event("message.finalized", "failed", final, sent, envelope_id=shared, received_at=None, **_SPAM)
    second = _post(scene, final, delivered)
    return [first, second, posted(second.after + scene.rng.uniform(0.5, 2.0), failed)]


def _unicode(scene: Scene) -> list[SimulatedEvent]:
    return _lifecycle(scene, "delivered", 0.7, 3.5, text=_UNICODE_TEXT)


def _mms(scene: Scene) -> list[SimulatedEvent]:
    """A picture from the customer, without a text. The shape of media is inferred."""
    picture = f"https://example.com/media/{new_uuid(scene.rng)}.jpg"
    return [_inbound(scene, None, scene.start + _seconds(scene.rng, 0.05, 0.4), (picture,))]


def _stuck(scene: Scene) -> list[SimulatedEvent]:
    """Sent, and then nothing more is heard of it."""
    return [_sent(_outbound(scene))[1]]


def _probe(scene: Scene) -> list[SimulatedEvent]:
    """The request with which an address is tried while it is registered; its real shape is not documented."""
    return [posted(0.1, {"type": "test", "id": None, "payload": None, "time": int(scene.start.timestamp())})]


def _unknown_event(scene: Scene) -> list[SimulatedEvent]:
    """An event of a type that no document names."""
    payload = {"event_type": "contact.opted_out", "phone_number": scene.customer.phone}
    time = int(scene.start.timestamp())
    return [posted(0.3, {"type": "contact", "id": _envelope_id(scene), "payload": payload, "time": time})]


SCENARIOS: Final = (
    Scenario("delivered", "a message is sent and reaches the handset", _delivered, weight=12),
    Scenario("inbound", "a customer writes", _received, weight=4),
    Scenario("inbound-reply", "a customer answers a message that was delivered", _reply, weight=5),
    Scenario("failed-spam", "a carrier's spam filter blocks the message", _failed_spam, weight=2),
    Scenario("failed-undeliverable", "the number cannot be reached", _failed_undeliverable, weight=2),
    Scenario("mms", "a customer sends a picture", _mms),
    Scenario("unicode", "emoji, several scripts, a line break and what looks like markup", _unicode),
    Scenario("out-of-order", "delivered is told before sent", _out_of_order),
    Scenario("duplicate", "delivered is told twice, byte for byte", _duplicate),
    Scenario("late", "events that are hours old when they arrive", _late),
    Scenario("conflict", "delivered and failed for one message under one id", _conflict),
    Scenario("stuck", "sent, and never final", _stuck),
    Scenario("unknown-event", "an event of an unknown type", _unknown_event, documented=False),
    Scenario("probe", "the test request of a registration", _probe, weight=0, documented=False),
)
