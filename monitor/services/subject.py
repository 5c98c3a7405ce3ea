"""What a filter speaks of: of what became of messages, or of captures as they came."""

from __future__ import annotations

from typing import Final

from monitor.model.filter import Filter
from monitor.model.filter.nodes import terms
from monitor.store.filter_sql import MESSAGE_FIELDS

_OF_ANY: Final = frozenset({"provider", "age", "received"})  # what every capture has, whatever it tells of


def about_messages(wanted: Filter) -> bool:
    """Whether a filter is one for messages: it asks for something that messages have, for more than who sent when, and
    for nothing that only captures have."""
    fields = {term.field.name for term in terms(wanted.node)}
    return bool(fields - _OF_ANY) and fields <= MESSAGE_FIELDS
