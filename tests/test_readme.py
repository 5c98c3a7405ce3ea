"""README says what the program does: its keys, commands and options are checked against the program.

``python -m tests.test_readme`` writes the table of keys anew.
"""

from __future__ import annotations

import re
import tomllib

import click

from monitor.cli.app import cli
from monitor.ui.actions import ACTIONS, CONTEXTS, key_name
from tests.corpora import ROOT

README = ROOT / "README.md"
_KEYS = re.compile(r"(<!-- keys: [^>]* -->\n).*?(<!-- /keys -->)", re.DOTALL)


def keys_table() -> str:
    """The table of keys, made from the table of actions: all but those that move a cursor."""
    lines = ["| where | key | does |", "|---|---|---|"]
    for context, title in CONTEXTS.items():
        for action in ACTIONS:
            if action.context == context and (action.footer or action.palette):
                keys = " ".join(f"`{key_name(key)}`" for key in action.keys)
                lines.append(f"| {title} | {keys} | {action.help} |")
    return "\n".join(lines) + "\n"


def with_keys(text: str) -> str:
    """README's text with the table of today."""
    return _KEYS.sub(lambda found: found[1] + keys_table() + found[2], text)


def test_the_table_of_keys_is_that_of_the_program() -> None:
    text = README.read_text("utf-8")
    assert with_keys(text) == text, "run python -m tests.test_readme"


def test_every_command_is_in_the_readme() -> None:
    text = README.read_text("utf-8")
    with click.Context(cli) as context:
        missing = [name for name in cli.list_commands(context) if name != "run" and f"`hooktop {name}" not in text]
    assert missing == []


def test_every_picture_is_there() -> None:
    for name in re.findall(r"\]\((screenshots/[^)]+)\)", README.read_text("utf-8")):
        assert (ROOT / name).is_file(), name


def test_the_sdist_holds_the_pictures_and_what_its_tests_run() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]
    assert {"screenshots", ".ci", "tests", "docs"} <= set(settings["sdist"]["include"])


if __name__ == "__main__":
    README.write_text(with_keys(README.read_text("utf-8")), "utf-8")
