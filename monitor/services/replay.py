"""Replay: stored captures are sent again, in order, and each answer is kept beside the first one.

What is sent are the bytes that came, unless somebody edited them or wants them signed anew with a local key. To this
machine and to the receiver's own public address a stamp goes along, by which this installation knows its own replays
from real traffic (see ``services.stamps``).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from monitor import tasks
from monitor.config import ForwardConfig
from monitor.forwarding.forwarder import Forwarder
from monitor.forwarding.outgoing import AddedHeader, origin_form
from monitor.forwarding.target import Target, TargetProblem, target_of
from monitor.model.attempt import Attempt, AttemptKind, Failure
from monitor.model.capture import STAMP_HEADER, Capture, Request, Source
from monitor.model.compare import answer_change
from monitor.providers import asked
from monitor.providers.registry import Registry, registry
from monitor.services import keyring
from monitor.services.forwards import filter_of_rule, forwarder_of, targets_of
from monitor.services.localkeys import LocalKeys
from monitor.services.replayed import GIVE_UP, Outcome, Replayed
from monitor.services.stamps import replay_stamp, stamp_of
from monitor.store.attempts import AttemptReader
from monitor.store.errors import StoreError
from monitor.times import utc_now
from monitor.urls import hostname

if TYPE_CHECKING:
    from monitor.model.filter import Filter
    from monitor.providers.keys import SigningKey

AT_ONCE: Final = 32  # exchanges under way at once, where a pace is to be kept; else the next waits for the answer
LEAVE_S: Final = 1.0  # what a capture has to leave before the next goes: an app may take no connection
KEEP_S: Final = 0.2  # between two batches of answers that are kept
_DOWN: Final = frozenset({Failure.REFUSED, Failure.UNREACHABLE, Failure.UNTRUSTED, Failure.FORBIDDEN, Failure.TIMEOUT})

Keep: TypeAlias = Callable[[Sequence[Attempt]], Awaitable[None]]


class ReplayProblem(Exception):
    """Nothing can be sent as it was asked for; the text is a sentence: what, why, what to do."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How captures are to be sent.

    ``to`` is an address, None for those that forwarding uses. ``timed``: with the gaps as they came, ``speed`` times as
    fast; else ``rate`` captures a second, None for one after another. ``resign``: signed anew with a local key.
    """

    to: str | None = None
    timed: bool = False
    speed: float = 1.0
    rate: float | None = None
    resign: bool = False


def loses_signature(capture: Capture, edited: Request) -> bool:
    """Whether an edited body leaves a signature that no longer fits it."""
    provider = registry().get(capture.provider)
    names = provider.signature_headers if provider is not None else ()
    return edited.body != capture.request.body and any(name.lower() in names for name, _ in edited.headers)


class Replayer:
    """Sends captures of one store again. Called from one event loop."""

    def __init__(
        self,
        store: Path,
        keep: Keep,
        registry: Registry,
        local: LocalKeys,
        forward: ForwardConfig,
        public_url: Callable[[], str | None] = lambda: None,
    ) -> None:
        """``keep`` keeps answers (raises StoreError), ``forward`` says where captures go by default and for how long
        an answer is waited for, ``public_url`` is where the world reaches the receiver. Raises ConfigError."""
        self._store = store
        self._keep = keep
        self._registry = registry
        self._local = local
        self._forward = forward
        self._public_url = public_url
        self.apps = {target.origin for target in targets_of(forward)}  # on whatever path
        self._rules: list[tuple[Filter, str]] = [
            (filter_of_rule(number, rule.filter), rule.url) for number, rule in enumerate(forward.rules, 1)
        ]
        self._headers: Sequence[AddedHeader] | None = None
        self._keys: dict[str, SigningKey] = {}

    @property
    def has_rules(self) -> bool:
        """Whether forwarding does not send all to one app."""
        return bool(self._rules)

    def default_url(self, capture: Capture) -> str | None:
        """Where forwarding would send a capture."""
        now = utc_now()
        return next((url for wanted, url in self._rules if wanted.matches(capture, now)), self._forward.url)

    async def replay(
        self,
        numbers: Sequence[int],
        wish: Wish,
        *,
        edited: Request | None = None,
        told: Callable[[Replayed, Outcome], None] = lambda one, outcome: None,
        stop: asyncio.Event | None = None,
    ) -> Outcome:
        """Send captures in this order. ``edited`` is sent in the place of each; ``told`` hears of every answer.

        ``stop`` breaks it off, with what is under way, which is kept as that; so it is where this is cancelled. Raises
        ReplayProblem, KeyProblem where no local key can be made, and StoreError where the store cannot be read.
        """
        self.check(wish)
        outcome = Outcome(len(numbers))
        headers = await self._added() if wish.to is None or target_of(wish.to).origin in self.apps else ()
        reader = await asyncio.to_thread(AttemptReader, self._store)
        try:
            async with forwarder_of(self._forward, headers) as forwarder:
                run = _Run(self, wish, forwarder, reader, outcome, told, stop or asyncio.Event())
                await run.play(numbers, edited)
        finally:
            outcome.ended = time.monotonic()
            reader.close()
        return outcome

    def check(self, wish: Wish) -> None:
        """Raises ReplayProblem where nothing can be sent to where it is wished."""
        if wish.to is None:
            if self._forward.url is None and not self._rules:
                raise ReplayProblem(
                    "There is no app that captures are passed on to; give the address of yours with "
                    "--to http://localhost:3000."
                )
            return
        try:
            target_of(wish.to)
        except TargetProblem as problem:
            raise ReplayProblem(
                f"Nothing can be sent to this address: {problem}; write it as in http://localhost:3000."
            ) from None

    async def _added(self) -> Sequence[AddedHeader]:
        """The headers that forwarding adds; they are for the app that the configuration names, and nobody else."""
        if self._headers is None:
            given = self._forward.headers
            self._headers = [(name, await asyncio.to_thread(keyring.opened, value)) for name, value in given]
        return self._headers

    async def signed(self, capture: Capture, request: Request, target: Target) -> Request:
        """The request with a new signature in the place of the old, made with a local key as its provider makes it.

        Of a provider that signs nothing it stays as it is.
        """
        provider = self._registry.get(capture.provider)
        if provider is None:
            return request
        key = self._keys.get(provider.name)
        if key is None:
            key = self._keys[provider.name] = await asyncio.to_thread(self._local.signing_key, provider.name)
        url = target.address(target.with_path(origin_form(request)))
        made = asked.sign(provider, request.body, key, url=url, at=time.time())
        # Some schemes sign the time or an id, in headers of their own: the old ones would be read before the new.
        old = {*provider.signature_headers, *(name.lower() for name, _ in made)}
        kept = [(name, value) for name, value in request.headers if name.lower() not in old]
        return replace(request, headers=(*kept, *made))

    def stamp(self, capture: Capture, sent: Request, target: Target, *, resigned: bool) -> Sequence[AddedHeader]:
        """The header by which this installation knows its replay, for a receiver that may be its own."""
        if not (target.on_this_machine or target.host == hostname(self._public_url() or "")):
            return ()
        local, at = resigned or capture.source is Source.SIMULATED, capture.received_at
        before = stamp_of(capture.request, self._local.is_stamp) if capture.source is Source.REPLAYED else None
        if resigned or capture.source is Source.IMPORTED:  # which never arrived here
            at = utc_now()
        elif before is not None:
            local, at = before.local, before.at or at
        return [(STAMP_HEADER, replay_stamp(self._local.stamp, sent.body, at, local=local))]

    async def keep(self, attempts: Sequence[Attempt]) -> None:
        """Keep answers. Raises StoreError."""
        await self._keep(attempts)


class _Run:
    """One replay under way."""

    def __init__(
        self,
        replayer: Replayer,
        wish: Wish,
        forwarder: Forwarder,
        reader: AttemptReader,
        outcome: Outcome,
        told: Callable[[Replayed, Outcome], None],
        stop: asyncio.Event,
    ) -> None:
        self._replayer = replayer
        self._wish = wish
        self._forwarder = forwarder
        self._reader = reader
        self._outcome = outcome
        self._told = told
        self._stop = stop
        self._under_way: set[asyncio.Task[None]] = set()
        self._keeping: list[Attempt] = []
        self._kept_at = 0.0
        self._apps = replayer.apps if wish.to is None else {target_of(wish.to).origin}
        self._down: Counter[str] = Counter()  # captures in a row without an answer, by app
        self._paced = wish.timed or wish.rate is not None
        self._slots = asyncio.Semaphore(AT_ONCE if self._paced else 1)

    async def play(self, numbers: Sequence[int], edited: Request | None) -> None:
        """Send all of them, each in its time."""
        wish, outcome = self._wish, self._outcome
        stopper = tasks.start(self._break_off(), "stop a replay")
        begun, first = time.monotonic(), None
        try:
            async with asyncio.TaskGroup() as group:
                for place, number in enumerate(numbers):
                    if self._stop.is_set():
                        break
                    capture = await asyncio.to_thread(self._reader.capture, number)
                    url = None if capture is None else wish.to or self._replayer.default_url(capture)
                    if capture is None or url is None:
                        outcome.gone += 1
                        outcome.unruled += capture is not None
                        continue
                    first = first or capture.received_at
                    due = place / wish.rate if wish.rate is not None else 0.0
                    if wish.timed:
                        due = (capture.received_at - first).total_seconds() / wish.speed
                    await self._until(begun + due)
                    await self._slots.acquire()
                    if self._stop.is_set():
                        break
                    target = target_of(url)
                    if not self._paced and self._down[target.origin] >= GIVE_UP:
                        outcome.given_up = True
                        if all(self._down[app] >= GIVE_UP for app in self._apps):
                            break
                        self._slots.release()
                        continue
                    await self._leave(group, capture, target, edited or capture.request)
        except ExceptionGroup as several:
            raise several.exceptions[0] from None
        finally:
            stopper.cancel()
            await self._keep_now()

    async def _until(self, due: float) -> None:
        """Wait for a moment (monotonic clock) or for the stop, whichever is first; always lets others run."""
        await asyncio.sleep(0)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(due - time.monotonic(), 0)):
                await self._stop.wait()

    async def _break_off(self) -> None:
        await self._stop.wait()
        for task in tuple(self._under_way):
            task.cancel()

    async def _leave(self, group: asyncio.TaskGroup, capture: Capture, target: Target, request: Request) -> None:
        """Begin to send one capture, and wait until it has left, at most ``LEAVE_S``: none overtakes another, however
        close the pace."""
        left = asyncio.Event()

        def ended(task: asyncio.Task[None]) -> None:
            self._under_way.discard(task)
            self._slots.release()
            left.set()

        task = group.create_task(self._send(capture, target, request, left.set), name=f"replay {capture.id}")
        self._under_way.add(task)
        task.add_done_callback(ended)
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_S):
                await left.wait()

    async def _send(self, capture: Capture, target: Target, request: Request, leaves: Callable[[], None]) -> None:
        """Send one capture, and tell and keep what came of it."""
        before = await asyncio.to_thread(self._reader.first_answer, capture.id) or capture.answer
        sent = request
        try:
            if self._wish.resign:
                sent = await self._replayer.signed(capture, request, target)
            stamp = self._replayer.stamp(capture, sent, target, resigned=self._wish.resign)
            attempt = await self._forwarder.pass_on(
                capture, target.url, kind=AttemptKind.REPLAY, request=sent, headers=stamp, leaves=leaves
            )
        except asyncio.CancelledError:
            attempt = Attempt(
                capture.id, AttemptKind.REPLAY, target.address(target.with_path(origin_form(sent))), utc_now(),
                failure=Failure.ENDED, changed=sent != capture.request,
            )  # fmt: skip
            if not self._stop.is_set():  # the program ends: nobody is told, but the app may have got it
                self._keeping.append(attempt)
                raise
        if (task := asyncio.current_task()) is not None:
            self._under_way.discard(task)  # what is answered is not broken off
        self._keeping.append(attempt)
        event = capture.reading.event if capture.reading is not None else None
        one = Replayed(capture.provider, event, attempt, before, answer_change(before, attempt))
        self._outcome.add(one)
        self._down[target.origin] = self._down[target.origin] + 1 if attempt.failure in _DOWN else 0
        self._told(one, self._outcome)
        if time.monotonic() - self._kept_at > KEEP_S:
            await self._keep_now()

    async def _keep_now(self) -> None:
        batch, self._keeping = self._keeping, []
        if not batch:
            return
        try:
            await self._replayer.keep(batch)
        except StoreError as error:
            self._outcome.unkept += len(batch)
            self._outcome.trouble = str(error)
        self._kept_at = time.monotonic()
