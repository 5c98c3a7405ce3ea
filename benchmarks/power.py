"""``python -m benchmarks.power``: the power of a machine fails while hooktop receives at full speed.

A virtual machine has ``hooktop listen`` on a disk of its own, ext4 with the options it has by itself, behind a cache
that forgets without power: QEMU's ``blklogwrites`` keeps each write and each flush in their order. At random moments
the disk is made anew from the log as far as it went: all up to the last flush, and of what came later any sectors. At
the last of them the machine is killed, and another goes on from the disk that was left. Each disk is mounted by a
further machine, which replays the journal, begins hooktop and has it receive. Asked is: is the database sound, and is
each capture there that was answered before? The same with hooktop made to answer before the sync shows that what is
asked can be answered no.

Needs Linux on x86-64 with QEMU, e2fsprogs, and a kernel with its modules: ``--kernel`` is the root
they lie under, or a folder that the system's package of a kernel was unpacked to (``dpkg -x``); nothing is installed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from benchmarks import load, servers
from benchmarks.machines import PATIENCE_S, Machines, said
from benchmarks.programs import machine
from benchmarks.results import Table
from benchmarks.results import machine as this_machine
from monitor.store.errors import StoreError
from monitor.store.reader import Reader

SECTOR = 512
FLUSH, FUA, DISCARD = 1, 2, 4  # flags of an entry of the log
ENTRY = struct.Struct("<4Q")
AHEAD = 1 << 22  # of the log: more than may be under way at one moment
DISK, LOG = 1 << 30, 1 << 34  # sparse
SIZES = (*[0] * 39, 300_000)  # of bodies: some large ones, for the database's log to be written back meanwhile
SHARES = (0.0, 0.05, 0.5, 0.95, 1.0)  # of what was not flushed
AT_ONCE = 24  # disks in one machine
HOOKTOP, CONTROL = "hooktop listen", "... made to answer before the sync ({})"


@dataclass(frozen=True, slots=True)
class Cut:
    """A moment: how much of the log there was, and the digests of what had been answered before."""

    end: int
    answered: frozenset[bytes]


@dataclass(slots=True)
class Found:
    """What the cuts of one program left."""

    answered: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    damaged: int = 0


@dataclass(frozen=True, slots=True)
class Write:
    """An entry of a log: what was written to which sector, and where in the log it is."""

    at: int
    sector: int
    count: int
    flags: int


class Log:
    """The log of a disk, read while it is written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writes: list[Write] = []
        self._at = SECTOR

    def end(self) -> int:
        """How many entries there are: at least all whose writing ended before."""
        with self.path.open("rb", buffering=0) as file:
            while True:
                file.seek(self._at)
                sector, count, flags, _ = ENTRY.unpack(file.read(ENTRY.size))
                if count or flags:
                    assert not flags & DISCARD
                    self.writes.append(Write(self._at + SECTOR, sector, count, flags))
                    self._at += SECTOR * (1 + count)
                elif not file.read(AHEAD).strip(b"\0"):  # else a later one is there already: wait for this
                    return len(self.writes)

    def disks(self, base: Path, ends: Sequence[int], rng: Random, folder: Path) -> Iterator[Path]:
        """The disk as the power that failed may have left it at each of the ``ends``, which are in order."""
        sure, done = folder / "sure.img", 0
        copy(base, sure)
        for number, end in enumerate(ends):
            flushed = max((at for at in range(done, end) if self.writes[at].flags & FLUSH), default=done)
            with self.path.open("rb") as log, sure.open("r+b") as disk:
                for write in self.writes[done:flushed]:
                    put(log, disk, write)
            done = flushed
            made, share = folder / f"{number}.img", rng.choice(SHARES)
            copy(sure, made)
            with self.path.open("rb") as log, made.open("r+b") as disk:
                for write in self.writes[flushed:end]:
                    put(log, disk, write, rng, 1.0 if write.flags & FUA else share)
            yield made


def put(log: Any, disk: Any, write: Write, rng: Random | None = None, share: float = 1.0) -> None:
    """Do a write again, or about a ``share`` of its sectors."""
    log.seek(write.at)
    for number in range(write.count):
        data = log.read(SECTOR)
        if rng is None or rng.random() < share:
            disk.seek((write.sector + number) * SECTOR)
            disk.write(data)


def copy(file: Path, to: Path) -> None:
    """Copy a file with holes."""
    subprocess.run(["cp", "--sparse=always", file, to], check=True)


def digest(body: bytes) -> bytes:
    """What stands for a body."""
    return sha256(body).digest()


class Bench:
    """Machines, and what they are sent."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.rng = Random(options.seed)
        self.folder, self.options = folder, options
        key, file = load.new_key(folder)
        self._machines = Machines(options.qemu, options.accel, options.kernel, load.prepare(key, 1)[0], file, folder)
        self.requests = load.prepare(key, options.boots * options.requests, SIZES)

    def receive(
        self, base: Path, log: Log, synchronous: str, requests: list[bytes], before: frozenset[bytes]
    ) -> list[Cut]:
        """Kill a machine that receives at full speed on a disk, and choose the moments."""
        with log.path.open("wb") as file:
            file.truncate(LOG)
        port = servers.free_port()
        network = f"user,id=net,restrict=on,hostfwd=tcp:{servers.HOST}:{port}-{machine.ADDRESS}:{machine.PORT}"
        disk = f"driver=blklogwrites,file.driver=file,file.filename={base},log.driver=file,log.filename={log.path}"
        with self._machines.machine(f"listen {synchronous}", [disk], network) as process:
            assert "url" in said(process)["listening"]
            cuts = [Cut(self.rng.randint(0, log.end()), before)]  # while it began
            answered: set[bytes] = set()

            def heard(request: bytes, status: int) -> None:
                if status == 200:
                    answered.add(digest(request.partition(b"\r\n\r\n")[2]))

            async def cut() -> None:
                posting = asyncio.get_running_loop().create_task(
                    load.run(servers.HOST, port, requests, count=len(requests), patience_s=PATIENCE_S, heard=heard)
                )
                for _ in range(self.options.cuts - 1):
                    await asyncio.sleep(self.rng.uniform(0, 2 * self.options.pause))
                    if posting.done():
                        posting.result()
                        break  # all is answered: more --requests would have allowed more cuts
                    known = before | answered
                    cuts.append(Cut(log.end(), known))
                process.kill()
                with contextlib.suppress(ConnectionError):
                    await posting

            asyncio.run(cut())
        return sorted(cuts, key=lambda cut: cut.end)

    def look(self, disks: Sequence[Path], cuts: Sequence[Cut], found: Found) -> None:
        """Begin hooktop on each disk, have it receive one more, and see what is there."""
        for disk in disks:
            mend(disk)
        nodes = [f"driver=file,filename={disk}" for disk in disks]
        with self._machines.machine(f"look {len(disks)}", nodes) as process:
            seen = [said(process) for _ in disks]
            said(process)
        for disk, cut, became in zip(disks, cuts, seen, strict=True):
            folder = disk.with_suffix("")
            folder.mkdir()
            subprocess.run(["debugfs", "-R", f"rdump / {folder}", disk], capture_output=True, check=True)
            sound, bodies = contents(folder / "h.db")
            aside = any("damaged" in name for name in became.get("files", ()))
            if not sound or aside or became["status"] != 200 or became["code"] != 0:
                found.damaged += 1
                print(f"  damaged: {became}")
            found.answered.append(len(cut.answered))
            found.lost.append(len(cut.answered - bodies))
            shutil.rmtree(folder)
            disk.unlink()


def mend(disk: Path) -> None:
    """Do what its owner would where ext4's first block was cut in two: nobody mounts it before e2fsck took another."""
    if subprocess.run(["dumpe2fs", "-h", disk], capture_output=True, check=False).returncode != 0:
        subprocess.run(["e2fsck", "-f", "-y", disk], capture_output=True, check=False)
        print(f"  {disk.name}: e2fsck was needed")


def contents(database: Path) -> tuple[bool, set[bytes]]:
    """Whether a database is sound, and the digests of the bodies in it."""
    bodies, last = set[bytes](), 0
    try:
        with contextlib.closing(sqlite3.connect(database)) as db:
            sound = db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        with contextlib.closing(Reader(database)) as reader:
            while page := reader.page(after=last):
                bodies |= {digest(capture.request.body) for capture in page}
                last = page[-1].id
    except (sqlite3.Error, StoreError):  # none at all, or of which nothing can be read
        sound = False
    return sound, bodies


def cuts_of(bench: Bench, synchronous: str) -> Found:
    """Boot, cut and look: once, but so many times with hooktop itself, which goes on from the disk that a cut left."""
    found, before = Found(), frozenset[bytes]()
    base, log = bench.folder / "base.img", Log(bench.folder / "writes.log")
    with base.open("wb") as file:
        file.truncate(DISK)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", base], check=True)
    for boot in range(bench.options.boots if synchronous == "FULL" else 1):
        first = bench.options.requests * boot
        start, log = bench.folder / "start.img", Log(log.path)
        copy(base, start)
        requests = bench.requests[first : first + bench.options.requests]
        cuts = bench.receive(start, log, synchronous, requests, before)
        batch: list[Path] = []
        for number, disk in enumerate(log.disks(base, [cut.end for cut in cuts], bench.rng, bench.folder), 1):
            batch.append(disk)
            if number == len(cuts):
                copy(disk, start)
            if len(batch) == AT_ONCE or number == len(cuts):
                bench.look(batch, cuts[number - len(batch) : number], found)
                batch = []
        base, before = start.replace(base), cuts[-1].answered
        print(
            f"  {synchronous}, boot {boot + 1}: {len(cuts)} cuts, {len(before):,} answered, {sum(found.lost):,} lost, "
            f"{found.damaged} damaged"
        )
    return found


def main() -> None:
    """Cut the power of hooktop, and of what answers before the sync."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.power", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kernel", type=Path, default=Path("/"), help="where boot and lib/modules are (%(default)s)")
    parser.add_argument("--qemu", default="qemu-system-x86_64", help="the program (%(default)s)")
    parser.add_argument("--accel", default="tcg", help="what QEMU runs the machine with, e.g. kvm (%(default)s)")
    parser.add_argument("--boots", type=int, default=3, help="machines that are killed (%(default)s)")
    parser.add_argument("--cuts", type=int, default=24, help="moments of each (%(default)s)")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between them, on average (%(default)s)")
    parser.add_argument("--requests", type=int, default=4000, help="for each machine, at most (%(default)s)")
    parser.add_argument("--control", nargs="*", default=["NORMAL", "OFF"], help="SQLite's synchronous (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of what is random (%(default)s)")
    options = parser.parse_args()
    made = Table("Power cut at a random moment", ("", "cuts", "answered before", "cuts that lost", "lost", "damaged"))
    with tempfile.TemporaryDirectory() as name:
        try:
            bench = Bench(options, Path(name))
        except LookupError as missing:
            sys.exit(f"power: {missing}")
        print(this_machine() + "\n")
        for synchronous in ("FULL", *options.control):
            found = cuts_of(bench, synchronous)
            what = HOOKTOP if synchronous == "FULL" else CONTROL.format(f"synchronous = {synchronous}")
            losing = sum(1 for lost in found.lost if lost)
            figures = (len(found.lost), sum(found.answered), losing, sum(found.lost), found.damaged)
            made.rows.append((what, *(f"{figure:,}" for figure in figures)))
    print("\n" + made.text())
    if any(figure != "0" for figure in made.rows[0][3:]):
        sys.exit(1)


if __name__ == "__main__":
    main()
