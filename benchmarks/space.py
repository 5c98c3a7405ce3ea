"""Where the bytes of a database are, and what packing the bodies would leave of them."""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections import Counter
from contextlib import closing
from pathlib import Path

from benchmarks.results import Results, Table

# What a table or an index is for, by how its name begins.
PARTS = {
    "captures": "the captures as they came",
    "readings": "what was read of them, and their verdicts",
    "message": "messages",
    "conversation": "conversations",
    "search": "search",
}
DICTIONARY = 1 << 15  # bytes: as far back as deflate looks
SAMPLE = 20_000  # bodies


def measure(results: Results, path: Path, count: int, raw: int) -> None:
    """The table, for a database of ``count`` captures that came as ``raw`` bytes."""
    try:
        parts = _parts(path)
    except sqlite3.OperationalError:
        print("where the bytes are: skipped, this SQLite does not tell (no dbstat)\n")
        return
    made = Table(f"Where the bytes of {count:,} captures are", ("what", "bytes a capture", "for each raw byte"))
    bodies, packed, micros = _packed(path)
    shown = [(name, size / count) for name, size in parts.most_common()]
    whole = sum(parts.values()) / count
    shown += [
        ("all of it", whole),
        (f"with bodies packed ({bodies:.0f} bytes to {packed:.0f}, {micros:.0f} µs each)", whole - bodies + packed),
    ]
    made.rows += [(name, f"{size:,.0f}", f"{size / raw * count:.2f}") for name, size in shown]
    results.add(made)


def _parts(path: Path) -> Counter[str]:
    sizes: Counter[str] = Counter()
    with closing(sqlite3.connect(path)) as db:
        for name, size in db.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"):
            sizes[next((part for begin, part in PARTS.items() if name.startswith(begin)), "all else")] += size
    return sizes


def _packed(path: Path) -> tuple[float, float, float]:
    """The mean of bodies as they came, deflated with a dictionary of earlier ones, and the microseconds that takes."""
    with closing(sqlite3.connect(path)) as db:
        bodies = [body for (body,) in db.execute("SELECT body FROM captures ORDER BY id LIMIT ?", (2 * SAMPLE,))]
    half = len(bodies) // 2
    earlier, later = bodies[:half], bodies[half:]
    known = b"".join({len(body): body for body in earlier}.values())[-DICTIONARY:]  # of many kinds
    size, begun = 0, time.perf_counter()
    for body in later:
        packer = zlib.compressobj(zdict=known)
        size += len(packer.compress(body)) + len(packer.flush())
    took = time.perf_counter() - begun
    return sum(map(len, later)) / len(later), size / len(later), took / len(later) * 1e6
