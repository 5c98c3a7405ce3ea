"""Believable OneRoute traffic: messages in conversations, SMS delivery reports and a campaign's end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from monitor.jsonbody import Json
from monitor.providers.base import Scenario, Scene, SimulatedEvent
from monitor.providers.oneroute.reading import NEW_MESSAGE, SMS_REPORT
from monitor.providers.scenes import new_uuid, posted, same_uuid, zulu


def _posted(scene: Scene, happened: float, value: Json) -> SimulatedEvent:
    """An event that happened ``happened`` seconds into the scene, posted a moment later."""
    return posted(happened + scene.rng.uniform(0.1, 0.4), value)


def _time(scene: Scene, seconds: float) -> str:
    return zulu(scene.start + timedelta(seconds=seconds))


@dataclass(frozen=True, slots=True)
class _Thread:
    """A conversation on one channel: what all its messages say alike."""

    scene: Scene
    id: str
    channel: dict[str, Json]
    subject: str | None = None

    def message(
        self, happened: float, content: str | None, *, operator: bool = False, image: str | None = None
    ) -> SimulatedEvent:
        """A new message of the customer, or of the business's operator."""
        scene, rng = self.scene, self.scene.rng
        name = "Support" if operator else scene.customer.name
        message = {
            "sender": {"name": name, "authUser": operator, "lastActivity": _time(scene, happened)},
            "externalId": f"gBGHI{rng.getrandbits(96):024x}" if operator else None,
            "content": content,
            "contentType": "IMAGE" if image else "TEXT",
            "imageUrl": image,
            "videoUrl": None,
            "documentUrl": None,
            "audioUrl": None,
            "quoted_message_id": None,
            "conversation_id": self.id,
        }
        conversation = {
            "id": self.id,
            "subject": self.subject,
            "agent": None,
            "customer": {"name": scene.customer.name, "email": scene.customer.email},
            "lastMessageAt": _time(scene, happened + 0.012),
            "status": "in-queue",
            "country": "NG",
            "read": False,
            "createdAt": _time(scene, -540.0),
            "updatedAt": _time(scene, happened + 0.013),
            "agent_id": None,
            "Channel": self.channel,
        }
        return _posted(scene, happened, {"event": NEW_MESSAGE, "message": message, "conversation": conversation})


def _whatsapp(scene: Scene) -> _Thread:
    return _thread(scene, "WHATSAPP", "WhatsApp", scene.business, None)


def _thread(
    scene: Scene, medium: str, name: str, phone: str | None, credentials: Json, subject: str | None = None
) -> _Thread:
    channel = {
        "id": same_uuid("channel", medium, scene.business),
        "phone": phone,
        "identifier": "support",
        "medium": medium,
        "credentials": credentials,
        "description": f"{medium.title()} channel",
        "name": name,
        "type": "CUSTOM",
        "provider": None,
        "country": "NG",
        "env": "LIVE",
        "status": "ACTIVE",
        "webhookUrl": None,
    }
    return _Thread(scene, same_uuid("conversation", medium, scene.business, scene.customer.email), channel, subject)


def _inbound(scene: Scene) -> list[SimulatedEvent]:
    return [_whatsapp(scene).message(0.2, scene.reply)]


def _reply(scene: Scene) -> list[SimulatedEvent]:
    thread = _whatsapp(scene)
    return [
        thread.message(0.2, scene.reply),
        thread.message(scene.rng.uniform(5.0, 12.0), scene.text, operator=True),
    ]


def _image(scene: Scene) -> list[SimulatedEvent]:
    url = f"https://media.example.com/{new_uuid(scene.rng)}.jpg"
    return [_whatsapp(scene).message(0.2, None, image=url)]


def _email(scene: Scene) -> list[SimulatedEvent]:
    credentials = {"email": "support@example.com", "emailDomain": "example.com"}
    subject = f"Order {scene.rng.randrange(1000, 9999)}"
    thread = _thread(scene, "EMAIL", "support@example.com", None, credentials, subject)
    return [thread.message(0.2, scene.reply)]


def _sms(scene: Scene, *states: tuple[str, str | None, float]) -> list[SimulatedEvent]:
    """The delivery reports of one SMS: status, reason and when, in seconds after it was taken."""
    number, external = str(scene.rng.randrange(10**6, 10**7)), str(scene.rng.randrange(10**9, 10**10))
    events = []
    for status, reason, happened in states:
        report = {
            "id": number,
            "externalId": external,
            "status": status,
            "reason": reason,
            "from": "Example",
            "to": scene.customer.phone.lstrip("+"),  # the documents show numbers without it
            "units": 1,
            "delivered_time": _time(scene, happened) if status == "delivered" else None,
            "createdAt": _time(scene, 0.0),
        }
        events.append(_posted(scene, happened, {"event": SMS_REPORT, "message": None, "conversation": report}))
    return events


def _sms_delivered(scene: Scene) -> list[SimulatedEvent]:
    delivered = ("delivered", "Message delivered to handset", scene.rng.uniform(2.5, 7.0))
    return _sms(scene, ("pending", None, 0.5), delivered)


def _sms_undelivered(scene: Scene) -> list[SimulatedEvent]:
    return _sms(scene, ("pending", None, 0.5), ("undelivered", "Absent subscriber", scene.rng.uniform(3.0, 8.0)))


def _sms_pending(scene: Scene) -> list[SimulatedEvent]:
    return _sms(scene, ("pending", None, 0.5))


def _campaign(scene: Scene) -> list[SimulatedEvent]:
    return [_posted(scene, 0.2, {"event": "campaignCompleted", "data": {"campaign_id": new_uuid(scene.rng)}})]


SCENARIOS: Final = (
    Scenario("inbound", "a WhatsApp text from a customer", _inbound, weight=8),
    Scenario("reply", "a customer's text and the operator's answer", _reply, weight=5),
    Scenario("image", "a picture from a customer", _image, weight=2),
    Scenario("email", "a customer's e-mail", _email, weight=2),
    Scenario("sms-delivered", "an SMS delivered", _sms_delivered, weight=6),
    Scenario("sms-undelivered", "an SMS that does not reach its handset", _sms_undelivered, weight=2),
    Scenario("sms-pending", "an SMS pending, and nothing after it", _sms_pending),
    Scenario("campaign", "a campaign is completed: an event without documents", _campaign, documented=False),
)
