"""What overlays share: a box in the middle that esc and q close, and options or lines in it that the keys of every list
move in."""

from __future__ import annotations

from typing import ClassVar

from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen, ScreenResultType
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from monitor.ui.lines import Part
from monitor.ui.painted import forget_drawn
from monitor.ui.safety import bare
from monitor.ui.widgets.lines_view import LinesView


class Overlay(ModalScreen[ScreenResultType]):
    """A box over the screen."""

    DEFAULT_CLASSES = "overlay"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-wide")]  # noqa: RUF012 - Textual's
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-high")]  # noqa: RUF012 - as above
    OVER_NOTES: ClassVar[bool] = True  # what was said before is gone: it would lie over the box
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", show=False),
        Binding("q", "close", show=False),
        Binding("ctrl+q", "app.quit", show=False, priority=True, id="everywhere.quit"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._dismissed = False
        self._result: tuple[ScreenResultType | None] | None = None

    def on_mount(self) -> None:
        if self.OVER_NOTES:
            self.app.clear_notifications()

    def on_unmount(self) -> None:
        forget_drawn()

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Close with a result, once: the key that does it may come twice before this box is gone, and would close the
        screen below, too."""
        if self._dismissed:
            return AwaitComplete()
        self._dismissed = True
        return super().dismiss(result)

    def end(self, result: ScreenResultType | None = None) -> None:
        """Close with a result when what ran beside the keys is over: at once, or when nothing lies over this box any
        more, which ``dismiss`` would close instead."""
        if self.is_active:
            self.dismiss(result)
        else:
            self._result = (result,)

    def on_screen_suspend(self) -> None:
        self.add_class("-below")

    def on_screen_resume(self) -> None:
        self.remove_class("-below")
        if self._result is not None:
            self.dismiss(*self._result)

    def action_close(self) -> None:
        """Close without a choice."""
        self.dismiss(None)


class Options(OptionList):
    """Choices, one of which is taken. Their texts are never read as markup."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        Binding("g", "first", show=False),
        Binding("G", "last", show=False),
        Binding("ctrl+d", "page_down", show=False),
        Binding("ctrl+u", "page_up", show=False),
    ]

    def __init__(self, *options: Option) -> None:
        super().__init__(*options, markup=False)


def option(id: str, *parts: Part) -> Option:
    """A choice that says these parts."""
    return Option(bare(*parts), id=id)


class OptionsOverlay(Overlay[ScreenResultType]):
    """A box with options, and perhaps with fields."""

    @property
    def options(self) -> Options:
        """The options."""
        return self.query_one(Options)

    def action_close(self) -> None:
        """Leave a field; else close without a choice."""
        if self.options.has_focus:
            super().action_close()
        else:
            self.options.focus()


class LinesOverlay(Overlay[ScreenResultType]):
    """A box with a ``LinesView`` that is scrolled by the keys of every list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", show=False),
        Binding("k,up", "move(-1)", show=False),
        Binding("ctrl+d", "page(0.5)", show=False),
        Binding("ctrl+u", "page(-0.5)", show=False),
        Binding("pagedown,space", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("g,home", "end(True)", show=False),
        Binding("G,end", "end(False)", show=False),
    ]

    @property
    def lines(self) -> LinesView:
        """The lines."""
        return self.query_one(LinesView)

    def action_move(self, rows: int) -> None:
        """Scroll by lines."""
        self.lines.move(rows)

    def action_page(self, pages: float) -> None:
        """Scroll by pages."""
        self.lines.move_pages(pages)

    def action_end(self, top: bool) -> None:
        """To the first or the last line."""
        self.lines.move_to_end(top=top)


def key_parts(*keys: tuple[str, str]) -> list[Part]:
    """Keys, each with what it does now."""
    return [part for key, does in keys for part in ((key, "accent"), (f" {does}   ", "quiet"))]


def heading(text: str) -> Content:
    """A box's title; never read as markup."""
    return Content(text)
