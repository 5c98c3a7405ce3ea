"""Tunnels that already run: real local servers that speak as ngrok and cloudflared do, and a program for tailscale."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from monitor.tunnels.found import Found, find
from tests.ports import free_port
from tests.tunnels.servers import page, serving, told
from tests.tunnels.standins import Standins

OURS = 8787


@pytest.fixture(autouse=True)
def no_programs(standins: Standins) -> Standins:
    return standins


def ngrok(*tunnels: tuple[str, str]) -> bytes:
    """What ngrok's agent tells: public addresses and where they lead."""
    return told(
        {
            "tunnels": [
                {
                    "name": "command_line",
                    "uri": "/api/tunnels/command_line",
                    "public_url": url,
                    "proto": url.partition(":")[0],
                    "config": {"addr": addr, "inspect": True},
                    "metrics": {"conns": {"count": 0}},
                }
                for url, addr in tunnels
            ],
            "uri": "/api/tunnels",
        }
    )


def rules(*ingress: dict[str, Any]) -> bytes:
    """What cloudflared tells of its configuration."""
    return told(
        {
            "version": -1,
            "config": {
                "ingress": [
                    {"hostname": "", "path": None, "Handlers": None, "originRequest": {}, **rule} for rule in ingress
                ],
                "warp-routing": {},
            },
        }
    )


async def asked(
    answers: dict[str, bytes | None], port: int = OURS, deadline_s: float = 3, known: str | None = None
) -> Found | None:
    """What is found where one local port answers so, to whoever asks."""
    async with serving(answers) as server:
        found = await find(
            port, known, ngrok_ports=[free_port(), server.port], cloudflared_ports=[server.port], deadline_s=deadline_s
        )
        assert server.methods <= {"GET"}
    return found


async def test_nothing_runs() -> None:
    assert await find(OURS, ngrok_ports=[free_port()], cloudflared_ports=[free_port()]) is None


@pytest.mark.parametrize(
    "addr",
    ["http://localhost:8787", "localhost:8787", "127.0.0.1:8787", "8787", "http://0.0.0.0:8787", "http://[::1]:8787"],
)
async def test_ngrok_leads_to_our_port(addr: str) -> None:
    answer = ngrok(
        ("http://cold-poem-42.ngrok.app", addr),
        ("https://cold-poem-42.ngrok.app", addr),
        ("tcp://1.tcp.eu.ngrok.io:14523", "localhost:22"),
    )
    assert await asked({"/api/tunnels": answer}) == Found("ngrok", "https://cold-poem-42.ngrok.app", addr, OURS)


@pytest.mark.parametrize(
    ("addr", "port"),
    [
        ("http://localhost:3000", 3000),
        ("http://localhost", 80),
        ("http://web:8787", None),
        ("https://localhost:8787", None),
        ("http://localhost:99999", None),
        ("http://localhost.example.com:8787", None),
        ("\x1b[2J:8787", None),
        ("unix:/tmp/socket", None),
    ],
)
async def test_one_that_leads_elsewhere_is_told_as_such(addr: str, port: int | None) -> None:
    found = await asked({"/api/tunnels": ngrok(("https://cold-poem-42.ngrok.app", addr))})
    assert found is not None
    assert found.port == port
    assert found.target.isprintable()


async def test_the_one_that_leads_to_us_is_preferred() -> None:
    answer = ngrok(("https://other.ngrok.app", "http://localhost:3000"), ("https://ours.ngrok.app", "localhost:8787"))
    found = await asked({"/api/tunnels": answer})
    assert found is not None
    assert found.url == "https://ours.ngrok.app"


async def test_of_several_that_lead_to_us_the_known_one_stays() -> None:
    answers: dict[str, bytes | None] = {
        "/api/tunnels": ngrok(("https://else.ngrok.app", "localhost:3000"), ("https://later.ngrok.app", "8787")),
        "/quicktunnel": told({"hostname": "first.trycloudflare.com"}),
        "/config": rules({"service": "http://127.0.0.1:8787"}),
    }
    first, later = "https://first.trycloudflare.com", "https://later.ngrok.app"
    for known, expected in ((first, first), (later, later), ("https://else.ngrok.app", later), (None, later)):
        found = await asked(answers, known=known)
        assert found is not None
        assert found.url == expected


async def test_a_quick_tunnel_of_cloudflared() -> None:
    answers: dict[str, bytes | None] = {
        "/quicktunnel": told({"hostname": "fare-write-waste.trycloudflare.com"}),
        "/config": rules({"service": "http://127.0.0.1:8787"}),
    }
    expected = Found("cloudflared", "https://fare-write-waste.trycloudflare.com", "http://127.0.0.1:8787", OURS)
    assert await asked(answers) == expected
    found = await asked(answers, port=9000)
    assert found == expected  # it is for the caller to see that it is not 9000


async def test_a_named_tunnel_of_cloudflared() -> None:
    found = await asked(
        {
            "/quicktunnel": told({"hostname": ""}),
            "/config": rules(
                {"hostname": "*.example.com", "service": "http://localhost:8787"},
                {"hostname": "part.example.com", "path": "/api", "service": "http://localhost:8787"},
                {"hostname": "files.example.com", "service": "http://localhost:9000"},
                {"hostname": "hooks.example.com", "service": "http://localhost:8787"},
                {"service": "http_status:404"},
            ),
        }
    )
    assert found == Found("cloudflared", "https://hooks.example.com", "http://localhost:8787", OURS)


async def test_a_quick_tunnel_that_the_rules_of_another_took_over() -> None:
    found = await asked(
        {
            "/quicktunnel": told({"hostname": "fare.trycloudflare.com"}),
            "/config": rules(
                {"hostname": "*.example.com", "service": "http://localhost:2000"}, {"service": "http_status:404"}
            ),
        }
    )
    assert found == Found("cloudflared", "https://fare.trycloudflare.com", "http_status:404", None)


@pytest.mark.parametrize(
    "answer",
    [
        page("<html>Spark UI</html>"),
        page("{}", "500 Oops"),
        page("", "302 Found", "Location: http://127.0.0.1:1/api/tunnels"),
        told([]),
        told({"tunnels": 7}),
        told({"tunnels": [7, None, {"public_url": 3, "config": []}, {"public_url": "https://x.example"}]}),
        ngrok(("https://user:pass@x.example", "localhost:8787")),
        ngrok(("https://x.example?a=b", "localhost:8787")),
        ngrok(("https://\x1b[2J.example", "localhost:8787")),
        ngrok(("http://x.example", "localhost:8787")),
        page("[" * 100_000),
        page(b'{"tunnels": [' + b" " * 300_000 + b"]}"),
        page("{}", "200 OK", "Content-Encoding: gzip"),
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"",
    ],
    ids=range(15),
)
async def test_other_programs_on_these_ports_are_ignored(answer: bytes) -> None:
    assert await asked({"/api/tunnels": answer, "/config": answer, "/quicktunnel": answer}) is None


async def test_one_that_does_not_answer_costs_little() -> None:
    began = time.monotonic()
    assert await asked({"/api/tunnels": None, "/config": None, "/quicktunnel": None}, deadline_s=0.3) is None
    assert time.monotonic() - began < 5


FUNNEL = {
    "TCP": {"443": {"HTTPS": True}},
    "Web": {"host.tail1.ts.net:443": {"Handlers": {"/": {"Proxy": "http://127.0.0.1:8787"}}}},
    "AllowFunnel": {"host.tail1.ts.net:443": True},
}


def tailscale(standins: Standins, told: object, code: int = 0, before: str = "") -> None:
    text = json.dumps(told, indent=2)
    standins.write(
        "tailscale",
        f"note('argv', ' '.join(sys.argv[1:]))\nprint({before!r}, file=sys.stderr, flush=True)\n"
        f"print({text!r}, flush=True)\nsys.exit({code})\n",
    )


async def nothing_but_programs(deadline_s: float = 10) -> Found | None:
    return await find(OURS, ngrok_ports=[], cloudflared_ports=[], deadline_s=deadline_s)


async def test_a_funnel_of_tailscale(standins: Standins) -> None:
    tailscale(standins, FUNNEL, before="Warning: client version does not match")
    expected = Found("tailscale", "https://host.tail1.ts.net", "http://127.0.0.1:8787", OURS)
    assert await nothing_but_programs() == expected
    assert standins.noted("argv") == ["funnel status --json"]


async def test_a_funnel_in_the_foreground_at_another_port(standins: Standins) -> None:
    inner = json.loads(json.dumps(FUNNEL).replace(":443", ":8443"))
    tailscale(standins, {"Foreground": {"session": inner}})
    found = await nothing_but_programs()
    assert found == Found("tailscale", "https://host.tail1.ts.net:8443", "http://127.0.0.1:8787", OURS)


@pytest.mark.parametrize(
    "told",
    [
        {**FUNNEL, "AllowFunnel": {"host.tail1.ts.net:443": False}},  # served in the tailnet alone
        {key: value for key, value in FUNNEL.items() if key != "AllowFunnel"},
        {**FUNNEL, "Web": {"host.tail1.ts.net:443": {"Handlers": {"/sub": {"Proxy": "http://127.0.0.1:8787"}}}}},
        {**FUNNEL, "Web": {"host.tail1.ts.net:443": {"Handlers": {"/": {"Text": "hello"}}}}},
        {"Web": [], "AllowFunnel": 7, "Foreground": {"a": 7}},
        None,
        [],
        "Funnel off.",
    ],
)
async def test_what_is_not_open_to_the_internet(standins: Standins, told: object) -> None:
    tailscale(standins, told)
    assert await nothing_but_programs() is None


async def test_tailscale_fails_or_hangs(standins: Standins) -> None:
    tailscale(standins, FUNNEL, code=1)
    assert await nothing_but_programs() is None
    standins.write("tailscale", "note('ready', 1)\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nlinger()\n")
    assert await nothing_but_programs(deadline_s=0.5) is None
    (standins.programs / "tailscale").write_bytes(b"\x00")
    assert await nothing_but_programs() is None
