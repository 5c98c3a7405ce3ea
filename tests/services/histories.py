"""Databases with the messages that a test wants, stored and folded as a monitor does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from monitor.model.capture import Capture
from monitor.model.reading import Direction, MessageError, Reading, Status
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.store.stats_reader import StatsReader
from tests.factory import make_capture, storing

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def told(
    name: str,
    status: Status,
    *,
    provider: str = "volt",
    ago: float = 60,
    wait: float = 1,
    verdict: VerdictStatus = VerdictStatus.VERIFIED,
    error: MessageError | None = None,
    **more: Any,
) -> Capture:
    """A capture that tells of an outbound message: accepted ``ago`` seconds before NOW, sent a quarter of a second
    later, final ``wait`` seconds after that."""
    accepted = NOW - timedelta(seconds=ago)
    sent = accepted + timedelta(seconds=0.25)
    final = sent + timedelta(seconds=wait)
    occurred = sent if status is Status.SENT else final
    said = {"direction": Direction.OUTBOUND, "channel": "sms", "to": "+15555550123", "from_": "+15555550145", **more}
    reading = Reading(
        event="e", message=f"{provider}:{name}", status=status, provider_status=status.value, error=error,
        conversation=f"{provider}:{said['to']},{said['from_']}", accepted_at=accepted, sent_at=sent,
        occurred_at=occurred, text=f"text of {name}", **said,
    )  # fmt: skip
    body = f"{name} {status}".encode()
    return replace(
        make_capture(body=body, reading=reading), provider=provider, received_at=occurred + timedelta(seconds=0.1),
        verdict=Verdict(verdict, "as the test says"), marks=(),
    )  # fmt: skip


@asynccontextmanager
async def history(path: Path, captures: Iterable[Capture]) -> AsyncIterator[StatsReader]:
    """A reader of a database with these captures."""
    async with storing(path) as store:
        for capture in captures:
            await store.add(capture)
        await store.caught_up()
        with closing(StatsReader(path)) as reader:
            yield reader
