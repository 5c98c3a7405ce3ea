"""Inputs that others wrote, as requests, and what may reach a terminal when they are looked at."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from monitor.providers.registry import registry
from tests.corpora import corpora

GROUPS = {"json-parsing": 318, "json-transform": 22, "naughty": 515, "terminal": 76}


@dataclass(frozen=True, slots=True)
class Input:
    """One request: what it is called, where it is sent, its body, and its header ``x-foreign`` (None for none)."""

    name: str
    path: str
    body: bytes
    header: bytes | None = None


def inputs(group: str) -> list[Input]:
    """All inputs of a group of ``GROUPS``."""
    folder = corpora()
    if group.startswith("json"):
        files = sorted((folder / "json-test-suite" / group.replace("json-", "test_")).glob("*.json"))
        paths = [f"/{name}" for name in registry().names()]
        return [Input(file.name, paths[n % len(paths)], file.read_bytes()) for n, file in enumerate(files)]
    if group == "naughty":
        texts = json.loads((folder / "naughty-strings" / "blns.json").read_text("utf-8"))
        return [_message(f"naughty string {number}", text) for number, text in enumerate(texts)]
    files = sorted((folder / "terminal-xterm-js").rglob("*.in"))
    return [_message(file.name, _decoded(file.read_bytes())) for file in files]


def benign() -> Input:
    """A message that says nothing unusual."""
    return _message("benign", "Where is my parcel?")


def _message(name: str, text: str) -> Input:
    """A message with this text, from a sender of this name, in a request that has it as a header too."""
    body = {
        "timestamp": "1639083206",
        "sender": {"id": "+15555550100", "channelType": "whatsapp", "name": text},
        "recipient": {"id": "+15555550199", "channelType": "whatsapp"},
        "message": {"text": text},
    }
    header = re.sub(rb"[\0\r\n\v\f]", b"", text.encode("utf-8", "surrogatepass"))[:2000].strip()
    return Input(name, "/connectly", json.dumps(body).encode(), header)


def _decoded(data: bytes) -> str:
    """Bytes for a terminal as text: UTF-8, else each byte a character, so that 8-bit controls are among them."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


# --- what is written -----------------------------------------------------------------------------------------------

_SEQUENCE = re.compile(r"\r\n|\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x07|\x1b\\)|[ -/]*[0-~])", re.DOTALL)
_TRUE_COLOUR = re.compile(r"[34]8;2;\d+;\d+;\d+")
_ACTING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def shapes(text: str) -> Iterator[tuple[int, str]]:
    """What acts in a text for a terminal: where it stands, and its kind.

    A colour's kind leaves out which colour, a cursor move's leaves out where to; every other sequence is its own kind.
    """
    end = 0
    for found in _SEQUENCE.finditer(text):
        yield from _characters(text[end : found.start()], end)
        sequence = found[0]
        if sequence.endswith("m") and sequence.startswith("\x1b["):
            for each in _TRUE_COLOUR.sub("colour", sequence[2:-1]).split(";"):
                yield found.start(), f"style {each}"
        elif re.fullmatch(r"\x1b\[\d+;\d+H", sequence):
            yield found.start(), "move"
        else:
            yield found.start(), sequence
        end = found.end()
    yield from _characters(text[end:], end)


def _characters(text: str, begin: int) -> Iterator[tuple[int, str]]:
    if not (text.isascii() and text.isprintable()):
        yield from ((begin + at, char) for at, char in enumerate(text) if unicodedata.category(char) in _ACTING)
