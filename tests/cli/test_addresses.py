"""Bird signs the address that it posts to: what is stored is judged by the addresses of its time, not by today's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.processes import accounts, event, hooktop, listening, signed
from tests.cli.worlds import world
from tests.e2e import programs

PUBLIC = "https://hooks.example.com"
THERE = ("--public-url", PUBLIC)


@pytest.mark.slow
async def test_what_came_to_a_registered_address_stays_verified_when_today_s_is_another(tmp_path: Path) -> None:
    async with world(tmp_path, event_after_s=0.0) as w:
        with programs.listening(w.database, w.environ, "--config", str(w.config)) as receiver:
            w.receiver = receiver.url
            await w.webhooks("add", "--provider", "bird", "event=sms.inbound", "--no-rehearsal")
            capture = next(receiver.records())
            assert capture["verdict"]["status"] == "verified"
            receiver.process.terminate()
            receiver.process.wait(30)
        for today in (None, "https://next.example.com"):
            w.configure(w.sandbox.accounts(), public_url=today)
            assert "1 of 1 verified" in (await w.run("verify", "--all")).err
            assert "with the keys of today:" not in (await w.run("show", "1")).out
            await w.run("reindex")
            assert "✔ verified" in (await w.run("captures")).out


@pytest.mark.slow
def test_the_address_of_what_was_registered_by_hand_can_be_given(tmp_path: Path) -> None:
    config, keys = accounts(tmp_path)
    common = ("--db", str(tmp_path / "h.db"), "--config", str(config))
    body = event("bird")
    headers = signed("bird", keys["bird"], body, f"{PUBLIC}/bird")
    for there, found in (((), "invalid"), (THERE, "verified")):
        with listening(*common, *there) as running:
            running.post("/bird", body, headers)
            capture = running.next()
            assert capture is not None
            assert capture["verdict"]["status"] == found
            running.end()
    assert hooktop("verify", "2", *common).returncode == 0  # as when it came
    assert hooktop("verify", "1", *common).returncode == 4
    assert hooktop("verify", "1", *common, *THERE).returncode == 0
    assert hooktop("verify", "1", *common, env={"HOOKTOP_PUBLIC_URL": PUBLIC}).returncode == 0
    assert "with the keys of today:" not in hooktop("show", "1", *common).stdout
    assert "with the keys of today:" in hooktop("show", "1", *common, *THERE).stdout
    assert hooktop("reindex", *common).returncode == 0
    assert hooktop("captures", "verdict:verified", *common).stdout.count("✔ verified") == 1
    assert hooktop("reindex", *common, *THERE).returncode == 0
    assert hooktop("captures", "verdict:verified", *common).stdout.count("✔ verified") == 2


def test_a_request_that_is_given_has_an_address_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"{}")
    (tmp_path / "key").write_text("a sample key")
    given = ("verify", "--provider", "bird", "--body", str(tmp_path / "body"), "--key-file", str(tmp_path / "key"))
    said = hooktop(*given, *THERE)
    assert said.returncode == 2
    assert "name the address of a request given here with --url" in said.stderr
    assert hooktop(*given, env={"HOOKTOP_PUBLIC_URL": PUBLIC}).returncode == 4
