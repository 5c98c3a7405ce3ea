"""Completion of filters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.filter import complete, parse
from monitor.model.filter.fields import FIELDS

KNOWN = {"provider": ["volt", "bird"], "event": ["message.sent", 'odd "name"'], "channel": []}


def values(name: str) -> list[str]:
    return KNOWN.get(name, [])


def completed(text: str) -> list[str]:
    """The texts that the completions make of a text with ``|`` at the cursor."""
    cursor = text.index("|")
    text = text.replace("|", "")
    return [text[: one.start] + one.text + text[one.end :] for one in complete(text, cursor, values=values) if one.help]


@pytest.mark.parametrize(
    ("text", "results"),
    [
        ("pro|", ["provider:", "problem:"]),
        ("a (PRO|", ["a (provider:", "a (problem:"]),
        ("-prov|", ["-provider:"]),
        ("prov| b", ["provider: b"]),
        ("siz|", ["size>"]),
        ("size|", ["size<", "size>", "size<=", "size>=", "size="]),
        ("bod|", ["body."]),
        ("receiv|", ["received>="]),
        ("a o|", ["a or"]),
        ("no|", ["not"]),
        ("provider:|", ["provider:bird", "provider:volt"]),
        ("provider:V|", ["provider:volt"]),
        ("provider=v|", ["provider=volt"]),
        ("provider>v|", []),
        ("direction:|", ["direction:inbound", "direction:outbound"]),
        ("verdict:un|", ["verdict:unsigned", "verdict:unchecked"]),
        ("event:|", ["event:message.sent", r'event:"odd \"name\""']),
        ('event:"odd |', [r'event:"odd \"name\""']),
        ("channel:|", []),
        ("size>|", []),
        ("nonsense:|", []),
        ("zzz|", []),
    ],
)
def test_completions(text: str, results: list[str]) -> None:
    assert completed(text) == results


def test_nothing_typed_offers_every_field() -> None:
    for text in ("|", "a |", "(|", "-|"):
        assert len(completed(text)) == len(FIELDS)


def test_examples_in_the_help_are_filters() -> None:
    for field in FIELDS.values():
        assert not parse(field.example).is_empty
        assert field.example.startswith(field.name)


@given(st.text(), st.integers(-1, 12))
def test_any_text_can_be_completed(text: str, cursor: int) -> None:
    cursor = max(0, min(cursor, len(text)))
    for one in complete(text, cursor, values=values):
        assert 0 <= one.start <= one.end == cursor
