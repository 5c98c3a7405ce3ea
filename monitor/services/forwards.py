"""Forwarding: captures go on to the developer's app once they are stored, and what it answers is kept beside them.

The provider's answer never waits for any of it, unless it was asked for that the app's status is that answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from monitor import tasks, tls
from monitor.config import ConfigError, ForwardConfig
from monitor.forwarding.forwarder import Forwarder
from monitor.forwarding.outgoing import AddedHeader, hops
from monitor.forwarding.target import Target, TargetProblem, target_of
from monitor.model.attempt import Attempt, Failure
from monitor.model.capture import GIVEN_UP, LEFT, Capture, Source
from monitor.model.filter import Filter, FilterError, check_arriving, parse
from monitor.services import keyring
from monitor.services.lane import Lane
from monitor.store.errors import StoreUnavailableError
from monitor.store.filter_sql import check_capture_filter
from monitor.times import utc_now

KEEP_S: Final = 0.2  # between two batches of attempts that are kept
MAX_KEEPING: Final = 2_000  # attempts that wait to be kept
MAX_KEEPING_BYTES: Final = 32 * 1024 * 1024
MAX_HOPS: Final = 3  # times that a capture may have been passed on before, by this hooktop or by others in a row
END_S: Final = 1.5  # for what waits when hooktop ends
log = logging.getLogger(__name__)

Keep: TypeAlias = Callable[[Sequence[Attempt], Mapping[int, int]], "asyncio.Future[None]"]
TurnsAway: TypeAlias = Callable[[Capture], bool]


@dataclass(frozen=True, slots=True)
class ForwardState:
    """What the screens show: the app that was tried last (else the first), and what came of it.

    ``dropped`` counts captures that a full queue left out, ``waiting`` those that wait now.
    """

    name: str
    on: bool
    waits: bool
    last: Attempt | None
    dropped: int
    waiting: int


class Forwards:
    """Sends captures where the configuration says, after their commit. Called from one event loop.

    Use: ``start``, then ``offer`` every batch that was committed, then ``stop``.
    """

    def __init__(self, config: ForwardConfig, is_own: Callable[[Target], bool] = lambda target: False) -> None:
        """``config`` has an address or a rule. ``is_own`` tells an address of this receiver, which nothing is sent to.

        Asks the keyring for headers that are in it. Raises ConfigError for a filter, an address or a header that
        cannot be used.
        """
        headers = [(name, keyring.opened(value)) for name, value in config.headers]
        self._forwarder = forwarder_of(config, headers)
        self._lanes: dict[str, Lane] = {}
        for target in targets_of(config, is_own):
            self._lanes.setdefault(target.url, Lane(target, self._forwarder, self._done))
        self._rules: list[tuple[Filter, Lane]] = [
            (filter_of_rule(number, rule.filter), self._lanes[rule.url]) for number, rule in enumerate(config.rules, 1)
        ]
        self._default = None if config.url is None else self._lanes[config.url]
        self.waits = config.wait
        self.on = True
        self.counts: Counter[str] = Counter()  # attempts by the app's status, else by what failed
        self.untaken = 0  # captures that the app did not take (``Attempt.fine``)
        self.lost = 0  # attempts that could not be kept
        self._last: Attempt | None = None
        self._told: Callable[[Attempt], None] = lambda attempt: None
        self._keep: Keep | None = None
        self._turns_away: TurnsAway = lambda capture: False
        self._keeping: list[Attempt] = []
        self._keeping_bytes = 0
        self._keeper: asyncio.Task[None] | None = None
        self._asked: dict[int, asyncio.Future[int]] = {}
        self._answers: dict[int, int] = {}  # by capture: what it was answered with after its commit
        self._open: set[int] = set()  # captures on their way, until what became of them is kept

    @property
    def targets(self) -> Sequence[Target]:
        """Where captures go, each once."""
        return [lane.target for lane in self._lanes.values()]

    def start(self, keep: Keep, turns_away: TurnsAway) -> None:
        """Begin; ``keep`` is ``Store.keep``, ``turns_away`` tells what --enforce turns away: it is not for the app."""
        self._keep = keep
        self._turns_away = turns_away

    def follow(self, told: Callable[[Attempt], None]) -> None:
        """``told`` hears of every attempt from now on, whatever came of it."""
        self._told = told

    def offer(self, batch: Sequence[Capture]) -> None:
        """Captures were committed: send those that are to be. Never waits."""
        if not self.on:
            return
        for capture in batch:
            lane = self._lane_of(capture)
            if lane is None:
                continue
            self._open.add(capture.id)
            if self.waits:
                self._asked[capture.id] = asyncio.get_running_loop().create_future()
            if hops(capture.request) >= MAX_HOPS:
                lane.skip(capture, Failure.CIRCLE)
            else:
                lane.put(capture)

    async def answer(self, capture: Capture) -> int:
        """The status that a capture just committed is answered with: its own, or the app's where that is waited for.

        Where it is cancelled, since all of this ends, that is ``GIVEN_UP``.
        """
        asked = self._asked.get(capture.id)
        if asked is None:
            return capture.answer
        try:
            status = await asked
        except asyncio.CancelledError:
            status = GIVEN_UP
        finally:
            self._asked.pop(capture.id, None)
        if status != capture.answer:
            self._answers[capture.id] = status
            self._start_keeper()
        return status

    def answered(self, capture: Capture) -> None:
        """A capture just committed is answered without waiting for the app."""
        self._asked.pop(capture.id, None)

    def missed(self, number: int) -> None:
        """The sender of a capture was gone before its answer."""
        self._answers[number] = LEFT
        self._start_keeper()

    def awaits(self, number: int) -> bool:
        """Whether a capture waits for the app, or for its answer."""
        return number in self._open

    def turn(self, on: bool) -> None:
        """Send captures from now on, or none; what waits is given up."""
        self.on = on
        if not on:
            for lane in self._lanes.values():
                lane.clear(Failure.OFF)

    @property
    def state(self) -> ForwardState:
        """How it stands."""
        lanes = list(self._lanes.values())
        name = lanes[0].target.authority
        if self._last is not None:
            name = self._last.url.split("/")[2]
        waiting = sum(lane.waiting for lane in lanes)
        return ForwardState(name, self.on, self.waits, self._last, self.counts[Failure.DROPPED.value], waiting)

    async def stop(self) -> None:
        """Send what waits for a moment, keep what was answered, end."""
        await asyncio.gather(*(lane.end(END_S) for lane in self._lanes.values()))
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        await self._keep_now()
        await self._forwarder.aclose()

    # --- where to ------------------------------------------------------------------------------------------------

    def _lane_of(self, capture: Capture) -> Lane | None:
        if capture.source is Source.IMPORTED or self._turns_away(capture):
            return None
        if self._rules:
            now = utc_now()
            for wanted, lane in self._rules:
                if wanted.matches(capture, now):
                    return lane
        return self._default

    # --- what came of it -----------------------------------------------------------------------------------------

    def _done(self, attempt: Attempt) -> None:
        if attempt.failure is None or attempt.failure.tried:
            self._last = attempt
        self.counts[attempt.failure.value if attempt.failure else str(attempt.status)] += 1
        self.untaken += not attempt.fine
        self._told(attempt)
        asked = self._asked.get(attempt.capture)
        if asked is not None and not asked.done():
            asked.set_result(relayed(attempt))
        if len(self._keeping) >= MAX_KEEPING or self._keeping_bytes > MAX_KEEPING_BYTES:
            self.lost += 1
            self._open.discard(attempt.capture)
            return
        self._keeping.append(attempt)
        self._keeping_bytes += len(attempt.body)
        self._start_keeper()

    def _start_keeper(self) -> None:
        if self._keeper is None or self._keeper.done():
            self._keeper = tasks.start(self._keep_soon(), "keep attempts")

    async def _keep_soon(self) -> None:
        while self._keeping or self._answers:
            await asyncio.sleep(KEEP_S)
            await self._keep_now()

    async def _keep_now(self) -> None:
        batch, self._keeping, self._keeping_bytes = self._keeping, [], 0
        answers, self._answers = self._answers, {}
        if not (batch or answers) or self._keep is None:
            return
        try:
            await self._keep(batch, answers)
        except StoreUnavailableError as error:
            self.lost += len(batch)
            log.warning("%d answers of the app could not be kept: %s", len(batch), error)
        finally:
            self._open.difference_update(attempt.capture for attempt in batch)


def relayed(attempt: Attempt) -> int:
    """The status for a provider that waits for the app: the app's own, or what a gateway says where there is none.

    A 2xx that broke off is none: the app did not take the capture.
    """
    if attempt.status is not None and (attempt.fine or attempt.status >= 400):
        return attempt.status
    if attempt.failure is Failure.TIMEOUT:
        return 504
    return 503 if attempt.failure in (Failure.DROPPED, Failure.OFF, Failure.ENDED) else 502


def forwarder_of(config: ForwardConfig, headers: Sequence[AddedHeader]) -> Forwarder:
    """What sends captures as the configuration says, with these headers added."""
    trusted = partial(tls.trusted, config.ca_file)
    return Forwarder(timeout_s=config.timeout.total_seconds(), headers=headers, tls=trusted)


def targets_of(config: ForwardConfig, is_own: Callable[[Target], bool] = lambda target: False) -> Iterator[Target]:
    """Where captures are to go: by the rules, and else. Raises ConfigError for an address that nothing is sent to, and
    for certificates that cannot be used."""
    if config.ca_file is not None:
        try:
            tls.check(config.ca_file)
        except OSError as error:
            reason = getattr(error, "reason", None) or error.strerror
            raise ConfigError(
                f"[forward] ca_file: {config.ca_file} cannot be used ({reason}); name a file of certificates (PEM)."
            ) from None
    named = [(f"[forward.rules {number}] url", rule.url) for number, rule in enumerate(config.rules, 1)]
    if config.url is not None:
        named.append(("the forward address", config.url))
    for where, url in named:
        try:
            target = target_of(url)
            if is_own(target):
                raise TargetProblem("it is hooktop's own, and captures would go round in a circle")
        except TargetProblem as problem:
            raise ConfigError(f"Nothing can be passed on to {where}: {problem}; name your app's address.") from None
        yield target


def filter_of_rule(number: int, text: str) -> Filter:
    """The filter of a rule of forwarding, counted from 1. Raises ConfigError."""
    try:
        wanted = parse(text)
        check_capture_filter(wanted)
        check_arriving(wanted)
    except FilterError as error:
        raise ConfigError(
            f"The filter of [forward.rules {number}] in the configuration is wrong at column {error.column + 1}: "
            f"{error.message} {error.hint}".strip()
        ) from error
    return wanted
