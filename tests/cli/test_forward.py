"""``--forward`` and ``--forward-wait``, as processes that real requests come to."""

from __future__ import annotations

import asyncio
import json
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest

from monitor import tasks
from monitor.cli.listen import Untaken
from monitor.model.attempt import Attempt, AttemptKind, Failure
from monitor.store.attempts import AttemptReader
from monitor.times import utc_now
from tests.certificates import certificate
from tests.cli.processes import hooktop, listening
from tests.forwarding.app import app, hang
from tests.ports import free_port


async def test_captures_go_on_and_the_answers_are_kept(tmp_path: Path) -> None:
    database = tmp_path / "h.db"
    async with app() as running:

        def run() -> list[dict[str, object]]:
            with listening("--db", str(database), "--forward", running.url, "--count", "2") as one:
                assert [one.post("/volt", body) for body in (b"one", b"two")] == [200, 200]
                assert one.process.wait(30) == 0
                assert one.errors() == ""
                return one.rest()

        *captures, summary = await asyncio.to_thread(run)
        assert [call.body for call in running.calls] == [b"one", b"two"]
    assert [capture["kind"] for capture in captures] == ["capture"] * 2
    assert summary["forwarded"] == {"200": 2}
    with closing(AttemptReader(database)) as reader:
        assert [reader.attempts(n)[0].status for n in (1, 2)] == [200, 200]
    shown = (await asyncio.to_thread(hooktop, "show", "2", "--db", str(database))).stdout
    assert "Passed on" in shown
    assert "✔ 200 in " in shown
    assert f"{running.url}/volt" in shown
    assert "Content-Type: application/json" in shown
    assert '"ok": true' in shown


async def test_the_app_s_status_is_the_answer_when_asked_for(tmp_path: Path) -> None:
    async with app(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n") as running:
        file = tmp_path / "config.toml"
        file.write_text(f'[[forward.rules]]\nfilter = "provider:volt"\nurl = "{running.url}/in"\n', "utf-8")
        file.chmod(0o600)
        options = ("--config", str(file), "--db", str(tmp_path / "h.db"), "--forward-wait")

        def run() -> list[int]:
            with listening(*options) as one:
                statuses = [one.post("/volt"), one.post("/bird")]
                one.end()
                return statuses

        assert await asyncio.to_thread(run) == [503, 200]
        assert [call.line for call in running.calls] == ["POST /in HTTP/1.1"]
        shown = json.loads((await asyncio.to_thread(hooktop, "show", "1", "--json", *options[:4])).stdout)
        assert shown["response"] == {"status": 503}
        [attempt] = shown["attempts"]
        assert (attempt["kind"], attempt["url"], attempt["failure"]) == ("forward", f"{running.url}/in", None)
        assert attempt["answer"]["status"] == 503
        assert attempt["answer"]["headers"] == [["Content-Length", "0"]]


async def test_an_app_whose_certificate_is_one_s_own_is_trusted_when_that_is_named(tmp_path: Path) -> None:
    made = certificate(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made)
    file, database = tmp_path / "config.toml", str(tmp_path / "h.db")
    async with app(tls=server) as running:

        def statuses(more: str) -> tuple[object, str]:
            file.write_text(f'[forward]\nurl = "{running.url}"\n{more}', "utf-8")
            file.chmod(0o600)
            with listening("--config", str(file), "--db", database, "--count", "1") as one:
                assert one.post("/volt") == 200
                assert one.process.wait(30) == 0
                return one.rest()[-1]["forwarded"], one.errors()

        refused, _ = await asyncio.to_thread(statuses, "")
        assert refused == {"untrusted": 1}
        shown = (await asyncio.to_thread(hooktop, "show", "1", "--db", database)).stdout
        assert "its certificate is not valid: self" in shown
        assert "ca_file in [forward] names those of your own" in shown
        assert await asyncio.to_thread(statuses, f'ca_file = "{made.name}"\n') == ({"200": 1}, "")
        done = await asyncio.to_thread(hooktop, "replay", "1", "--db", database, "--config", str(file))
        assert "untrusted → 200" in done.stdout


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_used_are_named_at_the_start(tmp_path: Path, content: str | None) -> None:
    file, ca = tmp_path / "config.toml", tmp_path / "mine.pem"
    if content is not None:
        ca.write_text(content, "utf-8")
    file.write_text('[forward]\nurl = "https://localhost:3000"\nca_file = "mine.pem"\n', "utf-8")
    file.chmod(0o600)
    done = hooktop("listen", "--port", "0", "--config", str(file), "--db", str(tmp_path / "h.db"))
    assert done.returncode == 2
    assert f"[forward] ca_file: {ca} cannot be used (" in done.stderr
    assert done.stderr.count("\n") == 1
    assert f"[forward] ca_file: {ca} cannot be used" in hooktop("doctor", "--config", str(file)).stdout


async def test_what_the_app_did_not_take_is_said(tmp_path: Path) -> None:
    async with app(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n") as running:

        def run() -> tuple[str, str]:
            with listening("--db", str(tmp_path / "h.db"), "--forward", running.url) as one:
                assert one.post("/volt") == 200
                one.end()
                return running.url.removeprefix("http://"), one.errors()

        authority, errors = await asyncio.to_thread(run)
    assert errors == f"hooktop: {authority} did not take cap_1: it answered 500.\n"


def attempt(number: int, *, status: int | None = None, failure: Failure | None = None) -> Attempt:
    url = "http://127.0.0.1:3000/volt/a-path-token?x=1"
    return Attempt(number, AttemptKind.FORWARD, url, utc_now(), 0.1, status, failure)


def test_of_very_many_that_were_not_taken_one_a_second_is_said() -> None:
    said: list[str] = []
    now = 5.0
    untaken = Untaken(said.append, lambda: now)
    untaken(attempt(1, status=204))
    untaken(attempt(2, failure=Failure.REFUSED))  # the log says that, and when it is over
    for number in range(3, 9):
        untaken(attempt(number, status=500))
    now += 1
    untaken(attempt(9, failure=Failure.TIMEOUT))
    now += 1
    untaken(attempt(10, status=302))
    assert said == [
        "127.0.0.1:3000 did not take cap_3: it answered 500.",
        "127.0.0.1:3000 did not take cap_9: no whole answer in time (5 more since the last one).",
        "127.0.0.1:3000 did not take cap_10: it answered 302.",
    ]


async def test_at_the_end_it_says_how_to_send_again_what_was_not_taken(tmp_path: Path) -> None:
    database, port = str(tmp_path / "h.db"), str(free_port())
    async with app(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n") as running:
        words = ("listen", "--port", port, "--count", "1", "--db", database, "--forward", str(running.port))
        listen = tasks.start(asyncio.to_thread(hooktop, *words), "listen")
        async with httpx.AsyncClient(trust_env=False) as client:
            while not listen.done():
                with suppress(httpx.ConnectError):
                    assert (await client.post(f"http://127.0.0.1:{port}/volt", content=b"{}")).status_code == 200
                    break
                await asyncio.sleep(0.1)
        done = await listen
        assert done.stderr.splitlines()[-1] == (
            f"hooktop: Stored 1 capture in {database}. Your app did not take 1 capture; "
            f"'hooktop replay --not-taken --db {database} --to http://localhost:{running.port}' "
            "sends again what it did not take."
        )
        assert done.stdout.count("\n") == 1


async def test_a_provider_that_waits_for_an_app_that_hangs_is_no_error_at_the_end(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with app(hang) as running:

        def ended() -> str:
            options = ("--db", str(tmp_path / "h.db"), "--forward", running.url, "--forward-wait")
            with listening(*options) as one, ThreadPoolExecutor() as pool:
                status = pool.submit(one.post, "/volt")
                asyncio.run_coroutine_threadsafe(running.came(1), loop).result()
                one.end()
                assert status.result() == 503
                assert one.rest()[-1]["forwarded"] == {"ended": 1}
                return one.errors()

        said = await asyncio.to_thread(ended)
    assert "hooktop ended first" in said
    assert "ERROR" not in said


@pytest.mark.slow
async def test_an_app_that_is_down_is_said_once_and_one_that_hangs_delays_no_end(tmp_path: Path) -> None:
    database = tmp_path / "h.db"

    def down() -> str:
        with listening("--db", str(database), "--forward", f"http://127.0.0.1:{free_port()}") as one:
            assert [one.post("/volt") for _ in range(5)] == [200] * 5
            one.end()
            assert one.rest()[-1]["forwarded"].keys() <= {"refused", "app down"}
            assert "connection refused: nothing listens there" in hooktop("show", "1", "--db", str(database)).stdout
            return one.errors()

    assert (await asyncio.to_thread(down)).count("takes no captures: connection refused") == 1
    async with app(hang) as running:

        def hanging() -> None:
            with listening("--db", str(database), "--forward", running.url) as one:
                assert one.post("/volt") == 200
                one.end()

        async with asyncio.timeout(20):
            await asyncio.to_thread(hanging)
    with closing(AttemptReader(database)) as reader:
        assert reader.attempts(6)[0].failure is Failure.ENDED


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--forward", "example.com:3000"], "must begin with http:// or https://"),
        (["--forward", "http://169.254.169.254/latest"], "169.254.169.254 is where machines ask"),
        (["--forward", "http://user:hunter2@localhost"], "user name or password"),
        (["--forward", "http://127.0.0.1:{port}", "--port", "{port}"], "it is hooktop's own"),
        (["--forward", "https://hooks.example.com/x", "--public-url", "https://hooks.example.com"], "hooktop's own"),
        (["--forward-wait"], "give it with --forward"),
    ],
)
def test_what_cannot_be_used_is_a_usage_error(tmp_path: Path, options: list[str], says: str) -> None:
    port = str(free_port())
    done = hooktop("listen", "--port", "0", "--db", str(tmp_path / "h.db"), *(o.format(port=port) for o in options))
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert "hunter2" not in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
def test_another_machine_is_said_aloud_and_the_address_has_an_environment_twin(tmp_path: Path) -> None:
    options = ("listen", "--port", "0", "--for", "100ms", "--db", str(tmp_path / "h.db"))
    done = hooktop(*options, env={"HOOKTOP_FORWARD": "http://app.example.com/in"})
    assert done.returncode == 0
    assert "passed on to another machine, app.example.com, and not encrypted on the way." in done.stderr
    assert "another machine" not in hooktop(*options, "--forward", "http://localhost:3000").stderr
