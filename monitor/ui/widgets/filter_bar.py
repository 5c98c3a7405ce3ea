"""The filter bar: an input with completion, and a caret where the filter is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from monitor.model.filter import Completion, FilterError, complete
from monitor.text import visible
from monitor.ui.actions import bindings
from monitor.ui.format import fit, pad
from monitor.ui.lines import Part
from monitor.ui.safety import Plain

SHOWN = 8  # completions


class FilterBar(Vertical):
    """Asks for a filter."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("filter")

    class Typed(Message):
        """The text changed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Done(Message):
        """The user is done: ``text`` is to stay as the filter (empty: none). ``left``: the focus is elsewhere already,
        so that the bar closes also where the text is no filter."""

        def __init__(self, text: str, *, left: bool = False) -> None:
            super().__init__()
            self.text = text
            self.left = left

    def __init__(self, values: Callable[[str], Iterable[str]], history: list[str], key: str) -> None:
        """``key`` is how the one that completes is written."""
        super().__init__(id="filter")
        self._key = key
        self._values = values
        self._history = history
        self._back = 0
        self._typed = ""  # what stood there before an older filter was asked for
        self._found: list[Completion] = []
        self._wrong = False

    def compose(self) -> ComposeResult:
        """A line to type in, and one for help."""
        with Horizontal(id="filter-line"):
            yield Plain("/", id="filter-mark")
            yield Input(
                id="filter-input", compact=True, select_on_focus=False,
                placeholder="provider:volt verdict:invalid status:failed from:+1555*",
            )  # fmt: skip
        yield Plain(id="filter-help")

    @property
    def input(self) -> Input:
        """The input."""
        return self.query_one(Input)

    def begin(self, text: str) -> None:
        """Show the bar with the filter in force, the cursor at its end."""
        self._back, self._wrong = 0, False
        self.display = True
        with self.input.prevent(Input.Changed):
            self.input.value = text
        self.input.cursor_position = len(text)
        self.screen.set_focus(self.input)  # at once: ``focus()`` would be too late for keys that came with this one
        self._complete()

    def wrong(self, error: FilterError) -> None:
        """Point at what is wrong; the words stand after the caret or, where there is more room, before it."""
        self._wrong = True
        said, hint = visible(error.message, limit=120), visible(error.hint, limit=160)
        room = max(self.size.width - 4, 10)
        at = cell_len(visible(self.input.value[: error.column])) - int(self.input.scroll_offset.x)
        at = min(max(at, 0), room)
        after = at <= room // 2 or at + cell_len(f"{said} {hint}") < room
        wide = room - at - 1 if after else at - 1
        said = fit(said, max(wide - cell_len(hint) - 1, wide // 2))  # what can be done is to be seen, too
        words = fit(f"{said} {hint}".rstrip(), wide)
        if after:
            self._help.show_parts(((" " * (at + 3), "plain"), ("▲ ", "bad"), (words, "warn")))
        else:
            self._help.show_parts((("   ", "plain"), (pad(words, wide, right=True), "warn"), (" ▲", "bad")))

    def completes(self, column: int) -> bool:
        """Whether what stands at a column can still become something that is shown."""
        return any(found.start <= column <= found.end for found in self._found)

    def right(self) -> None:
        """Nothing is wrong any more."""
        if self._wrong:
            self._wrong = False
            self._complete()

    @property
    def _help(self) -> Plain:
        return self.query_one("#filter-help", Plain)

    def _complete(self) -> None:
        text, cursor = self.input.value, self.input.cursor_position
        self._found = complete(text, cursor, values=self._values)
        if self._wrong:
            return
        parts: list[Part] = [("   ", "plain")]
        room = self.screen.size.width - 4 - cell_len(self._key)
        for index, found in enumerate(self._found[:SHOWN]):
            if found.text == text[found.start : found.end]:
                continue
            shown = visible(found.text, limit=40)
            room -= cell_len(shown) + 2
            if room < 0:
                break
            parts += [(shown, "quiet" if index else "info"), ("  ", "plain")]
        if len(self._found) == 1:
            parts.append((fit(visible(self._found[0].help, limit=100), room), "quiet"))
        elif self._found:
            parts.append((self._key, "accent"))
        self._help.show_parts(tuple(parts))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._wrong = False
        self._complete()
        self.post_message(self.Typed(event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()  # what keeps the filter is the action's key

    def action_complete(self) -> None:
        """Take the first completion."""
        if self._found:
            found = self._found[0]
            text = self.input.value
            self.input.value = text[: found.start] + found.text + text[found.end :]
            self.input.cursor_position = found.start + len(found.text)

    def action_keep(self) -> None:
        """Keep the filter."""
        self.post_message(self.Done(self.input.value))

    def action_earlier(self) -> None:
        """The filter used before."""
        self._recall(1)

    def action_later(self) -> None:
        """The filter used after."""
        self._recall(-1)

    def _recall(self, step: int) -> None:
        """An older filter, or a later one up to what was being typed."""
        if not self._back:
            self._typed = self.input.value
        older = [text for text in self._history if text != self._typed]
        self._back = min(max(self._back + step, 0), len(older))
        self.input.value = older[-self._back] if self._back else self._typed
        self.input.cursor_position = len(self.input.value)

    def action_give_up(self) -> None:
        """No filter."""
        self.post_message(self.Done(""))

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """A click elsewhere is done with it; a terminal that is not in use for a while is not."""
        if self.display and self.app.app_focus and self.screen.focused is not None and not self.has_focus_within:
            self.post_message(self.Done(self.input.value, left=True))
