"""``python -m benchmarks``: what hooktop costs and reaches, on loopback, all sides measured in the same run."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from benchmarks import answers, history, ingest, load, parts, screen, soak
from benchmarks.results import Results, machine

RESULTS = Path(__file__).parent / "RESULTS.md"


@dataclass(frozen=True, slots=True)
class Run:
    """What a benchmark has at hand: where its tables go, a scratch folder, the file of the public key, whole signed
    requests, and what the command line says."""

    results: Results
    folder: Path
    key: Path
    requests: list[bytes]
    options: argparse.Namespace


Benchmark: TypeAlias = Callable[[Run], None]


def main() -> None:
    """Run the benchmarks that were named, or all but the soak, and print their tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which: " + ", ".join(BENCHMARKS))
    parser.add_argument("--count", type=int, default=8000, help="requests a round at full speed (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, of which the median counts (%(default)s)")
    parser.add_argument("--seconds", type=int, default=8, help="of a steady rate (%(default)s)")
    parser.add_argument("--captures", type=int, default=1_000_000, help="of the long history (%(default)s)")
    parser.add_argument("--minutes", type=float, default=30, help="of the soak (%(default)s)")
    parser.add_argument("--rate", type=int, default=300, help="captures a second of the soak (%(default)s)")
    parser.add_argument("--peers", type=Path, help="folder with mitmdump, fasthook and webhook-replay")
    parser.add_argument(
        "--write", type=Path, nargs="?", const=RESULTS, metavar="FILE", help=f"write the tables ({RESULTS.name})"
    )
    options = parser.parse_args()
    names = options.names or [name for name in BENCHMARKS if name != "soak"]
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}")
    results = Results()
    print(machine() + "\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        key, file = load.new_key(folder)
        requests = load.prepare(key)
        for chosen in names:
            BENCHMARKS[chosen](Run(results, folder, file, requests, options))
    print(results.verdict().text())
    if options.write:
        options.write.write_text(results.markdown(" ".join(["python -m benchmarks", *names])), "utf-8")


def _peers(run: Run) -> None:
    if run.options.peers is None:
        print("peers: skipped, --peers names the folder with their programs\n")
    else:
        count = min(run.options.count, 2000)
        ingest.peers(run.results, run.folder, run.key, run.requests, run.options.peers, count, run.options.rounds)


def _full_speed(measure: Callable[[Results, Path, Path, list[bytes], int, int], None], most: int) -> Benchmark:
    return lambda run: measure(
        run.results, run.folder, run.key, run.requests, min(run.options.count, most), run.options.rounds
    )


BENCHMARKS: dict[str, Benchmark] = {
    "start": lambda run: screen.start(run.results, run.folder, run.key, max(run.options.rounds, 5)),
    "parts": lambda run: parts.parts(run.results, run.folder, run.key, run.requests, run.options.count),
    "ingest": _full_speed(ingest.stack, 100_000),
    "speed": _full_speed(ingest.speed, 100_000),
    "screens": _full_speed(ingest.screens, 100_000),
    "forward": _full_speed(ingest.forward, 100_000),
    "slow-disk": _full_speed(ingest.slow_disk, 1000),
    "peers": _peers,
    "steady": lambda run: answers.steady(run.results, run.folder, run.key, run.requests, run.options.seconds),
    "burst": lambda run: answers.burst(run.results, run.folder, run.key, run.requests),
    "stall": lambda run: answers.stall(run.results, run.folder, run.key, run.requests),
    "keys": lambda run: screen.keys(run.results, run.folder, run.key, run.requests, run.options.seconds),
    "slow-keys": lambda run: screen.slow_keys(run.results, run.folder, run.key, run.requests, run.options.seconds),
    "history": lambda run: history.measure(run.results, run.folder, run.key, run.requests, run.options.captures),
    "soak": lambda run: soak.soak(
        run.results, run.folder, run.key, run.requests, run.options.minutes, run.options.rate
    ),
}

if __name__ == "__main__":
    main()
