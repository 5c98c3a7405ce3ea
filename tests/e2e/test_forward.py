"""Forwarding as users see it: the whole program on a real terminal, with an app behind it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

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
