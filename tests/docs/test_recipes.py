"""The script of "A test in CI" in docs/recipes.md is run as it stands; the port alone is the test's."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.corpora import ROOT
from tests.e2e.programs import environment, listening
from tests.ports import free_port

NEEDED = ("bash", "jq")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(None in map(shutil.which, NEEDED), reason="the recipe needs bash and jq"),
]


def recipe(title: str) -> str:
    """The first script under a title of docs/recipes.md."""
    text = (ROOT / "docs" / "recipes.md").read_text("utf-8")
    return text.partition(f"\n## {title}\n")[2].partition("```sh\n")[2].partition("```")[0]


def run(script: str, home: Path, port: int) -> subprocess.CompletedProcess[str]:
    """Run a script in ``home``, where ``hooktop`` is this one."""
    (program := home / "hooktop").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m monitor "$@"\n', "utf-8")
    program.chmod(0o700)
    environ = environment(home, HOOKTOP_PORT=str(port), TMPDIR=str(home))
    environ["PATH"] = f"{home}:{environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", script], cwd=home, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_test_in_ci_ends_well_and_leaves_no_receiver(tmp_path: Path) -> None:
    done = run(recipe("A test in CI"), tmp_path, free_port())
    assert done.returncode == 0, done.stderr
    printed = [json.loads(line) for line in (tmp_path / "captures.jsonl").read_text("utf-8").splitlines()]
    assert [record["kind"] for record in printed] == ["listening", "capture", "capture", "summary"]


def test_the_test_in_ci_is_not_deceived_by_another_receiver_on_its_port(tmp_path: Path) -> None:
    with listening(tmp_path / "other.db", environment(tmp_path)) as other:
        (home := tmp_path / "ci").mkdir()
        (home / "captures.jsonl").write_text('{"kind": "listening"}\n', "utf-8")  # what a run before it left
        done = run(recipe("A test in CI"), home, other.port)
    assert done.returncode != 0
    assert "in use" in done.stderr
    assert "Sent" not in done.stderr
