"""The least that keeps hooktop's promise, on the same libraries: what such a receiver can reach at best.

The body is parsed, the signature checked, the request committed with a sync, then it is answered. Nothing is read from
the body, there are no messages and no output. ``group``: a thread commits all that wait at once; ``each``: one commit
for each request, in the loop. A further ``fast``: on httptools and uvloop.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import uvicorn
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send
from uvicorn.config import HTTPProtocolType

Row: TypeAlias = tuple[bytes, bytes]


class Database:
    """One table of captures."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._gathered: list[tuple[Row, asyncio.Future[None]]] = []
        self._waiting: list[tuple[Row, asyncio.Future[None]]] = []
        self._wake = threading.Condition()

    def connect(self) -> sqlite3.Connection:
        """A connection that syncs each commit."""
        db = sqlite3.connect(self._path, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE IF NOT EXISTS captures (id INTEGER PRIMARY KEY, headers BLOB, body BLOB)")
        return db

    def add(self, row: Row) -> asyncio.Future[None]:
        """Commit a row with others; the future is done when it is on the disk."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        if not self._gathered:
            loop.call_soon(self._hand_over)
        self._gathered.append((row, future))
        return future

    def write(self, loop: asyncio.AbstractEventLoop) -> None:
        """The thread."""
        db = self.connect()
        while True:
            with self._wake:
                while not self._waiting:
                    self._wake.wait()
                batch, self._waiting = self._waiting, []
            commit(db, [row for row, _ in batch])
            loop.call_soon_threadsafe(_done, [future for _, future in batch])

    def _hand_over(self) -> None:
        with self._wake:
            self._waiting += self._gathered
            self._wake.notify()
        self._gathered = []


def commit(db: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """One transaction."""
    db.execute("BEGIN IMMEDIATE")
    db.executemany("INSERT INTO captures VALUES (NULL, ?, ?)", rows)
    db.execute("COMMIT")


def _done(futures: Sequence[asyncio.Future[None]]) -> None:
    for future in futures:
        future.set_result(None)


def receiver(database: Database, key: RSAPublicKey, *, each: bool = False) -> Starlette:
    """The ASGI app. Call it inside the event loop that is to serve it."""
    own = database.connect() if each else None

    async def hook(scope: Scope, receive: Receive, send: Send) -> None:
        body: bytes = (await receive())["body"]
        headers = dict(scope["headers"])
        key.verify(base64.b64decode(headers[b"x-respond-flow-signature"], validate=True), body, PKCS1v15(), SHA256())
        json.loads(body)
        row = (repr(scope["headers"]).encode(), body)
        if own is None:
            await database.add(row)
        else:
            commit(own, [row])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    if own is None:
        threading.Thread(target=database.write, args=(asyncio.get_running_loop(),), daemon=True).start()
    app = Starlette()
    app.router.default = hook
    app.middleware_stack = app.router
    return app


def public_key(file: str) -> RSAPublicKey:
    """The key in a PEM file."""
    key = load_pem_public_key(Path(file).read_bytes())
    assert isinstance(key, RSAPublicKey)
    return key


async def main(port: int, key: RSAPublicKey, path: str, each: bool, parser: HTTPProtocolType) -> None:
    """Serve for ever."""
    app = receiver(Database(path), key, each=each)
    config = uvicorn.Config(app, host="127.0.0.1", port=port, http=parser, log_level="error", access_log=False)
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    number, file, path, mode, *fast = sys.argv[1:]
    serving = main(int(number), public_key(file), path, mode == "each", "httptools" if fast else "h11")
    if fast:
        import uvloop

        uvloop.run(serving)
    else:
        asyncio.run(serving)
