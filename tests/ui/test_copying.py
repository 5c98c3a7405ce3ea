"""What is copied."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.ui import copying
from tests.factory import make_capture, make_request


def test_the_body_is_escaped_unless_asked_for_raw() -> None:
    capture = make_capture(1, body='{"text":"\u202e é \\u001b[31m"}'.encode())
    escaped = copying.escaped_body(capture)
    assert escaped.text.isascii()
    assert json.loads(escaped.text) == {"text": "\u202e é \x1b[31m"}
    assert copying.raw_body(capture).data == capture.request.body
    assert "unescaped" in copying.raw_body(capture).what


@given(st.binary(max_size=200))
def test_whatever_the_body_the_escaped_copy_is_printable(body: bytes) -> None:
    text = copying.escaped_body(make_capture(1, body=body)).text
    assert all(" " <= char <= "~" or char == "\n" for char in text)


def test_headers_are_redacted_and_safe() -> None:
    request = make_request(path="/volt/t0ken-t0ken", authorization="Bearer abcdefgh", x_odd="\x1b]0;x\x07é")
    text = copying.header_text(replace(make_capture(1), request=request), "t0ken-t0ken").text
    assert "abcdefgh" not in text
    assert "t0ken" not in text
    assert text.isascii()
    assert "\x1b" not in text


@pytest.mark.parametrize(
    "body", [b"", b"@/etc/hostname", b'{"a":"it\'s $HOME `id`"}', "{'ü'}".encode(), b"\x00\x1b]52;c;eA==\x07\xff"]
)
def test_the_curl_line_sends_the_same_bytes(body: bytes) -> None:
    request = replace(make_request(body, path="/volt", x_evil="'; touch /tmp/x; '\x1b"), query="a=1&b=$(id)")
    made = copying.curl(replace(make_capture(1), request=request), "http://127.0.0.1:8787", None)
    assert made.text.isprintable()
    assert made.text.isascii()
    before, pipe, command = made.text.rpartition(" | ")
    words = shlex.split(command)
    assert words[0] == "curl"
    assert words[-1] == "http://127.0.0.1:8787/volt?a=1&b=$(id)"
    if pipe:
        sent = subprocess.run(["sh", "-c", before], capture_output=True, check=True).stdout
    else:
        sent = words[words.index("--data-binary") + 1].encode() if body else b""
        assert not sent.startswith(b"@")  # which would be the name of a file
    assert sent == body


@pytest.mark.parametrize("path", ["@elsewhere.example/x", ".elsewhere.example/x", "0/x", "http://elsewhere.example/x"])
def test_the_curl_line_goes_to_no_host_that_a_sender_wrote(path: str) -> None:
    capture = replace(make_capture(1), request=make_request(path=path))
    words = shlex.split(copying.curl(capture, "http://127.0.0.1:8787", None).text)
    assert urlsplit(words[-1]).netloc == "127.0.0.1:8787"
    assert words[words.index("--request-target") + 1] == path


def test_curl_expands_nothing_in_the_address_of_the_line() -> None:
    capture = replace(make_capture(1), request=make_request(path="/a[1-9]/{b,c}/../d#e"))
    words = shlex.split(copying.curl(capture, "http://127.0.0.1:8787", None).text)
    assert {"--globoff", "--path-as-is"} <= set(words)
    assert words[words.index("--request-target") + 1] == "/a[1-9]/{b,c}/../d#e"


def test_ids() -> None:
    assert copying.number(make_capture(12)).text == "12"
    assert copying.key("message", "volt:é\x1b").text == "volt:\\xe9\\x1b"


def test_a_text_keeps_its_letters_and_loses_what_acts_on_a_terminal() -> None:
    made = copying.prose("größer 你好\nsecond\x1b[31m\u202e")
    assert made.text == "größer 你好\nsecond␛[31m\\u202e"
    assert made.data.decode() == made.text


def test_a_record_is_json_in_ascii() -> None:
    made = copying.record("message", {"text": "é\u202e"})
    assert made.text.isascii()
    assert json.loads(made.text) == {"text": "é\u202e"}
