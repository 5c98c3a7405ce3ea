"""How the width of the screen is shared between a list and what stands beside it, as the user likes it."""

from __future__ import annotations

from typing import Final

STEP: Final = 5  # points of a hundred, by which a key moves the border
MOST: Final = 25  # points that the panes can have more or less than they have at first
# What each pane has of the width, in percent: beside a list, and in three panes. Variables of the stylesheets.
_PANES: Final = {
    "h-detail": 40, "h-detail-triple": 27, "h-body": 27, "h-message": 44, "h-message-triple": 34, "h-message-body": 25,
    "h-thread": 62, "h-thread-triple": 66, "h-registration": 38,
}  # fmt: skip
_SHARED: Final = ("h-detail-triple", "h-body", "h-message-triple", "h-message-body")  # two panes share what is moved
_LEAST, _WIDEST = 15, 75


def moved(points: int, steps: int) -> int:
    """The points after so many steps more."""
    return min(max(points + steps * STEP, -MOST), MOST)


def width_variables(points: int) -> dict[str, str]:
    """The widths of the panes where they have so many points more than at first."""
    found = {}
    points = moved(points, 0)  # a file may say any number
    for name, width in _PANES.items():
        wanted = width + (points / 2 if name in _SHARED else points)
        found[name] = f"{min(max(wanted, _LEAST), _WIDEST / (2 if name in _SHARED else 1)):g}%"
    return found
