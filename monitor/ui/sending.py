"""Sending what the send overlay ordered, and saying what became of it."""

from __future__ import annotations

from textual.app import App

from monitor.sandbox.problems import SimulationProblem
from monitor.services.simulate import Simulator
from monitor.ui.format import count
from monitor.ui.safety import toast
from monitor.ui.screens.send import Order

TROUBLE_S = 15  # seconds that a failure stays in sight


async def send(app: App[int], simulator: Simulator, order: Order) -> None:
    """Send and report. Never raises."""
    what = f"{order.provider} {order.scenario}"
    try:
        outcome = await simulator.send(
            order.provider, order.scenario, count=order.count, bad_signature=order.bad_signature
        )
    except SimulationProblem as problem:
        toast(app, str(problem), severity="error", timeout=TROUBLE_S)
        return
    except Exception as error:  # whatever sending met, the screens go on
        toast(app, f"{what} could not be sent ({type(error).__name__}).", severity="error", timeout=TROUBLE_S)
        return
    if outcome.unanswered:
        toast(app, f"{what}: {outcome.trouble or 'no answer'}", severity="error", timeout=TROUBLE_S)
        return
    answers = ", ".join(f"{number}× {status}" for status, number in sorted(outcome.statuses.items()))
    toast(app, f"Sent {what}: {count(outcome.posted, 'event')}, answered {answers}")
