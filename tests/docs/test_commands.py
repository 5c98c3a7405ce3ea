"""docs/commands.md tells of every command and option, docs/filters.md of every field, as they are today."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from docs.make import CODES, FILTERS, HEAD, PAGE, commands, filters, own_options, page, shared_options, told
from monitor.cli.app import cli, with_default
from monitor.model.filter.fields import FIELDS
from monitor.model.message import Mark

COMMANDS = dict(commands())
LEAVES = {words: command for words, command in COMMANDS.items() if not isinstance(command, click.Group)}
EXAMPLES = [(words, line) for words, command in COMMANDS.items() for line in "\n".join(told(command)[1])
            .replace(" \\\n", "").splitlines()]  # fmt: skip


def section_of(words: str) -> str:
    """What the page says under a heading."""
    text = PAGE.read_text("utf-8")
    found = re.search(rf"^###? hooktop {words}\n(.*?)(?=^##|\Z)", text, re.DOTALL | re.MULTILINE)
    assert found is not None, words
    return found[1]


def test_the_page_is_that_of_the_program() -> None:
    assert PAGE.read_text("utf-8") == page(), "run python -m docs.make"


def test_the_fields_and_marks_of_filters_are_those_of_the_program() -> None:
    text = FILTERS.read_text("utf-8")
    assert text == filters(), "run python -m docs.make"
    assert [name for name in FIELDS if f"| `{name}` |" not in text] == []
    assert [mark for mark in Mark if f"`{mark}`" not in text] == []


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_and_option_is_told_of(words: str) -> None:
    section = section_of(words)
    assert f"    hooktop {words}" in section
    for option in own_options(COMMANDS[words]):
        assert re.search(rf"^\| `[^`]*{max(option.opts, key=len)}\b[^`]*` \| \S", section, re.MULTILINE), option.name
    assert "```sh\n" in section, "an example"


def test_the_options_of_every_command_are_told_of() -> None:
    for option in shared_options():
        assert f"{max(option.opts, key=len)}" in PAGE.read_text("utf-8"), option.name


def test_no_code_is_told_of_twice_or_of_no_command() -> None:
    assert set(CODES) <= set(LEAVES)
    for words, command in LEAVES.items():
        for code in re.findall(r"[Ee]xit code (\d+)", command.help or ""):
            known = f"| {code} |" in HEAD or int(code) in CODES.get(words, {})
            assert known or code in ("0", "128"), (words, code)


@pytest.mark.parametrize(("words", "line"), EXAMPLES)
def test_every_example_is_understood(words: str, line: str) -> None:
    """Its words and options exist, and its values are of the kinds that they should be."""
    parts = shlex.split(line.replace('eval "$(', "").replace(')"', ""), comments=True)
    for end in ("|", "&&", ">"):
        parts = parts[: parts.index(end)] if end in parts else parts
    assert parts[0] == "hooktop"
    context = cli.make_context("hooktop", with_default(parts[1:]))
    while isinstance(context.command, click.Group):
        name, command, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
        assert command is not None
        context = command.make_context(name, rest, parent=context)
    told_by = " ".join(context.command_path.split()[1:])
    assert told_by == words or told_by.startswith(words + " ") or told_by == "captures"
