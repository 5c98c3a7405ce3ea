"""Believable Connectly traffic: WhatsApp messages, button replies, delivery statuses, campaigns and a report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import Final

from monitor.jsonbody import Json
from monitor.providers.base import Scenario, Scene, SimulatedEvent
from monitor.providers.connectly.ulid import ulid
from monitor.providers.scenes import new_uuid, posted, zulu

CONTENT_TYPE: Final = "text/plain; charset=utf-8"  # what Connectly says of its JSON


def _posted(scene: Scene, happened: float, value: Json) -> SimulatedEvent:
    """An event that happened ``happened`` seconds into the scene, posted a moment later."""
    return posted(happened + scene.rng.uniform(0.1, 0.4), value, CONTENT_TYPE)


def _seconds(scene: Scene, happened: float) -> str:
    return str(int((scene.start + timedelta(seconds=happened)).timestamp()))


def _ulid(scene: Scene, happened: float) -> str:
    moment = scene.start + timedelta(seconds=happened)
    return ulid(int(moment.timestamp() * 1000), scene.rng.getrandbits(80))


def _inbound(scene: Scene, happened: float, **content: Json) -> SimulatedEvent:
    value = {
        "timestamp": _seconds(scene, happened),
        "sender": {"id": scene.customer.phone, "channelType": "whatsapp", "name": scene.customer.name},
        "recipient": {"id": scene.business, "channelType": "whatsapp", "name": "Business"},
        **content,
    }
    return _posted(scene, happened, value)


@dataclass(frozen=True, slots=True)
class _Outbound:
    """A message on its way: its id, made when it was sent, and the campaign that it belongs to."""

    scene: Scene
    id: str
    campaign: str | None = None

    def state(self, status: str, happened: float, error: Json = None) -> SimulatedEvent:
        value = {
            "topic": "delivery_status",
            "timestamp": _seconds(self.scene, happened),
            "sender": {"id": self.scene.business, "channelType": "whatsapp"},
            "recipient": {"id": self.scene.customer.phone, "channelType": "whatsapp"},
            "statusUpdate": {"id": self.id, "status": status, "error": error},
            "metadata": {"campaign_name": self.campaign} if self.campaign else None,
        }
        return _posted(self.scene, happened, value)


def _outbound(scene: Scene, campaign: str | None = None) -> _Outbound:
    return _Outbound(scene, _ulid(scene, 0.0), campaign)


def _read(message: _Outbound) -> list[SimulatedEvent]:
    rng = message.scene.rng
    return [
        message.state("sent", rng.uniform(1.0, 1.8)),
        message.state("delivered", rng.uniform(2.5, 5.0)),
        message.state("read", rng.uniform(6.0, 13.0)),
    ]


def _inbound_text(scene: Scene) -> list[SimulatedEvent]:
    return [_inbound(scene, 0.2, message={"text": scene.reply})]


def _button(scene: Scene, happened: float) -> SimulatedEvent:
    answer = {"text": scene.reply, "id": _ulid(scene, happened), "payload": "1"}
    return _inbound(scene, happened, topic="messages", buttonResponse=answer, metadata=None)


def _button_reply(scene: Scene) -> list[SimulatedEvent]:
    return [*_read(_outbound(scene)), _button(scene, scene.rng.uniform(14.0, 16.0))]


def _media(scene: Scene) -> list[SimulatedEvent]:
    kind = scene.rng.choice(("image", "video", "audio", "document"))
    attachment = {"type": kind, "url": f"https://cdn.example.com/{new_uuid(scene.rng)}"}
    return [_inbound(scene, 0.2, message={"attachments": [attachment]})]


def _delivered_read(scene: Scene) -> list[SimulatedEvent]:
    return _read(_outbound(scene))


def _failed(scene: Scene, message: str, kind: str, code: str) -> list[SimulatedEvent]:
    error = {
        "message": message,
        "type": f"ERROR_TYPE_{kind}",
        "code": f"ERROR_CODE_{code}",
        "userTitle": message,
        "userMessage": "Pass along the connectly trace id 'cnct_trace_id' to the team for more information.",
        "cntTraceId": str(scene.rng.randrange(10**18, 10**19)),
        "details": {},
    }
    return [_outbound(scene).state("delivery_failed", scene.rng.uniform(1.2, 3.0), error)]


def _failed_window(scene: Scene) -> list[SimulatedEvent]:
    words = "Failed to send a message because more than 24 hours have passed since the customer last replied"
    return _failed(scene, words, "DEADLINE_EXCEEDED", "MESSAGE_OUTSIDE_OF_ELIGIBILITY_WINDOW")


def _failed_template(scene: Scene) -> list[SimulatedEvent]:
    return _failed(scene, "Message template inputs invalid", "INVALID_REQUEST", "MESSAGE_TEMPLATE_INPUT_INVALID")


def _out_of_order(scene: Scene) -> list[SimulatedEvent]:
    """Delivered arrives first: its sent was held up on the way."""
    sent, delivered, read = _read(_outbound(scene))
    return [delivered, replace(sent, after=round(delivered.after + scene.rng.uniform(0.2, 0.8), 3)), read]


def _duplicate(scene: Scene) -> list[SimulatedEvent]:
    """The last event again, byte for byte, as a sender does that had no answer."""
    events = _read(_outbound(scene))
    again = replace(events[-1], after=round(events[-1].after + scene.rng.uniform(2.0, 4.0), 3))
    return [*events, again]


def _campaign(scene: Scene) -> list[SimulatedEvent]:
    name = f"{scene.rng.choice(('summer-promo', 'back-in-stock', 'loyalty'))}-{scene.start:%Y-%m}"
    return [*_read(_outbound(scene, name)), _button(scene, scene.rng.uniform(14.0, 16.0))]


def _report(scene: Scene) -> list[SimulatedEvent]:
    day = timedelta(days=1)
    result = {
        "url": f"https://reports.example.com/{scene.rng.getrandbits(64):016x}",
        "expires_at": zulu(scene.start + day),
        "created_at": zulu(scene.start - timedelta(minutes=5)),
    }
    run = {"id": f"run-{scene.rng.randrange(1, 1000):03d}", "status": "completed", "result": result}
    report = {
        "id": new_uuid(scene.rng),
        "name": "Daily Campaign Report",
        "type": "campaign.daily.custom",
        "last_run": run,
    }
    timestamp = scene.start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [_posted(scene, 0.2, {"topic": "report", "timestamp": timestamp, "report": report})]


SCENARIOS: Final = (
    Scenario("inbound-text", "a WhatsApp text from a customer", _inbound_text, weight=6),
    Scenario("button-reply", "a message read and answered by a button", _button_reply, weight=2),
    Scenario("media", "a picture, film, sound or document from a customer", _media, weight=2),
    Scenario("delivered-read", "a message sent, delivered and read", _delivered_read, weight=10),
    Scenario("failed-window", "a message outside the 24-hour window", _failed_window, weight=2),
    Scenario("failed-template", "a template with wrong inputs", _failed_template),
    Scenario("out-of-order", "delivered arrives before sent", _out_of_order),
    Scenario("duplicate", "read twice, the same bytes", _duplicate),
    Scenario("campaign", "a campaign's message, read and answered", _campaign, weight=3),
    Scenario("report", "the daily report is ready", _report),
)
