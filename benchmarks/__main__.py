"""``python -m benchmarks``: receiving, measured side by side in one run on loopback; ``--history N`` a long history."""

from __future__ import annotations

import argparse
import asyncio
import platform
import tempfile
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks import history, load, servers

ROUNDS = 3


def main() -> None:
    """Run the ingest benchmark and print its tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--count", type=int, default=8000, help="requests a round at full speed")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds; the median is printed")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--history", type=int, metavar="N", help="measure a database of N captures instead")
    options = parser.parse_args()
    packages = " ".join(
        f"{name} {version(name)}" for name in ("textual", "starlette", "uvicorn", "h11", "cryptography")
    )
    print(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}; {packages}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.history:
            history.build(folder / "history.db", options.history)
            history.measure(folder / "history.db", options.history)
            return
        key, file = load.new_key(folder)
        requests = load.prepare(key)
        size = sum(len(r) for r in requests) // len(requests)
        print(f"Signed Volt deliveries, {size} bytes a request, {options.connections} connections, h11, asyncio\n")
        with servers.bare() as bare, servers.listen(folder, file) as listen, servers.screens(folder, file) as screens:
            full_speed(
                {"bare Starlette": bare, "hooktop listen": listen, "hooktop with screens": screens}, requests, options
            )
            steady({"hooktop listen": listen, "hooktop with screens": screens}, requests)


def full_speed(under_test: dict[str, servers.Server], requests: list[bytes], options: argparse.Namespace) -> None:
    """As fast as answers come, the programs in turn, so that each round sees the same machine."""
    results: dict[str, list[load.Result]] = {name: [] for name in under_test}
    for server in under_test.values():
        _post(server, requests, count=1000, connections=options.connections)
    for _ in range(options.rounds):
        for name, server in under_test.items():
            results[name].append(_post(server, requests, count=options.count, connections=options.connections))
    base = results["bare Starlette"]
    print(f"{'full speed':<24}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'ratio to bare':>15}{'not 200':>9}")
    for name, runs in results.items():
        ratio = median(run.rate / bare.rate for run, bare in zip(runs, base, strict=True))
        wrong = sum(sum(run.statuses.values()) - run.statuses[200] for run in runs)
        figures = (
            median(run.rate for run in runs),
            median(r.percentile(0.5) for r in runs),
            median(r.percentile(0.99) for r in runs),
        )
        print(f"{name:<24}{figures[0]:>12,.0f}{figures[1]:>9.2f}{figures[2]:>9.2f}{ratio:>15.2f}{wrong:>9}")
    print()


def steady(under_test: dict[str, servers.Server], requests: list[bytes]) -> None:
    """Answer times at given rates; a request's time counts from when it was due."""
    print(f"{'steady':<24}{'rate/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'worst ms':>15}{'not 200':>9}")
    for rate in (200, 1000):
        for name, server in under_test.items():
            run = _post(server, requests, count=rate * 5, connections=32, rate=rate)
            wrong = sum(run.statuses.values()) - run.statuses[200]
            print(
                f"{name:<24}{rate:>12,}{run.percentile(0.5):>9.2f}{run.percentile(0.99):>9.2f}"
                f"{run.percentile(1):>15.2f}{wrong:>9}"
            )


def _post(
    server: servers.Server, requests: list[bytes], *, count: int, connections: int, rate: float | None = None
) -> load.Result:
    return asyncio.run(load.run(servers.HOST, server.port, requests, count=count, connections=connections, rate=rate))


if __name__ == "__main__":
    main()
