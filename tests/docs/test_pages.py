"""What the pages say of settings and near misses is what the program knows."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from monitor.account import SETTINGS, settings_of
from monitor.config import Alert, ForwardConfig, ForwardRule, ReceiverConfig, StoreConfig, UiConfig, parse
from tests.corpora import ROOT

CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text("utf-8")
TROUBLESHOOTING = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")


def example() -> str:
    """The configuration on the page."""
    found = re.search(r"```toml\n(.*?)```", CONFIGURATION, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example_of_a_configuration_is_a_configuration() -> None:
    environ = {"DEV_TOKEN": "t", "BIRD_EU_KEY": "k"}
    config = parse(example(), Path("config.toml"), environ)
    assert (config.accounts[0].provider, config.receiver.port) == ("bird", 8787)
    assert set(config.variables) == set(environ)


@pytest.mark.parametrize("table", [ReceiverConfig, StoreConfig, ForwardConfig, ForwardRule, UiConfig, Alert])
def test_every_setting_is_told_of(table: type) -> None:
    assert [field.name for field in fields(table) if not re.search(rf"\b{field.name}\b", example())] == []


def test_every_setting_of_accounts_is_told_of() -> None:
    for provider in SETTINGS:
        row = re.search(rf"^\| {provider} \|.*$", CONFIGURATION, re.MULTILINE)
        assert row is not None, provider
        for setting in settings_of(provider) or ():
            assert f"`{setting.name}`" in row[0]
            assert setting.variable in row[0]


def test_near_misses_are_told_of_in_the_words_of_the_program() -> None:
    told = re.findall(r"would match[^\"…]*", TROUBLESHOOTING)
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "monitor" / "providers").rglob("*.py"))
    assert len(told) == 3
    for words in told:
        known = words.strip().removeprefix("would match").strip()
        assert known in sources, words
