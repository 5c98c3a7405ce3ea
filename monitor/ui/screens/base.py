"""What the full screens share: status line at the top, keys at the bottom, a note when there is no room."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from monitor.model.capture import Capture
from monitor.ui import replaying
from monitor.ui.actions import TYPED, Action, of
from monitor.ui.format import count
from monitor.ui.lines import Part
from monitor.ui.painted import forget_drawn
from monitor.ui.replaying import CompareAsked, ReplayAsked
from monitor.ui.safety import Plain
from monitor.ui.session import Session
from monitor.ui.status import VIEWS, facts_of, status_lines
from monitor.ui.webhook_rows import adrift
from monitor.ui.widgets.bars import Bar, KeyBar, StatusBar
from monitor.ui.widgets.detail import Detail

TALL: Final = 30  # rows from which there is room for more than the necessary


class MonitorScreen(Screen[None]):
    """A full screen of the monitor."""

    BINDINGS: ClassVar[list[BindingType]] = []
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-single"), (100, "-split"), (150, "-triple")]  # noqa: RUF012 - Textual's
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (15, "-low"), (TALL, "-tall")]  # noqa: RUF012 - as above

    HELPED: ClassVar[frozenset[str]] = frozenset({"everywhere", "live", "list", "detail", "filter", "find"})

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    def compose(self) -> ComposeResult:
        """Status line, what the screen is about, keys."""
        yield StatusBar(self._status, id="status")
        yield from self.compose_main()
        yield KeyBar(self.keys, self.note, lambda: bool(self.session.view.filter_text))
        more = "\nCaptures go on being\nreceived and stored." if self.session.monitor.settings.receives else ""
        yield Plain(f"hooktop needs at least\n60 × 15 cells.{more}", id="too-small")

    def on_unmount(self) -> None:
        forget_drawn()

    def compose_main(self) -> ComposeResult:
        """What stands between the bars."""
        yield from ()

    @property
    def capture_number(self) -> int | None:
        """The id of the capture that actions such as copying are about."""
        return None

    @property
    def capture(self) -> Capture | None:
        """That capture, read from the store. Raises StoreError."""
        number = self.capture_number
        return None if number is None else self.session.inspector.capture(number)

    def message_number(self) -> int | None:
        """The number of the message that what the cursor stands on belongs to. Raises StoreError."""
        return self.session.links(self.capture_number)[0]

    def conversation_number(self) -> int | None:
        """The number of the conversation that it belongs to. Raises StoreError."""
        return self.session.links(self.capture_number)[1]

    def addresses(self) -> list[tuple[str, str]]:
        """Addresses that can be copied where there is no capture: what each is, and the text."""
        return []

    def copied_message(self) -> int | None:
        """The number of the message that can be copied."""
        return self.session.links(self.capture_number)[0]

    def copied_conversation(self) -> int | None:
        """The number of the conversation that can be copied."""
        return None

    def contexts(self) -> Sequence[str]:
        """The contexts of the table of actions that apply now, the nearest first; "everywhere" is implied."""
        return ()

    def keys(self) -> list[Action]:
        """The actions for the footer."""
        shown: list[Action] = []
        taken: set[str] = set()
        first = self.app.current_mode == "live" and not self.session.trail
        here = self.contexts()
        for context in here if here and here[0] in TYPED else (*here, "everywhere"):
            for action in of(context, self.session.actions):
                if action.id == "leave" and "back" in (one.id for one in shown):
                    continue
                if action.footer and action.keys[0] not in taken and self.applies(action):
                    taken.add(action.keys[0])
                    shown.append(replace(action, label="back") if action.id == "leave" and not first else action)
        return shown

    @property
    def has_panes_beside(self) -> bool:
        """Whether panes share the width with a list."""
        return False

    def applies(self, action: Action) -> bool:
        """Whether an action can do something now."""
        if action.context not in self.HELPED:
            return False
        if action.id in ("message", "conversation"):
            with contextlib.suppress(Exception):  # a store that fails costs the key, not the screens
                return (self.message_number() if action.id == "message" else self.conversation_number()) is not None
            return False
        if action.id in ("fold", "fold_all", "next_tab", "previous_tab"):
            panes = [pane for pane in self.query(Detail) if pane.display]
            used = [pane for pane in panes if pane.has_focus_within]
            return any(pane.foldable if "fold" in action.id else pane.several for pane in used or panes)
        if action.id == "replay":
            return self.session.replayer is not None and not self.session.monitor.settings.read_only
        if action.id in ("wider", "narrower"):
            return self.has_panes_beside
        if action.id == "alerts":
            return self.session.alerts is not None
        if action.id == "view_webhooks":
            return self.session.webhooks is not None
        if action.id == "freeze":
            return self.session.monitor.settings.receives
        if action.id == "send":
            return self.session.can_send
        return not action.changes or not self.session.monitor.settings.read_only

    def modes(self) -> Sequence[Part]:
        """The states that are not the usual ones: of this screen, and of what another view is for."""
        webhooks = self.session.webhooks
        away = adrift(webhooks.registrations.panels()) if webhooks is not None else 0
        if not away:
            return ()
        words = f"{count(away, 'registration').upper()} ELSEWHERE, KEY {self.session.key('view_webhooks')}"
        return ((words, "chip"),)

    def note(self) -> str:
        """What stands at the right of the keys."""
        return ""

    def tick(self) -> None:
        """Ten times a second, while the terminal keeps up: bring what is shown up to date."""
        self.query_one("#status", Bar).update()
        self.query_one(KeyBar).update()

    def restyle(self) -> None:
        """The mask or the form of times changed."""
        self.tick()

    @on(ReplayAsked)
    def action_replay(self) -> None:
        """Choose how captures are to be sent again."""
        replaying.replay(self)

    @on(CompareAsked)
    def _compare_asked(self) -> None:
        replaying.compare(self)

    def _status(self, width: int) -> tuple[list[Part], list[Part]]:
        session = self.session
        facts = facts_of(session.monitor, session.now(), [*self.modes(), *session.modes()])
        keys = tuple(session.key(f"view_{view}") for view in VIEWS)
        facts = replace(facts, view=self.app.current_mode, view_keys=keys)
        return status_lines(facts, width, tall=self.size.height >= TALL)
