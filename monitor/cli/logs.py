"""Where log lines go: a private file while screens are on, else stderr; never with a secret, never raw."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from monitor import paths
from monitor.config import Config
from monitor.secret import KeyringSecret, Secret
from monitor.text import visible

MAX_FILE: Final = 1024 * 1024  # a longer log is begun anew at the next start
SHORTEST: Final = 6  # shorter texts occur by chance, and are no secrets that an API would take
LEVELS: Final = (logging.WARNING, logging.INFO, logging.DEBUG)
# These write headers and bodies at their lower levels.
TALKATIVE: Final = ("httpx", "httpcore", "h11", "asyncio", "hpack")
# This warns of each request that is no HTTP: those are counted, and strangers must not fill a log.
LOUD: Final = "uvicorn.error"


class Formatter(logging.Formatter):
    """Lines without control characters and without the secrets it was told; tracebacks without values."""

    def __init__(self, secrets: Iterable[Secret], pattern: str) -> None:
        super().__init__(pattern)
        texts = {s.reveal(): s.masked() for s in secrets if not isinstance(s, KeyringSecret)}
        self._masks = sorted(((t, m) for t, m in texts.items() if len(t) >= SHORTEST), key=lambda item: -len(item[0]))

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        for secret, mask in self._masks:
            text = text.replace(secret, mask)
        return visible(text, lines=True)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        # The text of an exception may hold header values: its kind and place are enough.
        return "".join(traceback.format_tb(ei[2])) + getattr(ei[0], "__name__", "")


def to_file(database: Path, secrets: Iterable[Secret], verbose: int) -> Path:
    """Log to ``NAME.log`` beside the database (mode 0600); gives its path. Raises OSError."""
    file = database.with_name(database.name + ".log")
    paths.private_dir(file.parent)
    paths.private_file(file)
    mode = "w" if file.stat().st_size > MAX_FILE else "a"
    _use(logging.FileHandler(file, mode, encoding="utf-8", errors="backslashreplace"), secrets, verbose)
    return file


def to_stderr(secrets: Iterable[Secret], verbose: int) -> None:
    """Log to stderr."""
    _use(logging.StreamHandler(), secrets, verbose)


def _use(handler: logging.Handler, secrets: Iterable[Secret], verbose: int) -> None:
    handler.setFormatter(Formatter(secrets, "%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(LEVELS[min(verbose, len(LEVELS) - 1)])
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    loud = logging.getLogger(LOUD)
    loud.setLevel(logging.ERROR)
    loud.addFilter(_is_trouble)


def _is_trouble(record: logging.LogRecord) -> bool:
    """Not that whoever waited for an answer at the end was not waited for: they are answered, and hooktop tells it."""
    return not str(record.msg).endswith("timeout graceful shutdown exceeded")


def secrets_of(config: Config) -> list[Secret]:
    """Every secret of the configuration."""
    found = [value for _, value in config.forward.headers]
    for account in config.accounts:
        found += [*account.signing_secrets, *([account.api_secret] if account.api_secret else [])]
    return found
