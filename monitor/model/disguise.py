"""Disguises: texts, numbers and addresses that stand for real ones in what is handed on.

The same value gets the same disguise as long as the key is the same; without the key nobody gets back to the value.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Final

MAIL: Final = re.compile(r"[\w.+'&-]{1,64}@[\w-]+(?:\.[\w-]+)+")
# An id of a WhatsApp message holds a number in base64.
WHATSAPP_ID: Final = re.compile(r"(?<![\w.])(wamid\.|gB[EG])[\w+/=-]{8,}")
UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# With a plus, or grouped as in North America, or ten to fifteen digits in a row that are no part of a name.
NUMBER: Final = re.compile(
    r"(?<![\w+])(?:\+|00)\(?[0-9](?:[ ().\-/]{0,2}[0-9]){6,14}(?!\w)"
    r"|(?<![\w.-])\(?[0-9]{3}\)?[ .-]{1,2}[0-9]{3}[ .-][0-9]{4}(?![\w-])"
    r"|(?<![\w.+-])[0-9]{10,15}(?![\w-])"
)
_SPECIAL: Final = re.compile(f"{MAIL.pattern}|{NUMBER.pattern}")
_NOT_DIGITS: Final = re.compile(r"[^0-9]")
MAIL_DOMAIN: Final = "example.org"
REMEMBERED: Final = 100_000  # numbers whose disguises are kept apart from each other; beyond that chance does it
MAX_TRIES: Final = 100
_BLOCK: Final = 64  # code points with the same length in UTF-8 and, nearly always, of one script
_ASCII: Final = ("0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")


class Disguise:
    """Makes disguises with one key."""

    def __init__(self, key: bytes) -> None:
        """``key`` is secret and random, at least 16 bytes."""
        self._key = key
        self._numbers: dict[str, str] = {}
        self._taken: set[str] = set()

    def text(self, text: str) -> str:
        """The text with every letter and digit another one of its kind; numbers and addresses in it as ``number`` and
        ``mail`` give them. Length, case, script, blanks and signs stay."""
        return self._around(text, lambda part: self._letters(part, text))

    def pieces(self, text: str) -> str:
        """The text with only the numbers and addresses in it disguised; the digits of a UUID are nobody's."""
        parts: list[str] = []
        at = 0
        for found in UUID.finditer(text):
            parts += [self._around(text[at : found.start()], str), found[0]]
            at = found.end()
        return "".join((*parts, self._around(text[at:], str)))

    def letters(self, text: str) -> str:
        """As ``text``, but what looks like a number or an address is nothing special: for secrets."""
        return self._letters(text, text)

    def number(self, text: str) -> str:
        """A phone number as one that begins with 1555 (555 where it is short), written in the same way."""
        digits = _NOT_DIGITS.sub("", text)
        if text.startswith("00"):
            digits = digits[2:]
        shown = iter(("00" if text.startswith("00") else "") + self._digits(digits))
        return "".join(next(shown) if char in _ASCII[0] else char for char in text)

    def mail(self, text: str) -> str:
        """An e-mail address as another one, at example.org."""
        local = text.rpartition("@")[0]
        if NUMBER.fullmatch(local):  # so some messengers name their users
            return f"{self.number(local)}@{MAIL_DOMAIN}"
        return f"{self._letters(local, text)}@{MAIL_DOMAIN}"

    def data(self, data: bytes) -> bytes:
        """Bytes that are no text as as many others."""
        return self._chance(b"data", data, len(data))

    def _around(self, text: str, rest: Callable[[str], str]) -> str:
        """The text with its numbers and addresses disguised, and ``rest`` of what stands between them."""
        parts: list[str] = []
        at = 0
        for found in _SPECIAL.finditer(text):
            parts += [rest(text[at : found.start()]), (self.mail if "@" in found[0] else self.number)(found[0])]
            at = found.end()
        return "".join((*parts, rest(text[at:])))

    def _digits(self, digits: str) -> str:
        known = self._numbers.get(digits)
        if known is not None:
            return known
        lead = "1555" if len(digits) > 10 else "555"[: max(len(digits) - 4, 0)]
        made = digits
        for attempt in range(MAX_TRIES):
            chance = self._chance(b"number%d" % attempt, digits.encode("ascii"), len(digits))
            made = (lead + "".join(_ASCII[0][byte % 10] for byte in chance))[: len(digits)]
            if made != digits and made not in self._taken:
                break
        if len(self._numbers) < REMEMBERED:
            self._numbers[digits] = made
            self._taken.add(made)
        return made

    def _letters(self, part: str, whole: str) -> str:
        """``part`` with other letters and digits, which depend on the ``whole`` that it is a part of."""
        chance = self._chance(b"text", f"{whole}\0{part}".encode("utf-8", "surrogatepass"), 2 * len(part))
        shown: list[str] = []
        for index, char in enumerate(part):
            others = _others(char)
            shown.append(others[(chance[2 * index] << 8 | chance[2 * index + 1]) % len(others)] if others else char)
        return "".join(shown)

    def _chance(self, purpose: bytes, data: bytes, size: int) -> bytes:
        return hashlib.shake_256(b"\0".join((self._key, purpose, data))).digest(size)


@cache
def _others(char: str) -> str:
    """What may stand for a letter or digit: others of its kind, of the same length in UTF-8. Empty for other signs."""
    for kind in _ASCII:
        if char in kind:
            return kind.replace(char, "")
    category = unicodedata.category(char)
    if category[0] not in "LN" or char.isascii():
        return ""
    first = ord(char) - ord(char) % _BLOCK
    block = map(chr, range(first, first + _BLOCK))
    same = "".join(other for other in block if other != char and unicodedata.category(other) == category)
    return same or "x"
