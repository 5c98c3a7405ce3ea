"""What is built from this folder runs on its own: in an empty environment, from another folder, in a path with spaces.

Packages come from wherever pip is set up to look for them; without that the tests are skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from monitor import __version__
from tests.corpora import ROOT
from tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# What pip says when it cannot reach an index, in place of a package that does not fit.
UNREACHABLE = ("from versions: none", "NewConnectionError", "ConnectTimeoutError", "NameResolutionError")


def run(*command: str | Path | int, cwd: Path, environ: dict[str, str]) -> str:
    """Run a command to its end; gives what it printed. Raises AssertionError with its errors."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def clean(home: Path) -> dict[str, str]:
    """An environment with a home of its own, without this project on Python's path; what pip needs stays."""
    kept = {name: value for name, value in os.environ.items() if name == "PATH" or name.startswith(("PIP_", "SSL_"))}
    return {**kept, "HOME": str(home), "LANG": "C.UTF-8", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with spaces in its name, for everything: nothing is written into the project."""
    return tmp_path_factory.mktemp("a folder with spaces")


def environment(folder: Path, environ: dict[str, str]) -> Path:
    """A virtual environment with what requirements.txt names, each file checked by its hash; gives its programs."""
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder, environ=environ)
    programs = folder / "venv" / "bin"
    try:
        run(programs / "pip", "install", "-q", "--retries", "1", "--require-hashes", "-r", ROOT / "requirements.txt",
            cwd=folder, environ=environ)  # fmt: skip
    except AssertionError as error:
        if any(sign in str(error) for sign in UNREACHABLE):
            pytest.skip("no index of packages can be reached")
        raise
    return programs


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_what_is_built_runs_where_nothing_else_is(elsewhere: Path, kind: str) -> None:
    folder = elsewhere / kind
    folder.mkdir()
    environ = clean(folder)
    programs = environment(folder, environ)
    run(programs / "python", "-m", "hatchling", "build", "-t", kind, "-d", folder / "built", cwd=ROOT, environ=environ)
    [built] = (folder / "built").iterdir()
    run(programs / "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index", built,
        cwd=folder, environ=environ)  # fmt: skip
    assert "No broken requirements" in run(programs / "pip", "check", cwd=folder, environ=environ)
    where = run(programs / "python", "-c", "import monitor; print(monitor.__file__)", cwd=folder, environ=environ)
    assert Path(where.strip()).is_relative_to(folder / "venv")
    assert (folder / "venv" / "share" / "man" / "man1" / "hooktop.1").is_file()

    hooktop = programs / "hooktop"
    assert run(hooktop, "--version", cwd=folder, environ=environ) == f"hooktop {__version__}\n"
    assert "listen" in run(hooktop, "--help", cwd=folder, environ=environ)
    assert "database" in run(hooktop, "doctor", "--port", free_port(), cwd=folder, environ=environ)
    listen = [str(hooktop), "listen", "--json", "--port", "0", "--count", "1", "--for", "60"]
    with subprocess.Popen(listen, cwd=folder, env=environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        answer = httpx.post(f"{url}/volt", content=b'{"hello":"wheel"}', trust_env=False, timeout=20)
        assert (answer.status_code, answer.json()) == (200, {"status": "stored"})
        assert json.loads(process.stdout.readline())["request"]["body"] == '{"hello":"wheel"}'
        assert json.loads(process.stdout.readline())["captures"] == 1
        assert process.wait(20) == 0
    [line] = run(hooktop, "captures", "--json", cwd=folder, environ=environ).splitlines()
    assert json.loads(line)["request"]["body"] == '{"hello":"wheel"}'
