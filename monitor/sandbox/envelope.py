"""The request that carries a delivery: signed as its provider signs, then spoilt where the delivery has a fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from monitor import __version__
from monitor.model.capture import STAMP_HEADER
from monitor.providers import asked
from monitor.providers.base import Provider
from monitor.providers.keys import SigningKey
from monitor.sandbox.deliveries import Delivery, Fault

# Only Connectly documents its own (providers/connectly.md, section 3); Volt and OneRoute show code for Node, Bird none.
USER_AGENTS = {
    "volt": "axios/1.7.9",
    "bird": "Go-http-client/1.1",
    "connectly": "go-resty/2.6.0 (https://github.com/go-resty/resty)",
    "oneroute": "axios/0.27.2",
}


@dataclass(frozen=True, slots=True)
class Envelope:
    """Headers (names in lower case) and body of a POST request."""

    headers: tuple[tuple[str, str], ...]
    body: bytes


def seal(
    delivery: Delivery,
    provider: Provider,
    key: SigningKey,
    *,
    url: str,
    at: float,
    stamp: Callable[[bytes], str] | None = None,
) -> Envelope:
    """The request for a delivery posted at the Unix time ``at`` to the address that the world knows as ``url``.

    ``stamp`` makes the header value by which the receiver knows a body as simulated. Raises KeyProblem for a key of
    another kind than the provider's, and where it cannot sign.
    """
    signed = asked.sign(provider, delivery.body, key, url=url, at=at - delivery.signed_before)
    body = delivery.body
    if delivery.fault is Fault.UNSIGNED:
        signed = [(name, value) for name, value in signed if name.lower() not in provider.signature_headers]
    elif delivery.fault is Fault.BAD_SIGNATURE:
        signed = [(n, _altered(v) if n.lower() in provider.signature_headers else v) for n, v in signed]
    elif delivery.fault is Fault.CHANGED_BODY:
        body = _changed(body)
    headers = [
        ("content-type", delivery.content_type),
        ("user-agent", USER_AGENTS.get(delivery.provider, f"hooktop/{__version__}")),
        *((name.lower(), value) for name, value in signed),
    ]
    if stamp is not None:
        headers.append((STAMP_HEADER, stamp(body)))
    return Envelope(tuple(headers), body)


def _altered(signature: str) -> str:
    """The signature with the character in its middle another one, of those that hex and base64 share."""
    middle = len(signature) // 2
    other = "1" if signature[middle : middle + 1] == "0" else "0"
    return signature[:middle] + other + signature[middle + 1 :]


def _changed(body: bytes) -> bytes:
    """The body with its last digit another one, so JSON stays JSON; a body without digits gets one more byte."""
    for index in range(len(body) - 1, -1, -1):
        if body[index : index + 1].isdigit():
            return b"%b%d%b" % (body[:index], (body[index] - 0x30 + 1) % 10, body[index + 1 :])
    return body + b"\n"
