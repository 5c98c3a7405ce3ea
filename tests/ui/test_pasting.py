"""Pastes that hold escapes: what follows them is text, too."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest
from textual import events

from monitor.ui.pasting import Pasted, PasteParser

STREAM = "a\x1b[A\x1b[200~one\x1b[31mtwo\x1b[200~\x1bq\x1b\x1b[201~b\x1b[200~\x1b[201~\x1b[B"
GIVEN = "a\x1b[A\x1b[200~one␛[31mtwo␛[200~␛q␛\x1b[201~b\x1b[200~\x1b[201~\x1b[B"


def pieces(text: str, *at: int) -> Iterable[str]:
    return (text[begin:end] for begin, end in itertools.pairwise((0, *at, len(text))))


def test_only_pastes_are_changed_in_whatever_pieces_they_come() -> None:
    for at in itertools.combinations(range(1, len(STREAM)), 2):
        pasted = Pasted()
        assert "".join(map(pasted.take, pieces(STREAM, *at))) == GIVEN
    pasted = Pasted()
    assert "".join(map(pasted.take, STREAM)) == GIVEN


@pytest.mark.parametrize("whole", [True, False])
def test_nothing_of_a_paste_is_taken_for_keys(whole: bool) -> None:
    parser = PasteParser()
    text = "P\x1bq" + "D" * 40 + "\x1b"
    stream = f"x\x1b[200~{text}\x1b[201~y"
    told = [event for piece in ([stream] if whole else stream) for event in parser.feed(piece)]
    assert [event.key if isinstance(event, events.Key) else type(event) for event in told] == ["x", events.Paste, "y"]
    assert [event.text for event in told if isinstance(event, events.Paste)] == [text.replace("\x1b", "␛")]
    assert list(parser.feed("")) == []
