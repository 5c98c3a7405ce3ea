"""The server: our own socket, no signal handlers, restarted when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import uvicorn

from monitor import tasks
from monitor.receiver import speed
from monitor.receiver.binding import BACKLOG, ReceiverError
from monitor.receiver.protocol import HEADER_BYTES, KEEP_ALIVE_S, Guard

if TYPE_CHECKING:
    import socket

    from starlette.applications import Starlette

GRACE_S: Final = 2
FIRST_DELAY_S: Final = 0.1  # before the receiver is started again; twice as long after each further failure
MAX_DELAY_S: Final = 5.0
STEADY_S: Final = 60.0  # what ran for so long is given the first delay again
WANTED_FILES: Final = 4096
SWEEP_S: Final = 1.0  # between two looks at who is over his time
log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone: whoever owns the terminal owns them."""
        yield


class Receiver:
    """Serves an ASGI app on a bound socket inside the running event loop."""

    def __init__(
        self, sock: socket.socket, app: Starlette, refused: Callable[[int], None], *, fast: bool = True
    ) -> None:
        """``refused`` is told 408 for each request that was cut off for being too slow, 400 for what is no HTTP;
        ``fast``: with the parser of the extra ``speed``, where it is there."""
        app.state.refused = refused
        self._sock = sock
        self._app = app
        self._refused = refused
        self._fast = fast
        self._protocol = speed.protocol(fast)
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None
        self.restarts = 0

    @property
    def alive(self) -> bool:
        """Whether connections are taken now."""
        return self._server is not None and self._server.started and not self._server.should_exit

    async def start(self) -> None:
        """Listen; returns when connections are taken. Raises ReceiverError."""
        raise_file_limit()
        log.info("requests are read by %s", speed.described(self._fast))
        self._task = task = tasks.start(self._run(), "receiver")
        while not self.alive:
            if task.done():
                raise ReceiverError("The receiver ended while it was starting; run hooktop again with -vv to see why.")
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Take no more connections, let open requests finish within two seconds, end."""
        if self._task is None:
            return
        task, self._task = self._task, None
        if self._server is None:
            task.cancel()  # between two tries
        else:
            self._server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError, TimeoutError):
            await asyncio.wait_for(task, GRACE_S + 3)
        self._sock.close()

    async def _run(self) -> None:
        loop, delay = asyncio.get_running_loop(), FIRST_DELAY_S
        while True:
            begun = loop.time()
            server = self._server = _Server(self._config())
            sweeper = tasks.start(self._sweep(server), "receiver deadlines")
            try:
                # uvicorn closes the socket it is given; a copy keeps the port ours over a restart.
                await server.serve(sockets=[self._sock.dup()])
            except Exception as error:
                log.error("the receiver failed: %s", type(error).__name__)
                for listener in getattr(server, "servers", ()):  # there are none where it failed before it listened
                    listener.close()
            finally:
                sweeper.cancel()
                self._server = None
            if server.should_exit:
                return
            self.restarts += 1
            if loop.time() - begun > STEADY_S:
                delay = FIRST_DELAY_S
            await asyncio.sleep(delay)
            delay = min(delay * 2, MAX_DELAY_S)

    async def _sweep(self, server: uvicorn.Server) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + SWEEP_S
            await asyncio.sleep(SWEEP_S)
            now = loop.time()
            for connection in list(server.server_state.connections):
                if isinstance(connection, Guard) and connection.sweep(now, now - due):
                    self._refused(408)

    def _config(self) -> uvicorn.Config:
        options: dict[str, Any] = {
            "http": self._protocol,
            "ws": "none",
            "lifespan": "off",
            "log_config": None,
            "access_log": False,
            "server_header": False,
            "date_header": False,
            "proxy_headers": False,
            "timeout_keep_alive": KEEP_ALIVE_S,
            "timeout_graceful_shutdown": GRACE_S,
            "backlog": BACKLOG,
            "h11_max_incomplete_event_size": HEADER_BYTES,
        }
        return uvicorn.Config(self._app, **options)


def raise_file_limit() -> None:
    """Let this process have more open connections than the usual soft limit, as far as the system allows."""
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(WANTED_FILES, hard)
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
