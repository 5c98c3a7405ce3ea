"""What is wrong with a file of captures."""

from __future__ import annotations


class ImportProblem(Exception):
    """The file cannot be read as captures; the text is a sentence for the user."""


class Wrong(Exception):
    """A value of one capture is not what it must be; the text names it."""
