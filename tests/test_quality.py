"""Format, lint, types and layers: part of the tests, so that one command tells all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.corpora import ROOT

TOOLS = Path(sys.executable).parent


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "format", "--check", "--no-cache", "."],
        ["ruff", "check", "--no-cache", "."],
        ["mypy"],
        ["lint-imports", "--no-cache"],
    ],
    ids=["format", "lint", "types", "layers"],
)
def test_tool(command: list[str]) -> None:
    done = subprocess.run(
        [str(TOOLS / command[0]), *command[1:]],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1", "TERM": "dumb"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def test_readme_gives_the_command_that_ci_runs() -> None:
    readme = (ROOT / "README.md").read_text("utf-8").splitlines()
    look, check = [line for line in readme if line.startswith("python3 -m venv")]
    assert look.endswith("-qr requirements.txt && .venv/bin/pip install -q --no-deps --no-build-isolation . && "
                         ".venv/bin/hooktop demo")  # fmt: skip
    assert check in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    install = check.removeprefix("python3 -m venv .venv && ").removesuffix(" && .venv/bin/pytest")
    assert f"    {install}" in (ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()
