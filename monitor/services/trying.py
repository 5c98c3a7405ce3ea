"""Trying an account's credentials with a call that changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.admin.base import LIST, AdminError, ApiCall, closed
from monitor.services.desk import Desk


@dataclass(frozen=True, slots=True)
class Tested:
    """What a harmless call said of an account's credentials."""

    account: str
    ok: bool
    sentence: str
    took_s: float | None = None


async def tested(desk: Desk, calls: Sequence[ApiCall]) -> Tested:
    """Look at what the provider has; ``calls`` are those made so far, and grow.

    The desk's lock is held by the caller, who then reads off the panel how long it took.
    """
    before = calls[-1] if calls else None
    try:
        await desk.look(anew=True)
    except AdminError as error:
        desk.failed(error)
        return Tested(desk.name, False, error.in_full)
    if before is (calls[-1] if calls else None):
        why = desk.panel.cannot.get(LIST) or "its API has nothing harmless to ask."
        return Tested(desk.name, True, f"Nothing was tried: {why}")
    if desk.admin is not None and (doubt := desk.admin.doubt) is not None:
        if not closed(doubt):
            desk.failed(doubt)
            return Tested(desk.name, False, doubt.in_full)
        unknown = "so whether it takes the credentials is seen when something is registered"
        said = doubt.said or doubt.status
        text = f"{desk.label} at {desk.panel.host} does not tell its schema ({said}), {unknown}."
        return Tested(desk.name, True, text)
    count = len(desk.listed or ())
    has = f" and has {count} webhook{'' if count == 1 else 's'}" if desk.lists else ""
    return Tested(desk.name, True, f"{desk.label} at {desk.panel.host} took the credentials{has}.")
