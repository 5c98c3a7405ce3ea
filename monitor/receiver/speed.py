"""Which parser reads requests: httptools where the extra ``speed`` is installed and works, else h11.

The event loop is asyncio's either way. uvloop brings the whole program next to nothing, and httpx fails in it with
errors that are not its own when a connection is reset at once.
"""

from __future__ import annotations

import contextlib
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.receiver.protocol import Guard


def protocol(fast: bool) -> type[Guard]:
    """The protocol of a connection: that with httptools where it is wanted and works, else that with h11."""
    if fast:
        with contextlib.suppress(ImportError):
            from monitor.receiver.fast import FastProtocol

            return FastProtocol
    from monitor.receiver.protocol import GuardedProtocol

    return GuardedProtocol


def described(fast: bool) -> str:
    """Which parser a receiver that is started now gets, and why not the faster one."""
    name = protocol(fast).parser_name
    if not fast:
        return f"{name}, as the configuration says"
    if name == "httptools":
        return "httptools, and by h11 what is not plain"
    if find_spec("httptools") is None:
        return f"{name}; the extra 'speed' is not installed"
    return f"{name}; httptools is installed and does not work with this Python"
