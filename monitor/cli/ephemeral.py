"""``--ephemeral``: what was registered while hooktop ran is removed when it ends."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Final

from monitor.cli.errors import tell
from monitor.cli.output import counted
from monitor.model.registration import ChangeKind

if TYPE_CHECKING:
    from monitor.services.assemble import Assembly
    from monitor.services.registrations import Offer

LIMIT_S: Final = 8.0  # whoever ended hooktop may kill it after ten


async def remove_added(assembly: Assembly, since: datetime) -> None:
    """Remove what was registered ``since`` then, also by commands beside this one, while the receiver still answers;
    say what was removed and what could not be, and what gave way: it is put back only where somebody says so."""
    from monitor.store.errors import StoreError
    from monitor.store.registrations import RegistrationStore

    registrations = assembly.registrations
    try:
        async with asyncio.timeout(LIMIT_S):
            for outcome in await registrations.remove_added(since):
                tell(outcome.sentence)
            if replaced := [offer for offer in await registrations.restorable() if _gave_way(assembly, offer, since)]:
                tell(
                    f"Replaced and still leading here: {counted(len(replaced), 'webhook')}; 'hooktop webhooks restore' "
                    "puts back what was there."
                )
    except TimeoutError:
        tell(
            f"Removing what was registered took longer than {LIMIT_S:g} s and was given up; 'hooktop webhooks list' "
            "shows what is still there."
        )
    except StoreError as error:
        tell(str(error))
    else:
        await asyncio.to_thread(RegistrationStore(assembly.monitor.store.path).close, registrations.run)


def _gave_way(assembly: Assembly, offer: Offer, since: datetime) -> bool:
    """Whether a webhook of somebody else was changed into one of ours ``since`` then."""
    record = offer.record
    if record.kind is not ChangeKind.UPDATE or record.begun_at < since or record.before is None:
        return False
    return not assembly.monitor.reach.is_ours(record.before.url)
