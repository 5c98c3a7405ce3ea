"""Foreign text made safe to show.

Webhook bodies, header values, paths and provider answers are written by strangers, and neither Textual nor rich stops
a control sequence in them from reaching the terminal. Every foreign string passes ``visible`` before it is drawn,
logged or printed.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

TAB_WIDTH = 4
MAX_MARKS = 4  # combining marks that one character may carry; more is an attack on the line above, not writing
# Their letters look alike. UTS 39, section 5.2: up to "moderately restrictive" Latin goes with others, not with these.
_ALIKE = frozenset({"LATIN", "GREEK", "CYRILLIC"})
_WORD = re.compile("(?:[^\\W_][\u0300-\u036f]*)+")  # letters and digits, with the marks on them


class _Table(dict[int, str | int | None]):
    """A translate table that works out a code point when it is first met and keeps what it found."""

    def __init__(self, *, keep_newline: bool) -> None:
        super().__init__()
        self[0x09] = " " * TAB_WIDTH if keep_newline else "␉"
        self[0x0A] = 0x0A if keep_newline else "␊"

    def __missing__(self, code: int) -> str | int | None:
        shown: str | int | None
        if code < 0x20:
            shown = 0x2400 + code
        elif code == 0x7F:
            shown = 0x2421
        elif 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF:
            shown = None  # variation selectors choose a glyph's look; terminals disagree about the width they make
        elif code in _INVISIBLE or unicodedata.category(chr(code)) in _HIDDEN:
            shown = escape(code)
        else:
            shown = code
        if code < 0x20000:  # what is kept stays bounded by the planes that people write in
            self[code] = shown
        return shown


# Control, format (bidi, zero width), surrogate, private use, unassigned, line and paragraph separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARKS = frozenset({"Mn", "Me"})  # not those with a combining class: enclosing marks and many vowel signs have none
# Letters and marks by category that draw nothing: grapheme joiner, Hangul and Khmer fillers, Braille blank.
_INVISIBLE = frozenset({0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0})


def escape(code: int) -> str:
    r"""The visible form of a code point that cannot be drawn: ``\u202e``, ``\U000e0001``."""
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_LINE = _Table(keep_newline=False)
_LINES = _Table(keep_newline=True)


def visible(text: str, *, lines: bool = False, limit: int | None = None) -> str:
    r"""Foreign text as text that cannot act on a terminal.

    Control characters become their pictures (U+2400 block), bidi, zero-width, surrogate, private-use and unassigned
    code points become escapes such as ``\u202e``, and runs of combining marks are capped. With ``lines`` newlines stay
    and tabs become blanks, else both become pictures, so the result is one line. ``limit`` caps the characters read;
    a cut is marked with ``…``.
    """
    if limit is not None and len(text) > limit:
        text = text[:limit] + "…"
    if text.isascii() and text.isprintable():
        return text
    if lines:
        text = text.replace("\r\n", "\n")
    return _cap_marks(text.translate(_LINES if lines else _LINE))


def visible_bytes(data: bytes, *, lines: bool = False, limit: int | None = None) -> str:
    r"""Bytes as visible text: UTF-8 where they are UTF-8, ``\xff`` where they are not."""
    cut = data[:limit]
    shown = visible(cut.decode("utf-8", "backslashreplace"), lines=lines)
    return shown if len(cut) == len(data) else shown + "…"


def mixed_words(text: str) -> list[str]:
    r"""The words that mix Latin, Greek and Cyrillic letters, each once: such a word may be read as another one.

    The letters of all but the script that a word has most of are escaped: ``p\u0430ypal``. Words of different scripts
    may stand side by side. Not found: a whole word of one script that looks like another's (``\u0441\u043e\u0440``).
    """
    found: dict[str, None] = {}
    for word in () if text.isascii() else _WORD.findall(text):
        if not word.isascii() and len({*map(_script, word)} - {None}) > 1:
            letters = Counter(filter(None, map(_script, word)))
            most = max(letters, key=lambda script: (letters[script], script == "LATIN"))
            found["".join(c if _script(c) in (None, most) else escape(ord(c)) for c in word)] = None
    return list(found)


def is_text(data: bytes) -> bool:
    """Whether bytes are UTF-8 without a NUL, so that an editor and a command line take them."""
    if b"\0" in data:
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@lru_cache(4096)
def _script(char: str) -> str | None:
    """The script of a letter, of those that look alike; None for all other characters."""
    name = unicodedata.name(char, "").partition(" ")[0]
    return name if name in _ALIKE else None


def _cap_marks(text: str) -> str:
    if text.isascii() or not any(unicodedata.category(c) in _MARKS for c in text):
        return text
    kept: list[str] = []
    marks = 0
    for char in text:
        if unicodedata.category(char) in _MARKS:
            marks += 1
            if marks > MAX_MARKS:
                continue
        else:
            marks = 0
        kept.append(char)
    return "".join(kept)
