"""The manual page ``hooktop.1``, from the commands themselves; python -m docs.make writes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import click

from docs.make import CODES, EXITS, PRECEDENCE, commands, context_of, own_options, shared_options, told
from monitor.cli.app import cli

_SUMMARY: Final = "watch, verify and manage the webhooks of messaging platforms from a terminal"


def man_page() -> str:
    """The page in the man macros, each request and each paragraph on lines of its own."""
    lines = ['.TH HOOKTOP 1 "" "hooktop" "User Commands"', ".SH NAME", f"hooktop \\- {_text(_SUMMARY)}"]
    lines += [".SH SYNOPSIS", ".B hooktop", _text("[OPTIONS] COMMAND [ARGS]..."), ".SH DESCRIPTION"]
    lines += [*_paragraphs(told(cli)[0]), ".PP", _text(_unmarked(PRECEDENCE))]
    lines += [".SH OPTIONS OF EVERY COMMAND", *_options(shared_options(), context_of("", cli)), ".SH COMMANDS"]
    for words, command in commands():
        lines += _command(words, command)
    return "\n".join([*lines, ".SH EXIT STATUS", *_codes(EXITS)]) + "\n"


def _command(words: str, command: click.Command) -> Iterator[str]:
    context = context_of(words, command)
    text, examples = told(command)
    yield f".SS hooktop {words}"
    yield f".B hooktop {_text(words)}"
    yield _text(" ".join(command.collect_usage_pieces(context)))
    yield ".PP"
    yield from _paragraphs(text)
    yield from _options(own_options(command), context)
    if codes := CODES.get(words):
        yield ".PP"
        yield "Exit codes:"
        yield from _codes(codes)
    if examples:
        yield from (".PP", "Examples:", ".PP", ".EX", *map(_text, examples), ".EE")


def _options(options: Iterable[click.Option], context: click.Context) -> Iterator[str]:
    for option in options:
        names, what = option.get_help_record(context) or ("", "")
        yield from (".TP", f".B {_text(names)}", _text(what))


def _codes(codes: dict[int, str]) -> Iterator[str]:
    for code, means in sorted(codes.items()):
        yield from (".TP", f".B {code}", _text(_unmarked(means)))


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.split("\n\n")):
        yield from ([".PP"] if number else [])
        yield _text(paragraph)


def _unmarked(text: str) -> str:
    """Text of the pages as one line without their marks."""
    return " ".join(text.replace("`", "").split())


def _text(text: str) -> str:
    """Text that is no request, whose hyphens can be copied."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{escaped}" if escaped.startswith(".") else escaped
