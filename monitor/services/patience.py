"""How often what takes time is done again."""

from __future__ import annotations

from typing import Final

AGES_EVERY_S: Final = 2.0  # between two looks at what passes a filter with time alone
PATIENCE: Final = 20


def rest(took_s: float, at_least_s: float = AGES_EVERY_S) -> float:
    """Seconds until something is done again that took so long: it is to take a twentieth of the time at most."""
    return max(at_least_s, took_s * PATIENCE)
