"""Kinds of option values."""

from __future__ import annotations

import math
from typing import Any, Final

import click

from monitor.times import span
from monitor.urls import spelled_out


class Kind(click.ParamType):  # type: ignore[type-arg]  # not subscriptable in click 8.2
    """A kind of value, which ``convert`` makes of what was typed or ends the command over."""


class Duration(Kind):
    """Seconds from ``90``, ``1.5s``, ``1h30m``, ``7d``."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, int | float):
            return float(value)
        if not (found := span(str(value).strip(), bare=True)):
            self.fail(f"{value!r} is no duration; write it as 90, 90s, 15m, 2h or 7d", param, ctx)
        return found.total_seconds()


class CaptureId(Kind):
    """The number of a capture from ``12`` or ``cap_12``."""

    name = "capture id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        digits = str(value).removeprefix("cap_")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
            self.fail(f"{value!r} is no capture; write cap_12 or 12", param, ctx)
        return int(digits)


class CaptureOrKey(Kind):
    """The number of a capture, or the key of a message or a conversation, which has a colon, as it stands."""

    name = "capture id or key"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        return value if isinstance(value, str) and ":" in value else CAPTURE_ID.convert(value, param, ctx)


class Address(Kind):
    """A web address; of this machine its port is enough, as in ``3000`` (see ``urls.spelled_out``)."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return spelled_out(str(value))


class PerMinute(Kind):
    """How many a minute, from ``10/min`` or ``10``."""

    name = "number a minute"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        digits = str(value).strip().removesuffix("/min")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 9 and int(digits)):
            self.fail(f"{value!r} is no number a minute; write it as 10/min", param, ctx)
        return int(digits)


class Whole(click.IntRange):
    """A whole number within bounds."""

    name = "whole number"


class Rate(click.FloatRange):
    """A number of times, which ``nan`` is not, although it lies outside no bounds."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = float(super().convert(value, param, ctx))
        if math.isnan(found):
            self.fail(f"{value!r} is no number", param, ctx)
        return found


class Lines(Kind):
    """Texts of which an environment variable holds one a line, since each may contain blanks."""

    name = "text"
    envvar_list_splitter = "\n"


DURATION: Final = Duration()
ADDRESS: Final = Address()
CAPTURE_ID: Final = CaptureId()
CAPTURE_OR_KEY: Final = CaptureOrKey()
LINES: Final = Lines()
PER_MINUTE: Final = PerMinute()
PORT: Final = Whole(0, 65535)
RATE: Final = Rate(0, 100_000, min_open=True)
