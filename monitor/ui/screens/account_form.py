"""The form for a provider's account: written to the configuration, its secrets to the keyring where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from monitor.account import SETTINGS
from monitor.admin.base import Field
from monitor.config import ConfigError
from monitor.secret import Secret
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
_OFFERED: Final = tuple(name for name, settings in SETTINGS.items() if any(s.field == "api_secret" for s in settings))


class AccountForm(Overlay[str]):
    """Asks for an account and adds it; gives its name, or None."""

    CSS_PATH = "webhooks.tcss"
    AUTO_FOCUS = ""

    def __init__(self, webhooks: Webhooks) -> None:
        super().__init__()
        self._webhooks = webhooks
        self._provider = _OFFERED[0]
        self._busy = False

    def compose(self) -> ComposeResult:
        """One box with the fields."""
        with Vertical(classes="box", id="account-form") as box:
            box.border_title = heading("Add an account")
            box.border_subtitle = heading("enter adds it, tab next field, esc closes")
            first = {PROVIDER: self._provider, NAME: self._free(self._provider)}
            yield Form(self._fields(), first, secrets=self._secrets())
            yield Plain(id="account-note")

    def on_mount(self) -> None:
        self.query_one(Form).focus_field(PROVIDER)
        self._say("Secrets go to the system's keyring where there is one, else into the file, readable by you alone.")

    def _fields(self) -> list[Field]:
        fields = [
            Field(PROVIDER, "Provider", "Whose account it is.", _OFFERED, free=False, required=True),
            Field(NAME, "Name", "What hooktop calls it: letters, digits, - and _.", required=True),
        ]
        for setting in SETTINGS[self._provider]:
            words = f"A reference works as well: env:{setting.variable}."
            if setting.secret:
                several = "; several with commas" if setting.many else ""
                words = f"Not shown{several}. A reference works as well: env:{setting.variable}, keyring:NAME."
            elif setting.default is not None:
                words = f"Leave it empty for {setting.default}."
            fields.append(Field(setting.name, _label(setting.name), words, many=setting.many))
        return fields

    def _secrets(self) -> frozenset[str]:
        return frozenset(setting.name for setting in SETTINGS[self._provider] if setting.secret)

    @on(Form.Changed)
    async def _changed(self) -> None:
        form = self.query_one(Form)
        values = form.values()
        provider = values.get(PROVIDER, "")
        if provider in _OFFERED and provider != self._provider:
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
        values = self.query_one(Form).values()
        found = {}
        if values.get(PROVIDER) not in _OFFERED:
            found[PROVIDER] = f"hooktop knows {', '.join(_OFFERED)}; choose one."
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
            self._say("Adding it; the system may ask to unlock its keyring.")
            self.run_worker(self._add(form.values()), group="account")

    async def _add(self, typed: dict[str, str]) -> None:
        settings = {setting.name: setting for setting in SETTINGS[self._provider]}
        values: dict[str, str | Secret | Sequence[str | Secret]] = {}
        for name, setting in settings.items():
            texts = [text.strip() for text in typed.get(name, "").split(",")] if setting.many else [typed.get(name, "")]
            several = [_secret(text) if setting.secret else text for text in texts if text]
            if several:
                values[name] = several if setting.many else several[0]
        try:
            added = await self._webhooks.add_account(typed[NAME], self._provider, values)
        except ConfigError as error:
            self._say(str(error), bad=True)
        except Exception as error:  # whatever the file or the keyring has, the screens go on
            self._say(f"The account could not be added ({type(error).__name__}).", bad=True)
        else:
            toast(self.app, added.sentence, timeout=12)
            if (said := self._webhooks.unseated()) is not None:
                toast(self.app, said, severity="warning", timeout=12)
            self.end(typed[NAME])
        finally:
            self._busy = False

    def _say(self, text: str, *, bad: bool = False) -> None:
        self.query_one("#account-note", Plain).show_parts(((visible(text, limit=600), "bad" if bad else "quiet"),))


def _label(name: str) -> str:
    words = " ".join(_WRITTEN.get(word, word) for word in _SHORT.get(name, name).split("_"))
    return words[:1].upper() + words[1:]


def _secret(text: str) -> str | Secret:
    return text if text.startswith((ENV, KEYRING)) else Secret(text)
