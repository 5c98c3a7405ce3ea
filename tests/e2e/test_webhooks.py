"""View 4 of the demonstration, by the keyboard alone and without any network."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.programs import environment
from tests.e2e.terminal import Terminal

ESC = "\x1b"
WAIT_S = 60


def demo(home: Path, size: tuple[int, int]) -> Terminal:
    """The demonstration in view 4, every provider asked."""
    terminal = Terminal(["demo", "--seed", "3", "--port", "0"], environment(home), size=size)
    terminal.wait(r"hooktop\.example", WAIT_S)
    terminal.press("4")
    terminal.wait(r"no API, done by hand", WAIT_S)
    terminal.wait(r"✖ (points at a )?dead tunnel", WAIT_S)
    return terminal


def to(terminal: Terminal, subject: str) -> None:
    """Put the cursor on the first row of a subject."""
    terminal.press("g")
    screen = terminal.wait("(?m)^▌ ?all events of all numbers  ")
    while not re.search(rf"(?m)^▌ ?{subject}  ", screen):
        row = re.findall("(?m)^▌(.{20})", screen)[0]
        terminal.press("j")
        screen = terminal.wait(f"(?m)^▌(?!{re.escape(row)})")  # the count below may be drawn before the row


def test_another_address_and_one_key_for_all(tmp_path: Path) -> None:
    with demo(tmp_path, (120, 40)) as terminal:
        for state in ("✖ missing", "✔ same", "‖ inactive", "– not ours", "u register", "u re-point", "u by hand"):
            screen = terminal.wait(state, WAIT_S)
        before = re.findall(r"https://demo-[0-9a-f]+\.hooktop\.example", screen)[0]
        terminal.press("p")
        terminal.wait("This address is made up", WAIT_S)
        terminal.press("\r")
        screen = terminal.wait("4 registrations elsewhere, U re-points", WAIT_S)
        assert re.findall(r"https://demo-[0-9a-f]+\.hooktop\.example", screen)[0] != before
        terminal.press("U")
        terminal.wait("opens the request that came", WAIT_S)
        terminal.wait(r"The way here works \(simulated\)", WAIT_S)  # the box grows to it a frame later
        terminal.press("\r")
        screen = terminal.wait_gone("elsewhere|Mend all", WAIT_S)
        assert "✖ dead" not in screen
        terminal.press("q")
        terminal.wait_gone("wanted", WAIT_S)
        terminal.press("q")
        assert terminal.end(seconds=WAIT_S) == 0
        assert terminal.restored()
    assert list(tmp_path.rglob("*.db")) == []


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
def test_everything_that_view_4_does(tmp_path: Path, size: tuple[int, int]) -> None:
    with demo(tmp_path, size) as terminal:
        # Volt, whose test request arrives while it is asked.
        to(terminal, "all events of all numbers")
        terminal.press("a")
        terminal.wait("Register all events", WAIT_S)
        terminal.press("\r")
        terminal.wait("opens the request that came", WAIT_S)
        terminal.wait("A request of Volt came in", WAIT_S)
        terminal.press("o")
        terminal.wait("no message in this capture", WAIT_S)
        terminal.wait("✔ verified", WAIT_S)
        terminal.wait(r" \d+/\d{2,}\s*$", WAIT_S)  # the last line: no part of what was there before is left
        terminal.press(ESC)
        terminal.wait("opens the request that came", WAIT_S)
        terminal.press("\r")
        terminal.wait(r"✔ registered", WAIT_S)

        # Bird: add, deactivate, remove.
        to(terminal, "channels sms.outbound")
        terminal.press("a")
        terminal.wait("Event +required", WAIT_S)
        terminal.press("email.inbound")
        terminal.wait("Register channels email.inbound", WAIT_S)
        terminal.press("\r")
        terminal.wait("shown this once", WAIT_S)
        terminal.press("\r")
        terminal.wait(r"▌ ?channels email.inbound", WAIT_S)
        terminal.press("d")
        terminal.wait("Do it", WAIT_S)
        terminal.press("y")
        terminal.wait(r"▌ ?channels email.inbound.*‖ inactive", WAIT_S)
        terminal.press("D")
        terminal.wait("Do it", WAIT_S)
        terminal.press("y")
        terminal.wait("R offers to put it back", WAIT_S)
        terminal.wait_gone(r"▌ ?channels email.inbound", WAIT_S)

        # Connectly: a topic of somebody else, replaced and put back.
        to(terminal, "delivery_status")
        terminal.press("a")
        terminal.wait("Topic +required", WAIT_S)
        terminal.press("delivery_status")
        terminal.wait("gets delivery_status no longer", WAIT_S)
        terminal.press("\r")
        terminal.wait("Type delivery_status", WAIT_S)
        terminal.press("delivery_status\r")
        terminal.wait(r"delivery_status +same +✔ same", WAIT_S)
        terminal.press("R")
        terminal.wait("was at https://example.com", WAIT_S)
        terminal.press("\r")
        terminal.wait(r"delivery_status +(https://)?example\.com\S* +– not ours", WAIT_S)

        # OneRoute, by hand.
        to(terminal, "all events")
        terminal.press("u")
        terminal.wait("a person does", WAIT_S)
        terminal.press("\r")
        terminal.wait("Noted", WAIT_S)
        terminal.press("\r")
        terminal.wait(r"all events +same +✔ by hand", WAIT_S)  # simulated traffic has come by then

        terminal.press("L")
        terminal.wait(r"\d+ calls, secrets hidden", WAIT_S)
        terminal.press(ESC)
        terminal.wait("U mend all", WAIT_S)
        assert b"sample-bird-access-key" not in terminal.output
        assert b"Traceback" not in terminal.output
        terminal.press("\x11")  # ctrl+q
        screen = terminal.wait(r"Put back before the end|The demonstration is over", WAIT_S)
        if "Put back" in screen:
            terminal.press("n")
        assert terminal.end(seconds=WAIT_S) == 0
        assert terminal.restored()
