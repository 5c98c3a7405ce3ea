"""Receiving as fast as answers come: hooktop beside what bounds it, beside itself and beside other programs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from benchmarks import load, servers
from benchmarks.load import Result
from benchmarks.results import Results, Table
from benchmarks.servers import Server

CONNECTIONS = 16
WARM_UP = 1000
LEAST = "parse, verify, commit, answer"
LEAST_FAST = "... on httptools, uvloop"
OURS = "hooktop listen --json"
FAST = "... with the extra speed"
KEPT = "... nothing printed, nothing made of it"
COLUMNS = ("full speed", "requests/s", "p50 ms", "p99 ms", "ratio", "not 200")


def post(
    server: Server, requests: Sequence[bytes], count: int, *, connections: int = CONNECTIONS, rate: float | None = None
) -> Result:
    """Post and wait for the answers."""
    return asyncio.run(
        load.run(servers.HOST, server.port, list(requests), count=count, connections=connections, rate=rate)
    )


def in_turn(
    under_test: Mapping[str, Server], requests: Sequence[bytes], count: int, rounds: int, warm_up: int = WARM_UP
) -> dict[str, list[Result]]:
    """Each program in turn, round by round, so that each round sees the same machine."""
    for server in under_test.values():
        post(server, requests, warm_up)
    found: dict[str, list[Result]] = {name: [] for name in under_test}
    for _ in range(rounds):
        for name, server in under_test.items():
            found[name].append(post(server, requests, count))
    return found


def ratio(runs: Sequence[Result], base: Sequence[Result]) -> float:
    """The median of the ratios of rounds."""
    return median(run.rate / other.rate for run, other in zip(runs, base, strict=True))


def table(title: str, found: Mapping[str, Sequence[Result]], base: str) -> Table:
    """The rounds of each program, with the ratio to one of them."""
    made = Table(title, COLUMNS)
    for name, runs in found.items():
        wrong = sum(sum(run.statuses.values()) - run.statuses[200] for run in runs)
        made.rows.append(
            (
                name,
                f"{median(run.rate for run in runs):,.0f}",
                f"{median(run.percentile(0.5) for run in runs):.2f}",
                f"{median(run.percentile(0.99) for run in runs):.2f}",
                f"{ratio(runs, found[base]):.2f}",
                str(wrong),
            )
        )
    return made


def stack(results: Results, folder: Path, key: Path, requests: Sequence[bytes], count: int, rounds: int) -> None:
    """Beside bare Starlette and the least that keeps the promise."""
    with (
        servers.bare() as bare,
        servers.least(folder, key) as least,
        servers.listen(folder, key) as listen,
        servers.listen(folder, key, only_kept=True) as kept,
    ):
        found = in_turn({"bare Starlette": bare, LEAST: least, OURS: listen, KEPT: kept}, requests, count, rounds)
    results.add(table("Receiving (h11, asyncio, 16 connections, signed Volt deliveries)", found, "bare Starlette"))
    base = found["bare Starlette"]
    results.figure("listen", ratio(found[OURS], base), ratio(found[LEAST], base))


def speed(results: Results, folder: Path, key: Path, requests: Sequence[bytes], count: int, rounds: int) -> None:
    """With the extra ``speed``, beside bare Starlette at its fastest, and on h11 and asyncio. Needs uvloop, too."""
    if any(find_spec(name) is None for name in ("httptools", "uvloop")):
        print("speed: skipped, there is no httptools or no uvloop\n")
        return
    fast, plain = "bare Starlette on httptools, uvloop", "bare Starlette on h11, asyncio"
    with (
        servers.bare("httptools", "uvloop") as quick,
        servers.bare() as bare,
        servers.least(folder, key, fast=True) as least,
        servers.listen(folder, key, name="speed", speed=True) as listen,
        servers.listen(folder, key, name="speed", speed=True, only_kept=True) as kept,
    ):
        under_test = {fast: quick, plain: bare, LEAST: least, OURS: listen, KEPT: kept}
        found = in_turn(under_test, requests, count, rounds)
    results.add(table("Receiving with the extra speed", found, fast))
    results.figure("speed", ratio(found[OURS], found[fast]), ratio(found[LEAST], found[fast]))
    results.figure("speed over h11", ratio(found[OURS], found[plain]), ratio(found[LEAST], found[plain]))


def screens(results: Results, folder: Path, key: Path, requests: Sequence[bytes], count: int, rounds: int) -> None:
    """With screens that follow, and with screens that stand still; with the extra ``speed``, too, where it is there."""
    _screens(results, folder, key, requests, count, rounds, speed=False)
    if find_spec("httptools") is not None:
        _screens(results, folder, key, requests, count, rounds, speed=True)


def _screens(
    results: Results, folder: Path, key: Path, requests: Sequence[bytes], count: int, rounds: int, *, speed: bool
) -> None:
    extra, name = (", with the extra speed", "-speed") if speed else ("", "")
    with (
        servers.screens(folder, key, name=f"still{name}", speed=speed) as (still, terminal),
        servers.screens(folder, key, name=f"drawing{name}", speed=speed) as (drawing, _),
    ):
        post(still, requests, 10)
        terminal.type(" ")
        found = in_turn({"screens that stand still": still, "screens that follow": drawing}, requests, count, rounds)
    title = f"Receiving with screens (120x40, on a terminal that is read{extra})"
    results.add(table(title, found, "screens that stand still"))
    figure = "screens with speed" if speed else "screens"
    results.figure(figure, ratio(found["screens that follow"], found["screens that stand still"]))


def forward(results: Results, folder: Path, key: Path, requests: Sequence[bytes], count: int, rounds: int) -> None:
    """With every capture passed on to an app, and without."""
    with (
        servers.app() as app,
        servers.listen(folder, key, name="alone") as alone,
        servers.listen(folder, key, "--forward", f"http://{servers.HOST}:{app.port}", name="passing-on") as passing,
    ):
        found = in_turn({"hooktop listen": alone, "with --forward": passing}, requests, count, rounds)
    results.add(table("Forwarding to an app that answers in 1 ms", found, "hooktop listen"))
    results.figure("forward", ratio(found["with --forward"], found["hooktop listen"]))


def slow_disk(results: Results, folder: Path, key: Path, requests: Sequence[bytes], count: int, rounds: int) -> None:
    """With a sync that takes 5 ms, beside a commit for each request. Needs strace."""
    wrap = servers.slow_sync()
    if not wrap:
        print("slow disk: skipped, there is no strace\n")
        return
    with (
        servers.least(folder, key, each=True, wrap=wrap) as each,
        servers.least(folder, key, wrap=wrap) as least,
        servers.listen(folder, key, name="slow", wrap=wrap) as listen,
        servers.listen(folder, key, name="slow", wrap=wrap, only_kept=True) as kept,
    ):
        under_test = {"a commit for each request": each, LEAST: least, OURS: listen, KEPT: kept}
        found = in_turn(under_test, requests, count, rounds, warm_up=50)
    results.add(table("A disk whose sync takes 5 ms", found, "a commit for each request"))
    base = found["a commit for each request"]
    results.figure("slow disk", ratio(found[OURS], base), ratio(found[LEAST], base))


def peers(
    results: Results, folder: Path, key: Path, requests: Sequence[bytes], programs: Path, count: int, rounds: int
) -> None:
    """Beside other programs that take and keep webhooks, as far as they are installed in ``programs``, a folder of
    executables. Each does what it does by default: none of them checks a signature or syncs before it answers."""
    with contextlib.ExitStack() as running:
        sink = running.enter_context(servers.app())
        under_test = {
            OURS: running.enter_context(servers.listen(folder, key, name="peers")),
            KEPT: running.enter_context(servers.listen(folder, key, name="peers", only_kept=True)),
            LEAST: running.enter_context(servers.least(folder, key)),
        }
        if find_spec("httptools") is not None:
            under_test[FAST] = running.enter_context(servers.listen(folder, key, name="peers-speed", speed=True))
        if find_spec("uvloop") is not None:
            under_test[LEAST_FAST] = running.enter_context(servers.least(folder, key, fast=True))
        for name, command, port in _peers(folder, programs, sink):
            if Path(command[0]).exists():
                under_test[name] = running.enter_context(servers.peer(command, port))
        found = in_turn(under_test, requests, count, rounds, warm_up=50)
    results.add(table("Other programs on the same work", found, OURS))
    if "mitmdump, reverse mode" in found:
        base = found["mitmdump, reverse mode"]
        results.figure("mitmdump", ratio(found[OURS], base), ratio(found[LEAST], base))
        if FAST in found:
            bound = ratio(found[LEAST_FAST], base) if LEAST_FAST in found else None
            results.figure("mitmdump with speed", ratio(found[FAST], base), bound)


def _peers(folder: Path, programs: Path, sink: Server) -> Iterator[tuple[str, Sequence[str], int]]:
    port = servers.free_port()
    upstream = f"reverse:http://{servers.HOST}:{sink.port}"
    yield "mitmdump, reverse mode", (
        str(programs / "mitmdump"), "-q", "--mode", upstream, "--listen-host", servers.HOST, "-p", str(port),
        "--set", f"confdir={folder / 'mitmproxy'}",
    ), port  # fmt: skip
    port = servers.free_port()
    yield "fasthook --save", (
        str(programs / "fasthook"), "listen", str(port), "--host", servers.HOST, "--quiet",
        "--save", str(folder / "fasthook.json"),
    ), port  # fmt: skip
    port = servers.free_port()
    yield "webhook-replay", (
        str(programs / "webhook-replay"), "--db", str(folder / "replay.db"), "serve", "--host", servers.HOST,
        "--port", str(port), "--max-captures", "0",
    ), port  # fmt: skip
