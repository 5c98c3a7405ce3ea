"""Whether a log can be that of the database it lies beside: it names none, but each commit in it says how long the
database was then (https://www.sqlite.org/fileformat2.html §4)."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Final

_LOG: Final = struct.Struct(">I4xI4x8sII")  # the order of bytes in sums, the size of a page, the salts, two sums
_FRAME: Final = struct.Struct(">II8sII")  # the number of a page, the length after a commit, the salts, two sums
_PAGE_SIZES: Final = frozenset(2**n for n in range(9, 17))  # a log with any other is none to SQLite
_BIG_ENDIAN: Final = 0x377F0683
_SUMMED: Final = -8  # of a header: its sums are not
_LOCKS_AT: Final = 2**30  # the page of this byte is never written (§1.2)


def can_belong(database: Path, log: Path, pages: int) -> bool:
    """Whether a log can be of a database whose first page, seen with the log, says that there are ``pages``: a commit
    says so, too, and what is past the end of the file is in the log. One without a whole commit can be of any.

    Behind the first commit what a crash cut short counts with the rest: a doubt is in favour of the log. Raises
    OSError.
    """
    with log.open("rb") as file:
        head = file.read(_LOG.size)
        if len(head) < _LOG.size:
            return True
        order, page_size, salts, *stated = _LOG.unpack(head)
        if page_size not in _PAGE_SIZES:
            return True
        byte_order = ">" if order == _BIG_ENDIAN else "<"
        sums = _sums(byte_order, head[:_SUMMED], [0, 0])
        whole = False
        lengths, logged = set(), {_LOCKS_AT // page_size + 1}
        while sums == stated and len(frame := file.read(_FRAME.size)) == _FRAME.size:
            number, length, own, *stated_here = _FRAME.unpack(frame)
            if not whole:
                page = file.read(page_size)
                if own != salts or len(page) < page_size:
                    return True
                sums, stated = _sums(byte_order, frame[:8] + page, sums), stated_here
                whole = sums == stated and length > 0
            else:
                file.seek(page_size, os.SEEK_CUR)
            if own == salts:  # else it is left over from before the log was begun anew
                lengths.add(length)
                logged.add(number)
    if not whole:
        return True
    beyond = range(database.stat().st_size // page_size + 1, pages + 1)
    return pages in lengths and all(number in logged for number in beyond)


def _sums(byte_order: str, data: bytes, sums: list[int]) -> list[int]:
    """The sums over data whose length is a multiple of 8, going on from others (§4.2)."""
    words = struct.unpack(f"{byte_order}{len(data) // 4}I", data)
    first, second = sums
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return [first, second]
