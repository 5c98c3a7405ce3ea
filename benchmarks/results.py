"""What was measured: tables, and the targets beside the figures that answer them."""

from __future__ import annotations

import platform
import sqlite3
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from os import cpu_count
from typing import Literal

PACKAGES = ("textual", "starlette", "uvicorn", "h11", "httpx", "cryptography", "uvloop", "httptools")
Way = Literal["at least", "at most"]


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure must reach; ``name`` is what ``Results.figure`` is told."""

    name: str
    what: str
    way: Way
    wanted: float
    unit: str = ""

    def met(self, figure: float) -> bool:
        """Whether a figure reaches it."""
        return figure >= self.wanted if self.way == "at least" else figure <= self.wanted

    def shown(self, figure: float) -> str:
        """A figure with its unit."""
        return f"{figure:,.2f} {self.unit}".strip()


TARGETS = (
    Target("listen", "`listen`, verified and synced before the answer: ratio to bare Starlette, h11", "at least", 0.60),
    Target("speed", "the same with the extra `speed`: ratio to bare Starlette, httptools on uvloop", "at least", 0.40),
    Target("speed over h11", "the same with the extra `speed`: ratio to bare Starlette, h11", "at least", 1.3),
    Target("screens", "`listen` with screens: ratio to screens that stand still", "at least", 0.85),
    Target("screens with speed", "the same with the extra `speed`", "at least", 0.90),
    Target("forward", "forwarding to an app that answers in 1 ms: ratio to forwarding off", "at least", 0.7),
    Target("mitmdump", "ratio to mitmdump (reverse mode) on the same work", "at least", 4),
    Target("mitmdump with speed", "the same with the extra `speed`", "at least", 10),
    Target("p99 at 200/s", "answers with screens at 200 a second, p99", "at most", 5, "ms"),
    Target("p99 at 1000/s", "answers with screens at 1,000 a second, p99", "at most", 12, "ms"),
    Target("burst lost", "burst of 5,000 in 5 s while somebody scrolls: not answered 2xx", "at most", 0),
    Target("burst p99", "answers in that burst, p99", "at most", 100, "ms"),
    Target("slow disk", "a sync of 5 ms: ratio to a commit for each request, 16 connections", "at least", 8),
    Target("key at 1000/s", "key to paint at 1,000 captures a second, p95", "at most", 50, "ms"),
    Target("key on a slow disk", "the same at 200 a second with a sync of 5 ms: ratio to a fast disk", "at most", 1.2),
    Target("stall", "longest wait for an answer while a body of 1 MiB is opened, 50 a second", "at most", 50, "ms"),
    Target("first paint", "first paint: ratio to an empty Textual app", "at most", 1.25),
    Target("port", "from the start to an open port", "at most", 250, "ms"),
    Target("help", "`hooktop --help`", "at most", 120, "ms"),
    Target("history open", "1,000,000 captures: list open", "at most", 500, "ms"),
    Target("history page", "1,000,000 captures: slowest indexed page", "at most", 5, "ms"),
    Target("history match", "1,000,000 captures: slowest first match of a filter", "at most", 200, "ms"),
    Target("history stall", "1,000,000 captures: longest wait for an answer while filtered", "at most", 50, "ms"),
    Target("history memory", "memory with 1,000,000 captures, screens open", "at most", 120, "MB"),
    Target("history growth", "memory with 1,000,000 captures over that with 100,000", "at most", 10, "MB"),
    Target("disk", "bytes in the database for each raw byte (body and headers)", "at most", 1.0),
)


@dataclass
class Table:
    """Rows of text under headings; the first column is names, the others are figures."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)

    def text(self) -> str:
        """Aligned, for a terminal."""
        wide = [max(len(row[at]) for row in (self.columns, *self.rows)) for at in range(len(self.columns))]
        lines = [
            "  ".join(
                cell.ljust(w) if at == 0 else cell.rjust(w) for at, (cell, w) in enumerate(zip(row, wide, strict=True))
            )
            for row in (self.columns, *self.rows)
        ]
        return "\n".join([self.title, *lines, ""])

    def markdown(self) -> str:
        """For ``RESULTS.md``."""
        marks = ["---"] + ["---:"] * (len(self.columns) - 1)
        return "\n".join(
            [f"### {self.title}\n", *("| " + " | ".join(row) + " |" for row in (self.columns, marks, *self.rows)), ""]
        )


class Results:
    """The tables of one run, printed as they come."""

    def __init__(self) -> None:
        self.tables: list[Table] = []
        self.figures: dict[str, float] = {}
        self.bounds: dict[str, float] = {}

    def add(self, table: Table) -> None:
        """Print a table and keep it."""
        print(table.text(), flush=True)
        self.tables.append(table)

    def figure(self, name: str, value: float, bound: float | None = None) -> None:
        """A figure that a target asks for, and what was measured in its place for the least that could do the work."""
        assert any(target.name == name for target in TARGETS), name
        self.figures[name] = value
        if bound is not None:
            self.bounds[name] = bound

    def verdict(self) -> Table:
        """The targets that this run says something about."""
        rows = [
            (
                target.what,
                f"{'≥' if target.way == 'at least' else '≤'} {target.wanted:g} {target.unit}".strip(),
                target.shown(self.figures[target.name]),
                "yes" if target.met(self.figures[target.name]) else "**no**",
                target.shown(self.bounds[target.name]) if target.name in self.bounds else "",
            )
            for target in TARGETS
            if target.name in self.figures
        ]
        return Table("Targets", ("what", "target", "measured", "met", "the least here"), list(rows))

    def markdown(self, command: str) -> str:
        """All of it as a page."""
        parts = [
            "# What was measured",
            f"`{command}`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, all in one run. {machine()}",
            "Times on a shared machine say little by themselves: read the ratios, whose sides were measured in turn.",
            "*The least here* is what the target's work takes on this machine at least, measured in the same run: "
            "*parse, verify, commit, answer* is the least that keeps the promise of an answer that leaves after the "
            "sync, on the same libraries, and *and draw a list* does so in the event loop of a Textual app that draws "
            "one plain list ten times a second. What lies between them and hooktop is reading the event, messages, "
            "conversations, search, what the screens say and the printed line; the table of the processor's time has "
            "what each takes, and all of them together with bare Starlette: with nothing else to do, one process would "
            "receive at that pace, so a target above it takes parts that are quicker, not less around them. *Nothing "
            "printed, nothing made of it* is hooktop with only what comes before the answer: where a target is out of "
            "its reach, no saving behind the answer would meet it in one process. The table of bytes has what packing "
            "the bodies would leave. None of the other programs checks a signature or syncs before it answers.",
            self.verdict().markdown(),
            *(table.markdown() for table in self.tables),
        ]
        return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def machine() -> str:
    """What it ran on, in a sentence."""
    cores = cpu_count() or 1
    known = [f"{name} {found}" for name in PACKAGES if (found := _version(name))]
    return (
        f"{_processor()}, {cores} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {', '.join(known)}."
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        text = subprocess.run(["lscpu"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return platform.processor() or "unknown processor"
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return lines.get("Model name", "unknown processor").strip()
