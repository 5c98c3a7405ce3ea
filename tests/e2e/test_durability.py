"""What was answered 200 is there, whatever happens to the program."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import closing
from pathlib import Path
from random import Random

import httpx
import pytest

from monitor.store.reader import Reader
from tests.e2e.programs import Listening, environment, listening

ROUNDS = int(os.environ.get("KILL_ROUNDS", "200"))  # of the slow test; a quick look takes fewer


async def post_until_killed(
    program: Listening, first: int = 0, *, after: int | None = None, after_s: float | None = None
) -> set[bytes]:
    """Post bodies, numbered from ``first``, over eight connections, kill -9 when so many were answered or so many
    seconds after the first answer; gives the answered bodies."""
    answered: set[bytes] = set()
    numbers = iter(range(first, first + 1000))

    async def sender(http: httpx.AsyncClient) -> None:
        for number in numbers:
            body = b'{"number": %d}' % number
            try:
                answer = await http.post("/volt", content=body)
            except httpx.HTTPError:
                return
            if answer.status_code == 200:
                answered.add(body)
            if len(answered) == after:
                program.process.kill()
            if len(answered) == 1 and after_s is not None:
                asyncio.get_running_loop().call_later(after_s, program.process.kill)

    async with httpx.AsyncClient(base_url=program.url, trust_env=False) as http:
        await asyncio.gather(*(sender(http) for _ in range(8)))
    program.process.kill()  # where everything was answered before
    return answered


def bodies(db: Path) -> set[bytes]:
    with closing(Reader(db)) as reader:
        assert reader.check() == "ok"
        return {capture.request.body for capture in reader.page(limit=100_000)}


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
async def test_kill_9_in_the_middle_of_1000_posts_loses_nothing_answered(tmp_path: Path, seed: int) -> None:
    db = tmp_path / "h.db"
    with listening(db, environment(tmp_path)) as program:
        answered = await post_until_killed(program, after=Random(seed).randint(50, 900))
        assert program.process.wait(10) == -signal.SIGKILL
    assert answered
    assert answered <= bodies(db)
    with listening(db, environment(tmp_path)) as program:  # the next start takes over and goes on
        assert httpx.post(f"{program.url}/volt", content=b"after", trust_env=False).status_code == 200
    assert answered | {b"after"} <= bodies(db)


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_kill_9_at_many_moments(tmp_path: Path) -> None:
    """One database all the time: each start recovers what the kill before it left."""
    db, rng, starts, seen = tmp_path / "h.db", Random(9), [], 0
    for number in range(ROUNDS):
        begun = time.monotonic()
        with listening(db, environment(tmp_path)) as program:
            starts.append(time.monotonic() - begun)
            answered = await post_until_killed(program, number * 1000, after_s=rng.uniform(0.005, 0.4))
            assert program.process.wait(10) == -signal.SIGKILL
        with closing(Reader(db)) as reader:
            assert reader.check() == "ok"
            new = reader.page(after=seen, limit=100_000)
        seen = new[-1].id if new else seen
        assert answered <= {capture.request.body for capture in new}, f"round {number}"
    assert seen > ROUNDS
    assert sorted(starts)[len(starts) // 2] < max(2 * starts[0], 2)  # seconds: recovering adds nothing to a start


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
async def test_the_sync_comes_before_each_answer(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    strace = ["strace", "-f", "-e", "trace=fdatasync,fsync,sendto,write", "-s", "24", "-o", str(trace)]
    with listening(tmp_path / "h.db", environment(tmp_path), before=strace) as program:
        async with httpx.AsyncClient(base_url=program.url, trust_env=False) as http:
            for number in range(20):
                assert (await http.post("/volt", content=b"%d" % number)).status_code == 200
        subprocess.run(["pkill", "-TERM", "-P", str(program.process.pid)], check=False)
        program.process.wait(20)
    synced = False
    answers = 0
    for line in trace.read_text("utf-8", "replace").splitlines():
        if re.search(r"fdatasync\(.*\) += 0|fsync\(.*\) += 0|<\.\.\. f(data)?sync resumed>\) += 0", line):
            synced = True
        elif "HTTP/1.1 200" in line and "resumed" not in line:
            assert synced, f"answer {answers + 1} left before a sync"
            synced = False
            answers += 1
    assert answers == 20
