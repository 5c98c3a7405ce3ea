"""What this installation alone knows: its keys for simulated events, the secret of its stamp, path token and mark.

All of it is in one file, made when something in it is first used. It is read again when it has changed, and changed
under a lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from monitor.providers.keys import Key, KeyProblem, load_signing_key, signing_key_text, verifying_key
from monitor.providers.registry import BUILT_IN, FAILS, registry
from monitor.services.keyfile import KeyFile
from monitor.services.reach import MARK_PREFIX

if TYPE_CHECKING:
    from monitor.providers.base import Provider
    from monitor.providers.keys import SigningKey

FILE_NAME: Final = "local-keys.json"
TOKEN_BYTES: Final = 24  # 192 random bits in a path token
MARK_BYTES: Final = 4
_MARK: Final = re.compile(rf"{MARK_PREFIX}[0-9a-f]{{{2 * MARK_BYTES}}}")
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Content:
    """The file: signing keys by provider as ``signing_key_text`` writes them, two secrets in ASCII, and a name."""

    keys: dict[str, str] = field(default_factory=dict)
    stamp: str | None = None
    path_token: str | None = None
    mark: str | None = None


class LocalKeys:
    """The keys and secrets of this installation. Methods that make one when it is missing raise KeyProblem, in a
    sentence, when the file cannot be written; the others never raise."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is hooktop's data folder; nothing is made in it yet."""
        self._file = KeyFile(folder / FILE_NAME)
        self._state: object = None
        self._content = _Content()
        self._loaded: dict[str, tuple[str, Key]] = {}
        self._lock = threading.RLock()

    def signing_key(self, provider: str) -> SigningKey:
        """The key that a provider's simulated events are signed with; a new one takes up to half a second.

        Raises KeyProblem, also for a provider that nobody knows.
        """
        found = registry().get(provider)
        if found is None:
            raise KeyProblem(f"There is no provider {provider!r}; known are {', '.join(registry().names())}.")
        text = self._current().keys.get(provider)
        if text is not None:
            with contextlib.suppress(KeyProblem):
                key = load_signing_key(text)
                if _still_signs_with(found, key):
                    return key
            log.warning("the local key of %s cannot be used; a new one is made", provider)

        def make(content: _Content) -> None:
            if content.keys.get(provider) in (None, text):  # else another process was faster
                content.keys[provider] = _new_key(found)

        return load_signing_key(self._change(make).keys[provider])

    def verifying(self, provider: str) -> Key | None:
        """The key that verifies a provider's simulated events, None as long as there are none."""
        text = self._current().keys.get(provider)
        if text is None:
            return None
        held = self._loaded.get(provider)
        if held is None or held[0] != text:
            try:
                held = text, verifying_key(load_signing_key(text), "local")
            except KeyProblem:
                return None
            self._loaded[provider] = held
        return held[1]

    def stamp(self, body: bytes) -> str:
        """The header value that proves that this installation made the body: HMAC-SHA256 in hex. Raises KeyProblem."""

        def make(content: _Content) -> None:
            content.stamp = content.stamp or secrets.token_hex(32)

        secret = self._current().stamp or self._change(make).stamp or ""
        return _stamp(secret, body).decode("ascii")

    def is_stamp(self, body: bytes, value: str) -> bool:
        """Whether ``value``, of whatever origin, is this installation's stamp for the body."""
        secret = self._current().stamp
        return secret is not None and hmac.compare_digest(_stamp(secret, body), value.encode("utf-8", "replace"))

    def path_token(self) -> str:
        """The secret last segment of hook paths, where they are asked for. Raises KeyProblem."""

        def make(content: _Content) -> None:
            content.path_token = content.path_token or secrets.token_urlsafe(TOKEN_BYTES)

        return self._current().path_token or self._change(make).path_token or ""

    def mark(self) -> str:
        """The last segment of the hook paths that this installation registers: no secret. Raises KeyProblem."""

        def make(content: _Content) -> None:
            content.mark = content.mark or MARK_PREFIX + secrets.token_hex(MARK_BYTES)

        return self._current().mark or self._change(make).mark or ""

    def _current(self) -> _Content:
        """The content of the file, read again only when it has changed."""
        with self._lock:
            if (state := self._file.state()) != self._state:
                self._content, self._state = _Content(), state
                try:
                    self._content = _content(self._file.read())
                except (OSError, ValueError) as error:  # told once: until it changes, it is not read again
                    log.warning("%s cannot be read (%s)", FILE_NAME, type(error).__name__)
            return self._content

    def _change(self, change: Callable[[_Content], None]) -> _Content:
        try:
            with self._lock, self._file.alone():
                try:
                    content = _content(self._file.read())
                except (FileNotFoundError, ValueError):
                    content = _Content()  # what cannot be read protects nothing but simulations: begin anew
                change(content)
                self._file.write(asdict(content))
        except OSError as error:
            raise KeyProblem(
                f"The local keys in {self._file.path} cannot be written ({error.strerror}); make the folder writable."
            ) from None
        return content


def _new_key(provider: Provider) -> str:
    try:
        return signing_key_text(provider.local_key())
    except FAILS as error:  # a plug-in's
        why = type(error).__name__
        raise KeyProblem(f"{provider.name} makes no local key ({why}); its plug-in has to be mended.") from error


def _still_signs_with(provider: Provider, key: SigningKey) -> bool:
    """Whether a key is of the kind that the provider makes today: a plug-in may be of another version than it was."""
    return provider.name in BUILT_IN or type(key) is type(load_signing_key(_new_key(provider)))


def _stamp(secret: str, body: bytes) -> bytes:
    return hmac.new(secret.encode("ascii"), body, hashlib.sha256).hexdigest().encode("ascii")


def _content(data: Mapping[str, Any]) -> _Content:
    """What the file holds; what in it is of another form is left out."""
    keys = data.get("keys")
    kept = {str(k): v for k, v in keys.items() if isinstance(v, str)} if isinstance(keys, dict) else {}
    mark = data.get("mark")
    known = isinstance(mark, str) and _MARK.fullmatch(mark)
    return _Content(kept, _text(data.get("stamp")), _text(data.get("path_token")), mark if known else None)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.isascii() and len(value) >= TOKEN_BYTES else None
