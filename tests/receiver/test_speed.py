"""Which parser is chosen, and what is said of it."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from monitor.receiver import speed
from monitor.receiver.binding import bind
from monitor.receiver.protocol import GuardedProtocol
from tests.e2e.programs import environment, listening
from tests.parsers import both_parsers, configured, fast, needs_speed
from tests.receiver.test_server import receiver


@pytest.mark.parametrize(
    ("installed", "why"),
    [(None, "the extra 'speed' is not installed"), (1, "httptools is installed and does not work")],
)
async def test_where_httptools_cannot_be_loaded_h11_reads(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, installed: int | None, why: str
) -> None:
    monkeypatch.delitem(sys.modules, "monitor.receiver.fast", raising=False)
    monkeypatch.setitem(sys.modules, "httptools", None)
    monkeypatch.setattr(speed, "find_spec", lambda name: installed)
    assert speed.protocol(True) is GuardedProtocol
    assert speed.described(True).startswith(f"h11; {why}")
    with bind("127.0.0.1", 0) as sock, caplog.at_level(logging.INFO, "monitor.receiver.server"):
        started = receiver(sock, fast=True)
        await started.start()
        await started.stop()
    said = [record.getMessage() for record in caplog.records if record.name == "monitor.receiver.server"]
    assert said == [f"requests are read by {speed.described(True)}"]


@needs_speed
def test_httptools_is_used_where_it_is_installed_unless_the_configuration_says_otherwise() -> None:
    assert (speed.protocol(True).parser_name, speed.described(True)[:9]) == ("httptools", "httptools")
    assert speed.protocol(False) is GuardedProtocol
    assert speed.described(False) == "h11, as the configuration says"


@both_parsers
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the system does not say what a program has loaded")
def test_listen_takes_what_the_configuration_says(tmp_path: Path) -> None:
    configured(tmp_path)
    with listening(tmp_path / "h.db", environment(tmp_path)) as program:
        assert ("/httptools/" in Path(f"/proc/{program.process.pid}/maps").read_text()) is fast()
        program.process.terminate()
        assert program.process.wait(20) == 0
