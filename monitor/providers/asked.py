"""What providers are asked where the answer may be a plug-in's: what it raises, or gives in another form than it is to
have, costs neither the capture nor the next one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

from monitor.jsonbody import Body
from monitor.model.annotations import WrongType, look_through
from monitor.model.capture import Request
from monitor.model.reading import Reading, bounded
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.providers.base import Keys, Provider, Scenario, Scene, Signed, SimulatedEvent
from monitor.providers.keys import Key, KeyProblem
from monitor.providers.registry import BUILT_IN, FAILS

if TYPE_CHECKING:
    from monitor.providers.keys import SigningKey

log = logging.getLogger(__name__)


def verdict(provider: Provider, request: Request, body: Body, keys: Keys, now: float) -> Verdict:
    """The provider's verdict at the Unix time ``now``; invalid where the check itself fails. Never raises."""
    try:
        found: Verdict = _sound(provider, provider.verify(request, body, keys, now), Verdict)
        return found
    except FAILS as error:
        return Verdict(VerdictStatus.INVALID, f"the check itself failed ({_told(provider, 'verify', error)})")


def reading(
    provider: Provider, request: Request, body: Body, heard: Callable[[Reading], Reading] | None = None
) -> Reading | None:
    """The provider's reading, passed through ``heard`` and bounded; one with a problem where the reader fails. Never
    raises."""
    try:
        found: Reading | None = _sound(provider, provider.read(request, body), Reading | None)
        if found and heard:  # which may ask the provider once more
            found = _sound(provider, heard(found), Reading | None)
        return found and _own(provider, bounded(found))
    except FAILS as error:
        return Reading(problems=(f"the reader failed ({_told(provider, 'read', error)})",))


def signed(provider: Provider, request: Request, body: Body, keys: Keys) -> Sequence[Signed]:
    """What a right signature would have been made over; nothing where that cannot be said. Never raises."""
    try:
        found: Sequence[Signed] = _sound(provider, provider.signed(request, body, keys), tuple[Signed, ...])
        return found
    except FAILS as error:
        _told(provider, "signed", error)
        return ()


def events(provider: Provider, scenario: Scenario, scene: Scene) -> Sequence[SimulatedEvent] | None:
    """The events of a scenario; None where it cannot be played. Never raises."""
    try:
        found: Sequence[SimulatedEvent] = _sound(provider, scenario.build(scene), tuple[SimulatedEvent, ...])
        return found
    except FAILS as error:
        _told(provider, scenario.name, error)
        return None


def sign(provider: Provider, body: bytes, key: SigningKey, *, url: str, at: float) -> list[tuple[str, str]]:
    """The headers with which the provider would sign. Raises KeyProblem, also where it fails."""
    try:
        made: list[tuple[str, str]] = _sound(
            provider, provider.sign(body, key, url=url, at=at), tuple[tuple[str, str], ...]
        )
        return made
    except KeyProblem:
        raise
    except FAILS as error:
        why = _told(provider, "sign", error)
        raise KeyProblem(f"{provider.name} cannot sign ({why}); its plug-in has to be mended.") from error


def key(provider: Provider, text: str, origin: str) -> Key:
    """A configured key as the provider uses it. Raises KeyProblem, also where it fails."""
    try:
        found = provider.key(text, origin)
        if not isinstance(found, Key):
            raise WrongType(f"its answer is of the type {type(found).__name__}")
        for name, kind in (("id", str), ("origin", str), ("secret", bytes | None)):
            look_through(getattr(found, name), kind, name)
        return found
    except KeyProblem:
        raise
    except FAILS as error:
        raise KeyProblem(f"a key cannot be used ({_told(provider, 'key', error)})") from error


def _own(provider: Provider, read: Reading) -> Reading:
    """A reading without the keys that do not begin with the provider's name: they may be another's messages."""
    if provider.name in BUILT_IN:  # whose tests say so
        return read
    begin = f"{provider.name}:"
    wrong = [name for name in ("message", "conversation") if (getattr(read, name) or begin)[: len(begin)] != begin]
    aliases = tuple(alias for alias in read.aliases if alias.startswith(begin))
    told = [*wrong, *(["aliases"] if len(aliases) < len(read.aliases) else [])]
    if not told:
        return read
    problems = (f"{name} does not begin with {begin} and is left out" for name in told)
    left: dict[str, Any] = dict.fromkeys(wrong)
    return replace(read, aliases=aliases, problems=(*read.problems, *problems), **left)


def _sound(provider: Provider, given: Any, kind: Any) -> Any:
    """What a provider gave, looked through where that is a plug-in. Raises WrongType."""
    if provider.name not in BUILT_IN:  # whose types were checked before hooktop was delivered
        look_through(given, kind, "its answer")
    return given


def _told(provider: Provider, member: str, error: BaseException) -> str:
    """Log what went wrong and give it in a word or two: an exception's own text may hold a secret."""
    why = str(error) if isinstance(error, WrongType) else type(error).__name__
    log.error("%s.%s failed: %s%s", provider.name, member, why, _place(error))
    return why


def _place(error: BaseException) -> str:
    """The line of the plug-in in which it arose, which holds no value; nothing where that is none of its own."""
    frames = list(walk_tb(error.__traceback__))[1:]  # behind the call in here
    if isinstance(error, WrongType) or not frames:
        return ""
    files = [(Path(frame.f_code.co_filename), line) for frame, line in frames]
    home = files[0][0].parent  # what it called elsewhere, such as in Python's own library, tells less
    file, line = [one for one in files if one[0].parent == home][-1]
    return f" ({file.name}, line {line})"
