"""Alerts of the configuration, as a running receiver tells them."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.deliveries import Place
from tests.cli.processes import hooktop


@pytest.mark.slow
def test_a_note_and_a_command(tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = "import sys; open(sys.argv[1], 'w').write(sys.argv[2])"
    words = json.dumps([sys.executable, "-c", script, str(out), "{id}"])
    settings = (
        '[[alerts]]\nfilter = "status:failed"\ntoast = true\n'
        f"[[alerts]]\nfilter = 'error:702'\ncommand = {words}\n"
        '[[alerts]]\nfilter = "verdict:invalid"\nbell = true\n'
    )
    place = Place(tmp_path, settings)
    with closing(place.running):
        place.post(place.volt.body("a", "failed"))
        place.post(place.volt.body("b", "delivered"), forged=True)
        assert place.running.end() == 0
        told = place.running.errors()
    assert told == ("hooktop: Alert: volt failed to +15555550123 40002 702 Blocked as spam - temporary: text of a\n")
    assert out.read_text() == "volt:a"


def test_a_filter_that_is_wrong_ends_it_before_anything_is_received(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[[alerts]]\nfilter = "statis:failed"\nbell = true\n')
    config.chmod(0o600)
    done = hooktop("listen", "--port", "0", "--db", str(tmp_path / "h.db"), "--config", str(config))
    assert (done.returncode, done.stdout) == (2, "")
    assert "The filter of [alerts 1] in the configuration is wrong at column 1" in done.stderr
    assert not (tmp_path / "h.db").exists()
