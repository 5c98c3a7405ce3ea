"""Wishes to see something in another view. Screens post them, the app fulfils them; the session keeps the way back."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message


@dataclass(frozen=True, slots=True)
class Jump:
    """A jump into another view: which one it came from, how many screens the other had on arrival, and the filter that
    was left for it."""

    origin: str
    depth: int
    left: str = ""


class GoBack(Message):
    """Go back to where the last jump came from."""


class ShowCapture(Message):
    """Show a capture in the live view."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class ShowMessage(Message):
    """Show a message in the view of messages."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class ShowConversation(Message):
    """Show a conversation in the view of conversations."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
