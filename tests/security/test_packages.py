"""The packages that hooktop stands on (threat T36)."""

from __future__ import annotations

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.corpora import ROOT

# Versions with known holes, or without a behaviour that a defence rests on, lie below these.
FLOORS = {"starlette": "1.10", "uvicorn": "0.54", "h11": "0.16", "httpx": "0.28", "cryptography": "48.0.1",
          "pygments": "2.20"}  # fmt: skip
# Nothing here parses forms, and a faster HTTP parser would bring weaker limits.
UNWANTED = {"python-multipart", "httptools", "uvloop", "aiohttp", "requests", "flask"}


def required() -> dict[str, Requirement]:
    """What the package asks for by itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    parsed = [Requirement(text) for text in project["dependencies"]]
    return {canonicalize_name(one.name): one for one in parsed}


def constrained() -> dict[str, str]:
    """The exact versions of the constraints file."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    found = [re.match(r"([A-Za-z0-9._-]+)==([^ ;]+)", line) for line in lines]
    return {canonicalize_name(match[1]): match[2] for match in found if match}


def test_t36_floors_hold_in_what_is_asked_for_and_in_what_is_installed() -> None:
    asked, exact = required(), constrained()
    for name, floor in FLOORS.items():
        assert f">={floor}" in {str(one) for one in asked[name].specifier}, name
    for name, one in asked.items():
        assert one.specifier.contains(exact[name]), name


def test_t36_nothing_that_is_not_needed_is_brought_along() -> None:
    assert len(required()) <= 14
    assert set(constrained()) & UNWANTED == set()
