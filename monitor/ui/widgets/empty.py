"""What stands where the list would be while there is nothing to list."""

from __future__ import annotations

from typing import Final

from monitor.providers.registry import registry
from monitor.ui import redact
from monitor.ui.format import count
from monitor.ui.lines import Part
from monitor.ui.safety import Plain
from monitor.ui.session import Session

FULL: Final = 20  # lines from which on each provider has one of its own


def unfiltered(key: str) -> tuple[Part, ...]:
    """How everything is shown again."""
    return ((key, "accent"), ("  shows everything again", "quiet"))


class Empty(Plain):
    """The next step, instead of an empty list."""

    def __init__(self) -> None:
        super().__init__(id="empty")
        self._shown: tuple[tuple[Part, ...], ...] = ()

    def say(self, *lines: tuple[Part, ...]) -> None:
        """Show these lines."""
        if lines != self._shown:
            self._shown = lines
            self.show_parts(*lines)

    def waiting(self, session: Session) -> None:
        """Nothing was captured yet: what to do."""
        monitor, key = session.monitor, session.key
        if not monitor.settings.receives:
            self.say(
                (("There are no captures in this file", "strong"),),
                (),
                ((key("leave"), "accent"), ("  quits", "quiet")),
            )
            return
        token = f"/{redact.HIDDEN}" if monitor.settings.token else ""
        names = [name for name in registry().names() if name != "generic"]
        base = monitor.reach.public_url or monitor.url
        low = 0 < self.size.height < FULL
        apart: list[tuple[Part, ...]] = [] if low else [()]
        lines: list[tuple[Part, ...]] = [
            (("Waiting for the first webhook", "strong"),),
            *apart,
            (("point a provider at", "quiet"),),
            *_addresses(base.rstrip("/"), names, token, low=low),
            *apart,
            (("or try it from another terminal", "quiet"),),
            ((f'curl -d \'{{"hello":"hooktop"}}\' {monitor.url}/generic{token}', "plain"),),
        ]
        if token:
            lines.append((("the dots stand for this receiver's secret path token", "quiet"),))
        lines.append(())
        if session.webhooks is not None:
            watches = monitor.settings.read_only
            does = "shows the webhooks at the providers" if watches else "registers a webhook with a provider"
            lines.append(((key("view_webhooks"), "accent"), (f"  {does}", "quiet")))
        if session.can_send:
            lines.append(((key("send"), "accent"), ("  sends a simulated event, signed with a local key", "quiet")))
        lines.append(((key("help"), "accent"), ("  shows every key", "quiet")))
        self.say(*lines)

    def paused(self, session: Session) -> None:
        """What there is waits until the screens go on."""
        waiting = f"Paused, {count(session.view.pending, 'capture')} waiting"
        self.say(((waiting, "strong"),), (), ((session.key("freeze"), "accent"), ("  goes on", "quiet")))

    def no_match(self, scanned: float | None, key: str) -> None:
        """Nothing passes the filter (so far); ``key`` takes it away."""
        if scanned is not None:
            self.say((("Looking for matches", "strong"),), (), ((f"{scanned:.0%} of the history", "quiet"),))
            return
        self.say((("Nothing passes this filter", "strong"),), (), unfiltered(key))


def _addresses(base: str, names: list[str], token: str, *, low: bool) -> list[tuple[Part, ...]]:
    """Where each provider sends to; in one line where there is little room."""
    first: tuple[Part, ...] = ((f"{base}/", "info"), (f"{names[0]}{token}", "info"))
    if low:
        return [(*first, (f"  or /{' /'.join(names[1:])}", "quiet"))]
    return [first, *(((f"{'':{len(base)}}/", "faint"), (f"{name}{token}", "quiet")) for name in names[1:])]
