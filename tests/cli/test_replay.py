"""``hooktop replay`` and ``hooktop diff``, as users run them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitor.cli.app import run
from monitor.model.capture import Source
from monitor.store.store import Store
from tests.cli.processes import hooktop, listening, signed
from tests.factory import make_capture, make_request
from tests.forwarding.app import OK, App, Call, app, hang
from tests.ports import free_port

BODY = b'{"message": {"text": "hello"}, "n": 1}'


async def stored(path: Path, *bodies: bytes) -> None:
    """A database with captures of these bodies."""
    store = Store.open(path)
    store.start()
    for number, body in enumerate(bodies, 1):
        request = make_request(body, path="/connectly", authorization="Bearer abc", x_sign="1")
        await store.add(replace(make_capture(number, body=body, reading=None), request=request, provider="connectly"))
    await store.stop()


async def called(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A command, while the event loop goes on."""
    return await asyncio.to_thread(hooktop, *words, env=environ)


@asynccontextmanager
async def scene(folder: Path, *bodies: bytes) -> AsyncIterator[tuple[App, list[str]]]:
    """An app, and the words that name it and a database with these captures."""
    await stored(folder / "h.db", *(bodies or (BODY,)))
    async with app() as running:
        yield running, ["--db", str(folder / "h.db"), "--to", running.url]


async def test_one_is_sent_and_the_answer_is_shown(tmp_path: Path) -> None:
    async with scene(tmp_path) as (running, words):
        done = await called("replay", "cap_1", *words)
        assert done.returncode == 0, done.stderr
        assert running.calls[0].body == BODY
        first = done.stdout.splitlines()[0]
        assert first.split()[:4] == ["cap_1", "connectly", "200", first.split()[3]]
        assert first.endswith("same")
        assert '"ok": true' in done.stdout
        assert done.stderr == "hooktop: Replayed 1 capture: 1 same.\n"
        running.behaviour = b'HTTP/1.1 500 No\r\ncontent-length: 12\r\n\r\n{"ok":false}'
        done = await called("replay", "1", *words)
        assert done.returncode == 0  # it was answered
        assert "changed (200 → 500)" in done.stdout
        assert "~ status  200 → 500" in done.stdout
        assert "~ ok  true → false" in done.stdout


async def test_a_filter_in_order_as_json(tmp_path: Path) -> None:
    async with scene(tmp_path, b'{"n":1}', b'{"n":2}', b'{"n":3}') as (running, words):
        done = await called("replay", "--filter", "body.n>1", "--rate", "500", "--json", *words)
        assert done.returncode == 0, done.stderr
        assert [json.loads(call.body)["n"] for call in running.calls] == [2, 3]
        found: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
        assert [one["capture"] for one in found] == [2, 3]
        assert found[0]["answer"]["body"] == '{"ok":true}'
        assert found[0]["first"] == {"by": "hooktop", "status": 200, "failure": None, "at": None}
        assert (found[0]["verdict"], found[0]["changed_request"], found[0]["failure"]) == ("same", False, None)
        done = await called("replay", "3", "1", *words)
        assert [line.split()[:2] for line in done.stdout.splitlines()] == [["1/2", "cap_3"], ["2/2", "cap_1"]]


async def test_an_answer_stands_beside_why_there_was_none(tmp_path: Path) -> None:
    async with scene(tmp_path, b'{"n":1}') as (_, words):
        place = words[words.index("--to") + 1]
        nobody = [f"http://127.0.0.1:{free_port()}" if word == place else word for word in words]
        assert (await called("replay", "1", *nobody)).returncode == 1
        done = await called("replay", "1", *words)
        assert done.returncode == 0
        assert "changed (refused → 200)" in done.stdout
        assert "Beside the first try (replayed " in done.stdout
        assert done.stderr == "hooktop: Replayed 1 capture: 1 changed.\n"
        (again,) = map(json.loads, (await called("replay", "1", "--json", *words)).stdout.splitlines())
        assert (again["first"]["by"], again["first"]["status"], again["verdict"]) == ("app", 200, "same")


async def test_what_the_app_did_not_take_is_sent_until_it_does(tmp_path: Path) -> None:
    async def only_the_first(call: Call) -> None:
        call.writer.write(OK if call.body == b'{"n":1}' else b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n")

    async with scene(tmp_path, *(b'{"n":%d}' % n for n in range(1, 5))) as (running, words):
        done = await called("replay", "--not-taken", *words)
        assert (done.returncode, done.stderr[:31]) == (0, "hooktop: There is nothing that ")
        running.behaviour = only_the_first
        assert (await called("replay", "1", "2", "3", *words)).returncode == 0
        running.behaviour = OK
        running.calls.clear()
        assert (await called("replay", "--not-taken", "--filter", "body.n>2", *words)).returncode == 0
        assert [json.loads(call.body)["n"] for call in running.calls] == [3]
        assert (await called("replay", "--not-taken", *words)).returncode == 0
        assert [json.loads(call.body)["n"] for call in running.calls] == [3, 2]
        done = await called("replay", "--not-taken", *words)
        assert (done.returncode, len(running.calls)) == (0, 2)


async def test_exit_code_1_when_there_was_no_answer(tmp_path: Path) -> None:
    await stored(tmp_path / "h.db", BODY)
    done = await called("replay", "1", "--db", str(tmp_path / "h.db"), "--to", f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert "connection refused: nothing listens there" in done.stdout
    assert done.stderr == "hooktop: Replayed 1 capture: 1 without an answer (refused).\n"


@pytest.mark.slow
async def test_it_works_beside_a_running_hooktop_and_into_it(tmp_path: Path) -> None:
    db = str(tmp_path / "h.db")
    with listening("--db", db) as running:
        assert running.post("/connectly", BODY) == 200
        assert running.next() is not None
        done = await called("replay", "1", "--db", db, "--to", running.url)
        assert done.returncode == 0, done.stderr
        again = running.next()
        assert again is not None
        assert (again["source"], again["request"]["body"]) == (Source.REPLAYED, BODY.decode())
        done = await called("replay", "1", "--db", db, "--to", running.url, "--resign")
        again = running.next()
        assert again is not None
        assert (again["source"], again["marks"], again["verdict"]["status"]) == ("replayed", ["local"], "verified")
        assert running.end() == 0
        assert "could not be kept" not in done.stderr
    # what was answered before is what later answers are compared with
    async with app() as other:
        done = await called("replay", "1", "--json", "--db", db, "--to", other.url)
        assert json.loads(done.stdout)["first"]["by"] == "app"
    listed = await called("captures", "--db", db)
    assert [("REPLAY" in line, "verified local" in line) for line in listed.stdout.splitlines()] == [
        (False, False), (True, False), (True, True),
    ]  # fmt: skip


async def test_beside_a_running_hooktop_they_go_where_that_one_passes_them_on_to(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text(f'[[forward.rules]]\nfilter = "provider:bird"\nurl = "http://127.0.0.1:{free_port()}"\n')
    config.chmod(0o600)
    words = ("--db", str(tmp_path / "h.db"), "--config", str(config))
    async with app() as other:

        def beside() -> subprocess.CompletedProcess[str]:
            with listening(*words, "--forward", other.url) as running:
                assert running.post("/bird", BODY) == 200
                assert running.next() is not None
                done = hooktop("replay", "1", *words)
                running.end()
                return done

        done = await asyncio.to_thread(beside)
        assert done.returncode == 0, done.stderr
        assert [call.body for call in other.calls] == [BODY, BODY]
        assert (await called("replay", "1", *words)).returncode == 1  # with nothing running the rules hold again
        assert len(other.calls) == 2


async def test_the_configuration_says_where_to(tmp_path: Path) -> None:
    async with scene(tmp_path) as (running, words):
        config = tmp_path / "c.toml"
        config.write_text(f'[forward]\nurl = "{running.url}/api"\nheaders = {{ x-dev = "sample-secret" }}\n')
        config.chmod(0o600)
        done = await called("replay", "1", *words[:2], "--config", str(config))
        assert done.returncode == 0, done.stderr
        [call] = running.calls
        assert call.line == "POST /api HTTP/1.1"
        assert call.values("x-dev") == ["sample-secret"]
        assert "sample-secret" not in done.stdout + done.stderr


async def test_ctrl_c_breaks_it_off(tmp_path: Path) -> None:
    async def first_only(call: Call) -> None:
        if len(running.calls) > 1:
            await hang(call)
        call.writer.write(b"HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n")

    async with scene(tmp_path, *[BODY] * 5) as (running, words):
        running.behaviour = first_only
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "monitor", "replay", "1", "2", "3", *words,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ),
        )  # fmt: skip
        await running.came(2)
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
        assert process.returncode == 130
        assert len(out.splitlines()) == 2
        assert err == b"hooktop: Replayed 2 captures: 1 same, 1 without an answer (ended).\n"


# --- edited --------------------------------------------------------------------------------------------------------


def editor(folder: Path, old: str, new: str) -> str:
    """An editor that replaces one text with another."""
    file = folder / "editor.py"
    file.write_text(
        f"import sys\ntext = open(sys.argv[-1]).read()\nopen(sys.argv[-1], 'w').write(text.replace({old!r}, {new!r}))\n"
    )
    return f"{sys.executable} {file}"


@pytest.mark.slow
async def test_edited_in_the_editor(tmp_path: Path) -> None:
    async with scene(tmp_path) as (running, words):
        done = await called("replay", "1", "--edit", *words, EDITOR=editor(tmp_path, "hello", "bye"))
        assert done.returncode == 0, done.stderr
        assert running.calls[0].body == BODY.replace(b"hello", b"bye")
        assert "Warning" not in done.stderr  # there was no signature to lose
        done = await called("replay", "1", "--edit", *words, EDITOR="true")
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr == "hooktop: Nothing was changed, so nothing was sent.\n"
        done = await called("replay", "1", "--edit", *words, EDITOR="false")
        assert done.returncode == 1
        assert done.stderr == "hooktop: The editor false ended with code 1; nothing was sent.\n"
        done = await called("replay", "1", "--edit", *words[:2], EDITOR=editor(tmp_path, "", ""))
        assert done.returncode == 2  # said before there is anything to edit
        assert len(running.calls) == 1


async def test_the_editor_gets_our_environment_without_its_secrets(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[forward]\nheaders = { X-Dev = "env:DEV_TOKEN" }\n')
    config.chmod(0o600)
    script, noted = tmp_path / "editor.py", tmp_path / "environ.json"
    script.write_text(f"import json, os\njson.dump(dict(os.environ), open({str(noted)!r}, 'w'))\n")
    secrets = {"DEV_TOKEN": "x-dev-secret", "BIRD_SIGNING_KEY": "bird-secret"}
    async with scene(tmp_path) as (_, words):
        words += ["--config", str(config)]
        await called("replay", "1", "--edit", *words, EDITOR=f"{sys.executable} {script}", MINE="kept", **secrets)
    given = json.loads(noted.read_text())
    assert given["MINE"] == "kept"
    assert not secrets.keys() & given.keys()


@pytest.mark.slow
async def test_an_edited_body_loses_its_signature_unless_it_is_signed_anew(tmp_path: Path) -> None:
    db = str(tmp_path / "h.db")
    with listening("--db", db) as running:
        running.post("/connectly", BODY, signed("connectly", b"somebody's", BODY, running.url))
    async with app() as other:
        words = ("replay", "1", "--edit", "--db", db, "--to", other.url)
        done = await called(*words, EDITOR=editor(tmp_path, "hello", "bye"))
        assert "its signature no longer verifies; --resign signs it" in done.stderr
        done = await called(*words, "--resign", EDITOR=editor(tmp_path, "hello", "bye"))
        assert "Warning" not in done.stderr
        assert other.calls[0].values("x-connectly-hmac-sha256") != other.calls[1].values("x-connectly-hmac-sha256")


# --- wishes that cannot be met --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "Name captures (cap_12), or choose them with --filter"),
        (["1", "--filter", "x"], "Name captures (cap_12), or choose them with --filter"),
        (["1", "--timed", "--rate", "5"], "--rate and --timed exclude each other"),
        (["1", "2", "--edit"], "--edit is for one capture; name it"),
        (["1"], "There is no app that captures are passed on to; give the address of yours with --to"),
        (["1", "--to", "example.com"], "Nothing can be sent to this address: it must begin with http:// or https://"),
        (["--filter", "colour:red"], "The filter is wrong at column 1"),
    ],
)
async def test_wishes_that_cannot_be_met(
    tmp_path: Path, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await stored(tmp_path / "h.db", BODY, BODY)
    assert await asyncio.to_thread(run, ["replay", *words, "--db", str(tmp_path / "h.db")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"hooktop: {sentence}")


async def test_captures_that_are_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await stored(tmp_path / "h.db", BODY)
    words = ["--db", str(tmp_path / "h.db"), "--to", "http://localhost:1"]
    assert await asyncio.to_thread(run, ["replay", "9", *words]) == 1
    assert await asyncio.to_thread(run, ["replay", "--filter", "body.n:7", *words]) == 1
    assert "There is no capture cap_9" in (said := capsys.readouterr().err)
    assert "No capture passes the filter" in said


# --- diff ----------------------------------------------------------------------------------------------------------


async def test_diff(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await stored(tmp_path / "h.db", BODY, BODY.replace(b"hello", b"bye"), b"\x1b[31mnot JSON")
    words = ["--db", str(tmp_path / "h.db")]
    assert await asyncio.to_thread(run, ["diff", "cap_1", "2", *words]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("body  38 bytes (sha256 ")
    assert lines[1:] == ['  ~ message.text  "hello" → "bye"']
    assert await asyncio.to_thread(run, ["diff", "1", "1", *words]) == 0
    assert capsys.readouterr().out == "nothing differs\n"
    assert await asyncio.to_thread(run, ["diff", "1", "2", "--all", *words]) == 0
    out = capsys.readouterr().out
    assert "    n  1\n" in out
    assert "Bearer ••••" in out
    assert "Bearer abc" not in out
    assert await asyncio.to_thread(run, ["diff", "1", "3", *words]) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert await asyncio.to_thread(run, ["diff", "1", "2", "--json", *words]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["kind"], found["old"], found["new"], found["same"], found["cut"]) == (
        "comparison",
        1,
        2,
        False,
        False,
    )
    assert found["differences"] == [
        {"section": "body", "sign": "~", "path": "message.text", "old": '"hello"', "new": '"bye"'}
    ]


async def test_a_credential_that_differs_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store.open(tmp_path / "h.db")
    store.start()
    for token in ("one-sample", "two-sample"):
        request = make_request(b"{}", authorization=f"Bearer {token}")
        await store.add(replace(make_capture(reading=None), request=request))
    await store.stop()
    assert await asyncio.to_thread(run, ["diff", "1", "2", "--db", str(tmp_path / "h.db")]) == 0
    assert capsys.readouterr().out == "headers\n  ~ authorization  Bearer •••• (hidden, and not the same)\n"
