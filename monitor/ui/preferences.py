"""What the screens remember between runs."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from monitor.paths import private_dir, private_file
from monitor.ui.themes import DEFAULT

HISTORY: Final = 50
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Preferences:
    """The user's choices. ``path`` is where they are kept, None to keep nothing; other terminals keep theirs there,
    too."""

    path: Path | None = None
    theme: str = ""  # chosen on the screens; empty: none yet
    instead_of: str = ""  # what the configuration said when it was chosen
    masked: bool = False
    relative_times: bool = False
    wrap: bool = True
    panes: int = 0  # points of a hundred that the panes have of the width more than at first
    filters: list[str] = field(default_factory=list)  # newest last
    _saved: dict[str, Any] = field(default_factory=dict, init=False, repr=False)  # what was read or written last

    @classmethod
    def load(cls, path: Path | None) -> Preferences:
        """The choices in the file; defaults for what is missing or not of the right type."""
        own = cls(path)
        if path is None:
            return own
        with contextlib.suppress(OSError, ValueError, RecursionError):
            stored = json.loads(path.read_text("utf-8"))
            for name in own._values():
                if isinstance(stored, dict) and type(stored.get(name)) is type(getattr(own, name)):
                    setattr(own, name, stored[name])
        own.filters = [str(text) for text in own.filters][-HISTORY:]
        own._saved = own._values()
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
        """Put a filter at the end of the history, after what other terminals put there, and save."""
        used = [*self.filters, *Preferences.load(self.path).filters, text]
        self.filters[:] = list(dict.fromkeys(reversed(used)))[:HISTORY][::-1]
        self.save()

    def save(self) -> None:
        """Write what was chosen here since the last time over what the file says by now: the rest of it may be another
        terminal's choice. Its owner only can read the file; one that cannot be written costs no more than the memory.
        """
        if self.path is None:
            return
        own = self._values()
        chosen = {name: value for name, value in own.items() if name not in self._saved or value != self._saved[name]}
        values = Preferences.load(self.path)._values() | chosen
        try:
            private_dir(self.path.parent)
            fresh = private_file(self.path.with_name(self.path.name + ".new"))
            fresh.write_text(json.dumps(values, indent=1) + "\n", "utf-8")
            os.replace(fresh, self.path)
            self._saved = own
        except OSError as error:
            log.warning("the choices of the screens cannot be saved: %s", error.strerror)

    def _values(self) -> dict[str, Any]:
        """The choices by name."""
        values = asdict(self)
        del values["path"], values["_saved"]
        return values
