"""Forwarding as users see it: the whole program on a real terminal, with an app behind it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.e2e.programs import environment
from tests.e2e.terminal import Terminal
from tests.e2e.test_screens import BODY, port_of, post, start
from tests.forwarding.app import app


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
@pytest.mark.slow
async def test_the_answer_of_the_app_is_on_the_screen_and_f_turns_it_off(tmp_path: Path, size: tuple[int, int]) -> None:
    answer = b"HTTP/1.1 422 No\r\nContent-Type: text/plain\r\nContent-Length: 18\r\n\r\nno \x1b[2J such order"
    async with app(answer) as running:

        def look() -> None:
            with start(tmp_path, "--forward", running.url, size=size) as terminal:
                port = port_of(terminal.wait(r"127\.0\.0\.1:\d+"))
                terminal.wait(f"forward 127.0.0.1:{running.port}")
                post(port)
                terminal.wait(r"forward .*✖ 422")
                terminal.press("k\r")
                terminal.wait("esc back")
                terminal.press("h")
                terminal.wait(r"✖ 422 +\d+ ms")
                terminal.wait(r"no ␛\[2J such order")
                terminal.press("\x1b")
                terminal.wait("q quit")
                terminal.press("F")
                terminal.wait("FORWARD OFF")
                post(port, BODY + b" ")
                terminal.press("F")
                terminal.wait_gone("FORWARD OFF")
                post(port, BODY + b"  ")
                terminal.wait(r"connectly[\s\S]*connectly[\s\S]*connectly")
                terminal.press("q")
                assert terminal.end() == 0
                assert terminal.restored()

        await asyncio.to_thread(look)
        assert [call.body for call in running.calls] == [BODY, BODY + b"  "]


async def test_the_demonstration_passes_on_only_where_that_is_asked_for(tmp_path: Path) -> None:
    async with app(b"HTTP/1.1 409 No\r\nContent-Length: 0\r\n\r\n") as running:

        def look() -> None:
            known = environment(tmp_path, HOOKTOP_FORWARD=running.url)  # where what is real goes
            with Terminal(["demo", "--port", "0"], known) as terminal:
                terminal.wait(r"✔ volt[\s\S]*q quit", 30)
                assert "forward" not in terminal.text()
                terminal.press("q")
                assert terminal.end() == 0
            assert running.calls == []
            with Terminal(["demo", "--port", "0", "--forward", running.url], known) as terminal:
                terminal.wait(rf"forward 127\.0\.0\.1:{running.port} ✖ 409[\s\S]* app [\s\S]* 409 ", 30)
                terminal.press("q")
                assert terminal.end() == 0

        await asyncio.to_thread(look)
    assert all(call.values("X-Hooktop-Capture") for call in running.calls)
