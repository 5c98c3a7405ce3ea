"""What the screens remember between runs."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Final

from monitor.paths import private_dir, private_file
from monitor.ui.themes import DEFAULT

HISTORY: Final = 50
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Preferences:
    """The user's choices. ``path`` is where they are kept, None to keep nothing."""

    path: Path | None = None
    theme: str = ""  # chosen on the screens; empty: none yet
    instead_of: str = ""  # what the configuration said when it was chosen
    masked: bool = False
    relative_times: bool = False
    wrap: bool = True
    panes: int = 0  # points of a hundred that the panes have of the width more than at first
    filters: list[str] = field(default_factory=list)  # newest last

    @classmethod
    def load(cls, path: Path | None) -> Preferences:
        """The choices in the file; defaults for what is missing or not of the right type."""
        own = cls(path)
        if path is None:
            return own
        with contextlib.suppress(OSError, ValueError, RecursionError):
            stored = json.loads(path.read_text("utf-8"))
            for name in (item.name for item in fields(cls) if item.name != "path"):
                if isinstance(stored, dict) and type(stored.get(name)) is type(getattr(own, name)):
                    setattr(own, name, stored[name])
        own.filters = [str(text) for text in own.filters][-HISTORY:]
        return own

    def theme_over(self, configured: str | None) -> str:
        """The theme to begin with: the one said last, on the screens or in the configuration."""
        changed = configured is not None and configured != self.instead_of
        return (configured if changed else self.theme) or configured or DEFAULT

    def choose_theme(self, name: str, configured: str | None) -> None:
        """Keep a theme until another is chosen, or the configuration names another than it does now."""
        self.theme, self.instead_of = name, configured or ""
        self.save()

    def remember_filter(self, text: str) -> None:
        """Put a filter at the end of the history and save."""
        self.filters[:] = [*(old for old in self.filters if old != text), text][-HISTORY:]
        self.save()

    def save(self) -> None:
        """Write the file, readable by its owner only. A file that cannot be written costs no more than the memory."""
        if self.path is None:
            return
        values = asdict(self)
        del values["path"]
        try:
            private_dir(self.path.parent)
            fresh = private_file(self.path.with_name(self.path.name + ".new"))
            fresh.write_text(json.dumps(values, indent=1) + "\n", "utf-8")
            os.replace(fresh, self.path)
        except OSError as error:
            log.warning("the choices of the screens cannot be saved: %s", error.strerror)
