"""When Python looks for garbage: never through what lives until the end.

A full collection goes through every object, and everything waits for it. Most of them were made by the start (modules,
classes, style sheets) and are never garbage.
"""

from __future__ import annotations

import gc
from typing import Final

# Objects more than there were, then collections of the younger ones, from which on a collection begins. Python's own
# 700, 10, 10 has one of the middle ones with about every third frame of the screens.
THRESHOLDS: Final = (5_000, 10, 20)

# Of the start of the screens, which makes 150,000 objects: a sixth of the time of loading them went into looking
# through them. A command that ends soon stays below it, too.
STARTING: Final = (200_000, 10, 20)


def begin() -> None:
    """Call this first of all: what is loaded now is no garbage."""
    gc.set_threshold(*STARTING)


def settle() -> None:
    """Call this when the program has started and is about to receive for long."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
