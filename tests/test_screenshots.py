"""The pictures in ``screenshots`` show the screens of today."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from screenshots.make import PICTURES, Picture, draw
from tests.corpora import ROOT

FOLDER = ROOT / "screenshots"


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clock of the pictures."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def test_there_is_a_picture_of_each_and_no_other() -> None:
    assert {path.stem for path in FOLDER.glob("*.svg")} == {picture.name for picture in PICTURES}


@pytest.mark.slow
@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
async def test_a_picture_made_anew_is_the_same(picture: Picture, tmp_path: Path, utc: None) -> None:
    await draw(picture, tmp_path)
    name = f"{picture.name}.svg"
    same = (tmp_path / name).read_text("utf-8") == (FOLDER / name).read_text("utf-8")
    assert same, "run python -m screenshots.make"
