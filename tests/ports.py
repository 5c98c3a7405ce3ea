"""Ports on which nothing listens."""

from __future__ import annotations

import socket
import sys
from typing import Final

_HELD: Final[list[int]] = []  # file descriptors, open until the tests end


def free_port() -> int:
    """A port on which nothing listens, until whoever is told of it does.

    It stays bound, so that the system gives it to nobody else meanwhile; Linux lets another listen there all the same.
    """
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        if sys.platform == "linux":
            _HELD.append(sock.detach())
    return port
