"""Provider plug-ins run with the user's rights: whoever starts hooktop is told of them."""

from __future__ import annotations

import os
from pathlib import Path

from tests.cli.processes import hooktop
from tests.corpora import ROOT

PLUG_IN = """
from monitor.providers.generic import Generic
class Fifth(Generic):
    name = "fi\\x1b[2Jfth"
fifth = Fifth()
"""


def test_plug_ins_are_named_at_the_start(tmp_path: Path) -> None:
    site = tmp_path / "site"
    about = site / "fifth-1.0.dist-info"
    about.mkdir(parents=True)
    (site / "fifth.py").write_text(PLUG_IN)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: fifth\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[hooktop.providers]\nfifth = fifth:fifth\n")
    env = {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, site)))}
    done = hooktop("listen", "--port", "0", "--for", "0.1", "--db", str(tmp_path / "h.db"), env=env)
    assert done.returncode == 0
    assert "hooktop: Provider plug-ins run with your rights: fi␛[2Jfth.\n" in done.stderr
