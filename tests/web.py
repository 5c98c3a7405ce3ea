"""A web server in a thread of its own, for programs that tests run as processes."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes


Answer: TypeAlias = Callable[[Asked], tuple[int, bytes]]  # status and body


@contextmanager
def web(answer: Answer, location: str | None = None) -> Iterator[tuple[str, list[Asked]]]:
    """A server on loopback, which names a location in its answers: its address, and what it was asked."""
    seen: list[Asked] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            asked = Asked(self.command, self.path, list(self.headers.items()), body)
            seen.append(asked)
            status, data = answer(asked)
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            if location is not None:
                self.send_header("location", location)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
