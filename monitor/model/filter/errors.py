"""What is wrong with a filter, and where."""

from __future__ import annotations

import unicodedata

from monitor.text import visible


class FilterError(ValueError):
    """A filter that cannot be understood.

    ``message`` says what is wrong, ``hint`` what to do, ``column`` (from 0) where in ``text``.
    """

    def __init__(self, message: str, column: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.column = column
        self.hint = hint
        self.text = ""  # set by ``parse``, which alone knows the whole filter

    def carets(self) -> str:
        """Two lines, safe to print: the filter, and a caret under the column where it is wrong."""
        return f"{visible(self.text)}\n{' ' * _cells(visible(self.text[: self.column]))}^"


def _cells(text: str) -> int:
    """How many terminal cells the text takes."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
