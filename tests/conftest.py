"""Every test runs as on a machine of its own: no home, no configuration, no proxies, no credentials."""

from __future__ import annotations

import logging
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitor.cli.logs import LOUD, TALKATIVE
from tests.parsers import parser as parser

# Where the corpora and the provider reference are: they point tests at their inputs and hold no settings.
KEPT = frozenset({"HOOKTOP_CORPORA", "HOOKTOP_PROVIDERS"})
FOREIGN_PREFIXES = ("HOOKTOP_", "VOLT_", "BIRD_", "CONNECTLY_", "ONEROUTE_", "STANDARD_WEBHOOKS_", "_HOOKTOP_")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
TERMINAL = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES", "PYTHONWARNINGS")


def pytest_configure() -> None:
    """Let ctrl+c end what tests start: a shell has its background jobs ignore it, and so would theirs."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """Two for each core: tests spend half their time waiting for processes and timers."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture(autouse=True)
def own_machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder of the test's own; gives its path. What the developer has set up neither helps nor disturbs."""
    for name in list(os.environ):
        if (name.startswith(FOREIGN_PREFIXES) and name not in KEPT) or name.upper() in PROXIES or name in TERMINAL:
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    for name, folder in (
        ("XDG_CONFIG_HOME", ".config"),
        ("XDG_DATA_HOME", ".local/share"),
        ("XDG_STATE_HOME", ".local/state"),
        ("XDG_CACHE_HOME", ".cache"),
    ):
        monkeypatch.setenv(name, str(home / folder))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    return home


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """No handler or level of the log outlives its test: a command that logs to stderr leaves a handler, on a stream
    that is closed, and quiets the libraries."""
    root = logging.getLogger()
    loggers = [root, *map(logging.getLogger, (*TALKATIVE, LOUD))]
    levels = [one.level for one in loggers]
    yield
    for one, level in zip(loggers, levels, strict=True):
        one.setLevel(level)
    for handler in root.handlers[:]:
        if type(handler) in (logging.StreamHandler, logging.FileHandler):
            root.removeHandler(handler)
            handler.close()


@pytest.fixture
def ran(record_property: Callable[[str, object], None]) -> Callable[[str, int], None]:
    """Tell how many cases of the corpora a test has run, and what for: the summary at the end adds them up."""
    return lambda what, number: record_property(f"corpora: {what}", number)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many cases of the corpora have passed: a test that was skipped for want of them is not one of them."""
    counted: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, number in report.user_properties:
            if report.when == "call" and name.startswith("corpora: "):
                counted[name.removeprefix("corpora: ")] += number
    if counted:
        terminalreporter.write_line(
            "corpora cases passed: " + ", ".join(f"{n:,} {what}" for what, n in counted.items())
        )
