"""How Volt signs: RSA over the raw body, in a header whose scheme and text form no document names.

A small fixed list of schemes and forms is tried under the trusted keys and the one that matched is told; none of them
opens a way to forge, for each verifies against the same keys. Events of the registration system are signed as Standard
Webhooks v1a instead (https://github.com/respondflow/Webhook-Verification).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Final, NamedTuple

from monitor.jsonbody import Body
from monitor.model.capture import Request
from monitor.model.verdict import Check, Verdict, VerdictStatus
from monitor.providers.base import Keys, Signed
from monitor.providers.keys import Key, KeyProblem, rsa_public
from monitor.providers.signatures import (
    Undecodable,
    altered_bodies,
    counted,
    from_base64,
    from_base64url,
    from_hex,
    header_values,
)
from monitor.providers.standard import signature as standard

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    from monitor.providers.keys import SigningKey

HEADER: Final = "x-respond-flow-signature"
KEY_URL: Final = "https://callbacks.respondflow.com/id_rsa.pub"
STRONG_BITS: Final = 2048
_FORMS: Final = (("hex", from_hex), ("base64", from_base64), ("base64url", from_base64url))
# Forms that are refused, with what makes them one of those taken.
_LOOSE: Final[tuple[tuple[str, Callable[[str], str]], ...]] = (
    ("base64: it is base64 without padding", lambda value: value + "=" * (-len(value) % 4)),
    ("hex: it is hex text in mixed case", str.lower),
)
_MISSING: Final = Verdict(
    VerdictStatus.MISSING,
    f"the header {HEADER} is missing, and Volt signs what it sends",
    checks=(Check("header", False, f"no {HEADER}"),),
)


@dataclass(frozen=True, slots=True)
class _Scheme:
    """One way to sign. ``name`` is the first part of a verdict's scheme, ``words`` the same for people."""

    name: str
    words: str
    digest: Callable[[bytes], hashlib._Hash]
    padding: AsymmetricPadding
    hash: Prehashed
    weak: bool = False


class _Given(NamedTuple):
    """A signature value decoded for the length of one key."""

    key: Key
    public: RSAPublicKey
    form: str
    data: bytes


_sha1: Final = partial(hashlib.sha1, usedforsecurity=False)  # systems with a strict policy have no other


@cache
def _schemes() -> tuple[_Scheme, ...]:
    """The candidates, the most likely first."""
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512

    sha1, sha256, sha512 = Prehashed(SHA1()), Prehashed(SHA256()), Prehashed(SHA512())  # noqa: S303 - weak, and called so
    pkcs = PKCS1v15()
    return (
        _Scheme("rsa-pkcs1v15-sha256", "RSA PKCS#1 v1.5, SHA-256", hashlib.sha256, pkcs, sha256),
        _Scheme("rsa-pkcs1v15-sha1", "RSA PKCS#1 v1.5, SHA-1", _sha1, pkcs, sha1, weak=True),
        _Scheme("rsa-pkcs1v15-sha512", "RSA PKCS#1 v1.5, SHA-512", hashlib.sha512, pkcs, sha512),
        _Scheme("rsa-pss-sha256", "RSA-PSS, SHA-256", hashlib.sha256, PSS(MGF1(SHA256()), PSS.AUTO), sha256),
        _Scheme("rsa-pss-sha512", "RSA-PSS, SHA-512", hashlib.sha512, PSS(MGF1(SHA512()), PSS.AUTO), sha512),
    )


@lru_cache(maxsize=16)
def _ordered(first: str | None) -> tuple[_Scheme, ...]:
    """The candidates with the one that matched last before the others."""
    name = (first or "").partition("/")[0]
    return tuple(sorted(_schemes(), key=lambda scheme: scheme.name != name))


def is_registration(request: Request) -> bool:
    """Whether the request is signed as events of the registration system are."""
    return "v1a" in standard.versions_of(request)


def verify(request: Request, body: Body, keys: Keys, now: float) -> Verdict:
    """The verdict on a request at the Unix time ``now``, which only registration events sign. Never raises."""
    values = header_values(request, HEADER)
    if not values:
        if is_registration(request):
            return standard.verify(request, body, keys, now, versions=("v1a",))
        return _MISSING
    given = list(_decoded(values, keys.keys))
    if given and (found := _match(given, request.body, keys.scheme_first)):
        (key, public, form, _), scheme = found
        return _verified(key.id, key.origin, scheme.name, form, public.key_size)
    return _refused(request, body, keys, values)


def _decoded(values: Sequence[str], keys: Iterable[Key]) -> Iterator[_Given]:
    """Each header value as a signature under each RSA key, as far as its text and length allow."""
    for key in keys:
        if (public := rsa_public(key)) is not None:
            size = (public.key_size + 7) // 8
            for value in values:
                # hex of the right length is base64 as well, so the length decides
                for form, decode in _FORMS if len(value) == 2 * size else _FORMS[1:]:
                    try:
                        data = decode(value, size)
                    except Undecodable:
                        continue
                    yield _Given(key, public, form, data)
                    break


def _match(given: Sequence[_Given], body: bytes, first: str | None) -> tuple[_Given, _Scheme] | None:
    digests: dict[Callable[[bytes], hashlib._Hash], bytes] = {}  # a body is hashed once for all keys and paddings
    for scheme in _ordered(first):
        digest = digests.get(scheme.digest)
        if digest is None:
            digest = digests[scheme.digest] = scheme.digest(body).digest()
        for each in given:
            try:
                each.public.verify(each.data, digest, scheme.padding, scheme.hash)
            except _refusals():
                continue
            return each, scheme
    return None


@cache
def _refusals() -> tuple[type[Exception], ...]:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    return InvalidSignature, UnsupportedAlgorithm  # some systems' policy has no SHA-1


@lru_cache(maxsize=256)
def _verified(key_id: str, origin: str, name: str, form: str, bits: int) -> Verdict:
    """The verdict on a match: nothing in it is of the single request, so one serves all of the same kind."""
    scheme = next(scheme for scheme in _schemes() if scheme.name == name)
    weak = (["SHA-1"] if scheme.weak else []) + ([f"{bits}-bit key"] if bits < STRONG_BITS else [])
    said = f"{scheme.words}, {form}"
    checks = (
        Check("header", True, HEADER),
        Check("key", True, f"{key_id} ({origin}), RSA of {bits} bits"),
        Check("encoding", True, form),
        Check("length", True, f"{(bits + 7) // 8} bytes, as the key asks for"),
        Check("compare", True, f"{said}, over the raw body"),
        Check("time", True, "this scheme signs no time"),
    )
    reason = "weak: " + ", ".join(weak) if weak else said
    return Verdict(VerdictStatus.VERIFIED, reason, f"{name}/{form}", key_id, checks=checks)


def _refused(request: Request, body: Body, keys: Keys, values: Sequence[str]) -> Verdict:
    """Why nothing matched."""
    header = Check("header", True, HEADER if len(values) == 1 else f"{HEADER}, {len(values)} times")
    known = keys.keys
    usable = [(key, public) for key in known if (public := rsa_public(key)) is not None]
    if not usable:
        if known:
            reason = f"none of the configured keys ({len(known)}) is RSA: add Volt's public key ({KEY_URL})"
        else:
            reason = keys.why_none or f"there is no key to check with: add Volt's public key ({KEY_URL})"
        return Verdict(VerdictStatus.NO_KEY, reason, checks=(header, Check("key", False, reason)))
    named = ", ".join(f"{key.id} ({key.origin}), RSA of {public.key_size} bits" for key, public in usable)
    checks = [header, Check("key", True, named)]
    given = list(_decoded(values, known))
    if not given:
        sizes = sorted({(public.key_size + 7) // 8 for _, public in usable})
        step, reason = _undecodable(values[0], sizes)
        checks.append(Check(step, False, reason))
        near = _near_header(request, values, known)
    else:
        reason = f"no match with {counted(len(usable), 'key')} under {len(_schemes())} schemes over the raw body"
        checks.append(Check("encoding", True, ", ".join(sorted({each.form for each in given}))))
        checks.append(Check("length", True, ", ".join(sorted({f"{len(each.data)} bytes" for each in given}))))
        tried = "; ".join(scheme.words for scheme in _ordered(keys.scheme_first))
        checks += [Check("compare", False, f"{key.id}: neither {tried}") for key, _ in usable]
        near = _near_body(request, body, given)
    return Verdict(VerdictStatus.INVALID, reason, near_miss=near, checks=tuple(checks))


def _undecodable(value: str, sizes: Sequence[int]) -> tuple[str, str]:
    """The step at which decoding failed, and why."""
    if not value:
        return "header", "the header is empty"
    wanted = " or ".join(map(str, sizes))
    for form, decode in _FORMS:
        try:
            decode(value, 0)
        except Undecodable as error:
            if (length := error.length) is not None:
                return "length", f"wrong length: {length} bytes of {form} instead of {wanted}"
    return "encoding", "undecodable: neither base64, base64url nor hex"


def _near_body(request: Request, body: Body, given: Sequence[_Given]) -> str | None:
    for words, changed in altered_bodies(request.body, body):
        if _match(given, changed, None):
            return f"would match {words}"
    return None


def _near_header(request: Request, values: Sequence[str], keys: Sequence[Key]) -> str | None:
    """A signature that is there, but in a form that no sender should use, or wrapped: broken into lines, quoted, or
    behind a word such as ``sha256=``."""
    for words, change in _LOOSE:
        if _match(list(_decoded([change(value) for value in values], keys)), request.body, None):
            return f"would match if the header were {words}"
    bare = ["".join(value.split()).strip("\"'").split("=", 1)[-1] for value in values]
    bare += ["".join(value.split()).strip("\"'") for value in values]
    if _match(list(_decoded(bare, keys)), request.body, None):
        return "would match if the header held the signature alone, without blanks, quotes or a prefix"
    return None


def signed(request: Request) -> Sequence[Signed]:
    """What a right signature would have been made over."""
    if request.header(HEADER) is None and is_registration(request):
        return standard.signed(request)
    return (Signed("the raw body", request.body),)


def sign(body: bytes, key: SigningKey) -> list[tuple[str, str]]:
    """The header of a PKCS#1 v1.5 SHA-256 signature in base64, the likeliest form. Raises KeyProblem."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256

    if not isinstance(key, RSAPrivateKey):
        raise KeyProblem("Volt signs with RSA; this key is of another kind")
    signature = key.sign(body, PKCS1v15(), SHA256())
    return [(HEADER, base64.b64encode(signature).decode("ascii"))]


def local_key() -> SigningKey:
    """A new RSA key of 2048 bits."""
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    return generate_private_key(public_exponent=65537, key_size=STRONG_BITS)
