"""The form for a webhook, new or to be changed: fields with live validation, and the exact request below them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from monitor.admin.base import UNCHANGED, Field
from monitor.model.drift import DriftRow
from monitor.model.registration import ChangeState
from monitor.services.registrations import Outcome, Panel, Plan
from monitor.services.webhooks import Webhooks
from monitor.text import visible
from monitor.ui import redact
from monitor.ui.documents.change import plan_lines, request_lines
from monitor.ui.documents.look import BLANK
from monitor.ui.lines import Document, Line, line
from monitor.ui.safety import Plain
from monitor.ui.screens.overlay import Overlay, heading
from monitor.ui.session import Session
from monitor.ui.widgets.form import Form
from monitor.ui.widgets.lines_view import LinesView

ACCOUNT: Final = "account"


class WebhookForm(Overlay[Outcome]):
    """Asks for the settings of a webhook and goes on to send them; gives what came of it, or None."""

    CSS_PATH = "webhooks.tcss"
    AUTO_FOCUS = ""  # what is typed at once must not go to the wrong field
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pagedown", "scroll(1)", show=False),
        Binding("pageup", "scroll(-1)", show=False),
        Binding("enter", "send", show=False),
    ]

    def __init__(self, session: Session, webhooks: Webhooks, account: str, row: DriftRow | None = None) -> None:
        """``row`` is what is to be changed; None for a new webhook of ``account`` or another that is chosen here."""
        super().__init__()
        self._session = session
        self._webhooks = webhooks
        self._account = account
        self._row = row
        self._plan: Plan | None = None
        self._first: Mapping[str, str] = {}  # what the fields said when this opened
        self._touched = False

    def compose(self) -> ComposeResult:
        """One box: title, fields, the request."""
        spec = self._given()
        with Vertical(classes="box", id="webhook-form") as box:
            box.border_title = heading("Change a webhook" if self._row is not None else "Register a webhook")
            box.border_subtitle = heading("enter goes on, tab next field, esc closes")
            yield Plain(id="form-title")
            yield Form(self._fields(spec), {ACCOUNT: self._account, **spec}, secrets=frozenset())
            yield LinesView(id="form-request")

    def on_mount(self) -> None:
        rows = self._form.rows
        own = [row for row in rows if row.field.name != ACCOUNT]
        first = next((row for row in own if row.field.required and not row.text), next(iter(own or rows), None))
        if first is not None:
            self._form.focus_field(first.field.name)
        else:
            self.query_one(LinesView).focus()
        self._first = self._form.values()
        self._work_out()

    @property
    def _form(self) -> Form:
        return self.query_one(Form)

    def _given(self) -> Mapping[str, str]:
        """The settings to begin with."""
        if self._row is None:
            return {}
        if self._row.found is not None:
            return self._row.found.spec
        return self._row.wanted.spec if self._row.wanted is not None else {}

    def _fields(self, spec: Mapping[str, str]) -> list[Field]:
        registrations = self._webhooks.registrations
        panels: dict[str, Panel] = {panel.account: panel for panel in registrations.panels()}
        fields = []
        if self._row is None and {self._account} != panels.keys():
            labels = ", ".join(
                f"{visible(name, limit=40)} is {panel.label}"
                for name, panel in panels.items()
                if name != panel.label.lower()  # which says it already
            )
            words = f"Where it is registered{labels and ': '}{labels}."
            fields.append(Field(ACCOUNT, "Account", words, tuple(panels), free=False))
        admin = registrations.admin(self._account)
        return [*fields, *(admin.fields(spec) if admin is not None else ())]

    def _spec(self) -> dict[str, str]:
        return {name: text for name, text in self._form.values().items() if name != ACCOUNT and text}

    @on(Form.Changed)
    async def _changed(self) -> None:
        self._touched |= self._form.values() != self._first
        if self._chosen in self._known:
            self._account = self._chosen
        await self._form.set_fields(self._fields(self._spec()))
        self._work_out()

    @property
    def _chosen(self) -> str:
        """The account that the form names."""
        return self._form.values().get(ACCOUNT, self._account)

    @property
    def _known(self) -> list[str]:
        """The accounts there are, which may become others while this is open."""
        return [panel.account for panel in self._webhooks.registrations.panels()]

    def _work_out(self) -> None:
        """Show what would be asked for now."""
        registrations, account = self._webhooks.registrations, self._chosen
        gone = f"There is no account {visible(account, limit=60)} any more."
        if self._row is not None:
            plan = registrations.plan_edit(self._row, self._spec())
        else:
            plan = registrations.plan_add(self._account, self._spec())
        problems = {**plan.problems, **({} if account in self._known else {ACCOUNT: gone})}
        self._plan = plan if not problems else None
        self._form.wrong(problems)
        token = self._session.token
        label = registrations.panel(plan.account).label
        title = f"{'Change' if self._row is not None else 'Register'} a webhook with {label} ({plan.account})"
        self.query_one("#form-title", Plain).show(title if problems else redact.target(plan.title, token))
        names = {row.field.name for row in self._form.rows}
        lines = [*self._problem_lines({name: text for name, text in problems.items() if name not in names})]
        lines += plan_lines(plan, token)
        if plan.request:
            lines += [*([BLANK] if lines else []), line(("The request", "accent")), *request_lines(plan, token)]
        elif plan.change is None and not problems:
            lines.append(line(("Nothing is asked of the provider.", "quiet")))
        self.query_one(LinesView).show(Document(lines), keep=True)

    def _problem_lines(self, problems: Mapping[str, str]) -> list[Line]:
        token = self._session.token
        return [
            line((text, "quiet"))
            if text == UNCHANGED and not self._touched  # of course: nobody has changed anything yet
            else line(("✖ ", "bad"), (redact.shown(text, token, limit=600), "bad"), indent=2)
            for text in problems.values()
        ]

    @on(Form.Submitted)
    def action_send(self) -> None:
        """Go on to the rehearsal and the sending."""
        from monitor.ui.screens.change import ChangeScreen

        self._touched = True  # as far as it is going to be
        self._work_out()
        plan = self._plan
        if plan is None:
            self._form.focus_problem()
            return

        def over(outcomes: tuple[Outcome, ...] | None) -> None:
            if outcomes and outcomes[-1].state is not ChangeState.FAILED:
                self.dismiss(outcomes[-1])

        title = "Change a webhook" if self._row is not None else "Register a webhook"
        self.app.push_screen(ChangeScreen(self._session, self._webhooks, (plan,), title=title), over)

    def action_scroll(self, pages: int) -> None:
        """Move the request."""
        self.query_one(LinesView).move_pages(pages * 0.5)
