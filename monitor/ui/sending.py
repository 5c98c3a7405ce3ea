"""Sending what was ordered on the screens: under way beside them, with its progress, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual.app import App

from monitor.sandbox.problems import SimulationProblem
from monitor.services.simulate import Order, Outcome, Simulator
from monitor.text import visible
from monitor.ui.format import count
from monitor.ui.lines import Part
from monitor.ui.safety import toast

if TYPE_CHECKING:
    from monitor.ui.session import Session

TROUBLE_S = 15  # seconds that a failure stays in sight


class Sending:
    """Orders that are carried out one after another."""

    def __init__(self, simulator: Simulator, orders: Sequence[Order]) -> None:
        self._simulator = simulator
        self._stop = asyncio.Event()
        self.orders = orders
        self.order = orders[0]
        self.outcome = Outcome()
        self.running = True

    @property
    def what(self) -> str:
        """What is sent, as visible text."""
        more = f" ({self.orders.index(self.order) + 1} of {len(self.orders)})" if len(self.orders) > 1 else ""
        return visible(f"{self.order.provider} {self.order.scenario}{more}", limit=80)

    @property
    def mode(self) -> Part:
        """What the status line says of it."""
        return f"SENDING {count(self.outcome.posted)}/{count(self.outcome.total)}", "chip"

    def stop(self) -> None:
        """Send no more; what is under way is waited for."""
        self._stop.set()

    async def run(self, app: App[Any]) -> None:
        """Send and report. Never raises."""
        try:
            for order in self.orders:
                if self._stop.is_set():
                    break
                self.order, self.outcome = order, Outcome()
                await self._send(app)
        finally:
            self.running = False

    async def _send(self, app: App[Any]) -> None:
        outcome = self.outcome
        try:
            await self._simulator.send(
                self.order, outcome=outcome, on_sent=lambda sent: self.stop() if sent.error is not None else None,
                stop=self._stop,
            )  # fmt: skip
        except SimulationProblem as problem:
            toast(app, str(problem), severity="error", timeout=TROUBLE_S)
        except Exception as error:  # whatever sending met, the screens go on
            toast(app, f"{self.what} could not be sent ({type(error).__name__}).", severity="error", timeout=TROUBLE_S)
        else:
            self._report(app)

    def _report(self, app: App[Any]) -> None:
        outcome = self.outcome
        if outcome.trouble is not None:
            toast(app, f"{self.what}: {outcome.trouble}", severity="error", timeout=TROUBLE_S)
        else:
            stopped = "Stopped" if outcome.posted < outcome.total else "Sent"
            toast(app, f"{stopped} {self.what}: {count(outcome.posted, 'event')}, answered {outcome.answers}")


def begin(app: App[Any], session: Session, *orders: Order) -> None:
    """Send what was ordered, beside whatever the screens do. Nothing else may be under way."""
    assert session.simulator is not None  # noqa: S101 - asked by ``can_send``
    session.sending = Sending(session.simulator, orders)
    app.run_worker(session.sending.run(app), group="send")
