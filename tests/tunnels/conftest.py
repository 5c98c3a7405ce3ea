"""A machine without tunnel programs but for those that a test writes, and with none of them left afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.tunnels.standins import Standins, alive, until


@pytest.fixture
async def standins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Standins]:
    """Programs that are found first; after the test none of their processes is left."""
    made = Standins(tmp_path)
    monkeypatch.setenv("PATH", str(made.programs))
    yield made
    await until(lambda: not any(alive(pid) for pid in made.pids()))
