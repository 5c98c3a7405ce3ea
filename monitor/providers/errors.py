"""What providers document about the codes of failed messages: knowledge to stand beside their own words.

Each provider that documents codes has a room ``errors.py`` with a function ``explain``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Final

from monitor.model.reading import MessageError

_WITH_CODES: Final = ("volt", "bird", "connectly")  # OneRoute gives a reason in words and no code


@dataclass(frozen=True, slots=True)
class Hint:
    """What a code means by a document: the code as the provider gave it, whose list it is from and where that stands.

    It is never the provider's word on this message: that is in the error itself and goes first.
    """

    code: str
    meaning: str
    source: str
    url: str


def explain(provider: str, error: MessageError) -> list[Hint]:
    """What is documented of an error's codes, the provider's own code first. Unknown codes and providers give none."""
    return _room(provider)(error) if provider in _WITH_CODES else []


@cache
def _room(provider: str) -> Callable[[MessageError], list[Hint]]:
    found: Callable[[MessageError], list[Hint]] = import_module(f"monitor.providers.{provider}.errors").explain
    return found
