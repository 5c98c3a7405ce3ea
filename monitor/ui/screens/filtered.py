"""What the views of captures, messages and conversations share: the one filter, and standing still."""

from __future__ import annotations

import asyncio
import contextlib
from abc import abstractmethod
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len
from textual import events, on
from textual.binding import BindingType
from textual.css.query import NoMatches
from textual.timer import Timer
from textual.widgets import Input

from monitor.model.filter import FilterError
from monitor.model.filter import parse as parse_filter
from monitor.providers.registry import registry
from monitor.store.filter_sql import compile_message_filter
from monitor.times import local_time
from monitor.ui.actions import Action, bindings
from monitor.ui.format import count
from monitor.ui.lines import Part, foreign
from monitor.ui.screens.frame import ListScreen
from monitor.ui.session import Session
from monitor.ui.widgets.empty import Empty, unfiltered
from monitor.ui.widgets.filter_bar import FilterBar

if TYPE_CHECKING:
    from monitor.services.conversations import ConversationView
    from monitor.services.messages import MessageView
    from monitor.ui.widgets.conversation_list import ConversationList
    from monitor.ui.widgets.message_list import MessageList
    from monitor.ui.widgets.message_pane import MessagePane
    from monitor.ui.widgets.thread_pane import ThreadPane

FILTER_AFTER_S: Final = 0.15  # of rest while a filter is typed
LOOK_S: Final = 0.02  # between two looks whether the list that a key is meant for is there
LOOKS: Final = 50  # after which keys wait no longer: it may take long to find the first that passes
# The actions upon what is listed, beside those of the lists themselves.
_OF_LISTED: Final = frozenset(
    {"copy", "message", "conversation", "export", "replay", "compare", "mark", "follow", "next_match",
     "previous_match", "next_entry", "previous_entry"}
)  # fmt: skip


class FilteredScreen(ListScreen):
    """A view that obeys the session's filter."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("filtered")

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._typing: Timer | None = None
        self._changes = session.changes
        self._in_vain: str | None = None  # the filter for whose list a key has waited as long as it may
        self._today = local_time(session.now()).date()

    @abstractmethod
    async def obey(self, text: str) -> None:
        """Show what passes this filter."""

    @abstractmethod
    async def show(self, number: int) -> None:
        """Put the cursor on what bears this number, and open it where that takes room."""

    @property
    @abstractmethod
    def obeyed(self) -> str:
        """The filter that is shown now."""

    def check(self, text: str) -> None:
        """Raises FilterError for what is no filter, or none for messages."""
        compile_message_filter(parse_filter(text), self.session.now())

    def values(self, field: str) -> Iterable[str]:
        """What a term of the filter can be completed with."""
        return registry().names() if field == "provider" else ()

    def filter_bar(self) -> FilterBar:
        """A new bar to ask for a filter with."""
        return FilterBar(self.values, self.session.preferences.filters, self.session.key("complete"))

    @property
    def paused(self) -> list[Part]:
        """What says that the screens stand still, while they do."""
        if not self.session.view.frozen:
            return []
        return [(f" paused, {self.session.key('freeze')} goes on ", "chip")]

    def keys(self) -> list[Action]:
        """As for every screen; the key that let all stand still lets it go on."""
        shown = super().keys()
        if not self.session.view.frozen:
            return shown
        return [replace(action, label="go on") if action.id == "freeze" else action for action in shown]

    @property
    def typing(self) -> bool:
        """Whether a filter is being typed."""
        return self.query_one(FilterBar).has_focus_within

    def tick(self) -> None:
        """Follow the session's filter, which another view may have changed."""
        self._follow_filter()
        self.hold_focus()
        super().tick()

    def _follow_filter(self) -> None:
        if self.session.view.filter_text != self.obeyed or self.session.changes != self._changes:
            self._changes = self.session.changes
            self._obey(self.session.view.filter_text)

    def times_moved(self) -> bool:
        """Whether the times in the list read otherwise than before: relative ones always, others at midnight."""
        before, self._today = self._today, local_time(self.session.now()).date()
        return self.session.preferences.relative_times or self._today != before

    def _obey(self, text: str) -> None:
        self.read(self.obey(text), "obey")

    def is_reading(self) -> bool:
        """Whether another list was asked for, and what the cursor is to stand on is not read yet."""
        return not self.rows.count() and self._reads("obey")

    def _reads(self, group: str) -> bool:
        return any(one.group == group and not one.is_finished for one in self.workers)

    async def on_key(self, event: events.Key) -> None:
        """Keys for what is listed are meant for the list that was asked for; others are not held up."""
        if isinstance(self.focused, Input) or not (self._reads("obey") or self._reads("filter")):
            return
        bound = self.active_bindings.get(event.key)
        context, _, action = ((bound and bound.binding.id) or "").partition(".")
        if context not in ("list", "rows") and action not in _OF_LISTED:
            return
        await asyncio.sleep(0)  # the filter is in force
        self._follow_filter()
        await asyncio.sleep(0)  # and what passed the one before is no longer listed
        with contextlib.suppress(NoMatches):  # it is being taken down
            for _ in range(1 if self._in_vain == self.obeyed else LOOKS):
                if not (self.app.screen_stack and self.is_reading()):
                    self._in_vain = None
                    break
                await asyncio.sleep(LOOK_S)
            else:
                self._in_vain = self.obeyed
            if self.app.screen_stack:  # else the app ends
                self.tick()

    def read(self, reading: Coroutine[None, None, None], group: str) -> None:
        """Let a view read, beside what else goes on, then draw; a store that fails is told on the status line."""
        self.run_worker(self._reading(reading), group=group)

    async def _reading(self, reading: Coroutine[None, None, None]) -> None:
        try:
            await reading
        except Exception as error:  # whatever the store has, the screens go on
            self.session.read_trouble = error
        with contextlib.suppress(NoMatches):  # it is being taken down
            self.tick()

    def action_filter(self) -> None:
        """Ask for a filter."""
        self.query_one(FilterBar).begin(self.session.view.filter_text)

    def action_clear(self) -> None:
        """Back to where a jump came from; else show everything again."""
        if not self.session.trail and self.session.view.filter_text:
            self._apply("")
        super().action_clear()

    def action_freeze(self) -> None:
        """Stand still, or go on."""
        self.session.view.freeze(not self.session.view.frozen)
        self.tick()

    @on(FilterBar.Typed)
    def _filter_typed(self, event: FilterBar.Typed) -> None:
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(FILTER_AFTER_S, lambda: self._apply(event.text, typing=True))

    @on(FilterBar.Done)
    def _filter_done(self, event: FilterBar.Done) -> None:
        if self._typing is not None:
            self._typing.stop()
        right = self._apply(event.text)
        if right or event.left:
            self.query_one(FilterBar).display = False
        if right and not event.left:
            self.rows.focus()
        if right and event.text.strip():
            self.session.preferences.remember_filter(event.text.strip())

    def _apply(self, text: str, *, typing: bool = False) -> bool:
        """Put a filter in force everywhere; false when it is none. A word that is still being typed may be wrong."""
        bar = self.query_one(FilterBar)
        try:
            self.check(text)
        except FilterError as error:
            if not (typing and bar.completes(error.column)):
                bar.wrong(error)
            return False
        bar.right()
        if text.strip() != self.session.view.filter_text.strip():
            # The live view obeys the same filter; its long look into the past goes on while this view has its own.
            self.read(self.session.view.set_filter(text), "filter")
        return True

    def apply_filter(self, text: str) -> None:
        """Put a filter in force that is known to be right."""
        self._apply(text)

    @property
    def unfilters(self) -> str:
        """The key that takes the filter away."""
        return self.session.key("give_up" if self.typing else "clear")

    def show_empty(self, wrong: FilterError | None, scanned: float | None, *first: Sequence[Part]) -> None:
        """What stands where the list would be; ``first`` are the lines for when there is nothing at all."""
        empty = not self.rows.count()
        self.set_class(empty, "-empty")
        if not empty:
            return
        widget = self.query_one(Empty)
        if wrong is not None:
            lines: list[Sequence[Part]] = [
                [(text, "info" if not n else "bad")] for n, text in enumerate(_carets(wrong))
            ]
            words: list[Sequence[Part]] = [[foreign(wrong.message, "warn", limit=160)]]
            words += [[foreign(wrong.hint, "quiet", limit=200)], [], unfiltered(self.unfilters)]
            widget.say(*(tuple(parts) for parts in [*lines, *words]))
        elif self.session.view.pending:
            widget.paused(self.session)
        elif scanned is not None or self.obeyed:
            widget.no_match(scanned, self.unfilters)
        else:
            widget.say(*(tuple(parts) for parts in first))


class PanedScreen(FilteredScreen):
    """A list of messages or conversations, and a pane beside it that has entries of its own."""

    OF_LIST: ClassVar[tuple[str, ...]] = ("rows", "filtered")  # the contexts of keys while the list is in use
    view: MessageView | ConversationView

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._paned = session.changes  # those that the pane knows of

    @property
    @abstractmethod
    def rows(self) -> MessageList | ConversationList:
        """The list."""

    @property
    @abstractmethod
    def pane(self) -> MessagePane | ThreadPane:
        """The pane beside the list."""

    @abstractmethod
    def take_in(self) -> bool:
        """Bring up to date what is shown; gives whether something may have changed."""

    def on_mount(self) -> None:
        self.rows.focus()
        self._obey(self.session.view.filter_text)

    def on_unmount(self) -> None:
        self.view.close()

    @property
    def obeyed(self) -> str:
        """The filter that is shown now."""
        return self.view.filter_text

    @property
    def capture_number(self) -> int | None:
        """The capture behind what the pane's cursor stands on, while the pane is in use."""
        return self.pane.capture_number if self.pane.has_focus_within else None

    def contexts(self) -> Sequence[str]:
        """Those of the pane in use."""
        if self.typing:
            return ("filter",)
        return ("pane", "rows", "filtered") if self.pane.has_focus_within else self.OF_LIST

    def applies(self, action: Action) -> bool:
        """As for every screen; and nothing can be opened in an empty list, or where no capture is behind an entry."""
        if action.id == "open" and self.pane.has_focus_within and self.capture_number is None:
            return False
        return super().applies(action) and (action.id not in ("open", "copy") or self.rows.count() > 0)

    def note(self) -> str:
        """Where the cursor stands."""
        rows = self.rows
        return f"{count(rows.cursor + 1)}/{count(rows.count())}" if rows.count() else ""

    def catch_up(self) -> bool:
        """Take in what changed since the last call, unless all stands still; gives whether something may have."""
        changed = False
        try:
            if not self.session.view.frozen:
                changed, self._paned = self.take_in() or self._paned != self.session.changes, self.session.changes
            self.rows.taken_in()
            self.session.read_trouble = self.view.trouble
        except Exception as error:  # whatever the store has, the receiver and the screens go on
            self.session.read_trouble = error
        return changed

    def restyle(self) -> None:
        """Draw list and pane again."""
        self.rows.refresh()
        self.pane.restyle()
        super().restyle()


def _carets(error: FilterError) -> Iterable[str]:
    text, caret = error.carets().split("\n")
    return text, caret.ljust(cell_len(text))
