"""Changes at providers from any screen: carrying them out, putting them back, and what is offered at start and end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from monitor.model.registration import ChangeState
from monitor.services.registrations import Offer, Outcome, Plan
from monitor.services.webhooks import Webhooks
from monitor.store.errors import StoreError
from monitor.ui.format import count
from monitor.ui.safety import toast
from monitor.ui.session import Session
from monitor.ui.webhook_rows import adrift

if TYPE_CHECKING:
    from textual.app import App

    from monitor.ui.screens.restore import Answer

Over = Callable[[tuple[Outcome, ...]], None]


def _nobody(_: tuple[Outcome, ...]) -> None:
    """Nobody wants to know."""


class Offering:
    """What the app does about changes; ``webhooks`` are those of the session."""

    def __init__(self, app: App[int], session: Session, webhooks: Webhooks) -> None:
        self._app = app
        self._session = session
        self._webhooks = webhooks
        self._asking = False  # it is asked whether to put something back before the end

    def carry_out(self, plans: Sequence[Plan], title: str, over: Over = _nobody) -> None:
        """Ask, rehearse, send; then tell ``over`` what came of it."""
        from monitor.ui.screens.change import ChangeScreen

        screen = ChangeScreen(self._session, self._webhooks, plans, title=title)
        self._app.push_screen(screen, lambda outcomes: over(outcomes or ()))

    async def put_back(self, offers: Sequence[Offer], over: Over = _nobody) -> None:
        """Put these back, once it is known what is there now."""
        registrations = self._webhooks.registrations
        for account in dict.fromkeys(offer.record.account for offer in offers):
            if registrations.panel(account).refreshed_at is None:
                await registrations.refresh(account)
        plans = [registrations.plan_restore(offer.record) for offer in offers]
        self.carry_out(plans, "Put back", over)

    async def choose(self) -> None:
        """Show what can be put back."""
        from monitor.ui.screens.restore import Answer, RestoreScreen

        async def do(answer: Answer, offers: Sequence[Offer]) -> None:
            if answer is Answer.BACK:
                await self.put_back(offers)
                return
            try:
                for offer in offers:
                    await self._webhooks.registrations.dismiss(offer.record)
            except StoreError as error:
                self._say(error)

        def answered(result: tuple[Answer, tuple[Offer, ...]] | None) -> None:
            if result is not None:
                self._app.run_worker(do(*result), group="offering")

        try:
            offers = await self._webhooks.registrations.restorable()
            out_of_reach = await self._webhooks.registrations.out_of_reach()
        except StoreError as error:
            self._say(error)
        else:
            self._app.push_screen(RestoreScreen(self._session, offers, out_of_reach=out_of_reach), answered)

    async def begin(self) -> None:
        """Offer what a run that did not end properly left behind, and see how what is wanted stands."""
        from monitor.ui.screens.restore import Answer, Occasion, RestoreScreen

        self._session.monitor.reach.follow(self._moved)
        if (tunnel := self._webhooks.tunnel) is not None:
            tunnel.follow(lambda _: self._warn(tunnel.trouble))
            self._warn(tunnel.trouble)
        try:
            await self._webhooks.registrations.open()
        except StoreError as error:
            self._say(error)
            return
        self._look()

        def answered(result: tuple[Answer, tuple[Offer, ...]] | None) -> None:
            if result is not None:
                answer, chosen = result
                self._app.run_worker(
                    self.put_back(chosen) if answer is Answer.BACK else self._leave(), group="offering"
                )

        offers = await self._offers()
        if offers:
            self._app.push_screen(RestoreScreen(self._session, offers, Occasion.START), answered)

    async def end(self, exit_: Callable[[], None]) -> None:
        """Ask once whether to put back what gave way, also of what gave way while it was asked, then call ``exit_``;
        asked again meanwhile it ends at once."""
        from monitor.ui.screens.restore import Answer, Occasion, RestoreScreen

        if self._asking:
            exit_()
            return

        def over(outcomes: tuple[Outcome, ...]) -> None:
            if outcomes and all(outcome.state is ChangeState.DONE for outcome in outcomes):
                self._app.run_worker(go(), group="offering")

        asked: set[int] = set()

        async def go() -> None:
            offers = [offer for offer in await self._offers() if offer.record.id not in asked]
            if not offers:
                await self._leave()
                exit_()
                return
            asked.update(offer.record.id for offer in offers)
            self._asking = True
            self._app.push_screen(RestoreScreen(self._session, offers, Occasion.END), answered)

        def answered(result: tuple[Answer, tuple[Offer, ...]] | None) -> None:
            self._asking = False
            answer, chosen = result if result is not None else (None, ())
            if answer is Answer.LATER:
                exit_()
            elif answer is Answer.NEVER:
                self._app.run_worker(go(), group="offering")
            elif answer is Answer.BACK:
                self._app.run_worker(self.put_back(chosen, over), group="offering")

        await go()

    def _warn(self, trouble: str | None) -> None:
        """Say how the tunnel does where it does badly."""
        if trouble is not None:
            toast(self._app, trouble, severity="warning")

    def _moved(self) -> None:
        """The public address is another: by hand, or since a tunnel has a new one."""
        self._app.run_worker(self._tell_moved(), group="moved", exclusive=True)

    async def _tell_moved(self) -> None:
        """Say where the world reaches us now, and what points elsewhere, also of what another program registered."""
        try:
            await self._webhooks.registrations.read()
        except StoreError as error:
            self._say(error)
        url = self._session.monitor.reach.public_url
        away = adrift(self._webhooks.registrations.panels())
        said = "There is no public URL any more." if url is None else f"The public URL is {url} now."
        if away:
            view, mends = self._session.key("view_webhooks"), self._session.changing_key
            keys = f"{view}, then {mends('mend_all')}" if mends else view
            said += f"\n{count(away, 'registration')} of yours point{'s' if away == 1 else ''} elsewhere: {keys}."
        toast(self._app, said, severity="warning" if away else "information")
        self._look()

    def _look(self) -> None:
        """Ask those providers again at which something is wanted."""
        for panel in self._webhooks.registrations.panels():
            if any(row.wanted is not None for row in panel.rows):
                look = self._webhooks.registrations.refresh(panel.account)
                self._app.run_worker(look, group=f"look-{panel.account}", exclusive=True)

    async def _offers(self) -> tuple[Offer, ...]:
        try:
            return await self._webhooks.registrations.offers()
        except StoreError as error:
            self._say(error)
            return ()

    async def _leave(self) -> None:
        try:
            await self._webhooks.registrations.leave()
        except StoreError as error:
            self._say(error)

    def _say(self, error: StoreError) -> None:
        toast(self._app, str(error), severity="error")
