"""Answers of the providers' APIs understood: one taxonomy, the providers' own words, nothing foreign that acts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitor.admin.answers import MAX_SAID, json_of, refused, said
from monitor.admin.base import AdminError, ApiAnswer, ApiRequest, Trouble
from monitor.secret import Secret
from tests.corpora import provider_reference

TOKEN = "sample-token-for-answers-0001"


def answer(status: int, body: bytes | str | object, *headers: tuple[str, str], method: str = "POST") -> ApiAnswer:
    request = ApiRequest(method, "https://api.example.com/webhooks", (("Authorization", Secret(f"Bearer {TOKEN}")),))
    data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    return ApiAnswer(status, headers, data, 0.1, request)


def payload(name: str) -> bytes:
    return (provider_reference() / "payloads" / name).read_bytes()


@pytest.mark.parametrize(
    ("status", "method", "kind"),
    [
        (400, "POST", Trouble.REFUSED),
        (401, "GET", Trouble.AUTH),
        (403, "POST", Trouble.AUTH),
        (404, "DELETE", Trouble.NOT_FOUND),
        (410, "GET", Trouble.NOT_FOUND),
        (409, "POST", Trouble.CONFLICT),
        (422, "POST", Trouble.REFUSED),
        (429, "GET", Trouble.RATE_LIMITED),
        (500, "POST", Trouble.REFUSED),
        (501, "POST", Trouble.REFUSED),
        (502, "POST", Trouble.UNCERTAIN),
        (502, "GET", Trouble.REFUSED),
        (503, "PATCH", Trouble.REFUSED),
        (504, "DELETE", Trouble.UNCERTAIN),
        (504, "GET", Trouble.REFUSED),
        (524, "POST", Trouble.UNCERTAIN),
        (999, "GET", Trouble.REFUSED),
        (101, "GET", Trouble.REFUSED),
    ],
)
def test_a_status_is_one_error(status: int, method: str, kind: Trouble) -> None:
    error = refused(answer(status, {"message": "no"}, method=method), "Bird")
    assert (error.kind, error.status, error.said) == (kind, status, "no")
    sentence = str(error)
    assert sentence.startswith("Bird ")
    assert sentence.endswith(".")
    assert f"{status}, “no”" in sentence
    assert ("may have been done" in sentence) == (kind is Trouble.UNCERTAIN)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (
            "bird/api_error_guess.json",
            "one or more fields are invalid (InvalidPayload); .url: does not match pattern",
        ),
        ("bird/api_error_new_platform.json", "Request validation failed. (E01001)"),
        ("connectly/api_error_grpc.json", "invalid api key (16)"),
        ("oneroute/api_unauthorized.json", "Invalid API Key"),
        ("volt/api_register_error.json", "webhook failed to respond successfully"),
    ],
)
def test_the_words_of_each_provider(file: str, words: str) -> None:
    assert said(answer(400, payload(file))) == words


def test_connectlys_words_and_its_trace_id() -> None:
    error = refused(answer(400, payload("connectly/api_error.json")), "Connectly")
    assert error.said.startswith("Failed to send a message because more than 24 hours have passed")
    assert "(ERROR_CODE_MESSAGE_OUTSIDE_OF_ELIGIBILITY_WINDOW)" in error.said
    assert "Pass along the connectly trace id" in error.said
    assert error.trace_id == "11824978358485860716"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": "nope"}, "nope"),
        ({"errors": ["one", {"message": "two"}, {"message": "two"}]}, "one; two"),
        ({"errors": {"url": ["is taken", "is bad"]}}, "url: is taken, is bad"),
        ({"detail": "told"}, "told"),
        ({"code": 7}, "7"),
        ({"message": "", "userTitle": "title", "userMessage": "more"}, "title; more"),
        ({"message": ["odd"], "code": True}, '{"message": ["odd"], "code": true}'),
        ({"message": "m", "details": [{"message": "d"}]}, "m; d"),
        ("just text", "just text"),
        ('"json text"', "json text"),
        ("", ""),
        (b"\xff\x1b[2J\n", "\\xff␛[2J"),
        ("<!DOCTYPE html><html><head><title>\n 502 &lt;Bad&gt;\n gateway </title>", "an HTML page: 502 <Bad> gateway"),
        ("  <html><body>Sorry</body></html>", "an HTML page"),
        ("<html><title></title>", "an HTML page"),
        ('{"message": "cut off', '{"message": "cut off'),
        ({"message": f"the token {TOKEN} is wrong"}, "the token ••••0001 is wrong"),
        ({"message": "\u202eevil\x1b]0;x\x07"}, "\\u202eevil␛]0;x␇"),
        ({"signingKey": "sample-key-in-an-error"}, '{"signingKey": "••••rror"}'),
        ("[" * 100_000, "[" * MAX_SAID + "…"),
        ({"errors": [{"message": "m" * 1000}] * 1000}, "m" * MAX_SAID + "…"),
        ({"details": {str(n): "d" for n in range(9)}}, "0: d; 1: d; 2: d; 3: d; 4: d"),
    ],
)
def test_words_are_found_in_any_shape(body: Any, words: str) -> None:
    assert said(answer(400, body)) == words


def test_an_answer_without_a_word() -> None:
    assert "500 and no word of why" in str(refused(answer(500, b""), "Volt"))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30.0),
        (" 0 ", 0.0),
        ("9" * 5000, 86_400.0),
        ("Sat, 31 Jan 2026 12:01:30 GMT", 90.0),
        ("Sat, 31 Jan 2026 11:00:00 GMT", 0.0),
        ("Sat, 31 Jan 2026 12:01:30", 90.0),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("soon", None),
        ("", None),
    ],
)
def test_how_long_to_wait(header: str, seconds: float | None) -> None:
    date = ("date", "Sat, 31 Jan 2026 12:00:00 GMT")
    error = refused(answer(429, {"message": "slow down"}, ("retry-after", header), date), "Bird")
    assert error.retry_after_s == seconds
    assert ("try again later" in str(error)) == (seconds is None)
    if seconds is not None:
        assert f"try again in {seconds:.0f} s" in str(error)


def test_a_date_without_the_providers_clock_is_against_ours() -> None:
    error = refused(answer(503, b"", ("retry-after", "Fri, 01 Jan 2100 00:00:00 GMT")), "Bird")
    assert error.retry_after_s == 86_400.0


@pytest.mark.parametrize(
    ("body", "headers", "trace"),
    [
        ({"cntTraceId": "1182"}, [("x-request-id", "r")], "1182"),
        ({"error": {"message": "m", "request_id": "req_1"}}, [], "req_1"),
        ({}, [("x-request-id", "r-\x1b1")], "r-␛1"),
        ({}, [("x-amzn-requestid", "a"), ("request-id", "b")], "b"),
        ({"cntTraceId": 5}, [], None),
        ([], [], None),
    ],
)
def test_the_trace_id(body: Any, headers: list[tuple[str, str]], trace: str | None) -> None:
    assert refused(answer(400, body, *headers), "Connectly").trace_id == trace


def test_json_comes_as_it_is() -> None:
    assert json_of(answer(200, {"a": [1]}), "Volt") == {"a": [1]}


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "with nothing instead of JSON"),
        (b" \n", "with nothing instead of JSON"),
        (b"<html><title>Sign in</title>", "with an HTML page: Sign in instead of JSON"),
        (b'{"data": {"registerWebhook": {"id": "1"', "not JSON: "),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b"[" * 100_000, "nested deeper than"),
        (b"\xff", "not UTF-8"),
        (b"\x1b[2J", "not JSON: "),
    ],
)
def test_what_is_no_json(body: bytes, what: str) -> None:
    with pytest.raises(AdminError) as caught:
        json_of(answer(200, body), "Volt")
    assert caught.value.kind is Trouble.UNINTELLIGIBLE
    sentence = str(caught.value)
    assert sentence.startswith("Volt answered 200 with ")
    assert what in sentence
    assert sentence.isprintable()
    assert sentence.endswith("it may have been done, so see what is registered now before you ask again.")
    with pytest.raises(AdminError, match="check the account's api_url"):
        json_of(answer(200, body, method="GET"), "Volt")


def test_no_answer_shows_a_secret() -> None:
    page = answer(401, f"<html><title>{TOKEN}</title>")
    with pytest.raises(AdminError) as caught:
        json_of(page, "Volt")
    for error in (caught.value, refused(page, "Volt")):
        assert TOKEN not in f"{error} {error.said} {error.trace_id}"
    assert TOKEN not in repr(page)
