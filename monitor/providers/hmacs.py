"""What the HMAC schemes share: a secret, one signature header, a short list of texts that may have been signed.

The steps are those of every verdict: header, key, decode, compare (every key, every candidate). A scheme that signs
its time judges that afterwards. The way to a match is kept cheap; what went wrong is worked out only when nothing did
match.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from monitor.model.capture import Request
from monitor.model.verdict import Check, Verdict, VerdictStatus
from monitor.providers.base import Keys
from monitor.providers.keys import Key, KeyProblem
from monitor.providers.signatures import (
    Undecodable,
    counted,
    from_base64,
    from_base64url,
    from_hex,
    header_values,
    same,
)

if TYPE_CHECKING:
    from monitor.providers.keys import SigningKey


class Candidate(NamedTuple):
    """A text that may have been signed, legitimately by the provider's documents; ``label`` completes "over ..."."""

    label: str
    message: bytes


class Guess(NamedTuple):
    """A text that a mistake would have signed, with what to say if it did; ``secret`` changes the key likewise.

    A guess without a message cannot be tried: its hint is given when it is reached.
    """

    hint: str
    message: bytes | None
    detail: str = ""
    secret: Callable[[bytes], bytes | None] | None = None


class Match(NamedTuple):
    """The candidate whose MAC was the one given, and the key that made it."""

    label: str
    key: Key


class Scheme:
    """How one provider signs with a secret, and the verdicts that follow from it."""

    __slots__ = ("_decode", "_passed", "advice", "always", "digest", "form", "header", "name", "size")

    def __init__(self, *, header: str, digest: str, size: int, form: str, always: bool, advice: str) -> None:
        """``header`` is a name in lower case, ``digest`` a hash with ``size`` bytes, ``form`` ``base64`` or ``hex``.

        ``always`` is true where the provider's documents say that every request is signed, so that an absent header is
        an alarm even without a key; ``advice`` says what to do without one.
        """
        self.header = header
        self.digest = digest
        self.size = size
        self.form = form
        self.always = always
        self.advice = advice
        self.name = f"hmac-{digest}/{form}"
        self._decode = from_base64 if form == "base64" else from_hex
        self._passed = (Check("header", True, f"{header} is there"), Check("encoding", True, f"{form} of {size} bytes"))

    def mac(self, secret: bytes, message: bytes) -> bytes:
        """The MAC of a message."""
        return hmac.digest(secret, message, self.digest)

    def match(self, request: Request, keys: Keys, candidates: Iterable[Candidate]) -> Match | None:
        """The first candidate and key that made one of the header's values; None when there is none."""
        given = self._decoded(request, [])
        if not given or not keys.keys:
            return None
        for label, message in candidates:
            for key in keys.keys:
                if key.secret is not None:
                    mac = self.mac(key.secret, message)
                    for value in given:
                        if same(mac, value):
                            return Match(label, key)
        return None

    def accepted(
        self,
        match: Match,
        reason: str,
        over: str,
        *,
        status: VerdictStatus = VerdictStatus.VERIFIED,
        age_s: float | None = None,
        time: tuple[Check, ...] = (),
    ) -> Verdict:
        """The verdict on a match; ``over`` says what is signed and completes the scheme's name."""
        key = match.key
        header, encoding = self._passed
        used = Check("key", True, f"{key.id} ({key.origin})")
        checks = (header, used, encoding, Check("compare", True, f"over {match.label}"), *time)
        return Verdict(status, reason, f"{self.name} over {over}", key.id, None, age_s, checks)

    def refused(
        self,
        request: Request,
        keys: Keys,
        candidates: Iterable[Candidate],
        guesses: Iterable[Guess],
        problem: str | None = None,
    ) -> Verdict:
        """The verdict where nothing matched: why, and what would have. ``problem`` is why nothing was compared."""
        values = header_values(request, self.header)
        configured = sum(key.secret is not None for key in keys.keys)
        if not values:
            return self._absent(configured > 0)
        if not configured:
            return self._no_key(keys)
        candidates, undecodable = tuple(candidates), list[str]()
        given = self._decoded(request, undecodable)
        header, encoding = self._passed
        checks = [header, Check("key", True, counted(configured, "key"))]
        checks.append(encoding if given else Check("encoding", False, undecodable[0]))
        if not given:
            reason = undecodable[0]
        elif problem:
            reason = problem
            checks.append(Check("compare", False, problem))
        else:
            reason = f"no match: {counted(configured, 'key')} tried over {_listed(candidates)}"
            checks.extend(Check("compare", False, f"no key over {candidate.label}") for candidate in candidates)
        secrets = [key.secret for key in keys.keys if key.secret is not None]
        others = [form for value in values for form in _forms(value, self.size) if form[1] not in given]
        hint, detail = self._other_form(others, candidates, secrets) or self._near_miss(given, guesses, secrets)
        if hint:
            checks.append(Check("near miss", False, f"{hint}: {detail}" if detail else hint))
        return Verdict(VerdictStatus.INVALID, reason, self.name, near_miss=hint, checks=tuple(checks))

    def signing_secret(self, key: SigningKey) -> bytes:
        """The secret to sign with. Raises KeyProblem for a key of another kind."""
        if not isinstance(key, bytes):
            raise KeyProblem(f"{self.header} is made with a secret, not with an RSA or Ed25519 key")
        return key

    def _decoded(self, request: Request, problems: list[str]) -> list[bytes]:
        given: list[bytes] = []
        for value in header_values(request, self.header):
            try:
                given.append(self._decode(value, self.size))
            except Undecodable as error:
                problems.append(str(error))
        return given

    def _absent(self, configured: bool) -> Verdict:
        if configured:
            reason = f"{self.header} is absent although a key is set"
        elif self.always:
            reason = f"{self.header} is absent, but the provider signs every webhook"
        else:
            reason = f"{self.header} is absent and no key is set; signing is optional here"
        status = VerdictStatus.MISSING if configured or self.always else VerdictStatus.UNSIGNED
        return Verdict(status, reason, checks=(Check("header", False, f"{self.header} is absent"),))

    def _no_key(self, keys: Keys) -> Verdict:
        reason = f"signed, but there is no key to check with: {keys.why_none or self.advice}"
        checks = (self._passed[0], Check("key", False, keys.why_none or self.advice))
        return Verdict(VerdictStatus.NO_KEY, reason, self.name, checks=checks)

    def _near_miss(
        self, given: Sequence[bytes], guesses: Iterable[Guess], secrets: Sequence[bytes]
    ) -> tuple[str | None, str]:
        if given:
            for hint, message, detail, change in guesses:
                if message is None:
                    return hint, detail
                for secret in secrets:
                    used = secret if change is None else change(secret)
                    mac = self.mac(used, message) if used else b""
                    if any(same(mac, value) for value in given):
                        return hint, detail
        return None, ""

    def _other_form(
        self, forms: Sequence[tuple[str, bytes]], candidates: Sequence[Candidate], secrets: Sequence[bytes]
    ) -> tuple[str, str] | None:
        if forms:
            for label, message in candidates:
                for mac in [self.mac(secret, message) for secret in secrets]:
                    for words, data in forms:
                        if same(mac, data):
                            return f"would match if the header were {self.form}: it is {words}", f"over {label}"
        return None


def _forms(value: str, size: int) -> Iterator[tuple[str, bytes]]:
    """The readings of a header value in forms other than its own, with the form's name."""
    for prefix in ("sha256=", "sha512="):
        if value.startswith(prefix):
            yield from ((f"{words} after {prefix}", data) for words, data in _bare(value.removeprefix(prefix), size))
    yield from _bare(value, size)


def _bare(value: str, size: int) -> Iterator[tuple[str, bytes]]:
    padded = value + "=" * (-len(value) % 4)
    readers: tuple[tuple[str, Callable[[str, int], bytes], str], ...] = (
        ("hex text", from_hex, value),
        ("hex text in mixed case", from_hex, value.lower()),
        ("base64", from_base64, value),
        ("base64 without padding", from_base64, padded),
        ("url-safe base64", from_base64url, value),
    )
    for words, decode, text in readers:
        try:
            yield words, decode(text, size)
        except Undecodable:
            continue


def _listed(candidates: Sequence[Candidate]) -> str:
    labels = [candidate.label for candidate in candidates[:3]]
    return " and ".join(labels) + (f" and {len(candidates) - 3} more" if len(candidates) > 3 else "")
