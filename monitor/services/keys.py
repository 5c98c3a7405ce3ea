"""What people do with verification keys: list them, fetch a provider's, trust one that changed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monitor.providers import asked
from monitor.providers.base import Provider
from monitor.providers.keys import Key, KeyProblem, rsa_public, whole_fingerprint
from monitor.providers.registry import registry
from monitor.services.keychain import Keychain, key_text
from monitor.store.public_keys import Fetch, PublicKeyRow, PublicKeys
from monitor.times import utc_now

SECRET: Final = "secret"  # noqa: S105 - the kind of a key
_HEX: Final = re.compile(r"[0-9a-f]{8,64}")


class KeysError(Exception):
    """What was asked for could not be done; the text is a whole sentence: what, why, what to do."""


class KeysUsageError(KeysError):
    """What was asked for is nothing that can be."""


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that hooktop has or was sent.

    ``fingerprint`` is ``sha256:`` and 64 hex digits, of a secret 8. ``kind`` is ``RSA``, ``Ed25519``, ``secret`` or
    ``unreadable``; ``bits`` is None for secrets. ``fetched_at`` is None for keys that were not fetched. ``in_use``
    tells whether verdicts are made with it now, ``refused`` that they never are: the configuration names another.
    """

    provider: str
    fingerprint: str
    kind: str
    bits: int | None
    origin: str
    fetched_at: datetime | None
    trusted: bool
    in_use: bool
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """A key that was just fetched, and what it is in the light of those known before."""

    key: KnownKey
    outcome: Fetch

    @property
    def sentence(self) -> str:
        """What happened and what to do, for people."""
        what = f"{self.key.kind} key {self.key.fingerprint} from {self.key.origin}"
        match self.outcome:
            case Fetch.NEW:
                return f"The {what} is new: it is the first for {self.key.provider} and trusted from now on."
            case Fetch.UNCHANGED:
                return f"The {what} is unchanged."
            case Fetch.CHANGED:
                return (
                    f"The {what} is not the one trusted before, and not used until you have made sure that it is "
                    f"genuine and run: hooktop keys trust {self.key.fingerprint}"
                )
            case Fetch.OTHER:
                return (
                    f"The {what} is not used: the configuration names another (public_key_fingerprint). "
                    "If this one is genuine, name it there."
                )


def listed(keychain: Keychain) -> list[KnownKey]:
    """Every key by provider: those in use, then those that were fetched and wait or rest. Raises StoreError."""
    found: list[KnownKey] = []
    stored = keychain.public_keys
    for provider in registry():
        rows = stored.rows(provider.name) if stored is not None else []
        used = (*keychain.keys(provider.name).keys, *keychain.local_keys(provider.name).keys)
        in_use = {whole_fingerprint(key): key for key in used}
        for fingerprint, key in in_use.items():
            row = next((row for row in rows if row.fingerprint == fingerprint), None)
            at, origin = (None, key.origin) if row is None else (row.fetched_at, row.origin)
            found.append(KnownKey(provider.name, fingerprint, *_kind(key), origin, at, True, True))
        named = keychain.named(provider.name)
        for row in rows:
            if row.fingerprint not in in_use:
                found.append(_resting(provider, row, refused=bool(named) and row.fingerprint not in named))
    return found


async def fetch(keychain: Keychain, provider: str, *, now: Callable[[], datetime] = utc_now) -> list[Fetched]:
    """Fetch the provider's public key from each address that its accounts name, or from its own.

    A first key is trusted at once, a changed one is kept and not used; where accounts name a fingerprint, that decides.
    Raises KeysError and StoreError.
    """
    from monitor.admin.fetch import FetchError, fetch_public_key, without_query

    known, stored = _known(provider), _stored(keychain)
    urls = keychain.key_urls(provider)
    if not urls:
        if any(account.provider == provider and account.public_key for account in keychain.config.accounts):
            raise KeysError(f"Every {provider} account brings a public key of its own, so there is none to fetch.")
        raise KeysError(f"{known.label} publishes no key; add its signing secret with hooktop accounts add or change.")
    found = []
    for url in urls:
        origin = without_query(url)
        try:
            key = asked.key(known, key_text(await fetch_public_key(url)), origin)
        except FetchError as error:
            raise KeysError(str(error)) from None
        except KeyProblem as error:
            raise KeysError(f"What {origin} sent cannot be used: {error}; the keys known before stay in use.") from None
        fingerprint, text, at = whole_fingerprint(key), _pem(key), now()
        named = keychain.named(provider)
        is_named = fingerprint in named if named else None
        outcome = await asyncio.to_thread(stored.add, provider, fingerprint, text, origin, at, named=is_named)
        trusted, refused = outcome in (Fetch.NEW, Fetch.UNCHANGED), outcome is Fetch.OTHER
        known_key = KnownKey(provider, fingerprint, *_kind(key), origin, at, trusted, trusted, refused)
        found.append(Fetched(known_key, outcome))
    keychain.fetched()
    return found


def trust(keychain: Keychain, fingerprint: str) -> KnownKey:
    """Use a fetched key from now on, beside those trusted before; 8 or more hex digits of its fingerprint name it.

    Raises KeysError and StoreError.
    """
    stored = _stored(keychain)
    digits = fingerprint.strip().lower().removeprefix("sha256:")
    if not _HEX.fullmatch(digits):
        raise KeysUsageError("A fingerprint is sha256: and 8 to 64 hex digits; hooktop keys list shows them.")
    rows = [row for row in stored.rows() if row.fingerprint.startswith(f"sha256:{digits}")]
    if len({row.fingerprint for row in rows}) != 1:
        how_many = "Several fetched keys have" if rows else "No fetched key has"
        raise KeysError(f"{how_many} the fingerprint sha256:{digits}; hooktop keys list shows them in full.")
    for row in rows:
        if (named := keychain.named(row.provider)) and row.fingerprint not in named:
            raise KeysError(
                f"The configuration names another key for {row.provider} (public_key_fingerprint); "
                f"if {row.fingerprint} is genuine, name it there."
            )
    for row in rows:
        stored.trust(row.provider, row.fingerprint)
    keychain.fetched()
    return next(key for key in listed(keychain) if key.fingerprint == rows[0].fingerprint)


def _known(provider: str) -> Provider:
    found = registry().get(provider)
    if found is None:
        raise KeysUsageError(f"There is no provider {provider!r}; known are {', '.join(registry().names())}.")
    return found


def _stored(keychain: Keychain) -> PublicKeys:
    if keychain.public_keys is None:
        raise KeysError("Fetched keys are kept in a database, and there is none here; name one with --db.")
    return keychain.public_keys


def _resting(provider: Provider, row: PublicKeyRow, *, refused: bool) -> KnownKey:
    try:
        kind, bits = _kind(asked.key(provider, row.text, row.origin))
    except KeyProblem:
        kind, bits = "unreadable", None
    return KnownKey(provider.name, row.fingerprint, kind, bits, row.origin, row.fetched_at, row.trusted, False, refused)


def _kind(key: Key) -> tuple[str, int | None]:
    if key.public is None:
        return SECRET, None
    rsa = rsa_public(key)
    return ("RSA", rsa.key_size) if rsa is not None else ("Ed25519", 256)


def _pem(key: Key) -> str:
    if key.public is None:
        raise KeysError(f"What {key.origin} sent is no public key; check the address.")
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
