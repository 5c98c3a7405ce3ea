"""Volt as a receiver meets it: real, signed webhooks posted to a running monitor."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from monitor.providers.base import Keys
from monitor.providers.keys import verifying_key
from monitor.providers.registry import registry
from monitor.services.monitor import Monitor

CUSTOMER = "+15555550123"
SHOP = "+15555550145"
SPAM = {
    "provider_error_code": "40002",
    "provider_error_title": "Blocked as spam - temporary",
    "provider_error_detail": "The message was flagged by a SPAM filter.",
    "carrier_name": "T-MOBILE USA, INC.",
    "error_code": "702",
}


class Webhooks:
    """The webhooks of Volt's messages."""

    def __init__(self) -> None:
        self._begun = datetime.now(UTC) - timedelta(seconds=10)

    def body(self, name: str, status: str, *, to: str = CUSTOMER, ago: float = 0, **more: Any) -> bytes:
        """What became of the message ``name``: accepted ten seconds ago (``ago`` more), sent 0.3 seconds later, final
        1.1 seconds after that; or ``webhook_delivered``: an inbound one was received."""
        begun = self._begun - timedelta(seconds=ago)
        sent, final = begun + timedelta(seconds=0.3), begun + timedelta(seconds=1.4)
        inbound, ended = status == "webhook_delivered", status in ("delivered", "failed")
        event = "message.received" if inbound else "message.finalized" if ended else "message.sent"
        payload = {
            "message_app_id": name,
            "id": f"rf_{name}",
            "to_number": SHOP if inbound else to,
            "from_number": to if inbound else SHOP,
            "type": "SMS",
            "text": f"text of {name}",
            "sent_at": None if inbound else sent.isoformat(),
            "received_at": begun.isoformat(),
            "status": status,
            "media": [],
            "direction": "inbound" if inbound else "outbound",
            "completed_at": final.isoformat() if ended else None,
            "occurred_at": (begun if inbound else final if ended else sent).isoformat(),
            "event_type": event,
            **(SPAM if status == "failed" else {}),
            **more,
        }
        return json.dumps({"type": "messaging", "id": f"rfw_{name}_{event}", "payload": payload}).encode()


class Volt(Webhooks):
    """An account whose key the receiver knows, and the webhooks of its messages."""

    def __init__(self) -> None:
        super().__init__()
        self._key = registry()["volt"].local_key()

    @property
    def keys(self) -> dict[str, Keys]:
        """What the receiver knows."""
        return {"volt": Keys((verifying_key(self._key, "the test"),))}

    async def post(self, monitor: Monitor, *bodies: bytes, forged: bool = False) -> None:
        """Deliver webhooks one after the other, and wait until messages know of them."""
        key = registry()["volt"].local_key() if forged else self._key
        async with httpx.AsyncClient(trust_env=False) as client:
            for body in bodies:
                url = monitor.url + "/volt"
                headers = registry()["volt"].sign(body, key, url=url, at=time.time())
                answer = await client.post(url, content=body, headers=[("content-type", "application/json"), *headers])
                assert answer.status_code == 200
        await monitor.store.caught_up()
