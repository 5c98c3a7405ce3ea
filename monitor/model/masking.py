"""Requests with disguises in place of what is private in them, their structure kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from monitor import jsonbody
from monitor.model.capture import STAMP_HEADER, Request
from monitor.model.disguise import NUMBER, REMEMBERED, UUID, WHATSAPP_ID, Disguise
from monitor.model.jsontext import Path, rewrite
from monitor.model.private import Kind, kind_of

SHORTEST: Final = 7  # digits of a number
NATIONAL: Final = 10  # digits by which a number is known without its country's
LONGEST: Final = 256  # characters of an id or a word; more is a file in base64
MAX_INSIDE: Final = 3  # levels of JSON that stands as a text in JSON
_ADDRESS: Final = re.compile(
    r"([a-zA-Z][a-zA-Z0-9+.-]*://)([^\s/?#\"'<>]*)([^\s?#\"'<>]*)(\?[^\s#\"'<>]*)?(#[^\s\"'<>]*)?"
)
# Beside ids that hold a number, credentials that bear a mark of their kind.
_MARKED: Final = re.compile(
    rf"{WHATSAPP_ID.pattern}|(?<![\w.])(?:(?:sk|pk|rk|whsec|gh[pousr]|xox[abprs])[_-][\w+/=-]{{8,}}"
    r"|eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?|AKIA[0-9A-Z]{16})"
)
_SCHEME: Final = re.compile(r"(?:(?<=[ ,;])|\A)(v[0-9]a?[,=]|sha[0-9]{1,3}=|t=[0-9]{1,13},)")
_JSON_NUMBER: Final = re.compile(r"(-?)([0-9]+)((?:\.[0-9]+)?)((?:[eE][+-]?[0-9]+)?)")
_SHIFT: Final = re.compile(r"[eE]\+?([0-9]{1,2})")
_NUMBER: Final = re.compile(r"\+?[0-9][0-9 ().\-/]{5,22}[0-9]")
_RUN: Final = re.compile(r"(?<![0-9])[0-9]{10,17}(?![0-9])")
_NOT_DIGITS: Final = re.compile(r"[^0-9]")
_TIME: Final = re.compile(r"[0-9]{1,19}(?:\.[0-9]+)?|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]+)?(?:Z|[+-][0-9:]+)?")
_UNCODED: Final = "!$&'()*+,;=:@"  # beside letters and digits, in a segment of a path
_PLAIN_SEGMENT: Final = re.compile(r"[a-z]{2,20}|v[0-9]{1,2}")
_KEPT_HEADERS: Final = frozenset(
    {
        "accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "connection",
        "content-encoding", "content-length", "content-type", "date", "expect", "host", "keep-alive", "te",
        "transfer-encoding", "user-agent", "via", "x-forwarded-port", "x-forwarded-proto",
    }
)  # fmt: skip


class Masker:
    """Masks what is handed on together: the same value gets the same mask everywhere."""

    def __init__(
        self,
        disguise: Disguise,
        kept: Mapping[str, frozenset[str]],
        secrets: Iterable[str] = (),
        signing: Iterable[str] = (),
    ) -> None:
        """``kept`` has for each provider the paths (keys with dots) whose sentences are the provider's own and stay;
        ``secrets`` are texts that must not stand anywhere, ``signing`` the headers (in lower case) that carry a
        signature."""
        self._disguise = disguise
        self._kept = kept
        self._signing = frozenset({STAMP_HEADER, *signing})
        # The digits of numbers that were somebody's, and their last ten, each with all of the number.
        self._parties: dict[str, str] = {}
        self._secrets = [(secret, disguise.letters(secret)) for secret in sorted(secrets, key=len, reverse=True)]

    def request(self, request: Request, provider: str) -> Request:
        """The request with path, query, headers and body masked; its content-length is that of the masked body."""
        body = self._body(request, provider)
        headers: list[tuple[str, str]] = []
        for name, value in request.headers:
            if name.lower() == "content-length" and value.strip() == str(len(request.body)):
                headers.append((name, str(len(body))))
            else:
                headers.append((name, self._covered(self._header(name, value))))
        return replace(
            request,
            path=self._covered(self._path(request.path)),
            query=self._covered(self._form(request.query, every=True)),
            headers=tuple((name, self._named(value)) for name, value in headers),
            body=self._named(body.decode("latin-1")).encode("latin-1"),
        )

    def words(self, text: str) -> str:
        """A sentence of ours with the numbers, addresses and secrets that it quotes masked."""
        return self._named(self._covered(self._tokens(text, ours=True)))

    def json(self, text: str, kept: frozenset[str] = frozenset()) -> str:
        """A JSON text with its values masked; at the paths in ``kept`` sentences stay."""
        return self._named(self._covered(self._json(text, kept)))

    def meet(self, parties: Iterable[str]) -> None:
        """Take these for somebody's numbers from the start: they may stand in an id before a field tells them."""
        for party in parties:
            self._meet(Kind.PARTY, party)

    def _json(self, text: str, kept: frozenset[str] = frozenset(), depth: int = 0) -> str:

        def value(path: Path, old: str) -> str:
            old = self._covered(old)  # JSON may write the signs of a secret in other ways
            if ".".join(path) in kept:
                return self._tokens(old)
            self._meet(kind_of(path), old)
            return self._value(kind_of(path), old, depth)

        def number(path: Path, written: str) -> str:
            kind = kind_of(path)
            if kind in (Kind.SECRET, Kind.PLACE):
                return self._figures(written)
            whole = _unshifted(written)
            self._meet(kind, whole)
            found = _JSON_NUMBER.fullmatch(whole)
            if found is None or kind not in (Kind.PARTY, Kind.PARTY_ID):
                return written
            sign, digits, rest, _ = found.groups()  # some programs write a phone number as 15555550123.0
            return sign + self._disguise.number(digits) + rest if len(digits) >= SHORTEST else written

        return rewrite(text, key=lambda path, name: self._key(self._covered(name)), value=value, number=number)

    def _figures(self, written: str) -> str:
        """A JSON number with other digits, which is one again."""
        found = _JSON_NUMBER.fullmatch(written)
        if found is None:
            return self._disguise.letters(written)
        sign, digits, rest, shift = found.groups()
        made = self._disguise.letters(digits)
        return sign + (made if made[0] != "0" else "1" + made[1:]) + self._disguise.letters(rest) + shift

    def _body(self, request: Request, provider: str) -> bytes:
        data = request.body
        for secret, mask in self._secrets:
            data = data.replace(secret.encode("utf-8", "surrogatepass"), mask.encode("utf-8", "surrogatepass"))
        if jsonbody.parse(data).ok:
            return self._json(data.decode("utf-8"), self._kept.get(provider, frozenset())).encode("utf-8")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return self._disguise.data(data)
        if (request.header("content-type") or "").lower().startswith("application/x-www-form-urlencoded"):
            return self._form(text, every=False).encode("utf-8")
        return self._disguise.text(text).encode("utf-8")

    def _header(self, name: str, value: str) -> str:
        low = name.lower()
        if low in _KEPT_HEADERS:
            return value
        if low in ("authorization", "proxy-authorization"):
            scheme, blank, rest = value.partition(" ")
            return scheme + blank + self._disguise.letters(rest) if blank else self._disguise.letters(value)
        if low == "cookie":
            pairs = (pair.partition("=") for pair in value.split(";"))
            return ";".join(key + sign + self._disguise.letters(held) for key, sign, held in pairs)
        kind = Kind.SECRET if low in self._signing else kind_of((low,))
        if kind is not Kind.SECRET:
            return self._value(kind, value, 0)
        parts = _SCHEME.split(value)  # what names the scheme of a signature stands at the odd places
        return "".join(part if index % 2 else self._disguise.letters(part) for index, part in enumerate(parts))

    def _path(self, path: str) -> str:
        segments = path.split("/")
        named = len(segments) > 1 and segments[1] in self._kept  # then the path token is all that follows
        for index, segment in enumerate(segments[1:], 1):
            if not (index == 1 if named else _PLAIN_SEGMENT.fullmatch(segment)):
                segments[index] = self._segment(segment)
        return "/".join(segments)

    def _segment(self, segment: str) -> str:
        return quote(self._party(unquote(segment, "latin-1")), _UNCODED, "latin-1", "replace")

    def _form(self, text: str, *, every: bool) -> str:
        """Pairs as in a query; ``every`` value is masked, else what is private by its name or its look."""
        pairs: list[str] = []
        for pair in text.split("&"):
            name, sign, value = pair.partition("=")
            if not sign:
                pairs.append(self._coded(name, Kind.PARTY))
                continue
            kind = kind_of((unquote_plus(name),))
            self._meet(kind, unquote_plus(value))
            if every and kind is not Kind.SECRET:
                kind = Kind.PARTY
            pairs.append(self._coded(name, Kind.FREE) + sign + self._coded(value, kind))
        return "&".join(pairs)

    def _coded(self, written: str, kind: Kind) -> str:
        old = unquote_plus(written)
        new = self._value(kind, old, 0)
        return written if new == old else quote_plus(new, "!$'()*,;:@/?", "utf-8", "replace")

    def _key(self, name: str) -> str:
        return self._disguise.pieces(name) if _is_word(name) else self._disguise.text(name)

    def _value(self, kind: Kind, value: str, depth: int) -> str:
        match kind:
            case _ if not value:
                return value
            case Kind.SECRET:
                return self._disguise.letters(value)
            case Kind.TIME if _TIME.fullmatch(value):
                return value
            case Kind.ID if value.isdecimal():
                return value
            case _ if value[0] in "{[" and depth < MAX_INSIDE and jsonbody.parse(_utf8(value)).ok:
                return self._json(value, depth=depth + 1)
            case Kind.PARTY_ID:
                return value if UUID.fullmatch(value) else self._party(value)
            case Kind.PLACE if _JSON_NUMBER.fullmatch(value):
                return self._figures(value)
            case Kind.PARTY | Kind.PLACE if whole := _ADDRESS.fullmatch(value):
                return self._address(whole, ours=False)
            case Kind.TEXT | Kind.PARTY | Kind.PLACE:
                return self._party(value)
            case _:
                return self._word(value) if _is_word(value) else self._disguise.text(value)

    def _word(self, word: str) -> str:
        """A word of a program, which may be the target of a request, as proxies name it, or be percent-encoded."""
        if word.startswith("/"):
            path, asked, query = word.partition("?")
            return self._path(path) + asked + self._form(query, every=True)
        plain = word if _ADDRESS.search(word) else unquote(word)
        new = self._tokens(plain) if _is_word(plain) else self._disguise.text(plain)
        return word if new == plain else new if plain == word else quote(new, _UNCODED, "utf-8", "replace")

    def _party(self, text: str) -> str:
        return self._disguise.number(text) if _NUMBER.fullmatch(text) else self._disguise.text(text)

    def _tokens(self, text: str, *, ours: bool = False) -> str:
        """A text whose words stay, but for addresses, numbers and what is known for a credential."""
        parts: list[str] = []
        at = 0
        for found in _ADDRESS.finditer(text):
            parts += [self._marked(text[at : found.start()]), self._address(found, ours=ours)]
            at = found.end()
        return "".join((*parts, self._marked(text[at:])))

    def _marked(self, text: str) -> str:
        parts: list[str] = []
        at = 0
        for found in _MARKED.finditer(text):
            lead = found[1] or ""
            parts += [
                self._disguise.pieces(text[at : found.start()]),
                lead,
                self._disguise.letters(found[0][len(lead) :]),
            ]
            at = found.end()
        return "".join((*parts, self._disguise.pieces(text[at:])))

    def _address(self, found: re.Match[str], *, ours: bool) -> str:
        """A web address of which scheme and host stay, and of one of ours the path as far as it is no token."""
        scheme, authority, path, query, fragment = found.groups(default="")
        user, at, host = authority.rpartition("@")
        shown = (
            self._path(path) if ours else "/".join(self._segment(part) if part else part for part in path.split("/"))
        )
        asked = "?" + self._form(query[1:], every=True) if query else ""
        return f"{scheme}{self._disguise.letters(user)}{at}{host}{shown}{asked}{self._disguise.letters(fragment)}"

    def _meet(self, kind: Kind, value: str) -> None:
        """Remember whose numbers a value gives: they may stand in ids, too, which are kept but for them."""
        if kind in (Kind.PARTY, Kind.PARTY_ID) and len(self._parties) < 2 * REMEMBERED:
            value = UUID.sub("", value)
            numbers = [found[0] for found in NUMBER.finditer(value)] or [value] * bool(_NUMBER.fullmatch(value))
            for number in numbers:
                digits = _NOT_DIGITS.sub("", number).removeprefix("00")
                self._parties[digits] = digits
                self._parties.setdefault(digits[-NATIONAL:], digits)

    def _named(self, text: str) -> str:
        """A masked text without the numbers of people in what was kept of it."""
        return _RUN.sub(lambda found: self._run(found[0]), text)

    def _run(self, digits: str) -> str:
        """Digits in a row, which are another's where they are somebody's number, also as it is dialled."""
        for lead in ("", "00", "0"):
            part = digits[len(lead) :]
            if digits.startswith(lead) and (whole := self._parties.get(part)) is not None:
                return lead + self._disguise.number(whole)[-len(part) :]
        return digits

    def _covered(self, text: str) -> str:
        for secret, mask in self._secrets:
            text = text.replace(secret, mask)
        return text


def _is_word(text: str) -> bool:
    """Whether it can be an id or a word of a program: one word in ASCII."""
    return len(text) <= LONGEST and text.isascii() and not any(char.isspace() for char in text)


def _unshifted(written: str) -> str:
    """A JSON number without its exponent where it is a whole one: some write 15555550123 as 1.5555550123E10."""
    found = _JSON_NUMBER.fullmatch(written)
    shift = _SHIFT.fullmatch(found[4]) if found else None
    if found is None or shift is None or int(shift[1]) < len(found[3]) - 1:
        return written
    return found[1] + found[2] + found[3][1:].ljust(int(shift[1]), "0")


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
