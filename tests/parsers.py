"""Both parsers of HTTP: h11, as in a plain install, and httptools, as with the extra ``speed``.

Tests marked with ``both_parsers`` run with each: receivers in them (``factory.running``, ``fast()``) and programs that
they start (``configured``) take the one whose turn it is.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

both_parsers = pytest.mark.usefixtures("parser")
needs_speed = pytest.mark.skipif(find_spec("httptools") is None, reason="the extra 'speed' is not installed")
chosen = "h11"


@pytest.fixture(params=["h11", pytest.param("httptools", marks=needs_speed)])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The parser whose turn it is."""
    name: str = request.param
    monkeypatch.setattr("tests.parsers.chosen", name)
    return name


def fast() -> bool:
    """Whether receivers are to have httptools."""
    return chosen == "httptools"


def configured(home: Path) -> None:
    """Have programs whose home is ``home`` take the parser whose turn it is."""
    folder = home / "config" / "hooktop"
    folder.mkdir(mode=0o700, parents=True)
    file = folder / "config.toml"
    file.touch(0o600)
    file.write_text(f"[receiver]\nspeed = {str(fast()).lower()}\n")
