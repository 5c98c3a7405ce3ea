"""What the tests of commands start from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.deliveries import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A receiver that knows Volt's key."""
    found = Place(tmp_path)
    with closing(found.running):
        yield found
