"""What is pasted is text, whatever is in it.

Textual's parser takes an escape within a paste for the beginning of a key, and what follows it for keys once that is
known to be none: pasted text could delete captures.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any, Final

from textual._xterm_parser import BRACKETED_PASTE_END as END
from textual._xterm_parser import BRACKETED_PASTE_START as START
from textual._xterm_parser import XTermParser
from textual.message import Message

ESCAPE: Final = "\x1b"
SHOWN: Final = "␛"


class Pasted:
    """Makes the escapes within pastes visible, in a stream of what the terminal sends that comes in any pieces."""

    def __init__(self) -> None:
        self._pasting = False
        self._tail = ""  # of what was given on, or while pasting of what is not: it may begin a mark

    def take(self, data: str) -> str:
        """What of the stream can be given on now."""
        given: list[str] = []
        if self._pasting:
            data, self._tail = self._tail + data, ""
        while data:
            if not self._pasting:
                seen = self._tail + data
                begins = seen.find(START)
                if begins < 0:
                    self._tail = seen[len(seen) - _begun(seen, START) :]
                    given.append(data)
                    break
                length = begins + len(START) - len(self._tail)
                self._pasting, self._tail = True, ""
                given.append(data[:length])
                data = data[length:]
                continue
            text, end, rest = data.partition(END)
            if not end:
                known = len(text) - _begun(text, END)
                text, self._tail = text[:known], text[known:]
            given.append(text.replace(ESCAPE, SHOWN) + end)
            self._pasting, data = not end, rest
        return "".join(given)


def one_line(text: str) -> str:
    """A pasted text as a field takes it: all of its lines in one, as Textual would keep the first alone."""
    every = text.replace("\t", " ").splitlines()
    lines = [line for line in every if line.strip()] or every[:1]  # a blank alone is one
    return lines[0] if len(lines) == 1 else " ".join(line.strip() for line in lines)


def _begun(text: str, mark: str) -> int:
    """How much of a mark may have begun at the end of a text."""
    return next((size for size in range(len(mark) - 1, 0, -1) if text.endswith(mark[:size])), 0)


class PasteParser(XTermParser):
    """Textual's parser, for which there is no escape within a paste."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pasted = Pasted()

    def feed(self, data: str) -> Iterable[Message]:
        """Read on; an empty string is the end."""
        given = self._pasted.take(data)
        return super().feed(given) if given or not data else ()


def keep_whole() -> None:
    """From now on have Textual read the terminal in this way (its names are private: else nothing is done)."""
    with contextlib.suppress(ImportError):  # Windows, which sends its keys in another way
        from textual.drivers import linux_driver

        if getattr(linux_driver, "XTermParser", None) is XTermParser:
            linux_driver.XTermParser = PasteParser  # type: ignore[attr-defined]
