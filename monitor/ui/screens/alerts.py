"""Alerts: the rules that are watched, and what was told."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar, Final

from textual import events, on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from monitor import config
from monitor.model.filter import FilterError
from monitor.services.alerts import Alert, Alerts, Watch
from monitor.store.errors import StoreError
from monitor.text import visible
from monitor.ui.documents.look import Reader
from monitor.ui.format import count, day_or_clock, fit, pad
from monitor.ui.jumps import ShowCapture, ShowMessage
from monitor.ui.lines import Part
from monitor.ui.painted import cells
from monitor.ui.safety import Plain, toast
from monitor.ui.screens.overlay import Overlay, heading
from monitor.ui.session import Session
from monitor.ui.widgets.rows import Cursor, Listed

EVERY_S: Final = 0.2  # between two looks whether there is another
RULES: Final = 4  # the rules have this part of the screen at most
WIDTH: Final = 120  # cells of the box, where there is room
EDGES: Final = 6  # cells beside the note: the border of the box, its padding and the note's
FRAME: Final = 4  # rows of the box around all: its border, and blanks around the note
BARE: Final = 2  # ... where nothing is watched: no blanks


def rule_parts(watch: Watch, width: int, reader: Reader) -> list[Part]:
    """A rule as a row, after the cursor's cell."""
    rule = watch.rule
    how = "rings" if rule.bell else "shows a note" if rule.toast else f"runs {visible(rule.command[0], limit=40)}"
    told = f"{count(watch.told)} told" + (f", {count(watch.suppressed)} not" if watch.suppressed else "")
    sign: Part = ("✔ ", "good") if watch.on else ("– ", "faint")
    right: list[Part] = [(pad(fit(how, 16), 17), "quiet"), (pad(told if watch.on else "off", 16), "quiet")]
    text = reader.plain(visible(rule.filter, limit=400)) if rule.filter else "every capture"
    return [sign, (pad(fit(text, width - 4 - cells(right)), width - 4 - cells(right)), "plain"), (" ", "plain"), *right]


class Rules(Listed[Watch]):
    """The rules, in the order of the configuration, then those that were added here."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="rules")
        self._session = session

    def row_parts(self, index: int, width: int, part: int = 0) -> Sequence[Part]:
        """One rule."""
        return rule_parts(self.entries[index], width, self._session.reader())


class ToldAlerts(Listed[Alert]):
    """What was told, the latest first."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="told")
        self._session = session

    def row_parts(self, index: int, width: int, part: int = 0) -> Sequence[Part]:
        """One alert."""
        alert, session = self.entries[index], self._session
        now = session.now()
        oldest = day_or_clock(self.entries[-1].at, now)  # none is longer
        time = day_or_clock(alert.at, now).ljust(len(oldest)) + " "
        return [(time, "quiet"), (fit(alert.said(masked=session.masked), width - 2 - len(time)), "plain")]


class AlertsScreen(Overlay[Alert]):
    """Gives the alert whose capture or message is to be shown, or None. Live."""

    AUTO_FOCUS = ""
    CSS_PATH = "alerts.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", show=False),
        Binding("d", "switch", show=False),
        Binding("tab", "turn", show=False),
        Binding("exclamation_mark", "close", show=False),
    ]

    def __init__(self, session: Session, alerts: Alerts) -> None:
        super().__init__()
        self._session = session
        self._alerts = alerts

    def compose(self) -> ComposeResult:
        """One box: the rules, a note, what was told."""
        with Vertical(classes="box", id="alerts") as box:
            box.border_title = heading("Alerts")
            box.styles.width = WIDTH
            yield Rules(self._session)
            yield Plain(id="alerts-note")
            yield ToldAlerts(self._session)

    def on_mount(self) -> None:
        self.set_interval(EVERY_S, self._take)
        self._take()
        (self._told if self._told.entries else self._rules).focus()

    @property
    def _rules(self) -> Rules:
        return self.query_one(Rules)

    @property
    def _told(self) -> ToldAlerts:
        return self.query_one(ToldAlerts)

    @property
    def _rules_high(self) -> int:
        return min(len(self._rules.entries), self.size.height // RULES)

    def _take(self) -> None:
        """Show what is told since; the cursor stays on its alert, unless that is the latest."""
        rules, told = self._rules, self._told
        rules.entries = self._alerts.watches
        rules.styles.height = self._rules_high
        rules.changed()
        told.take_latest(list(reversed(self._alerts.recent)))
        told.display = bool(told.entries)
        self._say()

    @on(events.DescendantFocus)
    def _say(self) -> None:
        rules, told, session = self._rules, self._told, self._session
        room = min(self.size.width * 96 // 100, WIDTH) - EDGES
        lines: list[tuple[Part, ...]] = []
        if not rules.entries:
            lines.append((("Nothing is watched: [[alerts]] in the configuration say for what.", "plain"),))
        elif not told.entries:
            lines.append((("Nothing was told yet: only what comes from now on is.", "plain"),))
        else:
            failed = f", {count(self._alerts.errors)} failed" if self._alerts.errors else ""
            lines.append(((f"{count(self._alerts.told)} told in this run{failed}", "quiet"),))
        if rules.has_focus or not rules.entries:
            wanted, key = session.view.filter_text, session.key("filter")
            passing = session.reader().plain(visible(wanted)) if wanted else f"a filter ({key})"
            until = " until hooktop ends"
            word = fit(f"alerts on {passing}", room - len("a " + until)) + until
            lines.append((("a ", "accent"), (word, "quiet")))
        note = self.query_one("#alerts-note", Plain)
        note.show_parts(*lines)
        high = note.get_content_height(self.size, self.size, room)  # a line may be wrapped
        keys = ["enter shows it"] if told.has_focus else ["d on or off"] if rules.entries else []
        box = self.query_one("#alerts")
        box.set_class(not rules.entries, "-empty")
        box.styles.height = (FRAME if rules.entries else BARE) + self._rules_high + high + len(told.entries)
        keys += ["tab the rules" if told.has_focus else "tab what was told"] if told.entries else []
        box.border_subtitle = heading(", ".join([*keys, "esc closes"]))

    def action_turn(self) -> None:
        """From the rules to what was told, or back."""
        if self._told.entries:
            (self._rules if self._told.has_focus else self._told).focus()

    def action_switch(self) -> None:
        """Tell of a rule no longer, or again."""
        rules = self._rules
        watch = rules.entry
        if rules.has_focus and watch is not None:
            watch.on = not watch.on
            rules.refresh()

    async def action_add(self) -> None:
        """Watch for what passes the filter in force."""
        wanted, rules = self._session.view.filter_text, self._rules
        if not wanted:
            key = self._session.key("filter")
            toast(self.app, f"Set a filter first ({key}); alerts are on what passes it.", severity="warning")
            return
        known = next((watch for watch in rules.entries if watch.rule.filter == wanted), None)
        try:
            watch = known or self._alerts.add(config.Alert(wanted, toast=True))
        except (FilterError, StoreError) as error:
            toast(self.app, str(error), severity="error")
            return
        watch.on = True
        self._take()
        rules.focus()
        rules.move_to(list(rules.entries).index(watch))

    @on(Cursor.Opened, "#told")
    def _opened(self) -> None:
        self.dismiss(self._told.entry)


def open_alerts(app: App[Any], session: Session) -> None:
    """Show the alerts, then what the one chosen is about."""
    if session.alerts is not None:
        app.push_screen(AlertsScreen(session, session.alerts), partial(_chosen, app))
    elif not session.monitor.settings.receives:
        toast(app, "There are no alerts to see: nothing is received here.", severity="warning")


def _chosen(app: App[Any], alert: Alert | None) -> None:
    if alert is not None:
        app.post_message(ShowMessage(alert.number) if alert.of_message else ShowCapture(alert.number))
