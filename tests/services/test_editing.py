"""A request in an editor: what is not touched comes back byte for byte."""

from __future__ import annotations

import base64
import os
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.model.capture import Request
from monitor.services import editor
from monitor.services.editing import EditProblem, as_text, from_text

HEADERS = (("content-type", "application/json"), ("x-name", "J\xc3\xb6rg"), ("x-name", "\xff"), ("x-empty", ""))
REQUEST = Request(
    "POST", "/volt/x%20y", "a=%7e", HEADERS, '{"text": "Hello «world» 👋",\r\n"n": 1}'.encode(), "127.0.0.1:51234"
)

names = st.text("abcXYZ-0", min_size=1, max_size=5)
values = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, blacklist_characters="\x85\xa0"), max_size=8)
bodies = st.binary(max_size=60) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "ignore"))


def edited(request: Request, old: str, new: str) -> Request | None:
    """The request with a piece of its text replaced, as an editor would."""
    text = as_text(request, 7)
    assert old.encode() in text
    return from_text(text.replace(old.encode(), new.encode()), request, 7)


@given(st.lists(st.tuples(names, values), max_size=4), bodies)
@example([], b"\r")
def test_a_change_of_one_thing_leaves_every_other_byte(headers: list[tuple[str, str]], body: bytes) -> None:
    request = replace(REQUEST, headers=(*headers, ("x-last", "before")), body=body)
    assert from_text(as_text(request, 7), request, 7) is None
    assert edited(request, "x-last: before", "x-last: after") == replace(
        request, headers=(*headers, ("x-last", "after"))
    )


def test_what_can_be_changed() -> None:
    assert edited(REQUEST, "POST /volt/x%20y?a=%7e", "PUT /bird") == replace(
        REQUEST, method="PUT", path="/bird", query=""
    )
    added = edited(REQUEST, "x-name: Jörg", "x-new: größer\nx-name: Jörg")
    assert added is not None
    assert added.headers == (HEADERS[0], ("x-new", "gr\xc3\xb6\xc3\x9fer"), *HEADERS[1:])
    gone = edited(REQUEST, "content-type: application/json\n", "")
    assert gone is not None
    assert gone.headers == REQUEST.headers[1:]
    body = edited(REQUEST, "«world»", "Ada")
    assert body is not None
    assert body.body == '{"text": "Hello Ada 👋",\r\n"n": 1}'.encode()
    assert body.headers == REQUEST.headers


def test_headers_that_are_utf8_are_shown_so_and_others_as_latin1() -> None:
    request = replace(REQUEST, headers=(("x-utf8", "J\xc3\xb6rg"), ("x-latin", "J\xf6rg")))
    text = as_text(request, 7).decode()
    assert "x-utf8: Jörg\nx-latin: Jörg\n" in text
    found = edited(request, "POST", "PUT")
    assert found is not None
    assert found.headers == request.headers


@pytest.mark.parametrize("body", [b"\xff\x00binary", b"text with \x00", b""])
def test_a_body_that_is_no_text_stands_in_base64(body: bytes) -> None:
    request = replace(REQUEST, body=body)
    text = as_text(request, 7)
    assert (b"it stands here in base64" in text) == bool(body)
    if body:
        other = base64.b64encode(b"other \xfe").decode()
        found = edited(request, base64.b64encode(body).decode(), other)
        assert found is not None
        assert found.body == b"other \xfe"
        with pytest.raises(EditProblem, match="no base64"):
            edited(request, base64.b64encode(body).decode(), "{}")


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_ends_of_lines_as_editors_write_them(end: str) -> None:
    text = f"PUT /x{end or chr(10)}a: 1{end or chr(10)}{end or chr(10)}one line{end}"
    found = from_text(text.encode(), REQUEST, 7)
    assert found == replace(REQUEST, method="PUT", path="/x", query="", headers=(("a", "1"),), body=b"one line")


@pytest.mark.parametrize("text", ["", "\n\n", "# only notes\n", "# only notes\n\n"])
def test_an_emptied_text_sends_nothing(text: str) -> None:
    assert from_text(text.encode(), REQUEST, 7) is None


def test_a_request_without_headers_or_body() -> None:
    assert from_text(b"PUT /x", REQUEST, 7) == replace(REQUEST, method="PUT", path="/x", query="", headers=(), body=b"")
    bare = replace(REQUEST, headers=(), body=b"")
    assert edited(bare, "POST", "PUT") == replace(bare, method="PUT")
    assert from_text(b"# note\n\n# another\nPUT /x\n\n# a body\n", bare, 7) == replace(
        bare, method="PUT", path="/x", query="", body=b"# a body"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"hello\n\nbody", "does not begin with a line such as POST /volt"),
        (b"POST http://elsewhere/\n\n", "does not begin with a line such as POST /volt"),
        (b"POST /x\nno header\n\n", "a line that is none"),
        (b"POST /x\n: value\n\n", "a line that is none"),
        (b"POST /x\na: \xff\n\n", "no UTF-8"),
    ],
)
def test_what_is_no_request_is_said_in_a_sentence(text: bytes, sentence: str) -> None:
    with pytest.raises(EditProblem, match=sentence):
        from_text(text, REQUEST, 7)


# --- the editor itself ---------------------------------------------------------------------------------------------


def script(folder: Path, text: str) -> str:
    """An editor: Python code that finds the file's path in ``path``."""
    file = folder / "editor.py"
    file.write_text(f"import os, sys\npath = sys.argv[-1]\n{text}\n")
    return f"{sys.executable} '{file}' --wait"


async def test_the_editor_gets_a_private_file_that_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = tmp_path / "seen"
    monkeypatch.setenv("EDITOR", "false")
    monkeypatch.setenv("VISUAL", script(tmp_path, f"""
status, above = os.stat(path), os.stat(os.path.dirname(path))
open({str(seen)!r}, "w").write(f"{{path}} {{status.st_mode}} {{above.st_mode}}")
open(path + "~", "w").write("a copy that editors leave")
text = open(path, "rb").read()
open(path, "wb").write(text.replace(b"POST", b"PUT"))
"""))  # fmt: skip
    assert await editor.edit(REQUEST, 7) == replace(REQUEST, method="PUT")
    path, mode, above = seen.read_text().rsplit(maxsplit=2)  # the folder for temporary files may have a space
    assert path.endswith("capture-7.http")
    assert (stat.S_IMODE(int(mode)), stat.S_IMODE(int(above))) == (0o600, 0o700)
    assert not os.path.exists(os.path.dirname(path))


@pytest.mark.parametrize(
    ("visual", "sentence"),
    [
        ("no-such-editor -w", "The editor no-such-editor cannot be started"),
        ("false", "The editor false ended with code 1"),
        ("vi 'x", "The command in VISUAL or EDITOR cannot be read"),
        ("rm", "The file to be edited is out of reach"),
    ],
)
async def test_an_editor_that_does_not_work(visual: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", visual)
    with pytest.raises(EditProblem, match=sentence):
        await editor.edit(REQUEST, 7)


def test_which_editor() -> None:
    assert editor.command({}) == ["vi"]
    assert editor.command({"EDITOR": "nano"}) == ["nano"]
    assert editor.command({"EDITOR": "nano", "VISUAL": " "}) == ["nano"]
    assert editor.command({"EDITOR": "  "}) == ["vi"]
    assert editor.command({"EDITOR": "nano", "VISUAL": "code --wait"}) == ["code", "--wait"]
