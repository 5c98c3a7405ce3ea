"""A disk that keeps only what was synced, made of a trace of a program's system calls.

What was written and not yet synced when the power fails may be there or not, each sector by itself and in any order; a
new name or a removed one is sure only once its folder was synced. No file system keeps less than that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

CALLS: Final = "openat,close,pwrite64,write,ftruncate,fallocate,fdatasync,fsync,unlink,rename"
SECTOR: Final = 512
LONGEST: Final = 1 << 20  # bytes of one write that are traced
_LINE: Final = re.compile(r"(\d+) +(\d+\.\d+) (.*)", re.DOTALL)
_RESUMED: Final = re.compile(r"<\.\.\. \w+ resumed>")


def traced(trace: Path) -> list[str]:
    """The program to run another with, so that its calls are in the file ``trace``."""
    return ["strace", "-f", "-ttt", "-xx", "-s", str(LONGEST), "-e", f"trace={CALLS}", "-o", str(trace)]


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was begun or ended; ``result`` is None where it was begun only."""

    thread: str
    at: float
    name: str
    arguments: list[str]
    result: int | None


def calls(trace: Path) -> Iterator[Call]:
    """What a trace holds, in its order: each call once when it begins and once when it ends."""
    begun: dict[str, str] = {}
    with trace.open("r", encoding="ascii") as lines:
        for line in lines:
            found = _LINE.match(line.rstrip("\n"))
            assert found is not None, line[:100]
            thread, at, text = found[1], float(found[2]), found[3]
            if text.startswith(("+++", "---")):
                continue
            if text.endswith("<unfinished ...>"):
                begun[thread] = text.removesuffix("<unfinished ...>").rstrip()
                yield _call(thread, at, begun[thread], None)
            elif (resumed := _RESUMED.match(text)) is not None:
                yield _ended(thread, at, begun.pop(thread) + text[resumed.end() :])
            else:
                ended = _ended(thread, at, text)
                yield Call(thread, at, ended.name, ended.arguments, None)
                yield ended


def _ended(thread: str, at: float, text: str) -> Call:
    head, _, result = text.rpartition("= ")
    return _call(thread, at, head.rstrip(), int(result.split()[0].replace("?", "-1")))


def _call(thread: str, at: float, text: str, result: int | None) -> Call:
    name, _, arguments = text.removesuffix(")").partition("(")
    return Call(thread, at, name, [one.strip() for one in arguments.split(",")], result)


def _bytes(quoted: str) -> bytes:
    assert quoted[0] == quoted[-1] == '"', f"more than is traced: {quoted[-20:]}"
    return bytes.fromhex(quoted[1:-1].replace("\\x", ""))


@dataclass
class File:
    """What of a file is sure, and what was done to it since: bytes at an offset, or None for a new length."""

    sure: bytearray = field(default_factory=bytearray)
    unsure: list[tuple[int, bytes | None]] = field(default_factory=list)

    def kept(self, rng: Random, share: float) -> bytearray:
        """What may be found after the power failed: about ``share`` of what was not sure."""
        image = bytearray(self.sure)
        for offset, data in self.unsure:
            if data is None:
                if rng.random() < share:
                    _resize(image, offset)
                continue
            for start, end in _sectors(offset, len(data)):
                if rng.random() < share:
                    _put(image, start, data[start - offset : end - offset])
        return image

    def sync(self, count: int) -> None:
        """Make the first ``count`` of what was done sure."""
        for offset, data in self.unsure[:count]:
            if data is None:
                _resize(self.sure, offset)
            else:
                _put(self.sure, offset, data)
        del self.unsure[:count]


def _sectors(offset: int, length: int) -> Iterator[tuple[int, int]]:
    start, end = offset, offset + length
    while start < end:
        following = min(start - start % SECTOR + SECTOR, end)
        yield start, following
        start = following


def _resize(image: bytearray, length: int) -> None:
    del image[length:]
    image.extend(bytes(length - len(image)))


def _put(image: bytearray, offset: int, data: bytes) -> None:
    if len(image) < offset:
        _resize(image, offset)
    image[offset : offset + len(data)] = data


class Disk:
    """The files of one folder, from what is ``sure`` at first to what a trace did to them.

    Only those of the ``names`` are looked at. ``lies``: a sync does nothing.
    """

    def __init__(self, folder: Path, names: set[str], sure: Mapping[str, bytes], *, lies: bool = False) -> None:
        self._folder = str(folder)
        self._names = names
        self._lies = lies
        self._files = {name: File(bytearray(content)) for name, content in sure.items()}
        self._sure = dict(self._files)
        self._changes: list[dict[str, File]] = []  # of names, since the folder was synced
        self._open: dict[int, File] = {}
        self._folders: set[int] = set()
        self._syncs: dict[str, int] = {}  # by thread: how much of its file a sync that was begun will make sure

    def does(self, call: Call) -> bool:
        """Let a call do its work; true where it changed what is on the disk or what is sure."""
        ended = call.result is not None and call.result >= 0
        match call.name:
            case "openat" if ended:
                return self._opens(call)
            case "close" if call.result is None:
                self._open.pop(int(call.arguments[0]), None)
                self._folders.discard(int(call.arguments[0]))
            case "unlink" if ended:
                name = self._name(call.arguments[0])
                if name in self._files:
                    del self._files[name]
                    self._changes.append(dict(self._files))
                    return True
            case "rename" if ended:
                assert self._name(call.arguments[0]) is None, "a file of the database gets another name"
            case "fdatasync" | "fsync":
                return self._syncs_one(call)
            case "pwrite64" | "ftruncate" | "write" | "fallocate" if call.result is None:
                return self._writes(call)
        return False

    def after_power_failed(self, rng: Random, share: float, into: Path) -> None:
        """Put into a folder what may be found: about ``share`` of what was not sure."""
        states = [self._sure, *self._changes]
        for name, file in states[rng.randint(0, len(self._changes))].items():
            (into / name).write_bytes(file.kept(rng, share))

    def _name(self, quoted: str) -> str | None:
        folder, _, name = _bytes(quoted).decode().rpartition("/")
        return name if folder == self._folder and name in self._names else None

    def _opens(self, call: Call) -> bool:
        assert call.result is not None
        if _bytes(call.arguments[1]).decode() == self._folder:
            self._folders.add(call.result)
            return False
        name = self._name(call.arguments[1])
        if name is None:
            return False
        new = name not in self._files
        if new:
            self._files[name] = File()
            self._changes.append(dict(self._files))
        self._open[call.result] = self._files[name]
        return new

    def _syncs_one(self, call: Call) -> bool:
        fd = int(call.arguments[0])
        if self._lies:
            return False
        if fd in self._folders:
            if call.result == 0:
                self._sure, self._changes = dict(self._files), []
            return call.result == 0
        file = self._open.get(fd)
        if file is None:
            return False
        if call.result is None:
            self._syncs[call.thread] = len(file.unsure)
            return False
        file.sync(self._syncs.pop(call.thread))
        return True

    def _writes(self, call: Call) -> bool:
        file = self._open.get(int(call.arguments[0]))
        if file is None:
            return False
        if call.name == "ftruncate":
            file.unsure.append((int(call.arguments[1]), None))
            return True
        assert call.name == "pwrite64", f"{call.name} on a file of the database"
        data = _bytes(call.arguments[1])
        file.unsure.append((int(call.arguments[3]), data))
        return True
