"""What tunnel services answer by themselves: a tunnel is dead, nobody is behind it, somebody must click first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from monitor.tunnels.asking import Answer

# The domains that tunnel services give away, and what people call the service.
_DOMAINS: Final[Mapping[str, str]] = {
    "trycloudflare.com": "Cloudflare",
    "ngrok.io": "ngrok",
    "ngrok.app": "ngrok",
    "ngrok.dev": "ngrok",
    "ngrok-free.app": "ngrok",
    "ngrok-free.dev": "ngrok",
    "loca.lt": "localtunnel",
    "ts.net": "Tailscale",
    "lhr.life": "localhost.run",
    "serveo.net": "Serveo",
    "pinggy.link": "Pinggy",
    "devtunnels.ms": "Dev Tunnels",
}
_NGROK: Final = re.compile(rb"ERR_NGROK_([0-9]{1,6})")
_NO_TUNNEL: Final = re.compile(rb"\b1033\b")


class PageKind(StrEnum):
    """What such an answer means."""

    DEAD = "dead"  # no tunnel has this address now
    EMPTY = "empty"  # the tunnel runs, but nothing answers at its local end
    GATE = "gate"  # a page that wants a click or a login stands before it
    REFUSED = "refused"  # the service does not let the request through, for a reason of its own


@dataclass(frozen=True, slots=True)
class Page:
    """An answer of the tunnel service itself. ``sentence`` says what it is, ``remedy`` what to do."""

    service: str
    kind: PageKind
    sentence: str
    remedy: str


def service_of(host: str) -> str | None:
    """The tunnel service that a host belongs to, by its domain; None for other domains."""
    labels = host.lower().rstrip(".").split(".")
    return next((_DOMAINS[name] for at in range(len(labels)) if (name := ".".join(labels[at:])) in _DOMAINS), None)


def page_of(host: str, answer: Answer) -> Page | None:
    """The tunnel service's own answer, None where the answer came through the tunnel, as far as one can tell."""
    service = service_of(host)
    return _ngrok(service, answer) or _localtunnel(service, answer) or _cloudflare(answer) or _other(service, answer)


def _ngrok(service: str | None, answer: Answer) -> Page | None:
    # https://ngrok.com/docs/errors: the code is in a header, also for domains of one's own.
    said = answer.headers.get("ngrok-error-code", "").encode("latin-1", "replace")
    found = _NGROK.search(said) or (_NGROK.search(answer.body) if service == "ngrok" else None)
    if found is None:
        return None
    match code := found[1].decode():
        case "3200":
            return _dead("ngrok", f"ERR_NGROK_{code}")
        case "8012":
            return _empty("ngrok", f"ERR_NGROK_{code}")
        case "6024":
            return _gate("ngrok", "its browser warning", "use a paid plan or another tunnel")
    return Page(
        "ngrok",
        PageKind.REFUSED,
        f"ngrok does not let the request through (ERR_NGROK_{code}).",
        f"See https://ngrok.com/docs/errors/err_ngrok_{code}.",
    )


def _localtunnel(service: str | None, answer: Answer) -> Page | None:
    unavailable = "tunnel unavailable" in answer.headers.get("x-localtunnel-status", "").lower()
    if service != "localtunnel" and not unavailable:
        return None
    if unavailable or answer.status == 503 or (answer.status == 404 and answer.body.strip() == b"404"):
        return _dead("localtunnel", str(answer.status))
    if answer.status == 511:  # https://github.com/localtunnel/localtunnel/issues/598
        return _gate("localtunnel", "its reminder page, which asks for a password", "use another tunnel")
    if answer.status in (502, 504):
        return _empty("localtunnel", str(answer.status))
    return None


def _cloudflare(answer: Answer) -> Page | None:
    if "cf-ray" not in answer.headers and answer.headers.get("server", "").lower() != "cloudflare":
        return None
    if answer.status == 530:
        return _dead("Cloudflare", "error 1033" if _NO_TUNNEL.search(answer.body) else "530")
    if answer.status == 502:
        return _empty("Cloudflare", "502")
    if "challenge" in answer.headers.get("cf-mitigated", "").lower():
        return _gate("Cloudflare", "a challenge", "switch it off for this address, or use another tunnel")
    if (answer.onward or "").endswith(".cloudflareaccess.com"):
        return _gate("Cloudflare", "the login of Cloudflare Access", "let this address pass without it")
    return None


def _other(service: str | None, answer: Answer) -> Page | None:
    if service == "Tailscale" and answer.status == 502:
        return _empty(service, "502")
    if service == "localhost.run" and b"no tunnel here" in answer.body.lower():
        return _dead(service, str(answer.status))
    return None


def _dead(service: str, said: str) -> Page:
    return Page(
        service,
        PageKind.DEAD,
        f"{service} knows no running tunnel with this address ({said}).",
        "Start the tunnel again and use the address that it gives.",
    )


def _empty(service: str, said: str) -> Page:
    return Page(
        service,
        PageKind.EMPTY,
        f"{service}'s tunnel runs, but nothing answers at its local end ({said}).",
        "Let the tunnel lead to the port that hooktop listens on.",
    )


def _gate(service: str, what: str, remedy: str) -> Page:
    return Page(
        service,
        PageKind.GATE,
        f"{service} puts {what} before the tunnel, and no provider gets past it.",
        f"{remedy[0].upper()}{remedy[1:]}.",
    )
