"""The configuration's file, which a running program reads again when it has changed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from monitor import config as configuration
from monitor import paths
from monitor.config import Config
from monitor.services import keyring


class ConfigFile:
    """The file at a path, or with None in the default place, and the environment as it was when this was made."""

    def __init__(self, path: Path | None) -> None:
        self.path = path or paths.default_config()
        self._given = path
        self.environ: Final[Mapping[str, str]] = dict(os.environ)

    def load(self) -> Config:
        """What it says now; variables that hold secrets leave the environment, so that no child process gets them.

        Raises ConfigError.
        """
        config = configuration.load(self._given, self.environ, keyring=keyring.read)
        for name in configuration.secret_variables(config):
            os.environ.pop(name, None)
        return config

    def state(self) -> object:
        """Another value whenever the file may say something else; None where there is none."""
        return paths.state_of(self.path)
