"""Carrying out a plan: save what is there, ask the provider, look what came of it. Nothing is asked for twice."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from monitor.admin.base import DEADLINE_S, AdminError, Trouble
from monitor.model.capture import Capture
from monitor.model.drift import SHOWN
from monitor.model.registration import Change, ChangeKind, ChangeRecord, ChangeState, Registration
from monitor.secret import Secret
from monitor.services.desk import BY_HAND, Desk
from monitor.services.plans import Plan, small
from monitor.services.progress import OnProgress, Outcome, Progress, Step
from monitor.services.restoring import chain
from monitor.services.settling import essence, follow_up, give_up, meant, seen, settle, without_secrets
from monitor.services.signingkeys import SigningKeyProblem, new_key
from monitor.store.errors import StoreError
from monitor.text import visible

LOOK_AFTER_S: Final = 5.0  # for the list after a change that got no answer
# What leaves open whether it was done; after all else it was not.
_OPEN: Final = frozenset({Trouble.UNCERTAIN, Trouble.UNINTELLIGIBLE})
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Work:
    """A plan while it is carried out, with the desk's lock held. ``again`` makes the plan that could follow a
    refusal."""

    desk: Desk
    plan: Plan
    told: OnProgress
    again: Callable[[Plan], Plan | None]
    probes: list[int] = field(default_factory=list)
    asking: bool = False
    took_s: float | None = None

    def came(self, capture: Capture) -> None:
        """A request of the provider came in: to the address that is being asked for it is its test request."""
        asked = self.plan.change.url if self.plan.change is not None else None
        if self.asking and asked is not None and _end(asked) == _end(capture.request.path):
            self.probes.append(capture.id)
            self._tell(Step.PROBE, f"A request of {self.desk.label} came in, as capture {capture.id}.", capture.id)

    async def carry_out(self) -> Outcome:
        """Do it. Raises nothing but CancelledError; a change that is on its way then stays begun."""
        plan, desk = self.plan, self.desk
        try:
            if plan.problems:
                outcome = self._failed(next(iter(plan.problems.values())))
            elif plan.change is None:
                outcome = await self._nothing_to_ask()
            elif self._outdated(plan.change):
                why = "the public address is another now than when this was planned"
                outcome = self._failed(f"Nothing was asked of {desk.label}: {why}.", Trouble.CONFLICT)
            elif plan.by_hand is not None:
                outcome = await self._by_hand(plan.change, plan.by_hand.where)
            elif (wait := math.ceil(desk.quiet_s)) > 0:  # of several changes the first that is too much ends them
                why = f"it asked to be left alone; try again in {wait} s"
                error = AdminError(
                    Trouble.RATE_LIMITED, f"Nothing was asked of {desk.label}: {why}.", retry_after_s=float(wait)
                )
                outcome = self._refused(error)
            else:
                outcome = await self._by_api(plan.change)
        except AdminError as error:
            desk.failed(error)
            outcome = self._refused(error)
        except (StoreError, SigningKeyProblem) as error:
            outcome = self._failed(f"Nothing was asked of {desk.label}. {error}")
        if outcome.kind in (Trouble.CONFLICT, Trouble.NOT_FOUND) and outcome.state is ChangeState.FAILED:
            desk.publish()
            outcome = replace(outcome, next=self.again(plan))
        self._tell(Step.ENDED, outcome.sentence)
        return outcome

    def _outdated(self, change: Change) -> bool:
        """Whether a change would lead to an earlier address of ours."""
        url, desk = change.url, self.desk
        return url is not None and url != desk.url and self.plan.restores is None and desk.is_ours(url)

    async def _nothing_to_ask(self) -> Outcome:
        """Only what is wanted becomes another, or what was to be restored is as it was."""
        desk, plan = self.desk, self.plan
        if plan.restores is not None:
            if desk.lists:
                desk.outdated = True  # by what another hooktop did, perhaps
                await self._look_first()
            if self.again(plan) is not None:  # such as since the change was still on its way when this was planned
                what = visible(plan.subject, limit=SHOWN)
                return self._failed(f"{what} is not as it was any more.", Trouble.CONFLICT)
        await self._wish()
        if plan.restores is not None:
            await asyncio.to_thread(desk.office.store.mark, chain(plan.restores, desk.records), ChangeState.UNDONE)
        await desk.read()
        return Outcome(plan, ChangeState.DONE, f"Done, without asking {desk.label}: {small(plan.title)}")

    async def _by_hand(self, change: Change, where: str) -> Outcome:
        """A person does it: note it as done, so that its first event can be waited for."""
        desk, plan = self.desk, self.plan
        after = meant(desk.provider, change, BY_HAND)
        # A removal by hand cannot be taken back from here.
        state = ChangeState.DISMISSED if after is None else ChangeState.DONE
        await self._save(change, after, state, desk.office.now())
        await self._wish()
        await desk.read()
        address = visible(plan.url or "", limit=SHOWN)
        do = f"remove {address} there" if after is None else f"set the address {address} there"
        return Outcome(plan, ChangeState.DONE, f"Noted; {desk.label} is not asked: {do} by hand ({where}).", after)

    def _with_own_key(self, change: Change) -> Change:
        """The change with a signing key that no other registration was given: several that were planned at once share
        the draft."""
        key, desk = change.signing_key, self.desk
        made = {one.fingerprint for one in desk.office.signing.made(desk.provider)}
        return replace(change, signing_key=new_key()) if key is not None and key.fingerprint() in made else change

    async def _by_api(self, change: Change) -> Outcome:
        desk, plan = self.desk, self.plan
        await self._look_first()
        admin = await desk.client()
        found = self._as_listed(change)
        if isinstance(found, Outcome):
            return found
        change = self._with_own_key(found)
        admin.request(change)  # what cannot be asked for fails here, before anything is kept
        target = change.target if change.kind is not ChangeKind.ADD else None
        record = await self._save(change, meant(desk.provider, change, target.id if target is not None else ""))
        self._tell(Step.SAVED, "The change is noted." if target is None else "What is there now is saved.")
        if change.signing_key is not None:
            await self._keep(change.signing_key, record)
        newly = plan.wants is True and plan.instead_of is None and desk.wish(plan.subject) is None
        if newly:  # already now, so that it is known after a crash
            await self._wish()
            await desk.read()
        answer: Registration | AdminError | None
        desk.in_flight, desk.outdated, self.asking = record.id, True, True
        self._tell(Step.ASKING, f"Asking {desk.label} at {admin.host}.")
        try:
            answer = await admin.perform(change)
        except AdminError as error:
            answer = error
        except Exception as error:  # whatever it is, the request may have been sent
            log.error("a change failed: %s", type(error).__name__)
            why = (
                f"hooktop could not follow the answer ({type(error).__name__}); look at the list before you ask again."
            )
            answer = AdminError(Trouble.UNCERTAIN, f"{desk.label} was asked, and {why}")
        finally:
            desk.in_flight, self.asking, self.took_s = None, False, desk.took_s
        if not isinstance(answer, AdminError):
            self._tell(Step.ANSWERED, f"{desk.label} has done it.")
            return await self._done(change, record, answer)
        if answer.kind in _OPEN:
            return await self._open(change, record, answer)
        return await self._not_done(change, record, answer, newly=newly)

    async def _look_first(self) -> None:
        """Know what is there now. Raises AdminError and StoreError."""
        desk = self.desk
        if not desk.fresh:
            self._tell(Step.LOOKING, f"Asking {desk.label} what it has.")
            await desk.look()
            await settle(desk)

    def _as_listed(self, change: Change) -> Change | Outcome:
        """The change of what is there now; the outcome when that is not what the plan was made for."""
        desk, target = self.desk, change.target
        what = visible(change.subject, limit=SHOWN)
        nothing = f"Nothing was asked of {desk.label}:"
        if change.kind is ChangeKind.ADD:
            exclusive = desk.admin is not None and desk.admin.exclusive
            same = [one for one in desk.found or () if one.subject == change.subject and desk.lists]
            taken = next((one for one in same if exclusive or one.url == change.url), None)
            if taken is None:
                return change
            at = visible(taken.url, limit=SHOWN)
            return self._failed(f"{nothing} {what} is at {at} already.", Trouble.CONFLICT)
        now = desk.find(target.id) if target is not None else None
        if now is None or target is None:
            return self._failed(f"{nothing} {what} is not there any more.", Trouble.NOT_FOUND)
        if essence(now) != essence(target):
            at = visible(now.url, limit=SHOWN)
            return self._failed(f"{nothing} {what} was changed meanwhile and is at {at} now.", Trouble.CONFLICT)
        return replace(change, target=now)

    async def _keep(self, key: Secret, record: ChangeRecord) -> None:
        """Keep a new key before the provider gets it. Raises SigningKeyProblem."""
        desk, plan = self.desk, self.plan
        signing, now = desk.office.signing, desk.office.now()
        try:
            made = await asyncio.to_thread(signing.keep, desk.name, desk.provider, plan.subject, key, now)
        except SigningKeyProblem:
            await asyncio.to_thread(desk.office.store.end, record.id, ChangeState.FAILED, None, now)
            raise
        where = "in the system's keyring" if made.in_keyring else "in a file that you alone can read"
        self._tell(Step.KEY_KEPT, f"The new signing key {made.fingerprint} is kept {where}.")

    async def _done(self, change: Change, record: ChangeRecord, answer: Registration | None) -> Outcome:
        """The provider has done it: note that first, then look at the list."""
        desk, plan = self.desk, self.plan
        sentences = [f"Done: {small(plan.title)}"]
        if answer is not None and answer.note:
            sentences.append(f"{visible(answer.note, limit=SHOWN).rstrip('.')}.")
        desk.apply(change, answer)
        try:
            await self._note(record, answer, change.signing_key)
        except StoreError as error:
            sentences.append(f"It could not be noted here. {error}")
        self._tell(Step.LOOKING, f"Asking {desk.label} what it has now.")
        if (trouble := await self._look()) is not None:
            sentences.append(f"The list could not be read afterwards. {trouble}")
        after = answer and (desk.find(answer.id) or answer)
        return self._outcome(ChangeState.DONE, " ".join(sentences), registration=after, key=change.signing_key)

    async def _not_done(self, change: Change, record: ChangeRecord, error: AdminError, *, newly: bool) -> Outcome:
        """The provider refused or was not reached, so nothing changed."""
        desk, store = self.desk, self.desk.office.store
        try:
            await asyncio.to_thread(
                store.end, record.id, ChangeState.FAILED, None, desk.office.now(), probes=self.probes
            )
            gone = change.kind is ChangeKind.REMOVE and error.kind is Trouble.NOT_FOUND
            if newly or (gone and self.plan.wants is False):  # another may do the job of what is gone
                await asyncio.to_thread(store.unwant, desk.name, self.plan.subject)
            await desk.read()
        except StoreError as problem:
            log.warning("a refusal could not be noted: %s", problem)
        if change.signing_key is not None:
            await give_up(desk, record, change.signing_key)
        if error.kind in (Trouble.CONFLICT, Trouble.NOT_FOUND):  # the list is not what it was
            await self._look()
        return self._refused(error)

    async def _open(self, change: Change, record: ChangeRecord, error: AdminError) -> Outcome:
        """Nobody knows whether it was done; the list may tell."""
        desk = self.desk
        self._tell(Step.LOOKING, f"No clear answer came. Asking {desk.label} what it has.")
        trouble = await self._look(LOOK_AFTER_S)
        told = desk.lists and trouble is None
        done, after = seen(record, desk.listed or ()) if told else (False, None)
        sentences = [str(error)]
        try:
            if done:
                await self._note(record, after, change.signing_key)
            else:
                await desk.read()
        except StoreError as problem:
            sentences.append(f"It could not be noted here. {problem}")
        if done:
            sentences = [
                f"Done: {small(self.plan.title)} No clear answer came, but the list shows it.",
                *sentences[1:],
            ]
            return self._outcome(ChangeState.DONE, " ".join(sentences), registration=after, key=change.signing_key)
        if told:
            sentences.append("The list does not show it so far.")
        outcome = self._refused(error)
        return replace(outcome, state=ChangeState.BEGUN, sentence=" ".join(sentences), key=change.signing_key)

    async def _note(self, record: ChangeRecord, after: Registration | None, key: Secret | None) -> None:
        """Note that it was done, and what follows from that. Raises StoreError."""
        desk, store = self.desk, self.desk.office.store
        kept, now = without_secrets(after), desk.office.now()
        await asyncio.to_thread(store.end, record.id, ChangeState.DONE, kept, now, probes=self.probes)
        await follow_up(desk, record, after, key)
        await self._wish()
        desk.draft_key = new_key()
        await desk.read()
        await desk.look_back()  # a test request may have been the first event

    async def _look(self, deadline_s: float = DEADLINE_S) -> str | None:
        """List again; gives the sentence when that fails."""
        try:
            await self.desk.look(deadline_s)
        except AdminError as error:
            self.desk.failed(error)
            return str(error)
        return None

    async def _wish(self) -> None:
        """Want what the plan wants afterwards. Raises StoreError."""
        desk, plan, store = self.desk, self.plan, self.desk.office.store
        if plan.wants:
            spec, now = plan.spec or {}, desk.office.now()
            await asyncio.to_thread(store.want, desk.name, desk.provider, plan.subject, spec, now)
        elif plan.wants is False:
            await asyncio.to_thread(store.unwant, desk.name, plan.subject)
        if plan.wants and plan.instead_of is not None:
            await asyncio.to_thread(store.unwant, desk.name, plan.instead_of)

    async def _save(
        self,
        change: Change,
        after: Registration | None,
        state: ChangeState = ChangeState.BEGUN,
        ended_at: datetime | None = None,
    ) -> ChangeRecord:
        """Keep the change with what is there now. Raises StoreError."""
        desk, plan = self.desk, self.plan
        record = ChangeRecord(
            id=0,
            account=desk.name,
            provider=desk.provider,
            kind=change.kind,
            subject=plan.subject,
            before=without_secrets(change.target) if change.kind is not ChangeKind.ADD else None,
            after=without_secrets(after),
            begun_at=desk.office.now(),
            ended_at=ended_at,
            state=state,
            run=desk.office.run,
            undoes=plan.restores.id if plan.restores is not None else None,
        )
        record = await asyncio.to_thread(desk.office.store.begin, record)
        desk.records = (*desk.records, record)
        return record

    def _refused(self, error: AdminError) -> Outcome:
        if error.kind is Trouble.RATE_LIMITED and error.status is not None:
            self.desk.leave_alone(error.retry_after_s or 0.0)
        return replace(
            self._failed(str(error), error.kind),
            status=error.status,
            said=error.said,
            trace_id=error.trace_id,
            retry_after_s=error.retry_after_s,
        )

    def _failed(self, sentence: str, kind: Trouble | None = None) -> Outcome:
        return replace(self._outcome(ChangeState.FAILED, sentence), kind=kind)

    def _outcome(
        self,
        state: ChangeState,
        sentence: str,
        *,
        registration: Registration | None = None,
        key: Secret | None = None,
    ) -> Outcome:
        return Outcome(self.plan, state, sentence, registration, key=key, probes=tuple(self.probes), took_s=self.took_s)

    def _tell(self, step: Step, sentence: str, capture: int | None = None) -> None:
        self.told(Progress(step, sentence, capture))


def _end(address: str) -> str:
    """The last segment of an address or a path, which is hooktop's own; a proxy may have changed what is before it."""
    return address.partition("?")[0].rstrip("/").rpartition("/")[2]
