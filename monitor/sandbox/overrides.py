"""Values of a simulated body that the user sets: ``payload.text=Hello``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from monitor.jsonbody import Json, compact, parse
from monitor.sandbox.problems import SimulationProblem

UNKNOWN: Final = "hooktop_unknown"  # the field that no provider has
_HOLDERS: Final = ("payload", "data", "report", "message")  # objects of an envelope that hold what it is about


@dataclass(frozen=True, slots=True)
class Override:
    """A value and where it goes: keys of objects and indices of lists, outermost first."""

    path: tuple[str, ...]
    value: Json

    def __str__(self) -> str:
        return ".".join(self.path)


def parse_override(text: str) -> Override:
    """``path=value`` with a dotted path; the value is read as JSON where it is JSON, else it is a text.

    Raises SimulationProblem.
    """
    path, equals, value = text.partition("=")
    keys = tuple(path.strip().split("."))
    if not equals or not all(keys):
        raise SimulationProblem(f'"{text}" is not path=value; write the path with dots, such as payload.text=Hello')
    body = parse(value.encode("utf-8", "surrogatepass"))
    return Override(keys, body.value if body.ok else value)


def overridden(bodies: Sequence[bytes], overrides: Sequence[Override]) -> list[bytes]:
    """The bodies with the values set wherever they fit; a body that nothing fits keeps its bytes.

    The last key of a path may be new to its object, all else must be there. Raises SimulationProblem when an override
    fits none of the bodies.
    """
    parsed = [parse(body) for body in bodies]
    changed: set[int] = set()
    for override in overrides:
        fitting = {index for index, body in enumerate(parsed) if body.ok and _put(body.value, override)}
        if not fitting:
            readable = [body.value for body in parsed if body.ok]
            raise SimulationProblem(_why(override, readable[0]) if readable else _NOT_JSON)
        changed |= fitting
    try:
        return [compact(parsed[i].value) if i in changed else body for i, body in enumerate(bodies)]
    except ValueError:
        raise SimulationProblem("a value to set is no text or number that JSON can hold; write it anew") from None


def with_unknown(body: bytes) -> bytes:
    """The body with one field more, which its provider does not have; what is no JSON object keeps its bytes."""
    value = parse(body).value
    if not isinstance(value, dict):
        return body
    holder = next((value[name] for name in _HOLDERS if isinstance(value.get(name), dict)), value)
    holder[UNKNOWN] = "a field that was not there before"
    return compact(value)


_NOT_JSON = "the body of this scenario is not JSON, so no value can be set in it; choose another scenario"


def _put(value: Json, override: Override) -> bool:
    *way, last = override.path
    for key in way:
        if not _has(value, key):
            return False
        value = value[int(key) if isinstance(value, list) else key]
    if isinstance(value, dict):
        value[last] = override.value
        return True
    if isinstance(value, list) and _has(value, last):
        value[int(last)] = override.value
        return True
    return False


def _has(value: Json, key: str) -> bool:
    if isinstance(value, dict):
        return key in value
    return isinstance(value, list) and key.isascii() and key.isdecimal() and len(key) < 10 and int(key) < len(value)


def _why(override: Override, value: Json) -> str:
    """Where the path leaves the body and what is there instead."""
    seen: list[str] = []
    for key in override.path:
        if not _has(value, key):
            break
        seen.append(key)
        value = value[int(key) if isinstance(value, list) else key]
    place = f'in "{".".join(seen)}"' if seen else "in the body"
    missing = override.path[len(seen)]
    if isinstance(value, dict):
        there = f"there are {', '.join(value)}" if value else "it is empty"
    elif isinstance(value, list):
        there = f"it is a list of {len(value)}"
    else:
        there = "it holds no object"
    return f'"{override}" cannot be set: there is no "{missing}" {place}; {there}'
