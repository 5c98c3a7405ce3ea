"""The overlay that sends simulated events: which scenario, how many, how fast, and what is to be wrong with them."""

from __future__ import annotations

import shlex
from typing import ClassVar, Final

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input
from textual.widgets.option_list import Option

from monitor.sandbox.problems import SimulationProblem
from monitor.services.simulate import SWITCHES, Order, Simulator
from monitor.text import visible
from monitor.ui.format import pad
from monitor.ui.lines import Part
from monitor.ui.safety import Plain
from monitor.ui.screens.overlay import Options, OptionsOverlay, heading, option

WIDE: Final = 80  # cells from which there is room for more words
MAX_COUNT: Final = 10_000
KEYS: Final = {"bad_signature": "b", "duplicate": "d", "out_of_order": "o", "unknown_field": "u", "burst": "f"}
FIELDS: Final = {"count": "c", "rate": "r", "seed": "e", "sets": "v"}
_ROWS: Final = (("bad_signature", "duplicate", "out_of_order"), ("unknown_field", "burst"))
_NOTE: Final = "Signed with a key of this installation and labelled LOCAL."


class SendScreen(OptionsOverlay[Order]):
    """Gives the order, or None."""

    CSS_PATH = "send.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"switch('{name}')", show=False) for name, key in KEYS.items()),
        *(Binding(key, f"fill('{name}')", show=False) for name, key in FIELDS.items()),
        Binding("tab", "app.focus_next", show=False),
        Binding("shift+tab", "app.focus_previous", show=False),
    ]

    def __init__(self, simulator: Simulator) -> None:
        super().__init__()
        self._simulator = simulator
        self._on: set[str] = set()
        self._scenarios = [(provider.name, scenario) for provider, scenario in simulator.scenarios()]

    def compose(self) -> ComposeResult:
        """The scenarios by provider, then the options."""
        with Vertical(classes="box", id="send") as box:
            box.border_title = heading("Send simulated events")
            box.border_subtitle = heading("enter sends, tab goes on, esc closes")
            yield Options(*self._scenario_options())
            with Horizontal(classes="send-row", id="send-numbers"):
                yield from self._input("count", "how many", "once", 5)
                yield from self._input("rate", "a second", "own pace", 8)
                yield from self._input("seed", "seed", "any", 10)
            yield Plain(classes="send-row", id="send-switches")
            with Horizontal(classes="send-row"):
                yield Plain(id="send-more")
                yield from self._input(
                    "sets", "set values" if self.app.size.width >= WIDE else "set", "payload.text=Hi", 400
                )
            yield Plain(_NOTE, id="send-note")

    def _input(self, name: str, words: str, otherwise: str, longest: int) -> ComposeResult:
        yield Plain(FIELDS[name], classes="key")
        yield Plain(words)
        yield Input(placeholder=otherwise, max_length=longest, compact=True, id=f"send-{name}")

    def _scenario_options(self) -> list[Option]:
        options = []
        before = ""
        longest = max((cell_len(visible(scenario.name)) for _, scenario in self._scenarios), default=0)
        wide = self.app.size.width
        longest = min(longest, 30 if wide >= 100 else max(wide // 4, 20))
        for index, (provider, scenario) in enumerate(self._scenarios):
            shown = provider if provider != before else ""
            before = provider
            options.append(
                option(
                    str(index),
                    (pad(visible(shown), 10), "info"),
                    (pad(visible(scenario.name), longest) + "  ", "plain"),
                    (visible(scenario.summary, limit=120), "quiet"),
                )
            )
        return options

    @on(Options.OptionSelected)
    def _selected(self, event: Options.OptionSelected) -> None:
        self._send(int(event.option_id or 0))

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self._send(self.options.highlighted or 0)

    def _send(self, index: int) -> None:
        try:
            order = self._order(index)
            self._simulator.check(order)
        except SimulationProblem as problem:
            text = str(problem)
            self._say(f"{text[:1].upper()}{text[1:]}.", "bad")
        else:
            self.dismiss(order)

    def _order(self, index: int) -> Order:
        provider, scenario = self._scenarios[index]
        count = self._number("count")
        if count is not None and not 1 <= count <= MAX_COUNT:
            raise SimulationProblem(f"how many must be between 1 and {MAX_COUNT:,}")
        rate = self._text("rate")
        try:
            per_second = float(rate) if rate else None
        except ValueError:
            raise SimulationProblem(f"{rate!r} is no number of events a second; write it as 20 or 0.5") from None
        try:
            sets = tuple(shlex.split(self._text("sets")))
        except ValueError:
            raise SimulationProblem("a quotation mark is not closed in the values to set; close it") from None
        return Order(
            provider, scenario.name, count, per_second, self._number("seed"), sets=sets, **dict.fromkeys(self._on, True)
        )

    def _text(self, name: str) -> str:
        return self.query_one(f"#send-{name}", Input).value.strip()

    def _number(self, name: str) -> int | None:
        text = self._text(name)
        if text and not (text.isascii() and text.isdecimal()):
            raise SimulationProblem(f"{text!r} is no whole number; write it as 7")
        return int(text) if text else None

    def _say(self, text: str, role: str) -> None:
        self.query_one("#send-note", Plain).show_parts(((visible(text, limit=300), role),))

    def action_switch(self, name: str) -> None:
        """Switch something on or off."""
        self._on ^= {name}
        self._show_switches()
        self._say(SWITCHES[name] if name in self._on else _NOTE, "quiet")

    def action_fill(self, name: str) -> None:
        """Go to a field."""
        self.query_one(f"#send-{name}", Input).focus()

    def on_mount(self) -> None:
        self._show_switches()

    def _show_switches(self) -> None:
        for place, names in zip(("#send-switches", "#send-more"), _ROWS, strict=True):
            parts: list[Part] = []
            for name in names:
                on = name in self._on
                parts += [
                    (f" {KEYS[name]} ", "accent"),
                    ("✔ " if on else "· ", "good" if on else "faint"),
                    (f"{name.replace('_', ' ')}  ", "strong" if on else "plain"),
                ]
            self.query_one(place, Plain).show_parts(tuple(parts))
