"""Deadlines that a test lets pass itself once what it is about has begun: on a busy machine that takes its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

LONG_S = 1000.0  # of its own, no such deadline passes within a test


def long_deadlines(monkeypatch: pytest.MonkeyPatch) -> Callable[[], asyncio.Timeout]:
    """Gives the outermost deadline of ``LONG_S`` that runs; ``reschedule(0)`` lets it pass."""
    running: list[asyncio.Timeout] = []
    real = asyncio.timeout

    @asynccontextmanager
    async def timeout(delay: float | None) -> AsyncIterator[asyncio.Timeout]:
        async with real(delay) as begun:
            if delay == LONG_S:
                running.append(begun)
            try:
                yield begun
            finally:
                if delay == LONG_S:
                    running.remove(begun)

    monkeypatch.setattr(asyncio, "timeout", timeout)
    return lambda: running[0]
