"""Web addresses from configuration or the keyboard, checked before anything is sent to them."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

MAX_LENGTH: Final = 2048
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
# A name whose last label is a number is read as an IPv4 address by some (127.1, 0x7f000001), so it is none at all.
_NUMERIC: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9a-fA-F]*)")
_PORT: Final = re.compile(r":?([0-9]{1,5}(?:[/?].*)?)")
_HERE: Final = re.compile(r"(?:localhost|[a-z0-9.-]+\.localhost|127(?:\.[0-9]+){3}|\[::1\])(?:[:/?].*)?", re.IGNORECASE)


def web_address(text: str, *, plain_http: bool = False) -> SplitResult:
    """The parts of an ``https`` address; ``http`` passes with ``plain_http``, and for hosts of this machine.

    User names and passwords in it, odd spellings of numeric hosts, fragments and characters that do not belong in an
    address are refused. Raises ValueError with the reason; it shows nothing of the address.
    """
    if not text.isascii() or not text.isprintable() or set(text) & set(' "<>\\^`{|}'):
        raise ValueError("it has characters that do not belong in an address")
    if len(text) > MAX_LENGTH:
        raise ValueError(f"it is longer than {MAX_LENGTH} characters")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("its host or port cannot be read") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"it must begin with {'http:// or ' if plain_http else ''}https://")
    if "@" in parts.netloc:
        raise ValueError("it has a user name or password in it")
    host = parts.hostname or ""
    if not is_host(host) or port == 0 or parts.netloc.endswith(":"):
        raise ValueError("its host or port cannot be read")
    if parts.fragment:
        raise ValueError("it has a part after #, which is never sent")
    if parts.scheme == "http" and not (plain_http or is_loopback(host)):
        raise ValueError("it must begin with https:// (http:// is for this machine alone)")
    return parts


def spelled_out(text: str) -> str:
    """The address that is meant by a port of this machine, or by one of its names without ``http://``: ``3000``,
    ``:3000/in``, ``localhost:3000``. Any other text stays as it is."""
    if port := _PORT.fullmatch(text):
        return f"http://localhost:{port[1]}"
    return f"http://{text}" if _HERE.fullmatch(text) else text


def onward(url: str, location: str) -> SplitResult | None:
    """The parts of the address that a redirect from ``url`` names, without a user name and password in it; None where
    it cannot be read. ``location`` is foreign: what is shown of the parts has to be made visible."""
    try:
        to = urlsplit(urljoin(url, location))
    except ValueError:
        return None
    return to._replace(netloc=to.netloc.rpartition("@")[2])


def hostname(url: str) -> str:
    """The host of an address in lower case, without a port; empty where there is none or it cannot be read."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def in_address(host: str) -> str:
    """A host as it stands before a port: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Whether a host names this machine, in its usual spellings: ``localhost``, ``127.0.0.0/8``, ``::1``."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback and getattr(address, "ipv4_mapped", None) is None


def is_host(host: str) -> bool:
    """Whether a text is a host's name, or a numeric address in its usual spelling."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return bool(_NAME.fullmatch(host)) and len(host) <= 253 and not _NUMERIC.fullmatch(host)
    # ::ffff:127.0.0.1 is an IPv4 address in disguise, fe80::1%eth0 one that means something on one machine only.
    return address.version == 4 or (address.ipv4_mapped is None and address.scope_id is None)
