"""A bash script that sends the same requests again with curl: the same bytes, whatever they are."""

from __future__ import annotations

import base64
import textwrap
from typing import Final
from urllib.parse import quote

from monitor.forwarding.outgoing import address_form
from monitor.model.capture import Capture, Request
from monitor.model.record import rfc3339
from monitor.services.export.base import About, Out
from monitor.text import is_text

DEFAULT_TO: Final = "http://127.0.0.1:8787"
# Of one connection, and made anew by curl.
_LEFT_OUT: Final = frozenset(
    {
        "connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    }
)  # fmt: skip
_VISIBLE: Final = "".join(map(chr, range(0x21, 0x7F)))
_OURS: Final = "x-hooktop-"  # so begins every header that hooktop itself puts there
_BY_CURL: Final = ("accept", "content-type", "expect", "user-agent")  # what curl would add by itself
_HEAD: Final = """\
#!/usr/bin/env bash
# Made by {maker} at {made_at}. Sends the requests that were captured to your app and prints what it answers:
#   bash THIS_FILE http://127.0.0.1:3000
# Text bodies are written out; a body with bytes that are no text, or with NUL, which bash cannot hold, is in base64.
# Left out are the headers of the connection, which curl makes itself, and those that hooktop put there.
{masked}set -u -o pipefail
to=${{1:-{to}}}
to=${{to%/}}
send() {{
  curl -q --silent --show-error --globoff --path-as-is --output /dev/null --write-out '%{{http_code}}\\n' "$@"
}}
"""
_MASKED: Final = "# Numbers, names, texts and secrets are masked: the signatures do not verify.\n"


class Curl:
    """Writes captures as commands of one script."""

    def __init__(self, out: Out, about: About) -> None:
        self._out = out
        head = _HEAD.format(
            maker=about.maker, made_at=rfc3339(about.made_at), to=DEFAULT_TO, masked=_MASKED if about.masked else ""
        )
        out.write(head.encode("ascii"))

    def add(self, capture: Capture) -> None:
        """One command."""
        name = f"\n# cap_{capture.id} {rfc3339(capture.received_at)}\n"
        self._out.write((name + command(capture.request)).encode("ascii"))

    def finish(self) -> None:
        """Nothing stands at the end."""


def command(request: Request) -> str:
    """The lines of bash that send the request to ``$to``, in ASCII."""
    words = ["send", "--request", quoted(request.method)]
    kept = [(name, value) for name, value in request.headers if not _is_left_out(name.lower())]
    words += [f"-H {quoted(_header(name, value))}" for name, value in kept]
    there = {name.lower() for name, _ in kept}
    words += [f"-H '{name}:'" for name in _BY_CURL if name not in there]
    path, target = address_form(request)
    if target is not None:
        words.append(f"--request-target {quoted(_written(target))}")
    words.append(f'"$to"{quoted(_written(path))}')
    if not request.body:
        if request.method in ("POST", "PUT", "PATCH"):
            words.append("--data-binary ''")
        return " ".join(words) + "\n"
    words.append("--data-binary @-")
    if is_text(request.body):
        return f"printf %s {quoted(request.body)} |\n  {' '.join(words)}\n"
    coded = "\n".join(textwrap.wrap(base64.b64encode(request.body).decode("ascii"), 76))
    return f"base64 -d <<'END' |\n{coded}\nEND\n  {' '.join(words)}\n"


def quoted(text: str | bytes) -> str:
    r"""One word of bash for these bytes (a text stands for its bytes in Latin-1), in printable ASCII.

    ``'…'`` where all of it is plain, else ``$'…'`` with escapes. The bytes hold no NUL.
    """
    data = text.encode("latin-1", "replace") if isinstance(text, str) else text
    if all(0x20 <= byte < 0x7F and byte not in b"'" for byte in data):
        return f"'{data.decode('ascii')}'"
    return "$'" + "".join(map(_ESCAPES.__getitem__, data)) + "'"


_ESCAPES: Final = tuple(
    {0x0A: "\\n", 0x09: "\\t", 0x0D: "\\r", 0x27: "\\'", 0x5C: "\\\\"}.get(
        byte, chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"
    )
    for byte in range(256)
)


def _written(target: str) -> str:
    return quote(target, _VISIBLE, "latin-1", "replace")  # curl takes no blanks, nor does a server


def _is_left_out(name: str) -> bool:
    return name in _LEFT_OUT or name.startswith(_OURS)


def _header(name: str, value: str) -> str:
    return f"{name}: {value}" if value.strip() else f"{name};"  # so curl is told to send it empty
