"""The shape of an event type: which fields its bodies have had, and which words stood in those that hold a few words.

A field or a word is new when it was in none of at least ``BASELINE`` captures before. Everything is bounded, since
bodies are foreign: fields, depth, values looked at, words of a field.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from monitor.jsonbody import Json

BASELINE: Final = 20  # captures of an event type that teach what it is like before anything counts as new
MAX_FIELDS: Final = 2_000
MAX_DEPTH: Final = 12
MAX_VALUES: Final = 5_000  # of one body that are looked at
MAX_WORDS: Final = 12  # different words of a field; one that has more holds no list of words
OTHER: Final = "*"  # stands for keys that are values themselves: numbers, ids, phrases
_KEY: Final = re.compile(r"[A-Za-z_@$][A-Za-z0-9_@$:-]{0,63}")
_DIGITS: Final = re.compile(r"[0-9]")
_MAX_DIGITS: Final = 3  # in a key that is a name
# In one case, so that names and texts of people are no words of a list.
_WORD: Final = re.compile(r"[a-z][a-z0-9_.-]{0,39}|[A-Z][A-Z0-9_.-]{0,39}")


class What(Enum):
    """What was found in a body."""

    FIELD = auto()  # a field that no body had
    WORD = auto()  # a word that the field never held
    FREE = auto()  # the field holds other than words of a list, and is not watched for them any more


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a shape did not have. ``path`` is as in ``body.payload.status``, lists left out; ``word`` is the
    hash of a word (0 for none), never the word itself. ``before`` is how many captures came before this one, ``new``
    whether they are enough for it to be worth telling."""

    what: What
    path: str
    word: int
    before: int
    new: bool


@dataclass(slots=True)
class Node:
    """A field. ``words`` are the hashes of the words it has held, None when it holds no list of words; ``since`` is how
    many captures there were before it."""

    path: str
    since: int = 0
    words: set[int] | None = field(default_factory=set)
    children: dict[str, Node] = field(default_factory=dict)


class Shape:
    """What an event type is like, after ``captures`` of it."""

    def __init__(self, captures: int = 0) -> None:
        self.captures = captures
        self.fields = 0
        self._root = Node("")
        self._left = 0
        self._found: list[Finding] = []

    def add(self, path: str, since: int, words: set[int] | None) -> None:
        """Put in a field that is known already; those above it come first."""
        node = self._root
        for key in path.split("."):
            node = node.children.get(key) or self._put(node, key, since)
        node.since, node.words = since, words

    def learn(self, body: Json) -> list[Finding]:
        """Take in the body of one more capture; gives what was not there before, the outermost first."""
        self._left, self._found = MAX_VALUES, []
        self._walk(self._root, body, 0, fresh=False)
        self.captures += 1
        found, self._found = self._found, []
        return found

    def _walk(self, node: Node, value: Json, depth: int, *, fresh: bool) -> None:
        """Look at a value; ``fresh`` is whether the field itself is new, so that nothing in it is news."""
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            return
        if isinstance(value, dict):
            for key, below in value.items():
                child = node.children.get(key)
                if child is not None:
                    self._walk(child, below, depth + 1, fresh=fresh)
                else:
                    self._meet(node, name_of(key), below, depth + 1, fresh=fresh)
        elif isinstance(value, list):
            for item in value:
                self._walk(node, item, depth + 1, fresh=fresh)
        elif isinstance(value, str) and value and node.words is not None and node is not self._root:
            self._word(node, node.words, value)

    def _meet(self, node: Node, key: str, value: Json, depth: int, *, fresh: bool) -> None:
        child = node.children.get(key)
        if child is None:
            if self.fields >= MAX_FIELDS or depth > MAX_DEPTH:
                return
            child = self._put(node, key, self.captures)
            new = not fresh and self.captures >= BASELINE
            self._found.append(Finding(What.FIELD, child.path, 0, self.captures, new))
            fresh = True
        self._walk(child, value, depth, fresh=fresh)

    def _put(self, node: Node, key: str, since: int) -> Node:
        child = node.children[key] = Node(f"{node.path}.{key}" if node.path else key, since)
        self.fields += 1
        return child

    def _word(self, node: Node, words: set[int], text: str) -> None:
        word = hash_of(text) if _WORD.fullmatch(text) and len(_DIGITS.findall(text)) <= _MAX_DIGITS else 0
        if word in words:
            return
        before = self.captures - node.since  # with the field, or since it came
        if not word or len(words) >= MAX_WORDS:
            node.words = None
            self._found.append(Finding(What.FREE, node.path, 0, before, new=False))
            return
        new = bool(words) and before >= BASELINE
        words.add(word)
        self._found.append(Finding(What.WORD, node.path, word, before, new))


def name_of(key: str) -> str:
    """A key of an object as a step of a path: ``*`` for one that is no name."""
    return key if _KEY.fullmatch(key) and len(_DIGITS.findall(key)) <= _MAX_DIGITS else OTHER


def hash_of(word: str) -> int:
    """What is kept of a word, above 0: the database is to hold no text that outlives its capture."""
    return zlib.crc32(word.encode("utf-8", "surrogatepass")) + 1
