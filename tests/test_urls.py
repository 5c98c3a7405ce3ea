"""Addresses that hooktop sends something to."""

from __future__ import annotations

import pytest

from monitor.urls import hostname, is_loopback, onward, spelled_out, web_address


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com",
        "https://example.com/a/b?c=d&e=%20",
        "https://xn--bcher-kva.example.com:8443/",
        "https://192.0.2.1/x",
        "https://[2001:db8::1]:444/x",
        "http://localhost:8787/x",
        "http://127.0.0.1",
        "http://127.8.9.10:1",
        "http://[::1]:1",
    ],
)
def test_usable(text: str) -> None:
    assert web_address(text).geturl() == text


def test_plain_http_where_it_is_wanted() -> None:
    assert web_address("http://example.com/", plain_http=True).hostname == "example.com"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must begin with https://"),
        ("example.com", "must begin with https://"),
        ("file:///etc/passwd", "must begin with https://"),
        ("ftp://example.com", "must begin with https://"),
        ("http://example.com", "this machine alone"),
        ("http://192.0.2.1", "this machine alone"),
        ("http://localhost.example.com", "this machine alone"),
        ("https://", "host or port"),
        ("https:///x", "host or port"),
        ("https://example.com:", "host or port"),
        ("https://example.com:0", "host or port"),
        ("https://example.com:65536", "host or port"),
        ("https://example.com:x", "host or port"),
        ("https://user:secret@example.com", "user name"),
        ("https://@example.com", "user name"),
        ("https://example.com\\@other.example.com", "characters"),
        ("https://example.com/a b", "characters"),
        ("https://exa\tmple.com", "characters"),
        ("https://example.com/\r\nX: y", "characters"),
        ("https://bücher.example.com", "characters"),
        ("https://example.com/#f", "after #"),
        ("https://[::1", "host or port"),
        ("https://[fe80::1%25eth0]/", "host or port"),
        ("https://exa_mple-.com", "host or port"),
        ("https://a..b", "host or port"),
        ("https://" + "a" * 64 + ".com", "host or port"),
        ("https://" + "a." * 130 + "com", "host or port"),
        ("https://example.com/" + "a" * 2048, "longer"),
        # Spellings that some programs take for 127.0.0.1.
        ("http://127.1", "host or port"),
        ("http://0x7f000001", "host or port"),
        ("http://2130706433", "host or port"),
        ("http://0177.0.0.1", "host or port"),
        ("http://[::ffff:127.0.0.1]", "host or port"),
        ("https://127.0.0.1.", "host or port"),
    ],
)
def test_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        web_address(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.255.255.254", True),
        ("::1", True),
        ("::ffff:127.0.0.1", False),
        ("0.0.0.0", False),
        ("192.0.2.1", False),
        ("localhost.example.com", False),
    ],
)
def test_loopback(host: str, local: bool) -> None:
    assert is_loopback(host) is local


@pytest.mark.parametrize(
    ("short", "meant"),
    [
        ("3000", "http://localhost:3000"),
        (":3000", "http://localhost:3000"),
        ("3000/hooks?a=1", "http://localhost:3000/hooks?a=1"),
        ("localhost:3000", "http://localhost:3000"),
        ("LOCALHOST/in", "http://LOCALHOST/in"),
        ("shop.localhost:3000", "http://shop.localhost:3000"),
        ("127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("[::1]:3000/in", "http://[::1]:3000/in"),
    ],
)
def test_a_port_or_name_of_this_machine_is_spelled_out(short: str, meant: str) -> None:
    assert spelled_out(short) == meant
    assert web_address(meant, plain_http=True).hostname
    assert spelled_out(meant) == meant


@pytest.mark.parametrize("text", ["", "300000", "example.com:3000", "localhost.example.com", "ftp://localhost", "3k"])
def test_any_other_address_stays_as_it_was_typed(text: str) -> None:
    assert spelled_out(text) == text


@pytest.mark.parametrize(
    ("location", "leads"),
    [
        ("/in?a=b", "https://example.com:444/in?a=b"),
        ("in", "https://example.com:444/hooks/in"),
        ("//other.example/x", "https://other.example/x"),
        ("http://me:secret@other.example:81/", "http://other.example:81/"),
        ("", "https://example.com:444/hooks/volt"),
    ],
)
def test_where_a_redirect_leads(location: str, leads: str) -> None:
    found = onward("https://me:secret@example.com:444/hooks/volt", location)
    assert found is not None
    assert found.geturl() == leads


def test_a_redirect_that_cannot_be_read_leads_nowhere() -> None:
    assert onward("https://example.com/", "http://[x") is None


@pytest.mark.parametrize(
    ("url", "host"),
    [("https://Example.COM:444/x", "example.com"), ("//[::1]:80", "::1"), ("/in", ""), ("http://[x", ""), ("", "")],
)
def test_host_of_an_address(url: str, host: str) -> None:
    assert hostname(url) == host
