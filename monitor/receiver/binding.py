"""The socket that the receiver listens on, taken before anything else is loaded: who comes meanwhile waits."""

from __future__ import annotations

import errno
import socket
from typing import Final

BACKLOG: Final = 1024


class ReceiverError(Exception):
    """The receiver cannot listen; the text is a sentence for the user."""


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens at the address; who comes before it is served waits. Port 0 lets the system choose.

    It listens at once, since two programs may be bound to one port as long as neither does. Raises ReceiverError
    naming the port and what to do.
    """
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError, OverflowError) as error:
        raise ReceiverError(f"The host {host!r} cannot be resolved ({error}); name an address with --host.") from error
    sock = socket.socket(family, kind, proto)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise ReceiverError(
                f"Port {port} on {host} is in use by another program; stop it, or choose another port with --port."
            ) from error
        if error.errno == errno.EACCES:
            raise ReceiverError(f"Port {port} is not allowed to you; choose one above 1023 with --port.") from error
        raise ReceiverError(
            f"{host}:{port} cannot be listened on ({error.strerror}); choose with --host and --port."
        ) from error
    return sock
