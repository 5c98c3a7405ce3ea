"""Kinds of option values."""

from __future__ import annotations

import re
from typing import Any, Final

import click

_DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|w)?")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, None: 1.0}


class Kind(click.ParamType):  # type: ignore[type-arg]  # not subscriptable in click 8.2
    """A kind of value, which ``convert`` makes of what was typed or ends the command over."""


class Duration(Kind):
    """Seconds from ``90``, ``1.5s``, ``2h``, ``7d``."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, int | float):
            return float(value)
        match = _DURATION.fullmatch(str(value).strip())
        if match is None or float(match[1]) <= 0:
            self.fail(f"{value!r} is no duration; write it as 90, 90s, 15m, 2h or 7d", param, ctx)
        return float(match[1]) * _SECONDS[match[2]]


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


class Lines(Kind):
    """Texts of which an environment variable holds one a line, since each may contain blanks."""

    name = "text"
    envvar_list_splitter = "\n"


DURATION: Final = Duration()
CAPTURE_ID: Final = CaptureId()
CAPTURE_OR_KEY: Final = CaptureOrKey()
LINES: Final = Lines()
PORT: Final = click.IntRange(0, 65535)
RATE: Final = click.FloatRange(0, 100_000, min_open=True)
