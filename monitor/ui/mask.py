"""Hiding numbers, names and texts, for when the screen is shared."""

from __future__ import annotations

import re
from typing import Final

from monitor.model.disguise import MAIL, WHATSAPP_ID

DOT: Final = "•"
_LOOPBACK: Final = r"(?<![\d.])127(?:\.\d{1,3}){3}(?!\.?\d)"  # every machine's own address: nobody's number
_UUID: Final = r"(?<!\w)[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?!\w)"  # a name that was drawn by lot
_DIGITS: Final = re.compile(rf"(?P<kept>{_LOOPBACK}|{_UUID})|\d(?:[ ().\-]?\d){{5,}}")
_LONG_NUMBER: Final = 6  # digits
_KEPT: Final = 2  # last digits that stay, to tell rows apart


def mask_party(text: str) -> str:
    """A number with all but its last two digits hidden; of anything else only that it is there."""
    digits = sum(char.isdigit() for char in text)
    if digits < 5:
        return DOT * 6
    seen = 0
    shown = []
    for char in text:
        if char.isdigit():
            seen += 1
            shown.append(char if seen > digits - _KEPT else DOT)
        elif char.isalpha():
            shown.append(DOT)
        else:
            shown.append(char)
    return "".join(shown)


def telling(number: str) -> bool:
    """Whether a number of a body is long enough to be somebody's."""
    return sum(char.isdigit() for char in number) >= _LONG_NUMBER


def mask_text(text: str) -> str:
    """Only that there is a text, and roughly how long it is."""
    return DOT * min(max(len(text) // 4, 3), 12)


def mask_numbers(text: str) -> str:
    """A text in which every run of six or more digits is hidden but for its last two, as ``mask_addresses``; UUIDs
    stay."""
    return _DIGITS.sub(lambda found: found["kept"] or mask_party(found[0]), mask_addresses(text))


def mask_addresses(text: str) -> str:
    """A text in which every mail address is hidden, and what an id of a WhatsApp message holds."""
    return WHATSAPP_ID.sub(lambda found: found[1] + DOT * 6, MAIL.sub(DOT * 6, text))
