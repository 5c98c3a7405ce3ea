"""Which addresses captures may be passed on to."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from monitor.forwarding.target import Inwards, Pin, TargetProblem, inwards, target_of


@pytest.mark.parametrize(
    ("text", "authority", "path", "here"),
    [
        ("http://localhost:3000", "localhost:3000", "", True),
        ("http://localhost:3000/", "localhost:3000", "/", True),
        ("HTTP://LocalHost:3000/A?b=C%20", "localhost:3000", "/A?b=C%20", True),
        ("http://shop.localhost:3000", "shop.localhost:3000", "", True),
        ("http://[::1]:3000/x", "[::1]:3000", "/x", True),
        ("http://127.0.0.1", "127.0.0.1", "", True),
        ("https://example.com?x=1", "example.com", "/?x=1", False),
        ("https://example.com:443/in", "example.com", "/in", False),
        ("https://example.com:80", "example.com:80", "", False),
        ("http://10.0.0.7:9", "10.0.0.7:9", "", False),
    ],
)
def test_what_is_typed(text: str, authority: str, path: str, here: bool) -> None:
    target = target_of(text)
    assert (target.authority, target.path, target.on_this_machine) == (authority, path, here)
    assert target.with_path("/volt?a=1") == (path or "/volt?a=1")
    assert target.address("/volt").endswith(f"://{authority}/volt")


@pytest.mark.parametrize(
    "text",
    [
        "localhost:3000", "file:///etc/passwd", "ftp://localhost", "", "http://", "http:///x", "//localhost",
        # Spellings that a resolver or a library takes for this machine.
        "http://127.1", "http://0x7f000001", "http://2130706433", "http://017700000001", "http://127.0.0.1.",
        "http://[::ffff:127.0.0.1]", "http://[::7f00:1]", "http://127.0.0.1\\@example.com", "http:\\\\127.0.0.1",
        "http://localhost%2f@example.com", "http://user@localhost", "http://user:secret@localhost", "http://[::1%25lo]",
        "http://localhost:0", "http://localhost:", "http://localhost:99999", "http://localhost/#x",
        "http://localhost/ HTTP/1.1\r\nX: y", "http://loc\u0430lhost", "http://localhost/\x1b[2J",
        # Where a machine asks for its own secrets.
        "http://169.254.169.254/latest/meta-data", "http://169.254.0.1", "http://[fd00:ec2::254]", "http://[fe80::1]",
        "http://[fd20:ce::254]", "http://100.100.100.200", "http://[64:ff9b::a9fe:a9fe]", "http://[2002:a9fe:a9fe::1]",
        # No machine at all.
        "http://0.0.0.0:3000", "http://[::]", "http://224.0.0.1", "http://255.255.255.255",
    ],
)  # fmt: skip
def test_what_nothing_is_sent_to(text: str) -> None:
    with pytest.raises(TargetProblem) as caught:
        target_of(text)
    assert "secret" not in str(caught.value).replace("their own secrets", "")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("address", "where"),
    [
        ("127.0.0.1", Inwards.MACHINE), ("::1", Inwards.MACHINE), ("192.168.1.1", Inwards.NETWORK),
        ("10.1.2.3", Inwards.NETWORK), ("fd00::1", Inwards.NETWORK), ("100.64.0.1", Inwards.NETWORK),
        ("1.1.1.1", Inwards.WORLD), ("2606:4700::1111", Inwards.WORLD), ("64:ff9b::101:101", Inwards.WORLD),
    ],
)  # fmt: skip
def test_how_far_in_an_address_leads(address: str, where: Inwards) -> None:
    assert inwards(address) is where


class Names:
    """A resolver whose answers a test changes."""

    def __init__(self, *found: str) -> None:
        self.found: Sequence[str] = found
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.found


async def test_a_name_is_asked_for_once_and_again_when_nobody_is_there() -> None:
    names = Names("1.1.1.1", "1.0.0.1", "1.1.1.1")
    pin = Pin(target_of("https://app.example.com"), names)
    assert await pin.addresses() == ("1.1.1.1", "1.0.0.1")
    names.found = ["8.8.8.8"]
    assert await pin.addresses() == ("1.1.1.1", "1.0.0.1")
    pin.prefer("1.0.0.1")
    assert await pin.addresses() == ("1.0.0.1", "1.1.1.1")
    assert names.asked == 1
    pin.lose()
    assert await pin.addresses() == ("8.8.8.8",)
    assert names.asked == 2


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("1.1.1.1", "127.0.0.1"), ("1.1.1.1", "192.168.0.1"), ("192.168.0.1", "::1"), ("1.1.1.1", "169.254.169.254"),
        ("127.0.0.1", "169.254.169.254"), ("1.1.1.1", "::ffff:127.0.0.1"), ("1.1.1.1", "0.0.0.0"),
        ("2606:4700::1111", "fd00::1"),
    ],
)  # fmt: skip
async def test_a_name_cannot_come_to_lead_further_in(first: str, then: str) -> None:
    names = Names(first)
    pin = Pin(target_of("https://app.example.com"), names)
    await pin.addresses()
    pin.lose()
    names.found = [then]
    for _ in range(2):  # not even by trying twice
        with pytest.raises(TargetProblem):
            await pin.addresses()
    names.found = [first]
    assert await pin.addresses() == (first,)


async def test_a_name_that_leads_here_and_elsewhere_is_nobody_s() -> None:
    with pytest.raises(TargetProblem, match="to this machine and to others"):
        await Pin(target_of("http://app.example.com"), Names("1.1.1.1", "127.0.0.1")).addresses()
    with pytest.raises(TargetProblem):
        await Pin(target_of("http://app.example.com"), Names("1.1.1.1", "169.254.169.254")).addresses()
    assert await Pin(target_of("http://app.test"), Names("127.0.0.1", "::1")).addresses() == ("127.0.0.1", "::1")
    with pytest.raises(OSError, match="no address"):
        await Pin(target_of("http://app.test"), Names()).addresses()


async def test_addresses_and_localhost_are_asked_of_nobody() -> None:
    names = Names("1.1.1.1")
    assert await Pin(target_of("http://localhost:3000"), names).addresses() == ("127.0.0.1", "::1")
    assert await Pin(target_of("http://shop.localhost:3000"), names).addresses() == ("127.0.0.1", "::1")
    assert await Pin(target_of("http://10.0.0.1"), names).addresses() == ("10.0.0.1",)
    assert names.asked == 0
