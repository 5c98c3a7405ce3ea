"""What tunnel services answer by themselves, told from what comes through a tunnel."""

from __future__ import annotations

import pytest

from monitor.tunnels.asking import Answer
from monitor.tunnels.pages import PageKind, page_of, service_of

CF = {"server": "cloudflare", "cf-ray": "952716c60c401cd-FRA"}
CF_JSON = b'{"title": "Error 1033: Cloudflare Tunnel error", "status": 530, "error_code": 1033}'


@pytest.mark.parametrize(
    ("host", "answer", "service", "kind"),
    [
        ("x.trycloudflare.com", Answer(530, CF, b"error code: 1033"), "Cloudflare", PageKind.DEAD),
        ("hooks.example.com", Answer(530, CF, CF_JSON), "Cloudflare", PageKind.DEAD),
        ("hooks.example.com", Answer(530, {"server": "cloudflare"}, b""), "Cloudflare", PageKind.DEAD),
        ("hooks.example.com", Answer(502, CF, b"Bad gateway"), "Cloudflare", PageKind.EMPTY),
        ("hooks.example.com", Answer(403, {**CF, "cf-mitigated": "challenge"}, b""), "Cloudflare", PageKind.GATE),
        (
            "hooks.example.com",
            Answer(302, CF, b"", "team.cloudflareaccess.com"),
            "Cloudflare",
            PageKind.GATE,
        ),
        (
            "a.ngrok-free.app",
            Answer(404, {"ngrok-error-code": "ERR_NGROK_3200"}, b"<html>"),
            "ngrok",
            PageKind.DEAD,
        ),
        ("a.ngrok.io", Answer(404, {}, b"Tunnel a.ngrok.io not found (ERR_NGROK_3200)"), "ngrok", PageKind.DEAD),
        (
            "own.example.com",
            Answer(502, {"ngrok-error-code": "ERR_NGROK_8012"}, b""),
            "ngrok",
            PageKind.EMPTY,
        ),
        (
            "a.ngrok-free.dev",
            Answer(200, {"ngrok-error-code": "ERR_NGROK_6024"}, b"You are about to visit"),
            "ngrok",
            PageKind.GATE,
        ),
        ("a.ngrok.app", Answer(429, {"ngrok-error-code": "ERR_NGROK_727"}, b""), "ngrok", PageKind.REFUSED),
        (
            "a.loca.lt",
            Answer(503, {"x-localtunnel-status": "Tunnel Unavailable"}, b"503 - Tunnel Unavailable"),
            "localtunnel",
            PageKind.DEAD,
        ),
        ("a.loca.lt", Answer(404, {}, b"404"), "localtunnel", PageKind.DEAD),
        ("a.loca.lt", Answer(511, {}, b"<title>Tunnel website ahead!</title>"), "localtunnel", PageKind.GATE),
        ("a.loca.lt", Answer(502, {}, b"Bad Gateway"), "localtunnel", PageKind.EMPTY),
        ("host.tail1.ts.net", Answer(502, {}, b""), "Tailscale", PageKind.EMPTY),
        ("a.lhr.life", Answer(503, {}, b"<h1>no tunnel here :(</h1>"), "localhost.run", PageKind.DEAD),
    ],
)
def test_the_answers_of_the_services(host: str, answer: Answer, service: str, kind: PageKind) -> None:
    page = page_of(host, answer)
    assert page is not None
    assert (page.service, page.kind) == (service, kind)
    for sentence in (page.sentence, page.remedy):
        assert sentence.endswith(".")
        assert sentence[0].isupper() or sentence.startswith(("ngrok", "local"))


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("x.trycloudflare.com", Answer(200, CF, b"hooktop is listening. POST webhooks here.\n")),
        ("x.trycloudflare.com", Answer(404, CF, b"nothing here\n")),
        ("x.trycloudflare.com", Answer(503, CF, b"the store cannot commit\n")),
        ("hooks.example.com", Answer(530, {}, b"error code: 1033")),
        ("hooks.example.com", Answer(200, {}, b"an article on ERR_NGROK_3200")),
        ("a.ngrok.app", Answer(404, {}, b"nothing here\n")),
        ("a.loca.lt", Answer(404, {}, b"nothing here\n")),
        ("hooks.example.com", Answer(511, {}, b"")),
        ("hooks.example.com", Answer(502, {}, b"")),
    ],
)
def test_what_came_through_is_none_of_theirs(host: str, answer: Answer) -> None:
    assert page_of(host, answer) is None


@pytest.mark.parametrize(
    ("host", "service"),
    [
        ("a.b.trycloudflare.com", "Cloudflare"),
        ("A.NGROK-FREE.APP.", "ngrok"),
        ("loca.lt", "localtunnel"),
        ("nottrycloudflare.com", None),
        ("trycloudflare.com.example", None),
        ("127.0.0.1", None),
        ("", None),
    ],
)
def test_whose_a_host_is(host: str, service: str | None) -> None:
    assert service_of(host) == service
