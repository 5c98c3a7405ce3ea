"""The packages that hooktop stands on (threat T36)."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from runpy import run_path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.corpora import ROOT

# Versions with known holes, or without a behaviour that a defence rests on, lie below these.
FLOORS = {"starlette": "1.10", "uvicorn": "0.54", "h11": "0.16", "httpx": "0.28", "cryptography": "48.0.1",
          "pygments": "2.20"}  # fmt: skip
UNWANTED = {"python-multipart", "aiohttp", "requests", "flask", "uvloop"}  # nothing here parses forms
SPEED = {"httptools"}  # the parser is quick and lax: only who asks for the extra gets it, under guard
FILES = ("requirements.txt", "requirements-test.txt")
LOCKED = re.compile(
    r"^([A-Za-z0-9._-]+)==([^ ;]+)(?: ; ([^\\\n]+?))? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)
SYSTEMS = [(system, machine) for system in ("linux", "darwin") for machine in ("x86_64", "arm64")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def required() -> dict[str, Requirement]:
    """What the package asks for by itself."""
    parsed = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
    return {canonicalize_name(one.name): one for one in parsed}


def locked(file: str) -> list[tuple[str, str, str | None, str]]:
    """The packages of a file of requirements: name, version, marker, hashes."""
    return [(canonicalize_name(m[1]), m[2], m[3], m[4]) for m in LOCKED.finditer((ROOT / file).read_text("utf-8"))]


def versions(file: str, python: str, system: str, machine: str) -> dict[str, str]:
    """The exact versions that a file gives to a Python on a system."""
    here = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": system,
            "platform_machine": machine, "implementation_name": "cpython",
            "platform_python_implementation": "CPython"}  # fmt: skip
    found = [(name, version) for name, version, mark, _ in locked(file) if mark is None or Marker(mark).evaluate(here)]
    assert len(dict(found)) == len(found), "a package with two versions"
    return dict(found)


@pytest.mark.parametrize(("system", "machine"), SYSTEMS)
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_t36_floors_hold_in_what_is_asked_for_and_in_what_is_installed(python: str, system: str, machine: str) -> None:
    asked = required()
    for file in FILES:
        exact = versions(file, python, system, machine)
        for name, floor in FLOORS.items():
            assert f">={floor}" in {str(one) for one in asked[name].specifier}, name
            assert Version(exact[name]) >= Version(floor), name
        for name, one in asked.items():
            assert one.specifier.contains(exact[name]), name
    tools = [Requirement(text) for text in PROJECT["project"]["optional-dependencies"]["test"]]
    tools += [Requirement(text) for text in PROJECT["build-system"]["requires"]]
    assert [str(one) for one in tools if not one.specifier.contains(exact[canonicalize_name(one.name)])] == []


@pytest.mark.parametrize("file", FILES)
def test_t36_every_package_is_named_with_its_version_and_hashes_and_no_address(file: str) -> None:
    text = (ROOT / file).read_text("utf-8")
    assert locked(file)
    assert [line for line in LOCKED.sub("", text).splitlines() if line and not line.startswith("#")] == []
    assert "://" not in text
    assert "index" not in text


def test_t36_both_files_agree() -> None:
    assert set(locked(FILES[0])) <= set(locked(FILES[1]))


def test_t36_nothing_that_is_not_needed_is_brought_along() -> None:
    assert len(required()) <= 14
    assert {name for name, *_ in locked(FILES[0])} & (UNWANTED | SPEED) == set()
    assert {name for name, *_ in locked(FILES[1])} & (UNWANTED | SPEED) == SPEED
    extras = PROJECT["project"]["optional-dependencies"]
    assert set(extras["speed"]) <= set(extras["test"])  # what is tested is what is asked for
    assert {Requirement(text).name for text in extras["speed"]} == SPEED


def audited(*packages: dict[str, Any] | str) -> tuple[str, int]:
    """What ``.ci/audit`` says of a report, and its exit code; a name alone is a package that was not looked up."""
    judged = run_path(str(ROOT / ".ci" / "audit"))["judged"]
    looked_up = [{"name": one, "skip_reason": "unknown"} if isinstance(one, str) else one for one in packages]
    lines, code = judged({"dependencies": looked_up, "fixes": []} if packages else None)
    return "\n".join(lines), code


def test_t36_an_audit_that_could_not_be_made_is_never_taken_for_a_clean_one() -> None:
    clean = {"name": "h11", "version": "0.16.0", "vulns": []}
    hole = {"id": "PYSEC-2025-1", "fix_versions": ["0.16.0"], "aliases": [], "description": "words"}
    holed = {"name": "h11", "version": "0.15.0", "vulns": [hole, {**hole, "id": "GHSA-1", "fix_versions": []}]}
    assert audited(clean) == ("1 packages were looked up: no known advisories", 0)
    assert audited() == ("could not be audited: anything; try again where there is a network", 2)
    assert audited(clean, "idna", "rich")[1] == 2
    assert audited(clean, "idna", "rich")[0].startswith("could not be audited: idna, rich;")
    said, code = audited(clean, holed, "idna")
    assert code == 1
    assert said.splitlines()[:2] == [
        "h11 0.15.0: PYSEC-2025-1, mended in 0.16.0",
        "h11 0.15.0: GHSA-1, mended in no version yet",
    ]
    assert "could not be audited: idna;" in said


@pytest.mark.slow
def test_t36_the_audit_ends_with_an_error_where_there_is_no_network() -> None:
    nowhere = {"PATH": os.environ["PATH"], "HTTPS_PROXY": "http://127.0.0.1:9", "PIP_CONFIG_FILE": os.devnull,
               "PIP_RETRIES": "0", "PIP_NO_INDEX": "1"}  # fmt: skip
    done = subprocess.run([ROOT / ".ci" / "audit"], env=nowhere, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith("could not be audited: anything;")
    assert done.stdout == ""
