"""View 4: the registrations of all accounts as desired state: what is wanted, what is there, what mends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical

from monitor.config import ConfigError
from monitor.model.drift import DriftRow, State
from monitor.model.registration import ChangeState
from monitor.services.registrations import Outcome, Panel
from monitor.services.webhooks import DEMO_ACCOUNTS, Webhooks
from monitor.ui.actions import Action, bindings
from monitor.ui.format import count
from monitor.ui.lines import Part
from monitor.ui.offering import Offering
from monitor.ui.safety import toast
from monitor.ui.screens.base import TALL
from monitor.ui.screens.frame import TRIPLE, ListScreen, over_list
from monitor.ui.screens.registration import RegistrationScreen, addresses_of, named_mend
from monitor.ui.session import Session
from monitor.ui.webhook_rows import adrift, heading, mending
from monitor.ui.widgets.bars import Bar
from monitor.ui.widgets.empty import Empty
from monitor.ui.widgets.rows import Cursor
from monitor.ui.widgets.webhook_list import WebhookList
from monitor.ui.widgets.webhook_pane import WebhookPane

READ_ONLY: Final = "This is off: hooktop runs read-only and changes nothing at a provider."


class WebhooksScreen(ListScreen):
    """The accounts, each with its registrations; below or beside them the one under the cursor in full."""

    CSS_PATH: ClassVar = ["messages.tcss", "webhooks.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = bindings("webhooks")
    HELPED: ClassVar[frozenset[str]] = frozenset({"everywhere", "webhooks", "rows", "pane"})

    def __init__(self, session: Session, webhooks: Webhooks, offering: Offering) -> None:
        super().__init__(session)
        self._webhooks = webhooks
        self._offering = offering
        self._version = -1
        self._mends_all = False  # whether there is something that one key mends all of

    def compose_main(self) -> ComposeResult:
        """The list, and the pane."""
        with Container(id="main"):
            with Vertical(id="left"):
                yield Bar(self._heading, id="heading")
                yield WebhookList(self.session)
                yield Empty()
            yield WebhookPane(self.session, self._webhooks, id="registration")

    def on_mount(self) -> None:
        self.rows.focus()
        self.catch_up()
        if any(panel.refreshed_at is None and panel.busy is None for panel in self._webhooks.registrations.panels()):
            self.action_look()

    # --- parts ---------------------------------------------------------------------------------------------------

    @property
    def rows(self) -> WebhookList:
        """The list."""
        return self.query_one(WebhookList)

    @property
    def pane(self) -> WebhookPane:
        """The pane."""
        return self.query_one(WebhookPane)

    @property
    def _row(self) -> DriftRow | None:
        """The registration under the cursor."""
        entry = self.rows.selected
        return None if entry is None else entry.row

    @property
    def mends(self) -> bool:
        """Whether a key mends the registration under the cursor."""
        return self._row is not None and mending(self._row) is not None

    @property
    def capture_number(self) -> int | None:
        """The capture under the cursor, while the pane is in use."""
        return self.pane.capture_number if self.pane.has_focus_within else None

    def addresses(self) -> list[tuple[str, str]]:
        """The addresses that can be copied, each with what it is."""
        return [] if self.capture_number is not None else addresses_of(self.rows.selected, self.session)

    def contexts(self) -> Sequence[str]:
        """Those of the pane in use."""
        return ("pane", "rows", "webhooks") if self.pane.has_focus_within else ("rows", "webhooks")

    def applies(self, action: Action) -> bool:
        """Keys that change something are off where hooktop only watches; others where there is nothing for them."""
        if action.context == "webhooks" and action.changes and self._webhooks.registrations.read_only:
            return False
        if action.id == "copy":
            return self.capture_number is not None or bool(self.addresses())
        if action.context == "webhooks":
            return action.id != "register" or bool(self.rows.entries)  # which takes an account
        opens = self.capture_number is not None if self.pane.has_focus_within else bool(self.rows.entries)
        return super().applies(action) and (action.id != "open" or opens)

    def keys(self) -> list[Action]:
        """As for every screen; what mends is named where there is something to mend, and as the row names it."""
        shown = named_mend(super().keys(), self._row, self.session.actions)
        return [action for action in shown if action.id != "mend_all" or self._mends_all]

    def modes(self) -> Sequence[Part]:
        """What points elsewhere is said over the list."""
        return ()

    def note(self) -> str:
        """Where the cursor stands."""
        return f"{count(self.rows.cursor + 1)}/{count(len(self.rows.entries))}" if self.rows.entries else ""

    # --- bringing up to date -------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Take in what changed, then draw it."""
        self.catch_up()
        self.follow_cursor()
        self.query_one("#heading", Bar).update()
        self.hold_focus()
        super().tick()

    def catch_up(self) -> None:
        """Take in what the accounts have become."""
        registrations = self._webhooks.registrations
        version = registrations.version
        if version != self._version:
            panels = registrations.panels()
            if self._version >= 0:
                self._look_at_new(panels)
            self.rows.take(panels)
            self._mends_all = bool(registrations.plan_mend_all())
            self.set_class(not panels, "-empty")
            if not panels:
                self._show_empty()
            self._version = version  # only now: before its widgets are there, all of this fails

    def _look_at_new(self, panels: Sequence[Panel]) -> None:
        """Ask the providers of accounts that came while this view is open, or that were changed."""
        begun = {worker.group for worker in self.workers if not worker.is_finished}
        new = [one for one in panels if one.refreshed_at is None and one.busy is None and one.trouble is None]
        self._look([one for one in new if _look_of(one) not in begun])

    def _look(self, panels: Sequence[Panel]) -> None:
        for panel in panels:
            self.run_worker(self._webhooks.registrations.refresh(panel.account), group=_look_of(panel))

    def _show_empty(self) -> None:
        if self._webhooks.takes_accounts:
            key = self.session.changing_key
            here = key and ((key("account"), "accent"), ("  adds one: provider, name, credentials", "quiet"))
            how: tuple[tuple[Part, ...], ...] = (
                *((here, ()) if here else ()),
                (("or from another terminal" if here else "from another terminal", "quiet"),),
                (("hooktop accounts add bird", "plain"),), (),
                (("or in the environment, such as", "quiet"),), (("VOLT_API_TOKEN=… hooktop", "plain"),),
            )  # fmt: skip
        else:
            how = ((("The providers of the demonstration are being started.", "quiet"),),)
        self.query_one(Empty).say((("No account with a provider yet", "strong"),), (), *how)

    def restyle(self) -> None:
        """Draw list and pane again."""
        self.rows.arranged()
        self.pane.restyle()
        super().restyle()

    def _heading(self, width: int) -> list[list[Part]]:
        listed = self.rows
        if not listed.entries:
            return [[]]
        panels = self._webhooks.registrations.panels()
        away = adrift(panels)
        state: list[Part] = []
        if away:
            keys = "" if self._webhooks.registrations.read_only else f", {self.session.key('mend_all')} re-points"
            state = [(f" {count(away, 'registration')} elsewhere{keys} ", "chip")]
        labels = heading(panels, listed.scrollable_content_region.width or width, self.session.changing_key)
        return over_list(labels, state, width, between="  ")

    @property
    def split(self) -> bool:
        """Whether the pane is seen, below the list or beside it."""
        return self.size.width >= TRIPLE or self.size.height >= TALL

    @property
    def has_panes_beside(self) -> bool:
        """Whether the pane is beside the list, not below it."""
        return self.size.width >= TRIPLE

    @on(Cursor.Moved, "#webhooks")
    def follow_cursor(self) -> None:
        """Show the registration."""
        if self.split:
            self.pane.follow(self.rows.selected)

    @on(Cursor.Opened, "#webhooks")
    def _open(self) -> None:
        if self.split:
            self.pane.items.focus()
        else:
            self.open_alone(RegistrationScreen(self.session, self._webhooks, self))

    # --- changes -------------------------------------------------------------------------------------------------

    def _may_change(self) -> bool:
        if self._webhooks.registrations.read_only:
            toast(self.app, READ_ONLY, severity="warning")
            return False
        return True

    def _need_row(self, what: str, instead: str = "") -> DriftRow | None:
        row = self._row
        if row is None:
            toast(self.app, f"There is no registration under the cursor to {what}{instead}.", severity="warning")
        return row

    def action_register(self) -> None:
        """The form for a new webhook."""
        from monitor.ui.screens.webhook_form import WebhookForm

        entry = self.rows.selected
        if entry is None:
            self.action_account()
        elif self._may_change():
            self.app.push_screen(WebhookForm(self.session, self._webhooks, entry.panel.account), self._registered)

    def _registered(self, outcome: Outcome | None) -> None:
        """Put the cursor on what was registered."""
        if outcome is None or outcome.state is not ChangeState.DONE:
            return
        self.catch_up()
        plan, found = outcome.plan, outcome.registration
        if found is None or not self.rows.choose(f"{plan.account}/{found.id}"):
            self.rows.choose(f"{plan.account}//{plan.subject}")

    def action_mend(self) -> None:
        """The one change that mends the row."""
        row = self._need_row("mend") if self._may_change() else None
        if row is None:
            return
        if row.state is State.NO_ADDRESS:
            self.action_public_url()
        elif row.state is State.NOT_LISTED:
            self.action_look()
        else:
            plan = self._webhooks.registrations.plan_mend(row)
            problem = plan.problems.get("")
            if plan.change is None and problem is not None:
                toast(self.app, problem)
            else:
                self._offering.carry_out((plan,), "Mend")

    def action_mend_all(self) -> None:
        """Everything of ours at once."""
        if not self._may_change():
            return
        plans = self._webhooks.registrations.plan_mend_all()
        if plans:
            self._offering.carry_out(plans, f"Mend all: {count(len(plans), 'change')}")
        else:
            toast(self.app, "There is nothing to mend that is yours and that the providers' APIs can do.")

    def action_switch(self) -> None:
        """Off, or on again."""
        row = self._need_row("switch off") if self._may_change() else None
        if row is None:
            return
        active = row.found is not None and row.found.active is False
        plan = self._webhooks.registrations.plan_active(row, active)
        if plan.problems and not plan.request:
            toast(self.app, next(iter(plan.problems.values())), severity="warning")
        else:
            self._offering.carry_out((plan,), "Activate" if active else "Deactivate")

    def action_edit(self) -> None:
        """The form for the settings of what is there."""
        from monitor.ui.screens.webhook_form import WebhookForm

        row = self._need_row("change") if self._may_change() else None
        if row is None:
            return
        admin = self._webhooks.registrations.admin(row.account)
        if admin is None or not admin.fields({}):
            label, key = self._webhooks.registrations.panel(row.account).label, self.session.key("public_url")
            toast(
                self.app,
                f"A webhook of {label} has nothing but its address; {key} changes that for all.",
            )
        else:
            self.app.push_screen(WebhookForm(self.session, self._webhooks, row.account, row), self._registered)

    def action_remove(self) -> None:
        """Remove what is there, and want it no longer."""
        entry = self.rows.selected
        account = f"; 'hooktop accounts remove {entry.panel.account}' removes the account" if entry else ""
        row = self._need_row("remove", account) if self._may_change() else None
        if row is not None:
            self._offering.carry_out((self._webhooks.registrations.plan_remove(row),), "Remove")

    async def action_restore(self) -> None:
        """What can be put back."""
        if self._may_change():
            await self._offering.choose()  # the next key may be meant for what is offered: D removes, here

    # --- asking --------------------------------------------------------------------------------------------------

    def action_look(self) -> None:
        """Ask all providers again."""
        self._look(self._webhooks.registrations.panels())

    def action_rehearse(self) -> None:
        """Try the way here."""
        from monitor.ui.screens.rehearsal import RehearsalScreen

        entry = self.rows.selected
        if self.session.monitor.reach.public_url is None:
            key = self.session.changing_key
            how = key("public_url") if key else "--public-url"
            toast(self.app, f"There is no public URL yet; {how} sets one, a tunnel gives one.", severity="warning")
        elif entry is not None:
            self.app.push_screen(RehearsalScreen(self.session, self._webhooks, entry.panel.provider))

    def action_api_log(self) -> None:
        """Every call to the providers."""
        from monitor.ui.screens.api_log import ApiLogScreen

        self.app.push_screen(ApiLogScreen(self.session, self._webhooks.registrations))

    def action_public_url(self) -> None:
        """Another public address."""
        from monitor.ui.screens.public_url import PublicUrlScreen

        if not self._may_change():
            return
        reach = self.session.monitor.reach
        rows = [row for panel in self._webhooks.registrations.panels() for row in panel.rows]
        registered = sum(row.wanted is not None and row.found is not None and row.found.url == row.url for row in rows)

        def chosen(url: str | None) -> None:
            if url is not None:
                reach.change(url)

        self.app.push_screen(
            PublicUrlScreen(self._webhooks, reach.public_url, registered, self.session.key("mend_all")), chosen
        )

    def action_account(self) -> None:
        """The form for another account."""
        from monitor.ui.screens.account_form import AccountForm

        if not self._webhooks.takes_accounts:
            toast(self.app, DEMO_ACCOUNTS)
        elif self._may_change():
            self.app.push_screen(AccountForm(self._webhooks), self._added)

    async def action_change_account(self) -> None:
        """The form for the settings of the account under the cursor."""
        entry = self.rows.selected
        if not self._webhooks.takes_accounts:
            toast(self.app, DEMO_ACCOUNTS)
        elif entry is None:
            self.action_account()
        elif self._may_change():
            await self._change_account(entry.panel.account)  # what is typed next is meant for the form

    async def _change_account(self, name: str) -> None:
        from monitor.ui.screens.account_form import AccountForm

        try:
            await self._webhooks.check_change(name)
        except ConfigError as problem:
            toast(self.app, str(problem), severity="warning")
        else:
            self.app.push_screen(AccountForm(self._webhooks, self._webhooks.account(name)), self._added)

    def _added(self, account: str | None) -> None:
        if account is not None:
            self.catch_up()  # at once: the next key may be meant for the account that came
            self.run_worker(self._try_account(account), group="account")
            if more := self.session.unproven():
                toast(self.app, more)

    async def _try_account(self, account: str) -> None:
        """A harmless call, where there is an API, then all that it has."""
        if self._webhooks.registrations.admin(account) is None:
            return
        tested = await self._webhooks.registrations.test(account)
        toast(self.app, tested.sentence, severity="information" if tested.ok else "error")
        if tested.ok:
            await self._webhooks.registrations.refresh(account)


def _look_of(panel: Panel) -> str:
    """The group of the workers that ask an account's provider."""
    return f"look-{panel.account}"
