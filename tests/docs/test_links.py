"""No page leads nowhere: relative links, the parts of pages that they name, and the list of all pages."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.corpora import ROOT

DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md"))])
_LINK = re.compile(r"(?<!`)!?\[[^\]]*\]\(<?([^)>\s]+)>?\)")


@cache
def parts_of(page: Path) -> frozenset[str]:
    """What can follow ``#`` in a link to the page, made from its headings as the common viewers make it."""
    heads = re.findall(r"^#+ (.+)$", _without_code(page), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads)


def _without_code(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def links_of(page: Path) -> list[str]:
    """The links of a page that lead to no other machine."""
    return [link for link in _LINK.findall(_without_code(page)) if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_is_dead(page: Path) -> None:
    for link in links_of(page):
        path, _, part = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not part or part in parts_of(target), link


def test_every_page_is_in_the_list_of_pages() -> None:
    listed = {(DOCS / link.partition("#")[0]).resolve() for link in links_of(DOCS / "README.md")}
    assert set(DOCS.rglob("*.md")) - {DOCS / "README.md"} <= listed


def test_the_readme_leads_to_the_list() -> None:
    assert "docs/README.md" in links_of(ROOT / "README.md")
