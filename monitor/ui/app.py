"""The app: one run of the screens over a monitor that runs already.

What is not seen at once is imported when it is first opened: the first picture does not wait for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.console import RenderableType
from rich.text import Text
from textual.binding import BindingType
from textual.css.query import NoMatches
from textual.filter import LineFilter

from monitor.times import utc_now
from monitor.ui import continuing, crash, pasting, sharing, themes
from monitor.ui.actions import ACTIONS, Action, bindings
from monitor.ui.colourless import readable
from monitor.ui.jumps import ShowCapture
from monitor.ui.keymap import bound
from monitor.ui.painted import PAINTS
from monitor.ui.palette import ActionCommands, Palette
from monitor.ui.preferences import Preferences
from monitor.ui.safety import ControlFilter, toast
from monitor.ui.screens.base import MonitorScreen
from monitor.ui.session import Session
from monitor.ui.views import ViewsApp

if TYPE_CHECKING:
    from monitor.model.coverage import Covered, News
    from monitor.services.alerts import Alerts
    from monitor.services.drill import Ended
    from monitor.services.monitor import Monitor
    from monitor.services.replay import Replayer
    from monitor.services.simulate import Simulator
    from monitor.services.webhooks import Webhooks

log = logging.getLogger(__name__)


class HooktopApp(ViewsApp):
    """The screens of hooktop. Run it with ``await app.run_async()``; ``return_code`` is the exit code."""

    TITLE = "hooktop"
    COMPONENT_CLASSES = PAINTS
    CSS_PATH = ["app.tcss", "screens/live.tcss"]  # noqa: RUF012 - a default screen's own is not loaded
    BINDINGS: ClassVar[list[BindingType]] = bindings("everywhere")
    COMMANDS = {ActionCommands}  # noqa: RUF012 - declared so by Textual
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        monitor: Monitor,
        *,
        simulator: Simulator | None = None,
        replayer: Replayer | None = None,
        webhooks: Webhooks | None = None,
        alerts: Alerts | None = None,
        preferences: Path | None = None,
        hidden: Sequence[str] = (),
        now: Callable[[], datetime] = utc_now,
        theme: str | None = None,
        actions: Sequence[Action] = ACTIONS,
        on_shown: Callable[[], None] = lambda: None,
    ) -> None:
        """``monitor`` has been started. Choices are remembered in the file ``preferences`` (None: not at all);
        ``hidden`` are secrets that may be in no masked file. ``theme`` and ``actions`` (with their keys) are those of
        the configuration; ``on_shown`` is called when the first screen is there."""
        self._controls = ControlFilter()
        session = Session(monitor, simulator, Preferences.load(preferences), now, webhooks, hidden, actions)
        session.replayer = replayer
        session.alerts = alerts
        super().__init__(session)
        pasting.keep_whole()
        for own in themes.OWN:
            self.register_theme(own)
        wanted = session.preferences.theme_over(theme)
        self.theme = wanted if wanted in self.available_themes else themes.DEFAULT
        self._configured_theme = theme
        self._on_shown = on_shown

    def on_load(self) -> None:
        """Let tasks wait for their turn again: from Python 3.12 on Textual has them begin at once, and an input of its
        first screen then looks for the screen before that is there."""
        asyncio.get_running_loop().set_task_factory(None)

    def on_mount(self) -> None:
        self.set_keymap(bound(self.session.actions))
        self.begin_frames()
        continuing.watch(self)
        notice = self.session.monitor.store.notice
        if notice:
            toast(self, notice, severity="warning", timeout=20)
        self.session.monitor.drill.follow(self._drill_ended)

    def on_ready(self) -> None:
        self._on_shown()
        if self._offering is not None:  # once something is seen: asking a provider loads much
            self.run_worker(self._offering.begin(), group="offering")

    def on_unmount(self) -> None:
        self.session.close()

    def _drill_ended(self, ended: Ended) -> None:
        if self.is_running:
            toast(self, ended.sentence, timeout=15)

    def get_css_variables(self) -> dict[str, str]:
        """Textual's variables, the colours that roles are made of, and the widths of panes."""
        variables = super().get_css_variables() | sharing.width_variables(self.session.preferences.panes)
        variables |= themes.role_variables(self.current_theme, variables, colourless=self.no_color)
        self.theme_variables = variables
        return variables

    # --- drawing -------------------------------------------------------------------------------------------------

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's filters, then ours: the second layer against foreign controls."""
        return [*readable(super().get_line_filters(), self.current_theme), self._controls]

    def frame(self) -> None:
        """Bring the screen that is seen up to date, and the live list behind it."""
        screen = self._base()
        if screen is not None and screen.is_mounted:  # it may lie on top before it is built
            with contextlib.suppress(NoMatches):  # it is being taken down
                screen.tick()
                for between in self.screen_stack[self.screen_stack.index(screen) + 1 : -1]:
                    between.refresh()  # Textual has only the topmost box drawn anew
                if self.current_mode != "live":  # so that there is not much to take in when it is seen again
                    self.live.catch_up()

    # --- the end -------------------------------------------------------------------------------------------------

    def _handle_exception(self, error: Exception) -> None:
        """The screens failed: leave a report without variables, and one sentence instead of a traceback."""
        if self._exception is None:  # one report is enough
            path = crash.write_report(error, self.session.monitor.store.path.parent, self.session.now())
            log.error("the screens failed: %s", type(error).__name__)
            self._exit_renderables.append(Text(crash.farewell(error, path), no_wrap=True, overflow="ignore"))
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """End; Textual would print a traceback with local variables here."""
        self._close_messages_no_wait()

    def panic(self, *renderables: RenderableType) -> None:
        """End; Textual would print the exception's own words here, which may quote foreign text."""
        self._close_messages_no_wait()

    async def action_quit(self) -> None:
        """Quit from anywhere."""
        await self.end()

    async def end(self) -> None:
        """Leave, once it is clear what is to become of what was replaced at the providers."""
        if self._offering is not None:
            await self._offering.end(lambda: self.exit(return_code=0))
        else:
            self.exit(return_code=0)

    def exit(self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """End; an open editor first, which has the terminal: what is said at the end would be lost."""
        editing = self.session.editing
        if editing is None:
            super().exit(result, return_code, message)
        elif not editing.cancelling():  # asked again it would not be waited for
            editing.add_done_callback(lambda _: super(HooktopApp, self).exit(result, return_code, message))
            editing.cancel()

    def action_help_quit(self) -> None:
        """ctrl+c: say how to quit."""
        leave, quits = self.session.key("leave"), self.session.key("quit").replace("^", "ctrl+")
        toast(self, f"{leave} or {quits} quits. Selected text is copied with ctrl+c.")

    def action_suspend_process(self) -> None:
        """ctrl+z does nothing: a stopped process would receive nothing."""

    # --- actions -------------------------------------------------------------------------------------------------

    def action_help(self) -> None:
        """All keys."""
        from monitor.ui.screens.help import HelpScreen

        base = self._base()
        if base is not None:
            self.push_screen(HelpScreen(base.applies, self.session.actions, base.contexts()))

    def action_figures(self) -> None:
        """Figures for the filter in force."""
        from monitor.ui.screens.stats import StatsScreen

        self.push_screen(StatsScreen(self.session))

    def action_coverage(self) -> None:
        """Which kinds of events have come; afterwards the captures of the one that was chosen."""
        from monitor.ui.screens.coverage import CoverageScreen

        self.push_screen(CoverageScreen(self.session), self._kind_chosen)

    async def _kind_chosen(self, chosen: Covered | News | None) -> None:
        from monitor.model.coverage import News
        from monitor.ui.coverage_rows import filter_for

        if isinstance(chosen, News):
            self.post_message(ShowCapture(chosen.capture))
        elif chosen is not None:
            await self.action_view_live()
            while len(self.screen_stack) > 1:
                await self.pop_screen()
            self.live.apply_filter(filter_for(chosen))

    def action_alerts(self) -> None:
        """What is watched for, and what was told."""
        from monitor.ui.screens.alerts import open_alerts

        open_alerts(self, self.session)

    def action_command_palette(self) -> None:
        """Any action by its name."""
        if not any(isinstance(screen, Palette) for screen in self.screen_stack):
            self.push_screen(Palette(placeholder="What do you want to do?", id="--command-palette"))

    def action_times(self) -> None:
        """Time of day or how long ago."""
        preferences = self.session.preferences
        preferences.relative_times = not preferences.relative_times
        preferences.save()
        self._restyle()

    def action_wider(self) -> None:
        """More room for what stands beside the list."""
        self._share_room(1)

    def action_narrower(self) -> None:
        """Less room for it."""
        self._share_room(-1)

    def _share_room(self, steps: int) -> None:
        base = self._base()
        if base is None or not base.has_panes_beside:
            return
        preferences = self.session.preferences
        preferences.panes = sharing.moved(preferences.panes, steps)
        preferences.save()
        self.refresh_css(animate=False)

    def action_mask(self) -> None:
        """Hide or show numbers, names and texts."""
        session = self.session
        session.masked = session.preferences.masked = not session.masked
        session.preferences.save()
        self._restyle()

    def _restyle(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, MonitorScreen):
                screen.restyle()

    def action_export(self) -> None:
        """Write captures into a file."""
        from monitor.ui.screens.export import ExportScreen
        from monitor.ui.which import which

        base = self._base()
        self.push_screen(ExportScreen(self.session, which(base) if base is not None else []))

    def action_import_file(self) -> None:
        """Take in the captures of a file."""
        from monitor.ui import storing

        storing.import_file(self, self.session)

    def action_backup(self) -> None:
        """Copy the database."""
        from monitor.ui.screens.backup import BackupScreen

        self.push_screen(BackupScreen(self.session))

    def action_prune(self) -> None:
        """Delete old captures."""
        from monitor.ui import storing

        storing.prune(self, self.session)

    def action_rejudge(self) -> None:
        """Judge what is stored anew."""
        from monitor.ui import storing

        storing.rejudge(self, self.session)

    def action_theme(self) -> None:
        """Choose a theme."""
        from monitor.ui.screens.themes import ThemeScreen

        others = sorted(name for name in self.available_themes if name not in themes.FIRST)
        self.push_screen(ThemeScreen([*themes.FIRST, *others]), self._theme_chosen)

    def _theme_chosen(self, name: str | None) -> None:
        if name:
            self.session.preferences.choose_theme(name, self._configured_theme)

    async def action_copy(self) -> None:
        """Choose what to copy."""
        from monitor.ui.copy_menu import copy_from

        base = self._base()
        if base is not None:
            await copy_from(base)
