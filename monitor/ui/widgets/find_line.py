"""The line of the detail pane that asks what to find."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Input

from monitor.ui.actions import bindings


class FindLine(Input):
    """Asks what to find in a tab."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("find")

    class GivenUp(Message):
        """Nothing is to be found any more."""

    async def action_keep(self) -> None:
        """Back to the tab, with its matches."""
        await self.action_submit()

    def action_give_up(self) -> None:
        """Back to the tab, without."""
        self.post_message(self.GivenUp())
