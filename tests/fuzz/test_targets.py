"""The fuzz targets over what they begin with, what was found before, and a few changes of it."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import seeds, signed
from tests.fuzz.targets import SIGNING, TARGETS, known, signature

FINDINGS = sorted(path for path in (Path(__file__).parent / "findings").rglob("*") if path.is_file())
EACH = pytest.mark.parametrize("name", TARGETS)


@pytest.mark.parametrize("path", FINDINGS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_is_mended(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


@EACH
def test_what_fuzzing_begins_with(name: str) -> None:
    for data in seeds(name):
        TARGETS[name](data)


def test_a_right_signature_by_a_stranger_would_be_found() -> None:
    for choice in range(len(SIGNING)):
        with pytest.raises(AssertionError, match="forged"):
            signature(signed(choice, known(choice)[0]))


@EACH
@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_bytes(name: str, data: bytes) -> None:
    TARGETS[name](data)


@EACH
def test_changed_beginnings(name: str) -> None:
    chance, begun = Random(name), list(seeds(name))
    for _ in range(150):
        data = bytearray(chance.choice(begun))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data) + 1)
            data[at : at + chance.randint(0, 2)] = chance.choice([b"", b"\0", b"\xff", b'"', b"[", b"9" * 30])
        TARGETS[name](bytes(data))
