"""The keys of today: what captures are verified with, from accounts, fetched public keys and this installation."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from monitor.account import key_form
from monitor.config import Config
from monitor.providers import asked
from monitor.providers.base import Keys
from monitor.providers.keys import MAX_KEY_TEXT, Key, KeyProblem, whole_fingerprint
from monitor.providers.registry import registry
from monitor.providers.volt.signature import KEY_URL
from monitor.secret import KeyringSecret, Secret
from monitor.services import keyring
from monitor.services.keyring import KeyringProblem
from monitor.services.localkeys import LocalKeys
from monitor.services.signingkeys import SigningKeys
from monitor.store.errors import StoreError
from monitor.store.public_keys import PublicKeys

# Where a provider publishes the key that it signs with.
KEY_URLS: Final = {"volt": KEY_URL}
_Entries: TypeAlias = dict[str, str | KeyringProblem]


@dataclass(frozen=True, slots=True)
class KeyTrouble:
    """A key that is configured or needed and cannot be used; ``text`` says why, without showing it or a full stop."""

    provider: str
    account: str | None
    text: str


class _Candidate(NamedTuple):
    """A key that may be there: whose it is, where it comes from, what gives its text, and the fingerprints of which it
    must have one, where any are named."""

    account: str | None
    origin: str
    text: Callable[[], str]
    named: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Held:
    keys: Keys
    troubles: tuple[KeyTrouble, ...]


class Keychain:
    """Gives each provider its keys. They are gathered when first asked for, and anew after it was told that something
    else holds (``fetched``, ``unlock``, ``reached``, ``registered``)."""

    def __init__(
        self,
        config: Config,
        public_keys: PublicKeys | None,
        local: LocalKeys,
        *,
        signing: SigningKeys | None = None,
        from_keyring: Callable[[str], str] = keyring.read,
    ) -> None:
        """``public_keys`` is None where there is no database, ``signing`` has the keys that hooktop made itself.
        ``from_keyring`` gives an entry's text by its name."""
        self.config = config
        self._used = config  # whose secrets are used: ``config``, but while those of another are being read
        self._outdated = False  # what was read of the keyring is to be read again
        self.public_keys = public_keys
        self._public_url = config.receiver.public_url
        self._urls: Mapping[str, tuple[str, ...]] = {}
        self._local = local
        self._signing = signing
        self._made = signing.state() if signing is not None else None
        self._from_keyring = from_keyring
        self._entries: _Entries = {}  # of the keyring, by name, as they were last read
        self._held: dict[str, _Held] = {}

    def keys(self, provider: str) -> Keys:
        """The keys to verify this provider's captures with. Never raises."""
        if self._signing is not None and self._made != (made := self._signing.state()):
            self._made = made  # a command beside this monitor may have made one
            self._held.clear()
        return self._of(provider).keys

    def local_keys(self, provider: str) -> Keys:
        """This installation's own key for the provider: what its simulated events are signed with. Never raises."""
        key = self._local.verifying(provider)
        return Keys((key,) if key is not None else ())

    def fetched(self) -> None:
        """Gather anew from now on: public keys were fetched or trusted."""
        self._held.clear()

    def expect(self, config: Config) -> None:
        """The configuration is another: its secrets are used once ``unlock`` has read the keyring anew."""
        self.config, self._outdated = config, True

    async def unlock(self) -> None:
        """Read the keys that rest in the system's keyring, in a thread: that may wait until the user has unlocked it,
        and no capture is to wait for it. Never raises."""
        config = self.config
        known = {} if self._outdated else {name: text for name, text in self._entries.items() if isinstance(text, str)}
        read = await asyncio.to_thread(self._read, config, known)
        if config is self.config:  # else somebody else reads it for the next one
            # All at once: what comes while the keyring is waited for is judged with what was known before.
            self._used, self._outdated, self._entries, self._held = config, False, read, {}

    def _read(self, config: Config, known: Mapping[str, str]) -> _Entries:
        """What the keyring has of the keys that are wanted, beside what is known of it."""
        entries: _Entries = {**known}
        secrets = [secret for account in config.accounts for secret in account.signing_secrets]
        texts = [partial(self._opened, secret, entries) for secret in secrets]
        made = self._signing.made() if self._signing is not None else ()
        for text in (*texts, *(partial(key.text, partial(self._entry, entries=entries)) for key in made)):
            with suppress(KeyringProblem):
                text()
        return entries

    def reached(self, public_url: str | None) -> None:
        """The world reaches the receiver under another base address from now on."""
        self._public_url = public_url
        self._held.clear()

    def registered(self, urls: Mapping[str, tuple[str, ...]]) -> None:
        """The exact addresses, by provider, that webhooks are known to be registered under: some schemes sign them."""
        self._urls = urls
        self._held.clear()

    @property
    def problems(self) -> tuple[KeyTrouble, ...]:
        """Everything that keeps a configured or needed key from being used."""
        found: list[KeyTrouble] = []
        for provider in registry().names():
            found.extend(self._of(provider).troubles)
        for account in self.config.accounts:  # its plug-in is installed, or the configuration would not be read
            if registry().get(account.provider) is None:
                text = f"no key of it is used: no plug-in that was loaded names its provider {account.provider}"
                found.append(KeyTrouble(account.provider, account.name, text))
        return tuple(found)

    def unfetched(self) -> tuple[str, ...]:
        """The providers that have no key here and publish one."""
        return tuple(name for name in registry().names() if self.key_urls(name) and not self.keys(name).keys)

    def key_urls(self, provider: str) -> tuple[str, ...]:
        """The addresses that the provider's public key is fetched from: none where every account brings a key."""
        return _key_urls(self.config, provider)

    def named(self, provider: str) -> frozenset[str]:
        """The fingerprints that the provider's accounts name: where there are any, no other fetched key is used."""
        return _named(self.config, provider)

    def _of(self, provider: str) -> _Held:
        known = self._held  # ``unlock`` may begin another while this is used in a thread
        held = known.get(provider)
        if held is None:
            held = known[provider] = self._gather(provider)
        return held

    def _gather(self, name: str) -> _Held:
        found: dict[str, Key] = {}
        troubles: list[KeyTrouble] = []
        for candidate in self._candidates(name, troubles):
            try:
                key = asked.key(registry()[name], candidate.text(), candidate.origin)
                # Reckoned from the key itself: the database may say anything.
                if candidate.named and (found_one := whole_fingerprint(key)) not in candidate.named:
                    raise KeyProblem(_other(found_one, candidate.origin))
            except (KeyProblem, KeyringProblem) as error:
                troubles.append(KeyTrouble(name, candidate.account, str(error).removesuffix(".")))
            except Exception as error:  # a plug-in's error must not cost the other keys
                troubles.append(KeyTrouble(name, candidate.account, f"a key cannot be used ({type(error).__name__})"))
            else:
                found.setdefault(key.id, key)
        why_none = None if found else "; ".join(trouble.text for trouble in troubles) or None
        urls = self._urls.get(name, ())
        keys = Keys(tuple(found.values()), urls, self._public_url, why_none=why_none)
        return _Held(keys, tuple(troubles))

    def _candidates(self, provider: str, troubles: list[KeyTrouble]) -> Iterator[_Candidate]:
        used = self._used
        for account in used.accounts:
            if account.provider == provider:
                for secret in account.signing_secrets:
                    yield _Candidate(account.name, account.name, partial(self._opened, secret))
                if account.public_key is not None and key_form(account.public_key) != "address":
                    own = frozenset([account.fingerprint] if account.fingerprint else [])
                    yield _Candidate(account.name, account.name, partial(_own_key, account.public_key), own)
        for key in self._signing.made(provider) if self._signing is not None else ():
            yield _Candidate(key.account, f"{key.account}, made by hooktop", partial(key.text, self._entry))
        if not _key_urls(used, provider):
            return
        try:
            rows = self.public_keys.rows(provider) if self.public_keys is not None else []
        except StoreError as error:
            troubles.append(KeyTrouble(provider, None, str(error).removesuffix(".")))
            return
        named = _named(used, provider)
        fitting = [row for row in rows if (row.fingerprint in named if named else row.trusted)]
        for row in fitting:
            yield _Candidate(None, row.origin, partial(str, row.text), named)
        if named and rows and rows[0].fingerprint not in named:
            troubles.append(KeyTrouble(provider, None, _other(rows[0].fingerprint, rows[0].origin)))
        elif not fitting:
            label = registry()[provider].label
            text = f"{label}'s public key was not fetched yet: run hooktop keys fetch {provider}"
            troubles.append(KeyTrouble(provider, None, text))

    def _opened(self, secret: Secret, entries: _Entries | None = None) -> str:
        return self._entry(secret.name, entries) if isinstance(secret, KeyringSecret) else secret.reveal()

    def _entry(self, name: str, entries: _Entries | None = None) -> str:
        """The text of an entry of the keyring, which is asked for once. Raises KeyringProblem."""
        known = self._entries if entries is None else entries
        found = known.get(name)
        if found is None:
            try:
                found = self._from_keyring(name)
            except KeyringProblem as problem:
                found = problem
            known[name] = found
        if isinstance(found, KeyringProblem):
            raise KeyringProblem(str(found))
        return found


def _key_urls(config: Config, provider: str) -> tuple[str, ...]:
    settings = [account.public_key for account in config.accounts if account.provider == provider] or [None]
    urls = (
        KEY_URLS.get(provider) if text is None else text
        for text in settings
        if text is None or key_form(text) == "address"
    )
    return tuple(dict.fromkeys(url for url in urls if url))


def _named(config: Config, provider: str) -> frozenset[str]:
    own = (account.fingerprint for account in config.accounts if account.provider == provider)
    return frozenset(fingerprint for fingerprint in own if fingerprint)


def _other(fingerprint: str, origin: str) -> str:
    return (
        f"the public key {fingerprint} from {origin} is not used: the configuration names another "
        "(public_key_fingerprint); name this one there if it is genuine"
    )


def _own_key(setting: str) -> str:
    """The text of a ``public_key`` setting: itself, or what is in the file that it names. Raises KeyProblem."""
    if key_form(setting) == "text":
        return setting
    try:
        with Path(setting).open("rb") as file:
            data = file.read(MAX_KEY_TEXT + 1)
    except FileNotFoundError:
        raise KeyProblem(f"the public key file {setting} was not found") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such name is possible"
        raise KeyProblem(f"the public key file {setting} cannot be read ({reason})") from None
    return key_text(data)


def key_text(data: bytes) -> str:
    """A key file's bytes as text: DER is written in base64, all else is text already."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return base64.b64encode(data).decode("ascii")
