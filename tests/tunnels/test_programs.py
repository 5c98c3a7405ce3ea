"""What the real programs print, and what must not be taken for an address."""

from __future__ import annotations

import os
import time

import pytest

from monitor.tunnels.programs import PROGRAMS


def url_in(name: str, line: str) -> str | None:
    program = PROGRAMS[name]
    found = program.url.search(line) if program.needle in line else None
    return None if found is None else found[1]


@pytest.mark.parametrize(
    ("name", "line", "url"),
    [
        (
            "cloudflared",
            "2023-04-28T16:27:15Z INF |  https://fare-write-waste-gadgets.trycloudflare.com"
            "                                        |",
            "https://fare-write-waste-gadgets.trycloudflare.com",
        ),
        (
            "cloudflared",
            'failed to request quick Tunnel: Post "https://api.trycloudflare.com/tunnel": dial tcp: lookup '
            "api.trycloudflare.com on 127.0.0.11:53: no such host",
            None,
        ),
        (
            "cloudflared",
            "2023-04-28T16:27:14Z INF Requesting new quick Tunnel on trycloudflare.com...",
            None,
        ),
        (
            "cloudflared",
            "ERR Request failed dest=https://own.trycloudflare.com/|%20https://evil.trycloudflare.com%20| type=http",
            None,
        ),
        (
            "ngrok",
            't=2025-06-02T06:17:41+0000 lvl=info msg="started tunnel" obj=tunnels name=command_line '
            "addr=http://127.0.0.1:8787 url=https://4d11-52-230-24-207.ngrok-free.app",
            "https://4d11-52-230-24-207.ngrok-free.app",
        ),
        (
            "ngrok",
            't=2024-09-07T00:05:31+0000 lvl=info msg="started tunnel" obj=tunnels name=kafka addr=//kafka:9092 '
            "url=tcp://2.tcp.us-cal-1.ngrok.io:19757",
            None,
        ),
        ("ngrok", 'lvl=info msg="update available" obj=updater url=https://ngrok.example', None),
        ("tailscale", "https://host.tail737e71.ts.net/", "https://host.tail737e71.ts.net"),
        ("tailscale", "https://host.tail737e71.ts.net:8443/", "https://host.tail737e71.ts.net:8443"),
        ("tailscale", "Available on the internet:\thttps://host.tail1.ts.net/", "https://host.tail1.ts.net"),
        ("tailscale", "https://host.ts.net.example.com/", None),
        ("tailscale", "https://login.tailscale.com/f/funnel?node=abc", None),
        ("localtunnel", "your url is: https://vast-windows-beg.loca.lt", "https://vast-windows-beg.loca.lt"),
        ("localtunnel", "your url is: https://a.lt.example:8443", "https://a.lt.example:8443"),  # a server of one's own
        ("localtunnel", "your cachedUrl is: https://cache.example", None),
    ],
)
def test_the_address_is_read_from_what_they_print(name: str, line: str, url: str | None) -> None:
    assert url_in(name, line) == url


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_a_long_hostile_line_costs_no_time(name: str) -> None:
    program = PROGRAMS[name]
    began = time.process_time()
    for part in ("https://a", "|  https://", " url=https://", "your url is: https", "https://a.ts.net", "-.|"):
        program.url.search(program.needle + part * 500)
    assert time.process_time() - began < 1


def test_they_are_told_the_port_of_this_machine() -> None:
    commands = {name: program.command(8787) for name, program in PROGRAMS.items()}
    assert commands["ngrok"][:2] == ("http", "http://127.0.0.1:8787")
    assert commands["tailscale"] == ("funnel", "http://127.0.0.1:8787")
    assert commands["localtunnel"] == ("--port", "8787", "--local-host", "127.0.0.1")
    assert commands["cloudflared"][-2:] == ("--url", "http://127.0.0.1:8787")
    assert os.devnull in commands["cloudflared"]  # not the rules of another tunnel


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_what_to_do_without_it_is_one_sentence(name: str) -> None:
    sentence = PROGRAMS[name].missing
    assert sentence.endswith(".")
    assert "install" in sentence
    assert "--public-url" in sentence
