"""Exports in every form: read by the rules of the form, and played again by bash and curl."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import re
import shutil
import subprocess
import threading
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from monitor.model.capture import STAMP_HEADER, Capture, Request
from monitor.model.filter import parse
from monitor.model.record import capture_record
from monitor.model.registration import ChangeKind, ChangeRecord, ChangeState, Registration
from monitor.secret import HIDDEN
from monitor.services.export.base import About, Format
from monitor.services.export.curl import Curl, quoted
from monitor.services.export.exporting import Cancelled, Progress, export, new_file
from monitor.services.export.har import entry as har_entry
from monitor.store.registrations import RegistrationStore
from tests.corpora import corpora
from tests.factory import START, make_capture
from tests.services.sample import captures, store
from tests.web import web

ALL = parse("")
ABOUT = About(START, "0.0")
BODIES = {
    "quotes": b"""{"a": "it's \\"quoted\\" `here` $HOME ${x} $(id) !! %s \\\\n"}""",
    "newlines": b"first\nsecond\r\nthird\n\n",
    "emoji": "👋🏽 Zoë 寿司 مرحبا".encode(),
    "controls": bytes(range(1, 32)) + b"\x7f'\\x41\\",
    "no-text": bytes(range(1, 256)) * 3,
    "nul": b"a\0b\0",
    "at": b"@/etc/hostname",
    "dash": b"-n -e \\x41",
    "long": "ü".encode() * 70_000,  # longer than one argument may be
    "empty": b"",
}


def exported(database: Path, form: Format, wanted: str = "", **more: Any) -> bytes:
    """An export into memory."""
    out = io.BytesIO()
    export(database, parse(wanted), form, out, **more)
    return out.getvalue()


async def test_json_lines_are_the_records(tmp_path: Path) -> None:
    found = captures(40)
    await store(tmp_path / "a.db", found)
    lines = [json.loads(line) for line in exported(tmp_path / "a.db", Format.JSONL).splitlines()]
    assert lines == [json.loads(json.dumps(capture_record(replace(capture, marks=())))) for capture in found]


async def test_a_filter_a_limit_and_an_empty_history(tmp_path: Path) -> None:
    found = captures(60)
    await store(tmp_path / "a.db", found)

    def ids(wanted: str, **more: Any) -> list[int]:
        return [
            json.loads(line)["id"] for line in exported(tmp_path / "a.db", Format.JSONL, wanted, **more).splitlines()
        ]

    volt = [capture.id for capture in found if capture.provider == "volt"]
    assert ids("provider:volt") == volt
    assert ids("provider:volt", limit=3) == volt[-3:]
    assert ids("", limit=7) == list(range(54, 61))
    assert ids("", limit=1_000) == list(range(1, 61))
    assert ids("id:0") == []
    await store(tmp_path / "empty.db", [])
    assert exported(tmp_path / "empty.db", Format.JSONL) == b""
    assert har(json.loads(exported(tmp_path / "empty.db", Format.HAR))) == []


async def test_progress_and_cancel(tmp_path: Path) -> None:
    await store(tmp_path / "a.db", captures(250))
    told: list[Progress] = []
    exported(tmp_path / "a.db", Format.JSONL, progress=told.append)
    assert [progress.written for progress in told] == [100, 200, 250]
    assert told[-1].looked_at == 1
    target = tmp_path / "a.jsonl"
    with pytest.raises(Cancelled):
        export(tmp_path / "a.db", ALL, Format.JSONL, target, cancelled=lambda: True)
    assert not target.exists()


def test_a_new_file_is_private_and_replaces_only_when_told(tmp_path: Path) -> None:
    path = tmp_path / "out"
    before = os.umask(0)
    try:
        with new_file(path) as file:
            file.write(b"one")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError), new_file(path):
        pass
    with pytest.raises(RuntimeError), new_file(path, force=True) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"one"
    with new_file(path, force=True) as file:
        file.write(b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_never_written_through(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"mine")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(FileExistsError), new_file(tmp_path / "link"):
        pass
    with new_file(tmp_path / "link", force=True) as file:
        file.write(b"new")
    assert (tmp_path / "real").read_bytes() == b"mine"


# --- HAR ---------------------------------------------------------------------------------------------------------


class Rules:
    """The rules of HAR 1.2 for one object: what must be there, what may, and of which type."""

    def __init__(self, required: dict[str, Any], optional: dict[str, Any] | None = None) -> None:
        self.required = required
        self.optional = {"comment": str, **(optional or {})}

    def check(self, value: Any, at: str) -> None:
        assert isinstance(value, dict), at
        for name in self.required:
            assert name in value, f"{at}.{name} is missing"
        for name, found in value.items():
            if name.startswith("_"):  # left to each program
                continue
            rule = self.required.get(name) or self.optional.get(name)
            assert rule is not None, f"{at}.{name} is not in the format"
            follow(rule, found, f"{at}.{name}")


def follow(rule: Any, value: Any, at: str) -> None:
    """Check a value by a rule: Rules, a list of one, a type, or a test."""
    if isinstance(rule, Rules):
        rule.check(value, at)
    elif isinstance(rule, list):
        assert isinstance(value, list), at
        for index, item in enumerate(value):
            follow(rule[0], item, f"{at}[{index}]")
    elif isinstance(rule, type):
        assert isinstance(value, rule), at
        assert not isinstance(value, bool), at
    else:
        assert rule(value), f"{at}: {value!r}"


def is_time(value: Any) -> bool:
    """ISO 8601 with a zone."""
    return isinstance(value, str) and bool(
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)", value)
    )


def is_span(value: Any) -> bool:
    """Milliseconds that were measured."""
    return isinstance(value, int | float) and value >= 0


def is_address(value: Any) -> bool:
    """A URI with nothing in it that must be escaped."""
    return isinstance(value, str) and bool(re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+/[!-~]*", value)) and not (
        set('"<>\\^`{}|[]#') & set(value) or re.search(r"%(?![0-9A-Fa-f]{2})", value)
    )  # fmt: skip


PAIR = Rules({"name": str, "value": str})
COOKIE = Rules({"name": str, "value": str}, {"path": str, "domain": str, "expires": str})
POST_DATA = Rules({"mimeType": str}, {"text": str, "params": [Rules({"name": str}, {"value": str})]})
REQUEST = Rules(
    {
        "method": str, "url": is_address, "httpVersion": str, "cookies": [COOKIE], "headers": [PAIR],
        "queryString": [PAIR], "headersSize": int, "bodySize": int,
    },
    {"postData": POST_DATA},
)  # fmt: skip
CONTENT = Rules({"size": int, "mimeType": str}, {"compression": int, "text": str, "encoding": str})
RESPONSE = Rules(
    {
        "status": int, "statusText": str, "httpVersion": str, "cookies": [COOKIE], "headers": [PAIR],
        "content": CONTENT, "redirectURL": str, "headersSize": int, "bodySize": int,
    }
)  # fmt: skip
TIMINGS = Rules({"send": is_span, "wait": is_span, "receive": is_span})
ENTRY = Rules(
    {
        "startedDateTime": is_time, "time": is_span, "request": REQUEST, "response": RESPONSE, "cache": Rules({}),
        "timings": TIMINGS,
    }
)  # fmt: skip
LOG = Rules(
    {"version": lambda value: value == "1.2", "creator": Rules({"name": str, "version": str}), "entries": [ENTRY]}
)


def har(value: Any) -> list[Any]:
    """The entries of an archive that keeps the rules."""
    Rules({"log": LOG}).check(value, "har")
    for entry in value["log"]["entries"]:
        data = entry["request"].get("postData", {})
        assert not ("text" in data and "params" in data)  # the format: one excludes the other
    entries: list[Any] = value["log"]["entries"]
    return entries


async def test_har_keeps_the_rules_and_the_bytes(tmp_path: Path) -> None:
    odd = [
        replace(make_capture(body=body, reading=None), request=replace(make_capture(body=body).request, query=query))
        for body, query in zip(
            BODIES.values(), ["a=1&b=%20", "a&b=&=c", "x=[1]&y={2}|\"'", "é=\xff", ""] * 2, strict=True
        )
    ]
    odd.append(
        replace(
            odd[0],
            answer=0,
            request=Request(
                "PUT", "/a b/<x>#y%zz", "", (("Host", "evil host/x"), ("cookie", "a=b; c=d=e")), b"x", None
            ),
        )
    )
    found = [*captures(60), *odd]
    await store(tmp_path / "a.db", found)
    entries = har(json.loads(exported(tmp_path / "a.db", Format.HAR)))
    assert len(entries) == len(found)
    for entry, capture in zip(entries, found, strict=True):
        request = capture.request
        assert entry["request"]["_target"] == request.target
        assert [(item["name"], item["value"]) for item in entry["request"]["headers"]] == list(request.headers)
        assert entry["request"]["bodySize"] == len(request.body)
        data = entry["request"].get("postData", {"text": ""})
        text = data["text"]
        assert (base64.b64decode(text) if data.get("_encoding") == "base64" else text.encode()) == request.body
    assert [(item["name"], item["value"]) for item in entries[-1]["request"]["cookies"]] == [("a", "b"), ("c", "d=e")]
    assert [item["name"] for item in entries[60]["request"]["queryString"]] == ["a", "b"]


# --- CSV ---------------------------------------------------------------------------------------------------------


async def test_no_cell_of_csv_is_a_formula(tmp_path: Path) -> None:
    texts = json.loads((corpora() / "naughty-strings" / "blns.json").read_text("utf-8"))
    texts += ["=1+1", "+1", "-1", "@x", "\tx", "\rx", '=HYPERLINK("http://x")', "a\n=b", 'a"b', None]
    base = make_capture()
    assert base.reading is not None
    from monitor.jsonbody import clean

    found = [replace(base, reading=replace(base.reading, text=text and clean(text))) for text in texts]
    await store(tmp_path / "a.db", found)
    rows = list(csv.DictReader(io.StringIO(exported(tmp_path / "a.db", Format.CSV).decode(), newline="")))
    assert len(rows) == len(texts)
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert [row["text"].removeprefix("'") for row in rows] == [clean(text or "").removeprefix("'") for text in texts]


# --- curl --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", BODIES.values(), ids=BODIES)
def test_bash_reads_a_quoted_word_as_its_bytes(data: bytes) -> None:
    if b"\0" in data:
        pytest.skip("bash holds no NUL")
    word = quoted(data)
    assert word.isascii()
    assert all(" " <= char <= "~" for char in word)
    bash = _tool("bash")
    read = subprocess.run([bash], input=f"printf %s {word}".encode(), capture_output=True, check=True).stdout
    assert read == data


def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"there is no {name} here")
    return path


def script(*found: Capture) -> str:
    """The script of these captures."""
    out = io.BytesIO()
    curl = Curl(out, ABOUT)
    for capture in found:
        curl.add(capture)
    curl.finish()
    return out.getvalue().decode("ascii")


def played(text: str, to: str, tmp_path: Path) -> list[str]:
    """Run a script with bash; gives the statuses that it prints."""
    bash, _ = _tool("bash"), _tool("curl")
    path = tmp_path / "script.sh"
    path.write_text(text, "ascii")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C"}
    (tmp_path / ".curlrc").write_text('header = "X-From-Curlrc: 1"\n')
    done = subprocess.run([bash, str(path), to], capture_output=True, text=True, env=environ, check=True, timeout=60)
    assert done.stderr == ""
    return done.stdout.split()


HEADERS = (
    ("host", "hooks.example.net"), ("content-length", "3"), ("connection", "keep-alive"), ("x-one", "1"),
    ("X-One", "it's \"2\" \\ $x"), ("x-latin", "\xe9\xff"), ("x-empty", ""), ("user-agent", "agent/1"),
    (STAMP_HEADER, "stamp"), ("content-type", "text/plain; charset=utf-8"),
)  # fmt: skip


def test_bash_and_curl_send_the_same_bytes(tmp_path: Path) -> None:
    targets = ["/volt", "/a//b/../c?x=[1-3]&y={a,b}", "/%2e/%20?a=b+c", "/x?q='%27$HOME\"", "/a#b?c"]
    found = [
        replace(
            make_capture(number),
            request=Request(
                "PUT" if number % 2 else "POST", target.partition("?")[0], target.partition("?")[2], HEADERS, body
            ),
        )
        for number, (body, target) in enumerate(zip(BODIES.values(), targets * 2, strict=True))
    ]
    with web(lambda asked: (202, b"")) as (url, got):
        assert played(script(*found), url + "/", tmp_path) == ["202"] * len(found)
    assert len(got) == len(found)
    for asked, capture in zip(got, found, strict=True):
        request = capture.request
        assert (asked.method, asked.target, asked.body) == (request.method, request.target, request.body)
        sent = [(name, value) for name, value in asked.headers if name.lower() not in ("host", "content-length")]
        kept = [h for h in HEADERS if h[0] not in ("host", "content-length", "connection", STAMP_HEADER)]
        assert sent == kept


ELSEWHERE = ("@elsewhere.example/x", ".elsewhere.example/x", "0/x", "http://elsewhere.example/x", "*")


def test_the_script_goes_to_no_host_that_a_sender_wrote(tmp_path: Path) -> None:
    found = [replace(make_capture(), request=Request("POST", path, "", (), b"x")) for path in ELSEWHERE]
    with web(lambda asked: (202, b"")) as (url, got):
        assert played(script(*found), url, tmp_path) == ["202"] * len(found)
    assert [asked.target for asked in got] == list(ELSEWHERE)


@pytest.mark.parametrize("path", ELSEWHERE)
def test_an_address_in_har_has_the_host_of_the_header(path: str) -> None:
    capture = replace(make_capture(), request=Request("POST", path, "", (("host", "hooks.example.net"),), b"x"))
    request = har_entry(capture)["request"]
    assert urlsplit(request["url"]).netloc == "hooks.example.net"
    assert request["_target"] == path


def test_curl_adds_no_header_of_its_own(tmp_path: Path) -> None:
    bare = [
        replace(make_capture(), request=Request(method, "/x", "", (), body))
        for method, body in (("POST", b"x"), ("POST", b""), ("DELETE", b""), ("POST", b"y" * 2_000_000))
    ]
    with web(lambda asked: (202, b"")) as (url, got):
        assert played(script(*bare), url, tmp_path) == ["202"] * 4
    assert [{name.lower() for name, _ in asked.headers} for asked in got] == [
        {"host", "content-length"}, {"host", "content-length"}, {"host"}, {"host", "content-length"},
    ]  # fmt: skip


def test_a_script_is_harmless_text(tmp_path: Path) -> None:
    evil = "\n; touch evil #$(touch evil)`touch evil`'\\''"
    request = Request("POST", f"/{evil}".replace("\n", "%0a"), evil[1:], (("x-a", evil[1:]),), evil.encode(), evil)
    text = script(replace(make_capture(), provider=evil, request=request))
    with web(lambda asked: (202, b"")) as (url, got):
        played(text, url, tmp_path)
    assert got[0].body == evil.encode()
    assert not (tmp_path / "evil").exists()
    assert not Path("evil").exists()


# --- bundle ------------------------------------------------------------------------------------------------------


def change(url: str) -> ChangeRecord:
    """A change that was made at a provider."""
    made = Registration("bird", "hook-1", url, "channels sms.outbound", {"service": "channels"}, True)
    return ChangeRecord(
        0, "main", "bird", ChangeKind.ADD, "channels sms.outbound", None, made, START, START, ChangeState.DONE, "run"
    )


async def test_a_bundle_says_what_is_in_it(tmp_path: Path) -> None:
    found = captures(30)
    database = tmp_path / "a.db"
    await store(database, found)
    token = "path-token-0123456789"
    RegistrationStore(database).begin(change(f"https://hooks.example.net/bird/{token}"))
    RegistrationStore(database).want("main", "bird", "channels sms.outbound", {"service": "channels"}, START)
    before = datetime.now(UTC)
    data = exported(database, Format.BUNDLE, "age<1000000d", hidden=[token])
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        assert bundle.testzip() is None
        assert sorted(bundle.namelist()) == ["README.txt", "captures.jsonl", "manifest.json", "registrations.json"]
        manifest = json.loads(bundle.read("manifest.json"))
        lines = bundle.read("captures.jsonl").splitlines()
        registrations = json.loads(bundle.read("registrations.json"))
        assert {info.external_attr >> 16 for info in bundle.infolist()} == {0o600}
    assert (manifest["format"], manifest["version"]) == ("hooktop bundle", 1)
    assert (manifest["captures"], manifest["masked"], manifest["filter"]) == (30, False, "age<1000000d")
    assert datetime.fromisoformat(manifest["made_at"]) >= before
    assert sum(item["captures"] for item in manifest["verdicts"]) == 30
    assert [json.loads(line)["id"] for line in lines] == [capture.id for capture in found]
    assert registrations["wanted"][0]["subject"] == "channels sms.outbound"
    assert registrations["changes"][0]["after"]["url"] == f"https://hooks.example.net/bird/{HIDDEN}"
    assert token.encode() not in data


async def test_a_bundle_can_be_written_to_a_pipe(tmp_path: Path) -> None:
    await store(tmp_path / "a.db", captures(5))
    read, write = os.pipe()
    parts: list[bytes] = []

    def drain() -> None:
        with os.fdopen(read, "rb") as pipe:
            parts.append(pipe.read())

    thread = threading.Thread(target=drain)
    thread.start()
    with os.fdopen(write, "wb") as pipe:
        assert export(tmp_path / "a.db", ALL, Format.BUNDLE, pipe) == 5
    thread.join()
    assert len(zipfile.ZipFile(io.BytesIO(parts[0])).read("captures.jsonl").splitlines()) == 5


@pytest.mark.parametrize("form", [form for form in Format if form is not Format.BUNDLE])
async def test_nothing_for_a_terminal_acts_on_it(tmp_path: Path, form: Format) -> None:
    evil = make_capture(body=b'{"text": "\x7f"}\x1b[2J\xc2\x9b31m\xe2\x80\xae')
    assert evil.reading is not None
    await store(tmp_path / "a.db", [replace(evil, reading=replace(evil.reading, text="\x1b]0;x\x07\x9b\u202e\x7f"))])
    shown = exported(tmp_path / "a.db", form, terminal=True).decode("utf-8")
    assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]", shown)


def test_forms_have_their_names() -> None:
    assert [form.value for form in Format] == ["jsonl", "har", "curl", "csv", "bundle"]
