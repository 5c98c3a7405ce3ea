"""The form for a provider's account: written to the configuration, its secrets to the keyring where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from monitor.account import Account, Setting, settings_of, with_accounts
from monitor.admin.base import Field
from monitor.config import ConfigError
from monitor.secret import Secret
from monitor.services.accounts import Values, Written, masked
from monitor.services.webhooks import Webhooks
from monitor.text import visible
from monitor.tomlfile import ENV, KEYRING
from monitor.ui.safety import Plain, toast
from monitor.ui.screens.overlay import Overlay, heading
from monitor.ui.widgets.form import Form

PROVIDER: Final = "provider"
_WRITTEN: Final = {"api": "API", "url": "URL", "id": "ID"}  # words of settings that are not lower case
_SHORT: Final = {"public_key_fingerprint": "key_fingerprint"}  # ... and what is too long for the column of labels
NAME: Final = "name"


class AccountForm(Overlay[str]):
    """Asks for an account and adds it, or for other settings of one that there is; gives its name, or None."""

    CSS_PATH = "webhooks.tcss"
    AUTO_FOCUS = ""

    def __init__(self, webhooks: Webhooks, account: Account | None = None) -> None:
        """``account`` is changed, None adds one."""
        super().__init__()
        self._webhooks = webhooks
        self._account = account
        self._offered = with_accounts()
        self._provider = self._offered[0] if account is None else account.provider
        self._busy = False

    def compose(self) -> ComposeResult:
        """One box with the fields."""
        account, does = self._account, "adds it"
        first = {PROVIDER: self._provider, NAME: self._free(self._provider)}
        if account is not None:
            first, does = {setting.name: _typed(account, setting) for setting in self._settings()}, "changes it"
        with Vertical(classes="box", id="account-form") as box:
            box.border_title = heading("Add an account" if account is None else f"Change the account {account.name}")
            box.border_subtitle = heading(f"enter {does}, tab next field, esc closes")
            yield Form(self._fields(), first, secrets=self._secrets())
            yield Plain(id="account-note")

    def on_mount(self) -> None:
        self.query_one(Form).focus_field(PROVIDER)
        self._say("Secrets go to the system's keyring where there is one, else into the file, readable by you alone.")

    def _settings(self) -> Sequence[Setting]:
        return settings_of(self._provider) or ()

    def _fields(self) -> list[Field]:
        fields = [_setting_field(setting, self._account) for setting in self._settings()]
        if self._account is not None:
            return fields
        return [
            Field(PROVIDER, "Provider", "Whose account it is.", self._offered, free=False, required=True),
            Field(NAME, "Name", "What hooktop calls it: letters, digits, - and _.", required=True),
            *fields,
        ]

    def _secrets(self) -> frozenset[str]:
        return frozenset(setting.name for setting in self._settings() if setting.secret)

    @on(Form.Changed)
    async def _changed(self) -> None:
        form = self.query_one(Form)
        values = form.values()
        provider = values.get(PROVIDER, "")
        if provider in self._offered and provider != self._provider:
            before, self._provider = self._provider, provider
            await form.set_fields(self._fields(), self._secrets())
            if values.get(NAME) in ("", self._free(before)):
                next(row for row in form.rows if row.field.name == NAME).put(self._free(provider))
        form.wrong(self._problems())

    def _free(self, provider: str) -> str:
        """A name for an account that no other has: the provider's, with a number where it is taken."""
        taken = {panel.account for panel in self._webhooks.registrations.panels()}
        names = (provider, *(f"{provider}-{number}" for number in range(2, len(taken) + 2)))
        return next(name for name in names if name not in taken)

    def _problems(self) -> dict[str, str]:
        if self._account is not None:
            return {}
        values = self.query_one(Form).values()
        found = {}
        if values.get(PROVIDER) not in self._offered:
            found[PROVIDER] = f"hooktop knows {', '.join(self._offered)}; choose one."
        if not values.get(NAME):
            found[NAME] = "An account needs a name."
        elif values[NAME] in (panel.account for panel in self._webhooks.registrations.panels()):
            found[NAME] = "There is an account with this name; choose another."
        return found

    @on(Form.Submitted)
    def _submitted(self) -> None:
        form = self.query_one(Form)
        problems = self._problems()
        form.wrong(problems)
        if problems:
            form.focus_problem()
        elif not self._busy:
            self._busy = True
            self._say("Writing it; the system may ask to unlock its keyring.")
            self.run_worker(self._write(form.values()), group="account")

    async def _write(self, typed: dict[str, str]) -> None:
        values, account = self._values(typed), self._account
        try:
            if account is None:
                written = await self._webhooks.add_account(typed[NAME], self._provider, values)
            elif values:
                written = await self._webhooks.change_account(account.name, values)
            else:
                self.end(None)
                return
        except ConfigError as error:
            self._say(str(error), bad=True)
        except Exception as error:  # whatever the file or the keyring has, the screens go on
            self._say(f"The account could not be written ({type(error).__name__}).", bad=True)
        else:
            self._tell(written)
            self.end(written.account.name)
        finally:
            self._busy = False

    def _tell(self, written: Written) -> None:
        toast(self.app, written.sentence, timeout=12)
        if not written.changed and (said := self._webhooks.unseated()) is not None:
            toast(self.app, said, severity="warning", timeout=12)

    def _values(self, typed: dict[str, str]) -> Values:
        """What was typed for each setting, without what stays as it is."""
        account = self._account
        values: dict[str, str | Secret | Sequence[str | Secret]] = {}
        for setting in self._settings():
            text = typed.get(setting.name, "")
            if text == ("" if account is None else _typed(account, setting)):
                continue
            texts = [part.strip() for part in text.split(",")] if setting.many else [text]
            several = [_secret(one) if setting.secret else one for one in texts if one or not setting.many]
            if several:  # else there were commas alone
                values[setting.name] = several
        return values

    def _say(self, text: str, *, bad: bool = False) -> None:
        self.query_one("#account-note", Plain).show_parts(((visible(text, limit=600), "bad" if bad else "quiet"),))


def _setting_field(setting: Setting, account: Account | None) -> Field:
    words, empty = f"A reference works as well: env:{setting.variable or 'NAME'}.", ""
    if setting.secret:
        several = "; several with commas" if setting.many else ""
        words = f"Not shown{several}. {words.removesuffix('.')}, keyring:NAME."
    elif setting.default is not None:
        words = f"Leave it empty for {setting.default}."
    now = masked(account, setting) if account is not None and not _typed(account, setting) else ""
    if now and setting.default is None:
        more, empty = ("Added to what there is. " if setting.many else ""), f"{now} stays"
        words = f"{more}Leave it empty to keep it. {words}"
    return Field(setting.name, _label(setting.name), words, many=setting.many, empty=empty)


def _typed(account: Account, setting: Setting) -> str:
    """A setting as it can be typed: nothing for what is not shown, and for what holds unless something else is set."""
    value = getattr(account, setting.field)
    shown = value is not None and not setting.secret and masked(account, setting) == value
    return value if shown and value != setting.default else ""


def _label(name: str) -> str:
    words = " ".join(_WRITTEN.get(word, word) for word in _SHORT.get(name, name).split("_"))
    return words[:1].upper() + words[1:]


def _secret(text: str) -> str | Secret:
    return text if text.startswith((ENV, KEYRING)) else Secret(text)
