"""What a provider's API answered, understood: the error behind a status, the provider's own words, the JSON."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from monitor.admin.base import AdminError, ApiAnswer, Trouble
from monitor.admin.masking import beginning, mask
from monitor.jsonbody import Json, parse
from monitor.text import visible
from monitor.times import utc_now

MAX_SAID: Final = 300
_MAX_DETAILS: Final = 5
_TITLE: Final = re.compile(r"<title[^>]{0,200}>(.{0,300}?)</title", re.IGNORECASE | re.DOTALL)
_PAGE: Final = re.compile(r"\s*<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
_TRACE_HEADERS: Final = (
    "x-request-id", "request-id", "x-trace-id", "x-correlation-id", "x-amzn-requestid", "x-amz-cf-id", "cf-ray",
)  # fmt: skip
_LOOK_FIRST: Final = "it may have been done, so see what is registered now before you ask again"


def refused(answer: ApiAnswer, label: str) -> AdminError:
    """The error that a status other than 2xx means; ``label`` is the provider's name for people.

    401 and 403 are AUTH, 404 and 410 NOT_FOUND, 409 CONFLICT, 429 RATE_LIMITED, other statuses REFUSED: 500, 501 and
    503 too, in which the provider itself says that it did not do it. Every other 5xx is a gateway that does not know
    what became of the request: UNCERTAIN for a change, REFUSED for a question.
    """
    status = answer.status
    words = said(answer)
    shown = f"{status}, “{words}”" if words else f"{status} and no word of why"
    wait = retry_after(answer)
    again = "try again later" if wait is None else f"try again in {wait:.0f} s"
    kind, sentence = Trouble.REFUSED, f"{label} refused this with {shown}; change what it names and try again."
    if status == 401:
        kind, sentence = Trouble.AUTH, f"{label} refused the credentials with {shown}; check the account's API secret."
    elif status == 403:
        kind = Trouble.AUTH
        sentence = f"{label} does not allow this with {shown}; check what the account's API secret may do."
    elif status in (404, 410):
        kind = Trouble.NOT_FOUND
        sentence = f"{label} does not have it and answers {shown}; list anew and check the account's settings."
    elif status == 409:
        kind, sentence = Trouble.CONFLICT, f"{label} has one already and answers {shown}; list anew and replace that."
    elif status == 429:
        kind, sentence = Trouble.RATE_LIMITED, f"{label} was asked too often and answers {shown}; {again}."
    elif status >= 500 and status not in (500, 501, 503) and answer.request.changes:
        kind, sentence = Trouble.UNCERTAIN, f"{label} lost the request on its way with {shown}; {_LOOK_FIRST}."
    elif status >= 500:
        sentence = f"{label} failed with {shown}; {again}."
    return AdminError(
        kind,
        sentence,
        status=status,
        said=words,
        trace_id=trace_id(answer),
        retry_after_s=wait,
    )


def json_of(answer: ApiAnswer, label: str) -> Json:
    """The answer's body as JSON; ``label`` is the provider's name for people. Raises AdminError (UNINTELLIGIBLE)."""
    body = parse(answer.body)
    if body.ok:
        return body.value
    what = "nothing"
    if answer.body.strip():
        what = (
            said(answer)
            if _page(beginning(answer.body))
            else f"what cannot be read ({visible(body.problems[-1], limit=100)})"
        )
    raise unintelligible(answer, label, f"with {what} instead of JSON")


def unintelligible(answer: ApiAnswer, label: str, how: str) -> AdminError:
    """The error for an answer that makes no sense; ``how`` follows the status (``without an id``)."""
    after = _LOOK_FIRST if answer.request.changes else "check the account's api_url or try again later"
    return AdminError(
        Trouble.UNINTELLIGIBLE,
        f"{label} answered {answer.status} {how}; {after}.",
        status=answer.status,
        said=said(answer),
        trace_id=trace_id(answer),
    )


def said(answer: ApiAnswer) -> str:
    """The provider's own words in an answer, in one visible line of at most ``MAX_SAID`` characters, secrets masked:
    what its JSON says of an error, the title of a page, else the beginning of the body."""
    body = parse(answer.body)
    words = "; ".join(dict.fromkeys(_words(body.value))) if body.ok else _page(beginning(answer.body))
    words = (words or beginning(answer.body))[: 10 * MAX_SAID]
    return visible(mask(words, answer.request.hidden).strip(), limit=MAX_SAID)


def trace_id(answer: ApiAnswer) -> str | None:
    """What the provider's support asks for to find this call, visible, or None."""
    value = parse(answer.body).value
    inner = value.get("error") if isinstance(value, dict) else None
    members = [
        part.get(name) for part in (value, inner) if isinstance(part, dict) for name in ("cntTraceId", "request_id")
    ]
    found = [*members, *(answer.header(name) for name in _TRACE_HEADERS)]
    text = next((part for part in found if isinstance(part, str) and part), None)
    return None if text is None else visible(mask(text, answer.request.hidden), limit=100)


def retry_after(answer: ApiAnswer) -> float | None:
    """How long to wait in seconds, from 0 to a day, as the header says: a number or a date."""
    text = (answer.header("retry-after") or "").strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), 86_400))
    if (until := _date(text)) is None:
        return None
    now = _date(answer.header("date") or "") or utc_now()
    return min(max((until - now).total_seconds(), 0.0), 86_400.0)


def _page(text: str) -> str:
    """What a body is when it is an HTML page, else nothing."""
    if not _PAGE.match(text):
        return ""
    title = _TITLE.search(text)
    words = " ".join(html.unescape(title[1]).split()) if title else ""
    return f"an HTML page: {visible(words, limit=100)}" if words else "an HTML page"


def _words(value: Json) -> Iterator[str]:
    """What the JSON of an error says, in the shapes of all providers: messages, the code, details by field."""
    if isinstance(value, str):
        yield value
    if isinstance(value, list):
        for item in value[:_MAX_DETAILS]:
            yield from _words(item)
    if not isinstance(value, dict):
        return
    code = value.get("code")
    named = code if isinstance(code, str | int) and not isinstance(code, bool) else None
    message = next(
        (text for name in ("message", "userTitle", "detail", "title") if _filled(text := value.get(name))), None
    )
    if message is not None:
        yield message if named is None else f"{message} ({named})"
    elif named is not None:
        yield str(named)
    if _filled(value.get("userMessage")):
        yield value["userMessage"]
    for name in ("error", "errors"):
        yield from _words(value.get(name)) if not isinstance(value.get(name), dict) else _inner(value[name])
    if isinstance(value.get("details"), dict | list):
        yield from _details(value["details"])


def _inner(value: dict[str, Json]) -> Iterator[str]:
    """An error that is an object: one with a message or a code, or texts by the names of fields."""
    yield from _words(value) if "message" in value or "code" in value else _details(value)


def _details(value: Json) -> Iterator[str]:
    if isinstance(value, list):
        yield from _words(value)
    elif isinstance(value, dict):
        for name, found in list(value.items())[:_MAX_DETAILS]:
            texts = ", ".join(_words(found))
            if texts:
                yield f"{name}: {texts}"


def _filled(value: Json) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
