"""The answer drill: what is answered for a while instead of 200, to watch how a provider retries."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from monitor.admin.base import Field
from monitor.model.filter import Filter, FilterError, check_arriving, parse
from monitor.services.drill import DEFAULT_S, Drill, DrillProblem, Rule, seconds_of, span, status_of
from monitor.text import visible
from monitor.ui.format import count, short_span
from monitor.ui.mask import mask_numbers
from monitor.ui.safety import Plain
from monitor.ui.screens.overlay import Overlay, heading
from monitor.ui.widgets.form import Form

LOOK_S: Final = 0.2
STATUS: Final = "status"
DELAY: Final = "delay"
FILTER: Final = "filter"
FOR: Final = "for"
TIMES: Final = "times"
_FIELDS: Final = (
    Field(STATUS, "Answer", "A status from 200 to 599, or reset: the connection breaks without an answer.",
          ("500", "503", "429", "404", "401", "302", "reset"), required=True),
    Field(DELAY, "After", "How long the answer waits, such as 3s; 60 s at most. Others do not wait with it."),
    Field(FILTER, "Only to", "Captures that pass this filter, such as provider:volt; empty for all."),
    Field(FOR, "How long", "Then the usual answers are given again, such as 10m; 24h at most."),
    Field(TIMES, "How often", "So many captures at most; empty for any number."),
)  # fmt: skip
_FIRST: Final = {STATUS: "500", FOR: "10m"}


class DrillForm(Overlay[Rule]):
    """Asks what to answer; gives the rule, or None."""

    CSS_PATH: ClassVar = ["webhooks.tcss", "drill.tcss"]

    def compose(self) -> ComposeResult:
        """One box with the fields."""
        with Vertical(classes="box", id="drill-form") as box:
            box.border_title = heading("Answer something else for a while")
            box.border_subtitle = heading("enter begins, tab next field, esc closes")
            yield Form(_FIELDS, _FIRST, secrets=frozenset())
            yield Plain("Every capture is stored first all the same. The status line says it while it lasts.",
                        id="drill-note")  # fmt: skip

    def on_mount(self) -> None:
        self.query_one(Form).focus_field(STATUS)

    @on(Form.Changed)
    def _changed(self) -> None:
        self.query_one(Form).wrong(_read(self.query_one(Form).values())[1])

    @on(Form.Submitted)
    def _submitted(self) -> None:
        form = self.query_one(Form)
        rule, problems = _read(form.values())
        form.wrong(problems)
        if rule is None:
            form.focus_problem()
        else:
            self.dismiss(rule)


def _read(typed: dict[str, str]) -> tuple[Rule | None, dict[str, str]]:
    """The rule that was typed, or what is wrong, by field."""
    problems: dict[str, str] = {}

    def each(name: str, make: Callable[[str], Rule]) -> Rule | None:
        try:
            return make(typed.get(name, ""))
        except DrillProblem as problem:
            problems[name] = f"{str(problem)[:1].upper()}{str(problem)[1:]}."
        except FilterError as error:
            problems[name] = f"Wrong at column {error.column + 1}: {error.message} {error.hint}".strip()
        return None

    def times(text: str) -> int | None:
        if text and not (text.isascii() and text.isdecimal() and len(text) < 10):
            raise DrillProblem(f"{text[:40]!r} is no whole number")
        return int(text) if text else None

    def arriving(text: str) -> Filter:
        wanted = parse(text)
        check_arriving(wanted)
        return wanted

    # Each field alone, so that each problem is said where it is; then all of them together.
    makers: dict[str, Callable[[str], Rule]] = {
        STATUS: lambda text: Rule(status_of(text)),
        DELAY: lambda text: Rule(200, delay_s=seconds_of(text) if text else 0.0),
        FILTER: lambda text: Rule(200, wanted=arriving(text)),
        FOR: lambda text: Rule(200, for_s=seconds_of(text) if text else DEFAULT_S),
        TIMES: lambda text: Rule(200, times=times(text)),
    }
    parts = {name: each(name, make) for name, make in makers.items()}
    status, delay, wanted, for_, often = (parts[name] for name in (STATUS, DELAY, FILTER, FOR, TIMES))
    if status is None or delay is None or wanted is None or for_ is None or often is None:
        return None, problems
    return Rule(status.status, delay.delay_s, wanted.wanted, for_.for_s, often.times), problems


class DrillScreen(Overlay[None]):
    """Shows the drill under way, with the key that ends it."""

    CSS_PATH = "drill.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "end", show=False),
        Binding("R", "close", show=False, id="live.drill"),
    ]

    def __init__(self, drill: Drill, *, masked: bool) -> None:
        super().__init__()
        self._drill = drill
        self._masked = masked

    def compose(self) -> ComposeResult:
        """One box with what it does and has done."""
        with Vertical(classes="box", id="drill") as box:
            box.border_title = heading("Answering something else")
            box.border_subtitle = heading("x ends it, esc closes")
            yield Plain(id="drill-lines")

    def on_mount(self) -> None:
        self._draw()
        self.set_interval(LOOK_S, self._draw)

    def _draw(self) -> None:
        progress = self._drill.progress
        if progress is None:  # it ended by itself, which is said elsewhere
            self.end()
            return
        rule = progress.rule
        text = rule.wanted.text.strip()
        to = visible(mask_numbers(text) if self._masked else text, limit=200) or "every capture"
        left = f"{short_span(progress.left_s)} of {span(rule.for_s)}"
        if progress.times_left is not None:
            left += f", {count(progress.times_left, 'capture')} of {count(rule.times or 0)}"
        self.query_one("#drill-lines", Plain).show_parts(
            (("answer  ", "quiet"), (rule.words, "bad")),
            (("to      ", "quiet"), (to, "plain")),
            (("left    ", "quiet"), (left, "plain")),
            (("so far  ", "quiet"), (progress.counts, "plain")),
        )

    def action_end(self) -> None:
        """Give the usual answers again."""
        self._drill.end()
        self.dismiss(None)
