"""Inputs that others wrote, through the real route of the real program, and opened on its real screens.

Of each input: the answer, the bytes stored, what the screens show and write, and that the next request works.
"""

from __future__ import annotations

import re
import sqlite3
from bisect import bisect
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from monitor.providers.registry import registry
from tests.e2e.foreign import GROUPS, Input, benign, inputs, shapes
from tests.e2e.programs import environment
from tests.e2e.terminal import Terminal

SECRET = "connectly-test-secret"
TROUBLE = re.compile(r"Traceback \(most|cannot be shown \(|cannot be read \(|STORE BUSY|RECEIVER DOWN")
TABS = ("Summary", "Body", "Body", "Headers", "Signature")  # the body once laid out, once as it came
KEYS = ("l", "b", "bl", "l")  # from each of them to the next
NAMES = r" {1,3}".join(f"[▸ ]{tab}" for tab in dict.fromkeys((*TABS, "Forward")))


class Looking:
    """A running program on a terminal of 80x24, where every input is posted and looked at."""

    def __init__(self, terminal: Terminal, db: Path) -> None:
        self.terminal = terminal
        self.db = db
        [self.url] = re.findall(r"http://127\.0\.0\.1:\d+", terminal.wait(r"127\.0\.0\.1:\d+ "))[:1]
        self.steps: list[tuple[int, str]] = []  # how much was written when something was looked at, and what that was

    def post(self, http: httpx.Client, given: Input) -> int:
        """Send an input; the number of its capture. The answer, the stored bytes and the next request are right."""
        headers: list[tuple[str, str | bytes]] = []
        if given.path == "/connectly":
            headers += registry()["connectly"].sign(given.body, SECRET.encode(), url="", at=0)
        if given.header is not None:
            headers.append(("x-foreign", given.header))
        answer = http.post(self.url + given.path, content=given.body, headers=headers)  # type: ignore[arg-type]  # texts and bytes
        assert answer.status_code == 200, given.name
        with closing(sqlite3.connect(f"{self.db.as_uri()}?mode=ro", uri=True)) as connection:
            number, body = connection.execute("SELECT id, body FROM captures ORDER BY id DESC LIMIT 1").fetchone()
        assert body == given.body, given.name
        assert httpx.get(self.url + "/healthz", trust_env=False, timeout=20).status_code == 200, given.name
        return int(number)

    def look(self, names: dict[int, str]) -> None:
        """Open each of these captures in each tab of the pane, then the lists of the other views."""
        numbers = list(names)
        self.terminal.wait(f"(?m){max(names):,} captures? ")
        self.terminal.press("G\r")
        turn = numbers[::-1]
        for position, tab in enumerate(TABS):
            for number in turn:
                mark = rf"(?=.*▸{tab} .* {'raw  ' if position == 2 else ''}#{number}\n) ?{NAMES} +(raw  )?#\d+"
                self.frame(f"{names[number]}, {tab}", mark, r" → tab  / find .* \? help.*")
                if number != turn[-1]:
                    self.terminal.press("J" if turn[0] < turn[-1] else "K")
            if position < len(KEYS):
                self.terminal.press(KEYS[position])
            turn.reverse()
        self.terminal.press("hhh")
        self.terminal.wait("▸Summary")
        self.terminal.press("\x1b")
        self.terminal.wait("q quit")
        pages = len(names) // 10 + 1
        for view, heading in (("1", "time"), ("2", "when"), ("3", "Conversations")):
            self.terminal.press(view + "g")
            for _ in range(pages):
                self.frame(f"the list of view {view}", rf" {heading}.*", r" enter open .* \? help  q (quit|back).*")
                self.terminal.press("\x04")
        self.terminal.press("\rg")
        for _ in range(pages):
            self.frame("a conversation", ".*", r" esc back .* \? help.*")
            self.terminal.press("\x04")
        self.terminal.press("\x1b")
        self.terminal.wait("\n Conversations")
        self.terminal.press("1G")
        self.terminal.wait("\n time .*")

    def frame(self, where: str, third: str, last: str) -> None:
        """The lines of the screen that are ours stand where they stood: the first, the third, the last."""
        self.steps.append((len(self.terminal.output), where))
        try:
            self.terminal.wait(rf"\A hooktop  ● {self.url} .*\n.*\n{third}\n(.*\n){{20}}{last}\Z")
        except AssertionError as error:
            raise AssertionError(where) from error
        screen = self.terminal.screen
        assert (screen.columns, screen.lines, screen.margins, screen.title) == (80, 24, None, ";default"), where

    def acting(self, known: set[str], begin: int, end: int) -> list[tuple[str, str]]:
        """What acted on the terminal between two places of its input and is not known, with what was looked at."""
        text = bytes(self.terminal.output[begin:end]).decode("utf-8")
        looked = [at - begin for at, _ in self.steps]
        strange = [(at, shape) for at, shape in shapes(text) if shape not in known]
        strange += [(found.start(), found[0]) for found in TROUBLE.finditer(text)]
        return [(self.steps[bisect(looked, len(text[:at].encode())) - 1][1], shape) for at, shape in strange]

    def settled(self) -> int:
        """How much was written, up to the last sequence that is whole."""
        return self.terminal.output.rfind(b"\x1b")


def foreign(folder: Path, chosen: list[Input], ran: Callable[[str, int], None]) -> None:
    """Post and look at a benign message, then at these; nothing else acts on the terminal than with the benign one."""
    environ = environment(folder, CONNECTLY_WEBHOOK_SECRET=SECRET)
    db = folder / "h.db"
    with (
        Terminal(["--port", "0", "--db", str(db)], environ, size=(80, 24)) as terminal,
        httpx.Client(trust_env=False, timeout=20) as http,
    ):
        looking = Looking(terminal, db)
        looking.look({looking.post(http, benign()): "benign" for _ in range(2)})
        begin = looking.settled()
        known = {shape for _, shape in shapes(bytes(terminal.output[:begin]).decode("utf-8"))}
        looking.look({looking.post(http, given): given.name for given in chosen})
        looking.post(http, benign())
        terminal.wait(f"{len(chosen) + 3:,} captures ")
        assert looking.acting(known, begin, looking.settled()) == []
        assert len(bytes(terminal.output)) - begin > 1000 * len(chosen)
        terminal.press("q")
        assert terminal.end() == 0
        assert terminal.restored()
        assert "Traceback" not in terminal.text()
    ran("on the screens", len(chosen))


def test_some_of_each(tmp_path: Path, ran: Callable[[str, int], None]) -> None:
    chosen = [given for group, number in GROUPS.items() for given in inputs(group)[number // 4 :: number // 2]]
    assert len(chosen) == 8
    foreign(tmp_path, chosen, ran)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("group", GROUPS)
def test_all(tmp_path: Path, group: str, ran: Callable[[str, int], None]) -> None:
    chosen = inputs(group)
    assert len(chosen) == GROUPS[group]
    foreign(tmp_path, chosen, ran)


def test_a_sequence_that_is_not_ours_is_seen() -> None:
    kinds = ["\x1b[38;2;1;2;3m", "\x1b[5;7H", "\r\n", "\x1b[31m", "\x1b]0;x\x07", "\x9b", "\x07", "\n", "\u202e"]
    assert [shape for _, shape in shapes("a".join(kinds))] == [
        "style colour", "move", "\r\n", "style 31", "\x1b]0;x\x07", "\x9b", "\x07", "\n", "\u202e"
    ]  # fmt: skip
