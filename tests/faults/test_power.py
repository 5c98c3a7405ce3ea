"""The power fails: what was answered 200 is there, whatever the disk kept of what was not synced."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from contextlib import closing
from pathlib import Path
from random import Random

import httpx
import pytest

from monitor.store.connection import prepare
from monitor.store.reader import Reader
from monitor.store.store import Store
from tests.e2e.programs import environment, listening
from tests.faults.disk import Disk, calls, traced

CUTS = int(os.environ.get("POWER_CUTS", "120"))
SHARES = (0.0, 0.05, 0.5, 0.95, 1.0)
COUNT, LARGE = 90, 400_000  # enough for the log to be written back while requests come
NAMES = {"h.db", "h.db-wal"}


async def post(url: str, rng: Random) -> dict[bytes, float]:
    """Post bodies over four connections; gives when each was known to be answered 200."""
    answered: dict[bytes, float] = {}
    numbers = iter(range(COUNT))

    async def sender(http: httpx.AsyncClient) -> None:
        for number in numbers:
            body = b"%d " % number + rng.randbytes(rng.choice((0, 900, LARGE)))
            assert (await http.post("/volt", content=body)).status_code == 200
            answered[body] = time.time()

    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
        await asyncio.gather(*(sender(http) for _ in range(4)))
    return answered


def found(disk: Disk, rng: Random, share: float, folder: Path) -> set[bytes]:
    """The bodies that the next start finds. Raises AssertionError where it says that something was damaged."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    disk.after_power_failed(rng, share, folder)
    assert prepare(folder / "h.db") is None
    with closing(Reader(folder / "h.db")) as reader:
        assert reader.check() == "ok"
        return {capture.request.body for capture in reader.page(limit=1000)}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
async def test_f2_power_that_fails_at_any_moment_loses_nothing_answered(tmp_path: Path) -> None:
    rng = Random(2)
    db, trace, left = tmp_path / "db" / "h.db", tmp_path / "trace", tmp_path / "left"
    store = Store.open(db)
    store.start()
    await store.stop()
    sure = {name: (db.parent / name).read_bytes() for name in NAMES if (db.parent / name).exists()}
    with listening(db, environment(tmp_path), before=traced(trace)) as program:
        answered = await post(program.url, rng)
        subprocess.run(["pkill", "-TERM", "-P", str(program.process.pid)], check=False)
        assert program.process.wait(60) == 0

    disk, again, liar = (Disk(db.parent, NAMES, sure, lies=lies) for lies in (False, False, True))
    changing = [number for number, call in enumerate(calls(trace)) if disk.does(call)]
    cuts = set(rng.sample(changing, min(CUTS, len(changing))))
    demanded = 0
    for number, call in enumerate(calls(trace)):
        again.does(call)
        liar.does(call)
        if number in cuts:
            known = {body for body, at in answered.items() if at < call.at}
            kept = found(again, rng, rng.choice(SHARES), left)
            assert known <= kept, f"{len(known - kept)} of {len(known)} lost after call {number}, {call.name}"
            demanded += len(known)
    assert demanded > 0
    # What is asked here can be answered no: with a disk that syncs nothing all is lost.
    assert found(liar, rng, 0, left) == set()
