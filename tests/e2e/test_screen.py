"""The emulated terminal that the tests read."""

from __future__ import annotations

from typing import Any

import pyte

from tests.e2e.terminal import Screen


def test_half_of_a_wide_character_is_a_blank_when_the_other_half_is_written_over() -> None:
    screen = Screen(6, 3)
    stream: Any = pyte.ByteStream(screen)
    stream.feed("日本x\r\n日本\x1b[2;2Hab\r\n日\x1b[3;1Ha é\x1b[3;6H日".encode())
    assert screen.display == ["日本x ", " ab   ", "a é  日"]
