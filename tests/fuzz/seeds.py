"""What fuzzing begins with: one input of each shape that a target knows."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator

from monitor.model.record import capture_record
from monitor.providers.keys import SigningKey
from monitor.services.export import bundle
from tests.factory import make_capture
from tests.fuzz.targets import NOW, SIGNING, URL

BODIES = (
    b'{"type":"messaging","payload":{"id":"1","status":"sent","n":1.5e3,"list":[null,true,"\\u00e9"]}}',
    b'{"service":"channels","event":"sms.outbound","payload":{"id":"1","status":"delivered","body":{"type":"text"}}}',
    b'{"timestamp":"1639083206","sender":{"id":"+15555550100"},"message":{"text":"hi"}}',
    b'{"event":"newMessage","data":{"status":"delivered","messageId":"1"}}',
    b'[{"a":"\\ud83d\\ude00"},[[]],{}]',
    b"\xef\xbb\xbfnull",
    b"",
)
TEXTS = ("plain", "\x1b]52;c;aGk=\x07", "a" + 4 * "\u0301\u20dd", "\u202e\u200d\ufe0f", "\x9b31m\r\n\t", "你好 👋")


def signed(choice: int, key: SigningKey) -> bytes:
    """The input of the target ``signature`` that is a request signed with a key, in the manner of one provider."""
    headers = SIGNING[choice].sign(b"{}", key, url=URL, at=NOW)
    return bytes([choice]) + "\n".join(f"{name}: {value}" for name, value in headers).encode() + b"\n\n{}"


def seeds(name: str) -> Iterator[bytes]:
    """The first inputs of a target."""
    if name == "signature":
        for choice, provider in enumerate(SIGNING):
            yield signed(choice, provider.local_key())
            yield from (bytes([128 + choice, part, 3]) + b"A" for part in range(4))
    elif name == "reading":
        yield from BODIES
    elif name == "text":
        yield from (text.encode() for text in TEXTS)
        yield from (text.encode("utf-16-le") for text in TEXTS)
    else:
        lines = json.dumps(capture_record(make_capture(1))).encode() + b"\n"
        request = {"method": "POST", "url": "http://x/volt?a=1", "headers": [{"name": "a", "value": "b"}],
                   "postData": {"text": "{}"}}  # fmt: skip
        entry = {"startedDateTime": "2026-01-31T12:00:00Z", "request": request, "response": {"status": 200}}
        yield lines
        yield json.dumps({"log": {"entries": [entry]}}).encode()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(bundle.MANIFEST, json.dumps({"format": bundle.FORMAT, "version": bundle.VERSION}))
            archive.writestr(bundle.CAPTURES, lines)
        yield packed.getvalue()
        yield b"SQLite format 3\0"
