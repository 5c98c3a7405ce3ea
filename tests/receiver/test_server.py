"""The receiver's socket and server by themselves: what cannot be listened on, limits, and ending at any moment."""

from __future__ import annotations

import asyncio
import resource
import socket
from contextlib import closing

import httpx
import pytest

from monitor.receiver.app import Arrival, Reply, Rules, build
from monitor.receiver.binding import ReceiverError, bind
from monitor.receiver.server import WANTED_FILES, Receiver, raise_file_limit
from tests.parsers import both_parsers
from tests.parsers import fast as chosen

pytestmark = both_parsers


def receiver(sock: socket.socket, *, fast: bool | None = None) -> Receiver:
    """A receiver that stores nothing."""

    async def accept(arrival: Arrival) -> Reply:
        return Reply(200)

    app = build(Rules(frozenset()), accept, lambda: True, lambda status: None)
    return Receiver(sock, app, lambda status: None, fast=chosen() if fast is None else fast)


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("203.0.113.7", r"^203\.0\.113\.7:0 cannot be listened on \(.+\); choose with --host and --port\.$"),
        ("no.such.host.invalid", r"^The host 'no\.such\.host\.invalid' cannot be resolved \(.+\); name an address"),
    ],
)
def test_an_address_that_is_not_of_this_machine_is_said(host: str, said: str) -> None:
    with pytest.raises(ReceiverError, match=said):
        bind(host, 0)


async def test_a_receiver_can_be_stopped_twice_and_before_it_began() -> None:
    with closing(bind("127.0.0.1", 0)) as sock:
        url = f"http://127.0.0.1:{sock.getsockname()[1]}/"
        served = receiver(sock)
        await served.stop()
        await served.start()
        assert served.alive
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.post(url, content=b"{}")).status_code == 200
        await served.stop()
        await served.stop()
        assert [one.alive for one in (served, receiver(sock))] == [False, False]
        async with httpx.AsyncClient(trust_env=False) as http:
            with pytest.raises(httpx.ConnectError):
                await http.post(url)


def test_the_limit_of_open_files_is_raised_as_far_as_allowed() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(WANTED_FILES, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
        raise_file_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (wanted, hard)
        raise_file_limit()  # a second time there is nothing to do
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (wanted, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_start_that_fails_is_tried_again() -> None:
    with bind("127.0.0.1", 0) as sock:
        started = receiver(sock)
        await started.start()
        first, sock_of = started._server, started._sock
        assert first is not None
        started._sock = socket.socket()
        started._sock.close()  # as when no more files can be opened: there is no copy of it
        first.should_exit = False

        async def die(counter: int) -> bool:
            raise RuntimeError("boom")

        first.on_tick = die  # type: ignore[method-assign]  # as a bug in it would be
        while started.restarts < 2:
            await asyncio.sleep(0.01)
        started._sock = sock_of
        while not started.alive:
            await asyncio.sleep(0.01)
        await started.stop()
