"""``hooktop listen``, as a process that real requests come to."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from monitor.store.store import Store
from tests.cli.processes import PROVIDERS, Listening, accounts, done_with, event, hooktop, listening, signed
from tests.ports import free_port


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_every_provider_with_a_real_signature_and_again_after_a_restart(tmp_path: Path, number: signal.Signals) -> None:
    config, keys = accounts(tmp_path)
    database = tmp_path / "data" / "h.db"
    common = ("--config", str(config), "--db", str(database))
    public = "https://hooks.example.com"
    bodies = {name: event(name) for name in PROVIDERS}
    with listening(*common, "--public-url", public) as running:
        assert running.first["kind"] == "listening"
        assert running.first["db"] == str(database)
        assert running.first["public_url"] == public
        for name in PROVIDERS:
            headers = signed(name, keys[name], bodies[name], f"{public}/{name}")  # Bird signs its address
            assert running.post(f"/{name}", bodies[name], headers) == 200
        assert running.post("/bird", b"{}") == 200
        assert running.end(number) == (130 if number is signal.SIGINT else 0)
        *captures, summary = running.rest()
        assert running.errors() == ""
    assert [(c["provider"], c["verdict"]["status"]) for c in captures] == [
        *((name, "verified") for name in PROVIDERS),
        ("bird", "missing"),
    ]
    assert [c["request"]["body"].encode() for c in captures[:4]] == list(bodies.values())
    assert {c["source"] for c in captures} == {"network"}
    assert all(c["reading"]["event"] for c in captures[:4])
    assert (summary["kind"], summary["captures"], summary["stored"]) == ("summary", 5, 5)

    again = hooktop("captures", "--json", *common)
    assert [json.loads(line) for line in again.stdout.splitlines()] == captures
    with listening(*common) as running:
        running.post("/generic", b"more")
        third = running.next()
        assert third is not None
        assert third["id"] == 6


def test_who_was_started_by_nohup_outlives_the_terminal(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does; a child has it from here
    try:
        running = Listening("--db", str(tmp_path / "h.db"))
    finally:
        signal.signal(signal.SIGHUP, before)
    try:
        running.process.send_signal(signal.SIGHUP)
        assert running.post("/generic") == 200
        assert running.next() is not None
        assert running.end() == 0
    finally:
        running.close()


def test_what_is_no_http_is_counted_and_not_told_one_by_one(tmp_path: Path) -> None:
    with listening("--db", str(tmp_path / "h.db"), "-v") as running:
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", int(running.url.rpartition(":")[2])), 30) as sender:
                sender.sendall(b"nonsense\r\n\r\n")
                assert sender.recv(12) == b"HTTP/1.1 400"
        assert running.end() == 0
        (summary,) = running.rest()
        assert summary["refused"] == {"400": 3}
        assert "Invalid HTTP" not in running.errors()


def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    before = os.umask(0)
    try:
        with listening("--db", str(folder / "h.db")) as running:
            running.post("/volt")
            running.next()
            modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
def test_count_filter_and_time_limit(tmp_path: Path) -> None:
    database = str(tmp_path / "h.db")
    with listening("--db", database, "--count", "2", "--filter", "provider:generic size>2") as running:
        for body in (b"", b"one", b"two"):
            running.post("/generic", body)
        assert running.process.wait(30) == 0
        *captures, summary = running.rest()
    assert [c["request"]["body"] for c in captures] == ["one", "two"]
    assert summary["captures"] == 2
    with listening("--db", database, "--for", "100ms") as running:
        assert running.process.wait(30) == 0
        assert [value["kind"] for value in running.rest()] == ["summary"]


@pytest.mark.parametrize("command", [["listen", "--count", "1"], ["wait", "--listen", "provider:volt"]])
def test_what_comes_before_it_says_that_it_listens_counts_too(tmp_path: Path, command: list[str]) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor", *command, "--port", str(port), "--db", str(tmp_path / "h.db")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        while process.poll() is None:
            with (
                contextlib.suppress(ConnectionRefusedError),
                socket.create_connection(("127.0.0.1", port), 30) as early,
            ):
                early.sendall(b"POST /volt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
                assert early.recv(12) == b"HTTP/1.1 200"
                break
        out, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        assert out.count(b"\n") == 1
    finally:
        done_with(process)


def test_lines_for_people_cannot_act_on_the_terminal(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor", "listen", "--port", "0", "--count", "1", "--db", str(tmp_path / "h.db")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    url = process.stderr.readline().decode().split()[3].rstrip(";")
    hostile = "\x1b]52;c;aGk=\x07\u202e\x9b31m"
    port = int(url.rpartition(":")[2])
    body = json.dumps({"text": hostile}).encode()
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(b"POST /x\x1b[31m HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        client.recv(1000)
        with socket.create_connection(("127.0.0.1", port), 10) as other:
            head = f"POST /generic HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n"
            other.sendall(head.encode() + body)
            other.recv(1000)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out.startswith(b"cap_1 ")
    for stream in (out, err):
        assert not {0x1B, 0x07} & set(stream)
        assert "\u202e" not in stream.decode()
        assert "\x9b" not in stream.decode()
    assert b"Stored " in err


def test_a_reader_that_leaves_ends_it_quietly(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor", "listen", "--json", "--port", "0", "--db", str(tmp_path / "h.db")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    url = json.loads(process.stdout.readline())["url"]
    process.stdout.close()
    httpx.post(url + "/generic", content=b"1", trust_env=False)
    assert process.wait(30) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def test_a_port_in_use_is_exit_code_2_and_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = hooktop("listen", "--port", port, "--db", str(tmp_path / "h.db"))
    assert done.returncode == 2
    assert done.stdout == ""
    sentence = f"Port {port} on 127.0.0.1 is in use by another program; stop it, or choose another port with --port."
    assert done.stderr == f"hooktop: {sentence}\n"
    assert not (tmp_path / "h.db").exists()


@pytest.mark.slow
def test_two_that_would_write_one_database(tmp_path: Path) -> None:
    database = str(tmp_path / "h.db")
    with listening("--db", database) as running:
        done = hooktop("listen", "--port", "0", "--db", database)
        assert done.returncode == 2
        assert f"Another hooktop (pid {running.process.pid}) is writing" in done.stderr
        done = hooktop("listen", "--port", running.url.rpartition(":")[2], "--db", database)
        assert done.returncode == 2
        assert f"Another hooktop (pid {running.process.pid}) receives at {running.url} already" in done.stderr
        running.process.kill()
        running.process.wait(30)
    with listening("--db", database) as running:
        assert running.post("/volt") == 200


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file" / "h.db", tmp_path, Path("/proc/hooktop/h.db")):
        done = hooktop("listen", "--port", "0", "--db", str(place))
        assert done.returncode == 2, done
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) == 1
        assert "with --db" in done.stderr


def test_a_damaged_database_is_kept_and_a_new_one_begun(tmp_path: Path) -> None:
    database = tmp_path / "h.db"
    Store.open(database)._lease.give_up()
    database.write_bytes(b"this is no database " * 500)
    with listening("--db", str(database)) as running:
        assert running.post("/generic", b"kept") == 200
        running.end()
        assert "The database was damaged and is kept as h.db.damaged-" in running.errors()
    (aside,) = tmp_path.glob("h.db.damaged-*")
    assert aside.read_bytes() == b"this is no database " * 500


@pytest.mark.parametrize(
    ("text", "mode", "sentence"),
    [
        ("[receiver]\nport = 0\n", 0o644, "run: chmod 600"),
        ("[receiver]\nprot = 1\n", 0o600, "line 2: [receiver] prot is not a setting; did you mean port?"),
        ("[receiver\n", 0o600, "line 1: this is not TOML"),
    ],
)
def test_a_configuration_that_cannot_be_used_stops_everything(
    tmp_path: Path, text: str, mode: int, sentence: str
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(text)
    config.chmod(mode)
    done = hooktop("listen", "--config", str(config), "--db", str(tmp_path / "h.db"))
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "h.db").exists()


@pytest.mark.slow
def test_environment_twins_and_configuration_order(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[receiver]\nport = 1\npublic_url = "https://a.example.com/"\n[store]\npath = "c.db"\n')
    config.chmod(0o600)
    twins = {"HOOKTOP_CONFIG": str(config), "HOOKTOP_COUNT": "1"}
    with listening(env=twins) as running:  # --port 0 goes over the file's port 1
        assert running.first["public_url"] == "https://a.example.com"
        assert running.first["db"] == str(tmp_path / "c.db")
        running.post("/volt")
        assert running.process.wait(30) == 0
    with listening(
        env={**twins, "HOOKTOP_DB": str(tmp_path / "e.db"), "HOOKTOP_PUBLIC_URL": "https://b.example.com"}
    ) as running:
        assert running.first["public_url"] == "https://b.example.com"
        assert running.first["db"] == str(tmp_path / "e.db")


def test_a_twin_that_says_no_goes_over_the_file(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[receiver]\nenforce = true\n[forward]\nurl = "http://127.0.0.1:9"\nwait = true\n', "utf-8")
    config.chmod(0o600)
    given = ("--config", str(config), "--db", str(tmp_path / "h.db"))
    with listening(*given, env={"HOOKTOP_ENFORCE": "0", "HOOKTOP_FORWARD_WAIT": "no"}) as running:
        assert running.post("/volt") == 200
    with listening(*given, "--enforce", env={"HOOKTOP_ENFORCE": "0"}) as running:  # the command line over both
        assert running.post("/volt") == 401


def test_enforce_turns_away_and_stores(tmp_path: Path) -> None:
    with listening("--enforce", "--db", str(tmp_path / "h.db")) as running:
        assert running.post("/volt") == 401
        capture = running.next()
        assert capture is not None
        assert capture["response"]["status"] == 401


@pytest.mark.slow
def test_path_tokens(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[receiver]\ntokens = true\n")
    config.chmod(0o600)
    with listening("--config", str(config), "--db", str(tmp_path / "h.db")) as running:
        assert running.post("/volt") == 404
        assert running.post("/volt/wrong") == 404
        done = hooktop("send", "volt", "delivered", "--count", "1", "--to", running.url, "--config", str(config))
        assert done.returncode == 1
        assert "404" in done.stdout
        for own in (running.url, running.url.rpartition(":")[2]):  # the database tells whose address it is
            words = ("send", "volt", "delivered", "--count", "1", "--to", own, "--db", str(tmp_path / "h.db"))
            assert "1 × 200" in hooktop(*words, "--config", str(config)).stderr
            assert running.next() is not None
        running.end()
        (summary,) = running.rest()
    assert summary["refused"] == {"404": 3}


def test_secrets_leave_the_environment_and_never_show(tmp_path: Path) -> None:
    canary = "canary-5f0c9b7a11d2"
    env = {"CONNECTLY_WEBHOOK_SECRET": canary, "CONNECTLY_API_KEY": canary + "-api"}
    with listening("-vv", "--db", str(tmp_path / "h.db"), env=env) as running:
        body = event("connectly")
        running.post("/connectly", body, signed("connectly", canary.encode(), body, running.url + "/connectly"))
        capture = running.next()
        assert capture is not None
        assert capture["verdict"]["status"] == "verified"
        running.end()
        text = json.dumps([running.first, capture, *running.rest()]) + running.errors()
    assert canary not in text
    assert all(canary.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_it_loads_neither_screens_nor_a_client() -> None:
    code = (
        "import sys, threading, _thread\n"
        "from monitor.cli.app import run\n"
        "code = run(['listen', '--port', '0', '--for', '50ms', '--json'])\n"
        "print(code, *[m for m in ('textual', 'rich', 'httpx', 'sqlite_utils') if m in sys.modules], file=sys.stderr)\n"
    )
    for _ in range(2):  # the first run makes the database, with migrations
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "0"
