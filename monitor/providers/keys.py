"""Keys: secrets and public keys in every text form that users have them in."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from monitor.secret import fingerprint

if TYPE_CHECKING:  # loading cryptography costs 20 ms; it is done when the first key is
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

PublicKey: TypeAlias = "RSAPublicKey | Ed25519PublicKey"
SigningKey: TypeAlias = "bytes | RSAPrivateKey | Ed25519PrivateKey"

MAX_KEY_TEXT = 16 * 1024
MIN_RSA_BITS = 1024  # below this a key is refused, below 2048 it verifies as weak
MAX_RSA_BITS = 8192
_BOM = b"\xef\xbb\xbf"  # some editors begin a text file with it
_DER = b"0"  # DER of a key begins with 0x30, a SEQUENCE; its base64 begins with M
_SSH_KINDS = (b"ssh-rsa", b"ssh-ed25519")


class KeyProblem(ValueError):
    """A key that cannot be used; the text says why, without showing the key."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key to verify with: ``secret`` for HMAC schemes or ``public`` for RSA and Ed25519.

    ``id`` is ``sha256:`` and the first 8 hex digits of the SHA-256 of the secret's bytes or of the key's SPKI DER.
    ``origin`` says where it came from (an account, a file, "local" for hooktop's own).
    """

    id: str
    origin: str
    secret: bytes | None = field(default=None, repr=False)
    public: PublicKey | None = field(default=None, repr=False)


def secret_key(data: bytes, origin: str) -> Key:
    """An HMAC key of these bytes. Raises KeyProblem when they are empty."""
    if not data:
        raise KeyProblem("the signing secret is empty")
    return Key(fingerprint(data), origin, secret=data)


def typed_key(text: str, origin: str) -> Key:
    """An HMAC key that is a secret's text as it was typed, never decoded. Raises KeyProblem when it is empty."""
    return secret_key(text.strip().encode("utf-8", "surrogatepass"), origin)


def public_key(text: str | bytes, origin: str) -> Key:
    """A public key from its text: PEM SPKI, PEM PKCS#1, OpenSSH one-line, or DER in base64 without armour.

    RSA of 1024 to 8192 bits and Ed25519 are taken. Raises KeyProblem with a sentence on what was found instead.
    """
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if not data.startswith(_DER):  # the last byte of DER may look like white space
        data = data.removeprefix(_BOM).strip()
    if not data:
        raise KeyProblem("the public key is empty")
    if len(data) > MAX_KEY_TEXT:
        raise KeyProblem(f"the public key is {len(data)} bytes long; a key is under {MAX_KEY_TEXT}")
    if b"PRIVATE KEY-----" in data:
        raise KeyProblem("this is a private key; hooktop needs the public one (never give a private key away)")
    if data[:1] == b"<" or b"<html" in data[:512].lower():
        raise KeyProblem("this is an HTML page, not a public key")
    return from_public(_load_public(data), origin)


def from_public(public: object, origin: str) -> Key:
    """A loaded cryptography key as ours. Raises KeyProblem for kinds and sizes that no scheme here takes."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    rsa, ed25519 = _kinds()
    if not isinstance(public, rsa | ed25519):
        kind = type(public).__name__.removeprefix("_").removesuffix("PublicKey")
        raise KeyProblem(f"a public key of the kind {kind} cannot be used; an RSA or Ed25519 key is needed")
    if isinstance(public, rsa) and not MIN_RSA_BITS <= public.key_size <= MAX_RSA_BITS:
        raise KeyProblem(
            f"an RSA key of {public.key_size} bits is refused ({MIN_RSA_BITS} to {MAX_RSA_BITS} are taken)"
        )
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Key(fingerprint(der), origin, public=public)


def whole_fingerprint(key: Key) -> str:
    """The whole SHA-256 of a public key's SPKI DER; of a secret only its id, which helps nobody to guess it."""
    if key.public is None:
        return key.id
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = key.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "sha256:" + hashlib.sha256(der).hexdigest()


@cache
def _kinds() -> tuple[type[RSAPublicKey], type[Ed25519PublicKey]]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    return RSAPublicKey, Ed25519PublicKey


def rsa_public(key: Key) -> RSAPublicKey | None:
    """The key's RSA public key, None for keys of other kinds."""
    public = key.public
    return public if public is not None and isinstance(public, _kinds()[0]) else None


def ed25519_public(key: Key) -> Ed25519PublicKey | None:
    """The key's Ed25519 public key, None for keys of other kinds."""
    public = key.public
    return public if public is not None and isinstance(public, _kinds()[1]) else None


def _load_public(data: bytes) -> object:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import (
        load_der_public_key,
        load_pem_public_key,
        load_ssh_public_key,
    )

    ssh = data.startswith((b"ssh-", b"ecdsa-", b"sk-"))
    if ssh and (kind := data.split(None, 1)[0]).removesuffix(b"-cert-v01@openssh.com") not in _SSH_KINDS:
        name = kind[:40].decode("ascii", "replace")
        raise KeyProblem(f"a public key of the kind {name} cannot be used; an RSA or Ed25519 key is needed")
    try:
        if b"-----BEGIN" in data:
            return load_pem_public_key(data)
        if ssh:
            return load_ssh_public_key(data)
        if data.startswith(_DER):
            return load_der_public_key(data)
        return load_der_public_key(base64.b64decode(b"".join(data.split()), validate=True))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyProblem(
            "the public key cannot be read; PEM, OpenSSH (ssh-rsa ...) and base64 DER are understood"
        ) from error


def signing_key_text(key: SigningKey) -> str:
    """A signing key as text for hooktop's own 0600 key file: base64 of a secret, or PKCS#8 PEM."""
    if isinstance(key, bytes):
        return "secret:" + base64.b64encode(key).decode("ascii")
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def load_signing_key(text: str) -> SigningKey:
    """The reverse of ``signing_key_text``. Raises KeyProblem."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        if text.startswith("secret:"):
            return base64.b64decode(text.removeprefix("secret:"), validate=True)
        loaded = load_pem_private_key(text.encode("ascii"), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyProblem("a local signing key cannot be read") from error
    if not isinstance(loaded, RSAPrivateKey | Ed25519PrivateKey):
        raise KeyProblem("a local signing key is of a kind that no provider here signs with")
    return loaded


def verifying_key(key: SigningKey, origin: str) -> Key:
    """The key that verifies what ``key`` signed."""
    if isinstance(key, bytes):
        return secret_key(key, origin)
    return from_public(key.public_key(), origin)
