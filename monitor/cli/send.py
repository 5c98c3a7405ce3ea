"""``hooktop send``: simulated events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.command import Command, globals_of
from monitor.cli.errors import FAILED, INTERRUPTED, USAGE, as_sentence, fail, tell
from monitor.cli.output import Paint, counted, say, table
from monitor.cli.types import ADDRESS, LINES, RATE, Whole
from monitor.model.attempt import is_success

if TYPE_CHECKING:
    from monitor.sandbox.sender import Sent
    from monitor.services.simulate import Order, Simulator

DEFAULT_TO = "http://127.0.0.1:8787"


@click.command(cls=Command)
@click.argument("provider", required=False)
@click.argument("scenario", required=False)
@click.option(
    "--to",
    type=ADDRESS,
    metavar="URL",
    help=f"The receiver (default: the hooktop that runs, else the configured one, else {DEFAULT_TO}).",
)
@click.option("--count", type=Whole(1), metavar="N", help="Send N events (default: the scenario once).")
@click.option("--rate", type=RATE, metavar="PER_S", help="Events a second (default: the scenario's own pace).")
@click.option("--seed", type=int, metavar="N", help="The same seed gives the same events.")
@click.option("--set", "sets", multiple=True, type=LINES, metavar="PATH=VALUE", help="Set a value in the bodies.")
@click.option("--bad-signature", is_flag=True, help="Spoil the signatures.")
@click.option("--duplicate", is_flag=True, help="Send every event twice.")
@click.option("--out-of-order", is_flag=True, help="Let an event be overtaken by the one after it.")
@click.option("--unknown-field", is_flag=True, help="Add a field that the provider does not have.")
@click.option("--burst", is_flag=True, help="Send all at once, as fast as they are answered.")
@click.option("--list", "as_list", is_flag=True, help="List providers and scenarios, send nothing.")
@click.pass_context
def command(
    ctx: click.Context, /, provider: str | None, scenario: str | None, to: str | None, as_list: bool, **wish: Any
) -> int:
    """Send signed, simulated events to a receiver. They are signed with a key of this installation, and a hooktop of
    this installation labels them local; no other receiver takes them for real.

    \b
    Examples:
      hooktop send --list
      hooktop send volt delivered
      hooktop send bird sms-delivered --count 100 --rate 20 --bad-signature
      hooktop send volt inbound --set 'payload.text=Hello there'
      hooktop send volt delivered --count 200 --burst
    """  # fmt: skip
    from monitor.cli.history import database
    from monitor.services.assemble import beside, load_config, simulator_of
    from monitor.services.simulate import Order

    options = globals_of(ctx)
    config = load_config(options.config)
    try:
        simulator = simulator_of(beside(config, database(options, config)), to)
    except ValueError:  # such as an IPv6 address that is not closed
        fail("Cannot send to this address: it is none; write it as in http://127.0.0.1:8787.", USAGE)
    if as_list or provider is None:
        return _list(simulator, provider, Paint(no_color=options.no_color))
    if scenario is None:
        _scenarios(simulator, provider)  # whoever does not know the provider cannot name one of its scenarios
        fail(f"Name a scenario of {provider}; 'hooktop send --list {provider}' shows them.", USAGE)
    return asyncio.run(_send(simulator, Order(provider, scenario, **wish), Paint(no_color=options.no_color)))


def _list(simulator: Simulator, wanted: str | None, paint: Paint) -> int:
    say(*table(("PROVIDER", "SCENARIO", "WHAT HAPPENS"), _scenarios(simulator, wanted), paint=paint))
    return 0


def _scenarios(simulator: Simulator, wanted: str | None) -> list[tuple[str, str, str]]:
    rows = [
        (provider.name, scenario.name, scenario.summary)
        for provider, scenario in simulator.scenarios()
        if wanted in (None, provider.name)
    ]
    if not rows:
        names = ", ".join(provider.name for provider in simulator.providers())
        fail(f"There are no simulated events of {wanted!r}; choose one of {names}.", USAGE)
    return rows


async def _send(simulator: Simulator, order: Order, paint: Paint) -> int:
    from monitor.cli.stopping import on_signals

    stop, interrupted = asyncio.Event(), False

    def ask(_: object) -> None:
        nonlocal interrupted
        interrupted = True
        stop.set()

    def told(sent: Sent) -> None:
        say(_line(sent, paint))
        if sent.error is not None:
            stop.set()  # whoever does not take the first is not asked a thousand times

    with on_signals(ask):
        outcome = await simulator.send(order, on_sent=told, stop=stop)
    if outcome.trouble is not None:
        fail(as_sentence(outcome.trouble), FAILED)
    tell(f"Sent {counted(outcome.posted, 'event')} of {order.provider} {order.scenario}: {outcome.answers}.")
    if interrupted:
        return INTERRUPTED
    return FAILED if any(status >= 400 for status in outcome.statuses) else 0


def _line(sent: Sent, paint: Paint) -> str:
    delivery = sent.delivery
    answer = "no answer" if sent.status is None else str(sent.status)
    color = "green" if is_success(sent.status) else "red"
    fault = f"  {delivery.fault.value.replace('_', ' ')}" if delivery.fault else ""
    size = f"{len(delivery.body)} bytes"
    took = f"{sent.elapsed_s * 1000:.0f} ms"
    return f"{delivery.provider} {delivery.scenario}  {size:>10}  {paint(answer, color)}  {took:>7}{fault}"
