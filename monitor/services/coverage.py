"""Coverage of the history: what providers document beside what has come, and what was new in it.

What a provider documents is what its scenarios play, read by its own reader: there is no second list of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from random import Random
from typing import Any, Final

from monitor import jsonbody
from monitor.model.capture import Capture, Origin, Request, Source
from monitor.model.coverage import Coverage, Covered, Kind, News, State, kind_of
from monitor.model.filter import Filter
from monitor.model.filter.fields import body_values
from monitor.model.record import rfc3339
from monitor.model.shape import hash_of
from monitor.model.verdict import Verdict, VerdictStatus
from monitor.providers import asked
from monitor.providers.base import Provider
from monitor.providers.registry import registry
from monitor.sandbox.cast import scene
from monitor.store.coverage_reader import CoverageReader, NewField
from monitor.store.filter_sql import compile_filter
from monitor.times import utc_now

MAX_NEWS: Final = 200
MAX_VALUE: Final = 80  # characters of a value that is shown
_SEED: Final = 1


def coverage(reader: CoverageReader, wanted: Filter, now: datetime, *, demo: bool = False) -> Coverage:
    """What has come of what could. Reads the whole history once: ask off the event loop.

    The filter leaves those documented kinds of which a sample passes it.
    """
    where = compile_filter(wanted, now)
    known = {
        kind: scenario
        for kind, (scenario, sample) in documented().items()
        if wanted.matches(replace(sample, received_at=now), now)
    }
    found = {Kind(one.provider, one.event, one.word): one for one in reader.kinds(where)}
    kinds = []
    for kind in _sorted({**known, **found}, list(known)):
        count = found.get(kind)
        if count is None:
            kinds.append(Covered(kind, known.get(kind)))
            continue
        simulated = 0 if demo else count.simulated
        seen = count.captures - simulated
        kinds.append(Covered(kind, known.get(kind), seen, simulated, count.handled, count.last_at))
    news = tuple(_news(reader, one, demo=demo) for one in reader.news(where, MAX_NEWS))
    return Coverage(now, wanted.text, tuple(kinds), news, reader.learning(), demo)


@cache
def documented() -> dict[Kind, tuple[str, Capture]]:
    """Every documented kind with the first scenario that plays it, and a capture of it, in the providers' order."""
    found: dict[Kind, tuple[str, Capture]] = {}
    for provider in registry():
        for scenario in provider.scenarios:
            if not scenario.documented:
                continue
            scenery = scene(Random(_SEED), utc_now(), provider.name)  # noqa: S311 - a sample
            for event in asked.events(provider, scenario, scenery) or ():
                sample = _sample(provider, event.body, event.content_type)
                kind = None if sample.reading is None else kind_of(provider.name, sample.reading)
                if kind is not None:
                    found.setdefault(kind, (scenario.name, sample))
    return found


def _sample(provider: Provider, body: bytes, content_type: str) -> Capture:
    request = Request("POST", f"/{provider.name}", "", (("content-type", content_type),), body)
    return Capture(
        id=0,
        received_at=utc_now(),
        provider=provider.name,
        source=Source.NETWORK,
        request=request,
        answer=200,
        verdict=Verdict(VerdictStatus.VERIFIED, ""),
        origin=Origin(),
        reading=asked.reading(provider, request, jsonbody.parse(body)),
    )


def _sorted(kinds: Iterable[Kind], known: Sequence[Kind]) -> list[Kind]:
    """By provider; what is documented first and in its order, then by name."""
    places = {kind: index for index, kind in enumerate(known)}
    providers = {name: index for index, name in enumerate(registry().names())}

    def place(kind: Kind) -> tuple[int, str, int, str, str]:
        provider = providers.get(kind.provider, len(providers))
        return provider, kind.provider, places.get(kind, len(places)), kind.event, kind.word or ""

    return sorted(kinds, key=place)


def _news(reader: CoverageReader, one: NewField, *, demo: bool) -> News:
    value = None
    if one.word:
        capture = reader.capture(one.capture)
        values = body_values(capture.request.body, one.path) if capture is not None else []
        value = next((text[:MAX_VALUE] for text in values if hash_of(text) == one.word), None)
    return News(
        provider=one.provider,
        event=one.event,
        path=one.path,
        is_value=one.word > 0,
        capture=one.capture,
        at=one.at,
        before=one.before,
        simulated=one.local and not demo,
        value=value,
    )


def coverage_record(coverage: Coverage) -> dict[str, Any]:
    """Coverage as one JSON object."""
    return {
        "kind": "coverage",
        "at": rfc3339(coverage.at),
        "filter": coverage.filter,
        "documented": len(coverage.documented),
        "seen": _count(coverage.documented, State.HANDLED, State.SEEN),
        "simulated": _count(coverage.documented, State.SIMULATED),
        "missing": len(coverage.gaps),
        "handled": _count(coverage.documented, State.HANDLED),
        "kinds": [
            {
                "provider": one.kind.provider,
                "event": one.kind.event,
                "status": one.kind.word,
                "state": one.state.value,
                "documented": one.documented,
                "scenario": one.scenario,
                "seen": one.seen,
                "simulated": one.simulated,
                "handled": one.handled,
                "last_at": rfc3339(one.last_at),
            }
            for one in coverage.kinds
        ],
        "new": [
            {
                "provider": one.provider,
                "event": one.event,
                "path": one.path,
                "is_value": one.is_value,
                "value": one.value,
                "capture": one.capture,
                "at": rfc3339(one.at),
                "before": one.before,
                "simulated": one.simulated,
            }
            for one in coverage.news
        ],
        "learning": coverage.learning,
    }


def _count(kinds: Iterable[Covered], *states: State) -> int:
    return sum(one.state in states for one in kinds)
