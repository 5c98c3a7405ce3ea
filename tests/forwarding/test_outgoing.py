"""The request that an app gets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from monitor.forwarding.outgoing import UnsendableError, address_form, head, hops, origin_form
from monitor.forwarding.target import target_of
from monitor.model.capture import STAMP_HEADER, Request
from monitor.secret import Secret

HERE = target_of("http://localhost:3000")
AWAY = target_of("https://app.example.com/in")


def request(*headers: tuple[str, str], body: bytes = b"{}", method: str = "POST", path: str = "/volt") -> Request:
    return Request(method, path, "a=1&b=%20", headers, body, "203.0.113.9:51234")


def lines(*headers: tuple[str, str], **more: Any) -> list[str]:
    return head(request(*headers, **more), 12, HERE).decode("latin-1").split("\r\n")


def test_order_names_and_values_stay_and_the_connection_s_own_go() -> None:
    assert lines(
        ("host", "hooks.example.com"), ("x-volt-signature", "  YWJj==  "), ("connection", "keep-alive, X-Per-Hop"),
        ("accept", "*/*"), ("x-per-hop", "1"), ("content-length", "999"), ("accept", "text/html"),
        ("keep-alive", "timeout=5"), ("proxy-authorization", "Basic c2VjcmV0"), ("proxy-connection", "x"),
        ("te", "trailers"), ("trailer", "x-sum"), ("transfer-encoding", "chunked"), ("upgrade", "h2c"),
        ("expect", "100-continue"), ("X-Odd", "caf\xe9\x1b[31m\ttab"), ("authorization", "Bearer of-the-provider"),
        (STAMP_HEADER, "stamp"), ("x-empty", ""), ("user-agent", "Volt/1.0"), ("content-length", "999"),
    ) == [
        "POST /volt?a=1&b=%20 HTTP/1.1", "Host: localhost:3000", "x-volt-signature:   YWJj==  ", "accept: */*",
        "content-length: 2", "accept: text/html", "X-Odd: caf\xe9\x1b[31m\ttab",
        "authorization: Bearer of-the-provider", "x-empty: ", "user-agent: Volt/1.0", "X-Forwarded-For: 203.0.113.9",
        "X-Forwarded-Host: hooks.example.com", "X-Forwarded-Proto: http", "X-Hooktop-Capture: 12", "", "",
    ]  # fmt: skip


def test_a_request_that_came_in_chunks_gets_a_length() -> None:
    found = lines(("transfer-encoding", "chunked"))
    assert "Content-Length: 2" in found
    assert not any("ransfer" in line for line in found)
    assert "Content-Length: 0" in lines(body=b"")
    assert not any("ength" in line for line in lines(body=b"", method="DELETE"))
    assert "content-length: 0" in lines(("content-length", "5"), body=b"", method="DELETE")


def test_the_capture_s_number_is_told_once_whatever_the_sender_said() -> None:
    found = lines(("x-hooktop-capture", "3"), ("X-Hooktop-Capture", "4"))
    assert [line for line in found if "capture" in line.lower()] == ["X-Hooktop-Capture: 12"]


def test_hooktops_in_a_row_count_their_hops() -> None:
    found: list[Request] = [request(("host", "x"))]
    for _ in range(4):
        *said, _, _ = head(found[-1], 12, HERE).decode("latin-1").split("\r\n")[1:]
        found.append(request(*((line.partition(": ")[0], line.partition(": ")[2]) for line in said)))
    assert [hops(one) for one in found] == [0, 1, 2, 3, 4]
    assert "X-Hooktop-Hops" not in dict(found[1].headers)  # mostly there is only one hooktop
    assert len(found[-1].header_values("x-hooktop-hops")) == 1


@pytest.mark.parametrize(("said", "number"), [("7", 7), ("-1", 0), ("x", 0), ("", 0), ("\xb2", 0), ("9" * 10, 0)])
def test_hops_that_a_sender_claims(said: str, number: int) -> None:
    assert hops(request(("x-hooktop-hops", said))) == number


def test_what_a_tunnel_has_said_stays() -> None:
    found = lines(
        ("x-forwarded-for", "198.51.100.1"), ("X-Forwarded-For", "198.51.100.2"), ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "a1b2.example.com"), ("host", "127.0.0.1:8787"),
    )  # fmt: skip
    assert found[2:6] == [
        "x-forwarded-for: 198.51.100.1", "X-Forwarded-For: 198.51.100.2, 203.0.113.9", "x-forwarded-proto: https",
        "x-forwarded-host: a1b2.example.com",
    ]  # fmt: skip
    assert not any(line.startswith("X-Forwarded-For: 203") for line in found)
    local = replace(request(), peer="::1:51234")
    assert b"\r\nX-Forwarded-For: ::1\r\n" in head(local, 1, HERE)
    assert b"orwarded-For" not in head(replace(request(), peer=None), 1, HERE)


def test_credentials_of_the_provider_stay_on_this_machine() -> None:
    sent = request(("authorization", "Bearer t"), ("cookie", "c=d"), ("x-signature", "s"))
    assert b"Bearer t" in head(sent, 1, HERE)
    away = head(sent, 1, AWAY)
    assert b"Bearer" not in away
    assert b"cookie" not in away
    assert b"x-signature: s" in away
    assert away.startswith(b"POST /in HTTP/1.1\r\nHost: app.example.com\r\n")


def test_added_headers_take_the_place_of_those_of_their_name() -> None:
    sent = request(("authorization", "Bearer provider"), ("host", "hooks.example.com"), ("x-a", "1"))
    found = head(sent, 1, HERE, [("Authorization", Secret("Bearer mine")), ("X-B", "2"), ("HOST", "app.test")])
    assert found.count(b"uthorization") == 1
    assert b"\r\nAuthorization: Bearer mine\r\nX-B: 2\r\nHOST: app.test\r\n" in found
    assert b"Host: localhost" not in found


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/volt/%7e%00/../x", "/volt/%7e%00/../x?a=1&b=%20"),
        ("//evil.example.com/x", "//evil.example.com/x?a=1&b=%20"),
        ("http://evil.example.com/x", "/x?a=1&b=%20"),
        ("http://evil.example.com", "/?a=1&b=%20"),
        ("*", "/*?a=1&b=%20"),
        ("/caf\xe9", "/caf\xe9?a=1&b=%20"),
    ],
)
def test_what_was_captured_never_chooses_the_host(path: str, sent: str) -> None:
    assert origin_form(request(path=path)) == sent
    first, second, *_ = head(request(path=path), 1, HERE).decode("latin-1").split("\r\n")
    assert first == f"POST {sent} HTTP/1.1"
    assert second == "Host: localhost:3000"


@pytest.mark.parametrize(
    ("path", "after", "target"),
    [
        ("/volt", "/volt?a=1&b=%20", None),
        ("/volt#x", "/volt", "/volt#x?a=1&b=%20"),
        ("@evil.example.com/x", "/@evil.example.com/x?a=1&b=%20", "@evil.example.com/x?a=1&b=%20"),
    ],
)
def test_what_no_address_holds_is_told_beside_it(path: str, after: str, target: str | None) -> None:
    assert address_form(request(path=path)) == (after, target)


@pytest.mark.parametrize(
    "bad",
    [
        request(path="/a b"), request(path="/a\r\nX: y"), request(path="/\x00"), request(method="PO ST"),
        request(method="POST /x HTTP/1.1\r\nX: y\r\n\r\nGET"), request(("x", "a\r\nInjected: 1")),
        request(("x", "a\nb")), request(("x", "\x00")), request(("x: y\r\nz", "a")), request(("", "a")),
        request(("x y", "a")), request(("x", "\u20ac")),
    ],
)  # fmt: skip
def test_what_would_be_another_request_is_not_sent(bad: Request) -> None:
    with pytest.raises(UnsendableError) as caught:
        head(bad, 1, HERE)
    assert str(caught.value).isprintable()
    with pytest.raises(UnsendableError):
        head(request(), 1, HERE, [("X", Secret("a\r\nb"))])
