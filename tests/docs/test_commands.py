"""docs/commands.md tells of every command and option, docs/filters.md of every field, as they are today."""

from __future__ import annotations

import ast
import contextlib
import re
import shlex
from itertools import chain
from pathlib import Path

import click
import pytest

from docs.make import CODES, FILTERS, HEAD, PAGE, commands, filters, own_options, page, shared_options, told
from monitor.cli.app import cli, with_default
from monitor.model.filter.fields import FIELDS
from monitor.model.message import Mark
from monitor.providers.registry import registry
from tests.corpora import ROOT

COMMANDS = dict(commands())
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])
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


def understood(line: str) -> str:
    """The words of the command that a line of a shell calls. Its options must exist, its values be of their kinds."""
    parts = shlex.split(line.replace('eval "$(', "").replace(')"', ""), comments=True)
    for end in ("|", "&&", ">", "&"):
        parts = parts[: parts.index(end)] if end in parts else parts
    assert parts[0] == "hooktop"
    context = cli.make_context("hooktop", with_default(parts[1:]))
    while isinstance(context.command, click.Group) and (words := [*context._protected_args, *context.args]):
        name, command, rest = context.command.resolve_command(context, words)
        assert command is not None
        context = command.make_context(name, rest, parent=context)
    return " ".join(context.command_path.split()[1:])


@pytest.mark.parametrize(("words", "line"), EXAMPLES)
def test_every_example_is_understood(words: str, line: str) -> None:
    called = understood(line)
    assert called == words or called.startswith(words + " ") or called == "captures"


def calls_in(page: Path) -> tuple[list[str], list[str]]:
    """The calls of hooktop on a page: those in blocks, whole, and those in running text, which may be names alone."""
    text = page.read_text("utf-8").replace(" \\\n", "")
    blocks = "\n".join(re.findall(r"^ *```sh\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE))
    running = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    whole = [line.strip() for line in blocks.splitlines() if line.strip().startswith("hooktop")]
    return whole, re.findall(r"`(hooktop [a-z][^`…|\\]*)`", running)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_call_on_a_page_is_understood(page: Path) -> None:
    whole, named = calls_in(page)
    for call in whole:
        understood(call)
    for call in named:
        with contextlib.suppress(click.MissingParameter):
            understood(call)


def test_every_call_that_hooktop_itself_names_is_understood() -> None:
    """On the screens and in what commands say: alone, or in quotes within a sentence."""
    trees = (ast.parse(file.read_text("utf-8")) for file in (ROOT / "monitor").rglob("*.py"))
    texts = [node.value for tree in trees for node in ast.walk(tree)
             if isinstance(node, ast.Constant) and isinstance(node.value, str)]  # fmt: skip
    alone = (text for text in texts if re.fullmatch(r"hooktop [a-z]+( \S+)*", text) and text.split()[1] in COMMANDS)
    quoted = (call for text in texts for call in re.findall(r"'(hooktop [^'{]*)'", text))
    calls = {*alone, *quoted}
    assert "hooktop accounts add bird" in calls
    for call in calls:
        with contextlib.suppress(click.MissingParameter):
            understood(call)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_scenario_that_a_page_sends_exists(page: Path) -> None:
    for call in chain(*calls_in(page)):
        sent = re.match(r"hooktop send ([a-z]+) ([a-z][\w-]*)", call)
        if sent is not None and sent[1] != "pigeon":  # that of the page about plug-ins
            assert sent[2] in {scenario.name for scenario in registry()[sent[1]].scenarios}, call
