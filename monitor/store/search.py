"""The search index: which captures can hold a piece of text, so that a filter reads those and not the whole history.

An index of three-letter pieces (SQLite's FTS5, tokenizer ``trigram``) over the texts, parties and ids of the readings,
folded as the filter folds them, with the digits of phone numbers beside. It never decides: it names captures that may
match, and the compiled filter looks at them. It is brought up to date behind messages and conversations, in larger
steps; what it does not know yet is looked at one by one. It can be dropped and built again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

from monitor.model.filter.conditions import How, Text, phone_digits, pieces, subscriber
from monitor.model.filter.nodes import And, Node, Not, Or, Term, terms
from monitor.store.rows import unpack

STEP: Final = 64  # readings that are indexed at a time: captures wait meanwhile
PIECE: Final = 3  # characters in a piece
# What the key of a message without an id of its own has behind its provider (see projection), and is written with.
DIGEST: Final = ":sha256:"
_OF_DIGEST: Final = frozenset(DIGEST + "0123456789abcdef")
MAX_WORDS: Final = 2_000  # characters of one capture that are indexed; where there is more, none are (see ``_words``)
MAX_PIECES: Final = 24  # of a wanted text that are asked for: more of them find no fewer captures
# The fields of the filter whose values are in the index.
FIELDS: Final = frozenset({"", "text", "from", "to", "party", "message", "conversation", "event"})
_SELECT: Final = "SELECT id, text, sender, recipient, message, conversation, event_id, event, aliases FROM readings"
_READ: Final = f"{_SELECT} WHERE id > ? ORDER BY id LIMIT ?"
# The captures of a range of ids that may match: (what is asked, low, high, low, high).
NAMED: Final = (
    "SELECT rowid FROM search WHERE search MATCH ? AND rowid BETWEEN ? AND ? "
    "UNION ALL SELECT id FROM searched_long WHERE id BETWEEN ? AND ?"
)
_CREATE: Final = (
    "CREATE VIRTUAL TABLE search USING fts5"
    "(words, content='', columnsize=0, detail=none, tokenize='trigram case_sensitive 1')"
)


def create(db: sqlite3.Connection) -> bool:
    """Make the empty index; false where this SQLite cannot (before 3.34, or without FTS5)."""
    with suppress(sqlite3.OperationalError):
        db.execute(_CREATE)
        db.execute("CREATE TABLE searched (one INTEGER PRIMARY KEY CHECK (one = 1), upto INTEGER NOT NULL)")
        db.execute("CREATE TABLE searched_long (id INTEGER PRIMARY KEY)")  # captures with more text than is indexed
        db.execute("INSERT INTO searched VALUES (1, 0)")
        return True
    return False


def upto(db: sqlite3.Connection) -> int | None:
    """The last capture that the index knows; None where there is no index."""
    try:
        found = db.execute("SELECT upto FROM searched").fetchone()
    except sqlite3.OperationalError:
        return None
    return None if found is None else int(found[0])


def advance(db: sqlite3.Connection, step: int = STEP) -> int:
    """Index the next readings if there are enough for a step, inside the transaction that is open; gives how many."""
    known = upto(db)
    if known is None:
        return 0
    newest = db.execute("SELECT coalesce(max(id), 0) FROM readings").fetchone()[0]
    if newest - known < step:  # many small steps would make a slow index; so few readings are quickly looked at
        return 0
    rows = db.execute(_READ, (known, step)).fetchall()
    words = [(number, _words(values)) for number, *values in rows]
    db.executemany("INSERT INTO search (rowid, words) VALUES (?, ?)", [pair for pair in words if pair[1]])
    db.executemany("INSERT OR IGNORE INTO searched_long VALUES (?)", [(n,) for n, text in words if text is None])
    db.execute("UPDATE searched SET upto = ?", (rows[-1][0],))
    return len(rows)


def forget(db: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Take captures out of the index, before their readings are deleted: it must be told what it had indexed."""
    known = upto(db)
    if known is None:
        return
    marks = ", ".join("?" * len(ids))
    rows = db.execute(f"{_SELECT} WHERE id <= ? AND id IN ({marks})", (known, *ids))
    words = [(number, text) for number, *values in rows if (text := _words(values))]
    db.executemany("INSERT INTO search (search, rowid, words) VALUES ('delete', ?, ?)", words)
    db.execute(f"DELETE FROM searched_long WHERE id IN ({marks})", list(ids))  # noqa: S608 - only ?


def clear(db: sqlite3.Connection) -> None:
    """Forget everything; ``advance`` builds it again."""
    if upto(db) is not None:
        db.execute("INSERT INTO search (search) VALUES ('delete-all')")
        db.execute("DELETE FROM searched_long")
        db.execute("UPDATE searched SET upto = 0")


def _words(values: Sequence[Any]) -> str | None:
    """What is indexed of a reading; None where it is too much."""
    *texts, aliases = values
    found = [text for text in (*texts, *(unpack(aliases) or ())) if text]
    if sum(map(len, found)) > MAX_WORDS:
        return None
    digits = [subscriber(phone_digits(text) or "") for text in texts[1:3] if text]
    # A line break ends each text: no piece reaches from one into the next but such as nobody asks for.
    return "\n".join([*(text.casefold().replace("\0", "\n") for text in found), *digits])


def wanted(node: Node, *, messages: bool = False) -> str | None:
    """What the index is asked for a filter: each capture that passes the filter is found, or with ``messages`` one of
    each message that does, but for those that ``asks_digest`` is about. None: it cannot help."""
    match node:
        # A message is also found by names of its conversation that none of its own captures gives.
        case Term(field=field) if messages and field.name == "conversation":
            return None
        case Term(field=field, condition=Text(how, value)) if field.name in FIELDS:
            return _pieces_of(how, value)
        case And():
            found = [one for child in node.nodes if (one := wanted(child, messages=messages)) is not None]
            # What a message is by one capture and what it is by another stand together in neither.
            return max(found, key=len, default=None) if messages else _joined(" AND ", found)
        case Or():
            some = [wanted(child, messages=messages) for child in node.nodes]
            return None if None in some else _joined(" OR ", [one for one in some if one is not None])
        case Term() | Not():
            return None


def asks_digest(node: Node) -> bool:
    """Whether a message may pass a filter by a key that stands in no reading: that of a message without an id."""
    return any(
        set(literal.partition(":")[2] or literal) <= _OF_DIGEST
        for term in terms(node)
        if term.field.name in ("", "message") and isinstance(term.condition, Text)
        for literal in pieces(term.condition.value.casefold())
        if literal
    )


def _pieces_of(how: How, value: str) -> str | None:
    if how not in (How.LIKE, How.PHONE):
        return None
    found: dict[str, None] = {}
    for literal in pieces(value):
        folded = literal.casefold()
        found |= dict.fromkeys(folded[at : at + PIECE] for at in range(len(folded) - PIECE + 1))
    asked = [piece for piece in found if "\0" not in piece and "\n" not in piece and _plain(piece)][:MAX_PIECES]
    return _joined(" AND ", ['"' + piece.replace('"', '""') + '"' for piece in asked])


def _plain(text: str) -> bool:
    """Whether the tokenizer reads it as it stands: a lone surrogate has no UTF-8."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _joined(word: str, parts: Iterable[str]) -> str | None:
    together = list(parts)
    return f"({word.join(together)})" if together else None
