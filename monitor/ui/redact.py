"""What must not be shown of a request: credentials in headers and bodies, the token in the path."""

from __future__ import annotations

from typing import Final

from monitor.jsonbody import PIECE
from monitor.secret import HIDDEN as HIDDEN
from monitor.text import visible

_HEADERS: Final = frozenset(
    {"authorization", "proxy-authorization", "x-api-key", "accesskey", "api-key", "cookie", "set-cookie"}
)

# What providers post that lets whoever has it in, by its name and those above it: OneRoute's credentials of a channel,
# and the signed address of a Connectly report (https://docs.connectly.ai/analytics/report-webhooks).
_VALUES: Final = {"credentials": ["Channel"], "url": ["report", "last_run", "result"]}


def header_value(name: str, value: str) -> str:
    """A header's value, hidden where the header carries a credential (its scheme, such as Bearer, stays)."""
    if name.lower() not in _HEADERS:
        return value
    scheme, blank, rest = value.partition(" ")
    return f"{scheme} {HIDDEN}" if blank and rest and scheme.isalpha() else HIDDEN


def body(text: str) -> str:
    """A JSON text, or its beginning, with one hidden text in place of each value that is a credential."""
    if not any(all(f'"{part}"' in text for part in (name, *above)) for name, above in _VALUES.items()):
        return text  # as nearly always: to go through a large one takes long
    kept: list[str] = []
    way: list[str] = []  # the names above
    name, before, at, inside = "", "", 0, 0
    for found in PIECE.finditer(text):
        piece = found[0]
        opens, closes = piece in ("{", "["), piece in ("}", "]")
        if inside:  # what is hidden
            inside += opens - closes
            at = found.end()
        elif before == ":" and piece != "null" and (above := _VALUES.get(name)) and way[-len(above) :] == above:
            kept += [text[at : found.start()], f'"{HIDDEN}"']
            inside, at = int(opens), found.end()
        elif opens:
            way.append(name if before == ":" else "")
        elif closes:
            del way[-1:]
        elif piece not in (":", ","):
            name = piece[1:-1]
        before = piece
    return "".join([*kept, text[at:] if not inside else ""])


def shown(text: str, token: str | None, *, limit: int = 4_000) -> str:
    """A foreign text made visible, with the secret path token hidden."""
    return target(visible(text, limit=limit), token)


def target(text: str, token: str | None) -> str:
    """A path or address with the secret path token hidden."""
    return text.replace(token, HIDDEN) if token else text
