"""Every fault of docs/reliability.md has a row, and every test that a row names exists."""

from __future__ import annotations

import re

import pytest

from tests.corpora import ROOT
from tests.test_security_table import TEST, functions_in, rows

FAULTS = rows("reliability.md", "Faults")


def test_every_fault_has_its_row() -> None:
    numbers = [int(found[1]) for name in FAULTS if (found := re.match(r"F(\d+) \w", name))]
    assert numbers == list(range(1, 41))
    assert len(FAULTS) == 40


@pytest.mark.parametrize("cells", FAULTS.values(), ids=FAULTS)
def test_a_row_says_what_is_done_and_names_tests_that_exist(cells: list[str]) -> None:
    _, does, tests = cells
    named = TEST.findall(tests)
    assert does
    assert named or does.startswith("**Not done")
    assert TEST.sub("", tests).strip() == ""
    assert [f"{path}::{name}" for path, name in named if name not in functions_in(path)] == []


def test_the_tests_of_this_table_s_own_folder_stand_in_the_row_of_their_number() -> None:
    for path in (ROOT / "tests" / "faults").glob("test_*.py"):
        file = str(path.relative_to(ROOT))
        for name in functions_in(file):
            if found := re.match(r"test_f(\d+)_", name):
                [row] = [cells for title, cells in FAULTS.items() if title.startswith(f"F{found[1]} ")]
                assert (file, name) in TEST.findall(row[2]), name
            else:
                assert not name.startswith("test_"), name


def test_the_promises_are_there() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    assert re.findall(r"^- \*\*(P\d)\*\*", text, re.MULTILINE) == ["P1", "P2", "P3", "P4", "P5", "P6"]
