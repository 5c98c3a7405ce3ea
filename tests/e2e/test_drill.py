"""The answer drill, sending and coverage on a real terminal, with real requests."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.e2e.test_screens import port_of, start


def post(port: int) -> int | None:
    """A webhook comes; gives the answer, None for a connection that was reset."""
    try:
        return httpx.post(f"http://127.0.0.1:{port}/volt", content=b"{}", trust_env=False, timeout=20).status_code
    except httpx.TransportError:
        return None


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
def test_a_drill_is_begun_by_keys_and_seen_until_it_ends(tmp_path: Path, size: tuple[int, int]) -> None:
    with start(tmp_path, "--respond", "reset", "--respond-times", "1", size=size) as terminal:
        port = port_of(terminal.wait(r"127\.0\.0\.1:\d+"))
        terminal.wait("RESPOND reset, 1 to go")
        assert post(port) is None
        terminal.wait("RESPOND reset has ended")
        assert post(port) == 200
        terminal.press("R")
        terminal.wait("Answer something else")
        terminal.press("\r")
        terminal.wait(r"RESPOND 500 \d+m\d\ds left")
        assert post(port) == 500
        terminal.press("R")
        terminal.wait("1 answered")
        terminal.press("x")
        terminal.wait("was ended: 1 answered")
        assert post(port) == 200
        terminal.press("q")
        assert terminal.end() == 0
        assert terminal.restored()
        assert "4 captures" in terminal.text()
    with start(tmp_path, size=size) as terminal:  # nothing of it is remembered
        port = port_of(terminal.wait(r"127\.0\.0\.1:\d+"))
        terminal.wait("volt")
        assert "RESPOND" not in terminal.text()
        assert post(port) == 200


@pytest.mark.slow
def test_a_gap_is_filled_and_an_unknown_field_sent(tmp_path: Path) -> None:
    with start(tmp_path) as terminal:
        terminal.wait("curl")
        terminal.press("C")
        terminal.wait("volt   0 of 4 came")
        terminal.press("s")
        terminal.wait("Sent volt delivered: 2 events, answered 2 × 200")
        terminal.wait("volt   2 of 4 came")
        terminal.press("\x1b")
        terminal.wait_gone("Kinds of events")
        terminal.press("s")
        terminal.wait("Send simulated events")
        terminal.press("fub\r")
        terminal.wait("4 captures")
        terminal.wait("2 invalid")
        terminal.press("C")
        terminal.wait("only simulated")
        terminal.press("n")
        terminal.wait("New for its event type")
