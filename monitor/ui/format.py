"""Our records as short texts and roles, for lists and panes. Pure; everything it gives out is visible text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from rich.cells import cell_len, get_character_cell_size

from monitor.model.attempt import Attempt, Failure, is_success
from monitor.model.reading import Status
from monitor.text import visible
from monitor.times import local_time

STATUS_ROLES: Final[dict[str, str]] = {
    Status.RECEIVED: "info",
    Status.QUEUED: "quiet",
    Status.SENT: "plain",
    Status.DELIVERED: "good",
    Status.READ: "good",
    Status.FAILED: "bad",
    Status.OTHER: "quiet",
}
_BARS: Final = "▁▂▃▄▅▆▇█"
_WEEKDAYS: Final = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_UNITS: Final = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def fit(text: str, width: int) -> str:
    """The text in at most ``width`` cells, with an ellipsis where it was cut."""
    if width <= 0:
        return ""
    if text.isascii():
        return text if len(text) <= width else text[: width - 1] + "…"
    if cell_len(text) <= width:
        return text
    taken = cells = 0
    for char in text:
        cells += get_character_cell_size(char)
        if cells > width - 1:
            break
        taken += 1
    return text[:taken] + "…"


def failed(*codes: str | None) -> str:
    """``FAILED`` with the first of the error's codes that there is."""
    code = next(filter(None, codes), "")
    return f"FAILED {visible(code, limit=40)}" if code else "FAILED"


def fit_status(text: str, width: int) -> str:
    """A status in at most ``width`` cells; ``✖`` stands for ``FAILED`` where the error's code would be cut, and a code
    loses the word that many of Connectly's begin with."""
    if cell_len(text) > width and text.startswith("FAILED "):
        code = text.removeprefix("FAILED ")
        text = f"✖ {code if cell_len(code) + 2 <= width else code.removeprefix('MESSAGE_')}"
    return fit(text, width)


def shortened(texts: Sequence[str], width: int) -> list[str]:
    """All of the texts in so many cells together: where there is no room the longest are cut, and none is left out."""
    sizes = [cell_len(text) for text in texts]
    longest = max(sizes, default=0)
    while longest > 1 and sum(min(size, longest) for size in sizes) > width:
        longest -= 1
    spare = width - sum(min(size, longest) for size in sizes)  # a cell more for some, first for those that lack no more
    more = sorted((size, place) for place, size in enumerate(sizes) if size > longest)[: max(spare, 0)]
    places = {place for _, place in more}
    return [fit(text, longest + (place in places)) for place, text in enumerate(texts)]


def pad(text: str, width: int, *, right: bool = False) -> str:
    """The text in exactly ``width`` cells: cut, or filled with blanks."""
    text = fit(text, width)
    blanks = " " * (width - cell_len(text))
    return blanks + text if right else text + blanks


def tail(event: str, width: int) -> str:
    """An event's name for ``width`` cells: without its first word where that is too long.

    Every provider's events begin alike (message., sms.): the end tells them apart.
    """
    return event if cell_len(event) <= width else event.partition(".")[2] or event


def count(number: int, noun: str = "") -> str:
    """A number with thousands separated, and its noun in the right number: ``1,204 captures``."""
    if not noun:
        return f"{number:,}"
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def size(octets: int) -> str:
    """A number of bytes, short: ``812 B``, ``1.2 KB``, ``3.4 MB``."""
    if octets < 1000:
        return f"{octets} B"
    return f"{octets / 1000:.1f} KB" if octets < 999_950 else f"{octets / 1_000_000:.1f} MB"


def short_span(seconds: float) -> str:
    """How long, in at most two units: ``0s``, ``12s``, ``4m12s``, ``3h05m``, ``2d04h``."""
    left = max(int(seconds), 0)
    for index, (unit, length) in enumerate(_UNITS):
        if left >= length or unit == "s":
            whole, rest = divmod(left, length)
            if index + 1 == len(_UNITS):
                return f"{whole}{unit}"
            small, small_length = _UNITS[index + 1]
            return f"{whole}{unit}{rest // small_length:02d}{small}"
    return "0s"


def long_span(seconds: float) -> str:
    """How long, for a sentence: ``12 s``, ``4 min``, ``3 h``, ``2 d``."""
    left = max(int(seconds), 0)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if left >= length:
            return f"{left // length} {unit}"
    return f"{left} s"


def gap(span: timedelta) -> str:
    """The distance from one time to another with its sign: ``+267 ms``, ``−1.98 s``, ``+4m12s``."""
    seconds = abs(span.total_seconds())
    sign = "−" if span < timedelta(0) else "+"
    if seconds < 0.9995:
        return f"{sign}{seconds * 1000:.0f} ms"
    return f"{sign}{seconds:.2f} s" if seconds < 59.995 else sign + short_span(max(seconds, 60))


def took(seconds: float) -> str:
    """How long an answer took: ``12 ms``, ``1.20 s``."""
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.2f} s"


def short_took(seconds: float | None, *, about: bool = False) -> str:
    """How long a step took, in at most six cells: ``267ms``, ``1.1s``, ``4m12s``; nothing for None."""
    if seconds is None:
        return ""
    if seconds < 0.9995:
        text = f"{seconds * 1000:.0f}ms"
    elif seconds < 9.95:
        text = f"{seconds:.1f}s"
    else:
        text = short_span(seconds + (0.5 if seconds < 60 else 0))
    return f"~{text}" if about and len(text) < 6 else text


def outcome(attempt: Attempt) -> tuple[str, str, str]:
    """Glyph, word and role of what became of an attempt: the app's status, else what failed."""
    if attempt.failure is not None:
        glyph, role = failure_sign(attempt.failure.value)
        return glyph, attempt.failure.value, role
    return answered(attempt.status or 0)


def failure_sign(failure: str) -> tuple[str, str]:
    """Glyph and role of a failure: what was not even tried is none of the app's."""
    return ("–", "quiet") if failure in (Failure.OFF, Failure.ENDED) else ("✖", "bad")


def answered(status: int) -> tuple[str, str, str]:
    """Glyph, word and role of an app's whole answer."""
    if is_success(status):
        return "✔", str(status), "good"
    return ("→", str(status), "warn") if status < 400 else ("✖", str(status), "bad")


def clock(moment: datetime, *, digits: int = 0) -> str:
    """The local time of day: ``22:19:46``, with that many digits of the second's fraction."""
    local = local_time(moment)
    text = f"{local:%H:%M:%S}"
    return text + f".{local.microsecond:06d}"[: digits + 1] if digits else text


def day(moment: datetime) -> str:
    """The local date: ``2026-01-31``."""
    return f"{local_time(moment):%Y-%m-%d}"


def day_clock(moment: datetime, *, digits: int = 0) -> str:
    """The local date and time of day: ``2026-01-31 22:19:46``, with that many digits of the second's fraction."""
    return f"{day(moment)} {clock(moment, digits=digits)}"


def day_or_clock(moment: datetime, now: datetime, *, seconds: bool = True) -> str:
    """The time of day where it is today's, else the date."""
    if day(moment) != day(now):
        return day(moment)
    return clock(moment) if seconds else clock(moment)[:5]


def cell_time(moment: datetime, now: datetime, width: int) -> str:
    """A time for a column of 8 cells or more: of today that of the day; of another day ``01-31 22:19`` where there is
    room, else ``Sa 22:19`` in the week behind it and ``01-31`` later."""
    days = (local_time(now).date() - local_time(moment).date()).days
    if days == 0:
        text = clock(moment, digits=max(width - 9, 0))
    elif width >= 11:
        text = f"{day(moment)[5:]} {clock(moment)[:5]}"
    elif 0 < days < 7:
        text = f"{_WEEKDAYS[local_time(moment).weekday()]} {clock(moment)[:5]}"
    else:
        text = day(moment)[0 if width >= 10 else 5 :]
    return pad(text, width)


def sparkline(counts: list[int]) -> str:
    """One bar for each count, the highest full; nothing at all is a flat line."""
    top = max(counts, default=0)
    if not top:
        return _BARS[0] * len(counts)
    return "".join(_BARS[0] if not n else _BARS[max(1, round(n / top * (len(_BARS) - 1)))] for n in counts)
