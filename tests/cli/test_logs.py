"""Log lines: private, without secrets, without control characters."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.cli import logs
from monitor.config import parse
from monitor.secret import Secret

CANARY = "canary-1f2e3d4c5b6a"


@pytest.fixture(autouse=True)
def own_root() -> Iterator[None]:
    """The root logger with the handlers that it had, afterwards."""
    root = logging.getLogger()
    before = list(root.handlers)
    yield
    for handler in list(root.handlers):
        if handler not in before:
            handler.close()
    root.handlers[:] = before


@pytest.fixture
def own_root_handlers() -> None:
    """The handlers of the test runner are taken out, so that nothing closes them."""
    logging.getLogger().handlers.clear()


@pytest.mark.usefixtures("own_root_handlers")
def test_a_file_without_secrets_and_controls(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        file = logs.to_file(tmp_path / "new" / "h.db", [Secret(CANARY), Secret("abc")], 0)
    finally:
        os.umask(before)
    log = logging.getLogger("monitor.test")
    log.warning("token %s and abc \x1b[31m\u202e", CANARY)
    log.info("not said")
    said = f"header {CANARY} and {'-'.join(('unknown', 'secret'))}"
    try:
        raise ValueError(said)
    except ValueError:
        log.exception("failed")
    logging.getLogger("httpx").info("never")
    text = file.read_text("utf-8")
    assert file.name == "h.db.log"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "token ••••5b6a and abc ␛[31m\\u202e" in text
    assert "ValueError" in text
    assert "test_logs.py" in text
    for never in (CANARY, "unknown-secret", "\x1b", "not said", "never"):
        assert never not in text


@pytest.mark.usefixtures("own_root_handlers")
def test_a_long_log_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "h.db.log").write_bytes(b"x" * (logs.MAX_FILE + 1))
    file = logs.to_file(tmp_path / "h.db", [], 2)
    logging.getLogger("monitor.test").debug("first")
    assert len(file.read_text("utf-8").splitlines()) == 1


def test_every_secret_of_the_configuration_is_known(tmp_path: Path) -> None:
    text = f"""
    [forward]
    url = "http://127.0.0.1:3000"
    headers = {{ Authorization = "Bearer {CANARY}" }}
    [accounts.a]
    provider = "bird"
    access_key = "key-{CANARY}"
    signing_keys = ["one-{CANARY}", "two-{CANARY}"]
    """
    found = logs.secrets_of(parse(text, tmp_path / "config.toml", {}))
    assert {secret.reveal() for secret in found} == {f"{kind}{CANARY}" for kind in ("Bearer ", "key-", "one-", "two-")}
