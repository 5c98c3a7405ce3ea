"""Every threat of docs/security.md has a row, and every test that a row names exists."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.corpora import ROOT

TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
FURTHER = {"Alert commands", "Provider plug-ins", "Custom answers", "Bundles and opened files", "Tunnel programs",
           "Replays"}  # fmt: skip


def rows(page: str = "security.md", chapter: str = "Threats") -> dict[str, list[str]]:
    """The cells of each row of the table in a chapter of a page, by the first of them."""
    text = (ROOT / "docs" / page).read_text("utf-8").partition(f"\n## {chapter}\n")[2]
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")][2:]
    return {cells[0].strip(): [cell.strip() for cell in cells] for cells in lines}


@cache
def functions_in(path: str) -> set[str]:
    """The names of the tests of a file."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_threat_has_its_row() -> None:
    numbers = [int(found[1]) for name in rows() if (found := re.match(r"T(\d+) ", name))]
    assert numbers == list(range(1, 37))
    assert {name for name in rows() if not re.match(r"T\d+ ", name)} == FURTHER


@pytest.mark.parametrize("cells", rows().values(), ids=rows())
def test_a_row_says_what_is_done_and_names_tests_that_exist(cells: list[str]) -> None:
    _, does, tests = cells
    named = TEST.findall(tests)
    assert does
    assert named
    assert TEST.sub("", tests).strip() == ""
    assert [f"{path}::{name}" for path, name in named if name not in functions_in(path)] == []


def test_the_tests_of_this_table_s_own_folder_are_named_in_it() -> None:
    named = {found for cells in rows().values() for found in TEST.findall(cells[2])}
    folder = ROOT / "tests" / "security"
    there = {(str(path.relative_to(ROOT)), name) for path in folder.glob("test_*.py")
             for name in functions_in(str(path.relative_to(ROOT))) if name.startswith("test_")}  # fmt: skip
    assert there <= named
