"""Captures, requests and monitors for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.model.capture import Capture, Origin, Request, Source
from monitor.model.reading import Direction, Media, MessageError, Reading, Status
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.providers.base import Keys
from monitor.providers.registry import registry
from monitor.receiver.binding import bind
from monitor.services.examine import Examiner
from monitor.services.forwards import Forwards
from monitor.services.monitor import Monitor, Settings
from monitor.services.reach import Reach
from monitor.store.store import Store
from tests.parsers import fast

START = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


def make_request(body: bytes = b"{}", *, path: str = "/volt", method: str = "POST", **headers: str) -> Request:
    """A request with headers given as keywords (underscores for dashes)."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Request(method, path, "", (("content-type", "application/json"), *named), body, "127.0.0.1:51234")


FULL_READING = Reading(
    event="message.finalized",
    event_id="rfw_1",
    message="volt:40318006",
    aliases=("volt:other",),
    conversation="volt:+15555550123,+15555550145",
    direction=Direction.OUTBOUND,
    channel="sms",
    status=Status.FAILED,
    provider_status="failed",
    mark="read",
    from_="+15555550145",
    to="+15555550123",
    text="Hello \x1b[31m «world» \u202e",
    media=(Media("image", "https://example.com/a.jpg", 12), Media(None, None)),
    error=MessageError("40002", "702", "T-MOBILE USA, INC.", "carrier", "Blocked", "as spam", "trace", True),
    occurred_at=START - timedelta(seconds=2),
    accepted_at=START - timedelta(seconds=4),
    sent_at=START - timedelta(seconds=3),
    completed_at=START - timedelta(seconds=2),
    valid_until=START + timedelta(hours=1),
    facts=(("parts", "3"), ("encoding", "GSM-7")),
    problems=("payload.x is not a text but a list",),
)


def make_capture(
    number: int = 0, *, body: bytes = b'{"type":"messaging"}', reading: Reading | None = FULL_READING
) -> Capture:
    """A capture with every field filled."""
    return Capture(
        id=number,
        received_at=START + timedelta(milliseconds=number),
        provider="volt",
        source=Source.NETWORK,
        request=replace(make_request(body), query="a=1&b=%20"),
        answer=200,
        verdict=Verdict(VerdictStatus.VERIFIED, "matched", "rsa-pkcs1v15-sha256/base64", "sha256:1a2b3c4d", None, 0.4),
        origin=Origin(None, "127.0.0.1"),
        reading=reading,
        marks=("duplicate",),
    )


class FixedKeys:
    """Keys by provider, as a test gives them."""

    def __init__(self, local: Keys | None = None, **keys: Keys) -> None:
        self._local = local or Keys()
        self._keys = keys

    def keys(self, provider: str) -> Keys:
        """The keys of a provider, none when the test gave none."""
        return self._keys.get(provider, Keys())

    def local_keys(self, provider: str) -> Keys:
        """This installation's own keys, the same for every provider."""
        return self._local


class Mark:
    """The mark of this installation, as a test gives it."""

    def mark(self) -> str:
        """Always the same."""
        return "hk-0a1b2c3d"


@asynccontextmanager
async def storing(path: Path) -> AsyncIterator[Store]:
    """A running store."""
    store = Store.open(path)
    store.start()
    try:
        yield store
    finally:
        await store.stop()


@asynccontextmanager
async def running(
    path: Path,
    settings: Settings | None = None,
    forwards: Forwards | None = None,
    host: str = "127.0.0.1",
    /,
    **keys: Keys,
) -> AsyncIterator[Monitor]:
    """A real monitor on a free loopback port and a real database, with the parser that belongs to the loop."""
    settings = replace(settings or Settings(), fast=fast())
    store = Store.open(path)
    examiner = Examiner(registry(), FixedKeys(None, **keys), lambda body, value: value == "stamp")
    sock, reach = bind(host, 0), Reach(None, None, Mark())
    monitor = Monitor(store, examiner, sock, settings, reach, forwards=forwards)
    await monitor.start()
    try:
        yield monitor
    finally:
        await monitor.stop()
