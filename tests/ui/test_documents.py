"""The documents of the detail pane."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.capture import Capture, Source
from monitor.model.lifecycle import fold
from monitor.model.reading import MessageError, Reading, Status
from monitor.model.verdict import Check, Verdict, VerdictStatus
from monitor.providers.base import Signed
from monitor.ui import redact
from monitor.ui.documents.body import DRAWN, body
from monitor.ui.documents.headers import headers
from monitor.ui.documents.lifecycle import Lifecycle
from monitor.ui.documents.look import LABEL, Reader
from monitor.ui.documents.signature import signature
from monitor.ui.documents.summary import summary
from monitor.ui.format import day as local_day
from monitor.ui.lines import MAX_LINE, Line, plain_text
from tests.corpora import corpora, provider_reference
from tests.factory import FULL_READING, make_capture, make_request
from tests.model.events import at, make_event

OPEN = Reader()
MASKED = Reader(masked=True)


def visible_only(lines: list[Line]) -> bool:
    text = plain_text(lines)
    return not any((ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u200b\u2028" for c in text)


# --- summary -------------------------------------------------------------------------------------------------------


def test_summary_says_everything_the_reading_has() -> None:
    text = plain_text(summary(make_capture(7), OPEN))
    for expected in (
        "outbound sms", "FAILED", "+15555550145  →  +15555550123", "“Hello ␛[31m «world» \\u202e”", "image", "12 B",
        "https://example.com/a.jpg", "✔ verified", "sha256:1a2b3c4d", "Blocked", "as spam", "code 40002",
        "carrier code 702", "T-MOBILE USA, INC.", "temporary", "trace trace", "−2.0", "valid until", "+59m59s", "rfw_1",
        "volt:40318006", "also volt:other", "parts: 3", "payload.x is not a text but a list", "POST /volt?a=1&b=%20",
        "answered 200", "127.0.0.1:51234", "duplicate",
    ):  # fmt: skip
        assert expected in text


def test_the_summary_of_a_failure_begins_with_its_code_and_the_error() -> None:
    lines = plain_text(summary(make_capture(7), OPEN)).split("\n")
    assert lines[0] == "outbound sms   FAILED 702"
    labels = [text[:LABEL].strip() for text in lines]
    at = labels.index("error")
    assert not lines[at - 1]
    assert labels.index("signature") == lines.index("", at) + 1  # a block of its own, before the signature


def test_summary_labels_what_no_provider_sent_and_what_is_only_claimed() -> None:
    capture = replace(make_capture(1), source=Source.SIMULATED, request=make_request(x_forwarded_for="1.2.3.4"))
    text = plain_text(summary(capture, OPEN))
    assert text.startswith("LOCAL")
    assert "claims 1.2.3.4  (x-forwarded-for: not checked)" in text
    assert "LOCAL" not in plain_text(summary(capture, Reader(demo=True)))


def test_a_masked_summary_shows_neither_numbers_nor_texts() -> None:
    text = plain_text(summary(make_capture(1), MASKED))
    for hidden in ("555555", "Hello", "example.com/a.jpg", "a=1", "GSM-7"):
        assert hidden not in text
    assert "+•••••••••23" in text


def test_the_rest_of_a_long_fact_is_told_from_the_next_fact() -> None:
    lines = [line for line in summary(make_capture(1), OPEN) if "parts: 3" in line.text or "encoding" in line.text]
    assert [line.indent for line in lines] == [LABEL + 2] * 2


def test_the_path_token_is_hidden_everywhere() -> None:
    token = "q3Zr9sT-secret"
    capture = replace(make_capture(1), request=make_request(path=f"/volt/{token}", referer=f"http://x/volt/{token}"))
    verdict = replace(capture.verdict, reason=f"over http://x/volt/{token}", near_miss=f"http://x/volt/{token}/")
    capture = replace(capture, verdict=verdict)
    reader = Reader(token=token)
    shown = [
        *summary(capture, reader),
        *headers(capture, reader),
        *signature(capture, capture, [Signed("url", f"http://x/volt/{token}".encode())], reader),
    ]
    assert token not in plain_text(shown)
    assert "••••" in plain_text(shown)


def test_a_capture_that_nothing_could_be_read_of() -> None:
    text = plain_text(summary(make_capture(1, reading=None), OPEN))
    assert "no message in this capture" in text


@given(st.text(max_size=60))
def test_any_text_in_any_field_is_shown_as_visible_lines(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    reading = replace(
        FULL_READING, event=text, event_id=text, message=text, aliases=(text,), conversation=text, channel=text,
        from_=text, to=text, text=text, provider_status=text, mark=text, facts=((text, text),), problems=(text,),
    )  # fmt: skip
    capture = replace(make_capture(1, reading=reading), marks=(text,))
    for reader in (OPEN, MASKED):
        assert visible_only(summary(capture, reader))


# --- lifecycle -----------------------------------------------------------------------------------------------------


def test_a_lifecycle_gives_the_days_of_what_goes_on_after_midnight() -> None:
    day = 86_400.0
    sent = make_event(1, Status.SENT, 0)
    again = replace(sent, capture=3, received_at=at(2 * day))
    read = make_event(2, None, day, mark="read")
    lines = [one.text for one, _ in Lifecycle(fold([sent, read, again]), {}).lines(OPEN, 60)]
    mark = next(n for n, text in enumerate(lines) if "◆ read" in text)
    assert local_day(at(day)) in lines[mark + 1]
    assert f"duplicate ×2, last {local_day(at(2 * day))} " in "\n".join(lines)
    assert local_day(at(0)) not in "\n".join(text.text for text, _ in Lifecycle(fold([sent]), {}).lines(OPEN, 60))


def test_a_lifecycle_of_another_day_than_today_names_it() -> None:
    message = fold([make_event(1, Status.SENT, 0), make_event(2, Status.DELIVERED, 1)])

    def heading(today: str) -> str:
        return next(one.text for one, _ in Lifecycle(message, {}, None, today).lines(OPEN, 60) if "ours" in one.text)

    assert heading(local_day(at(86_400.0))).split() == [local_day(at(0)), "their", "clock", "ours"]
    assert heading(local_day(at(0))).split() == ["their", "clock", "ours"]


# --- headers -------------------------------------------------------------------------------------------------------


def test_headers_hide_credentials() -> None:
    request = make_request(
        authorization="Bearer abcdefgh", x_api_key="k3y", accesskey="k4y", cookie="a=b", x_volt_signature="c2ln"
    )
    lines = headers(replace(make_capture(1), request=request), OPEN, ("x-volt-signature",))
    text = plain_text(lines)
    assert "Bearer ••••" in text
    assert not any(secret in text for secret in ("abcdefgh", "k3y", "k4y", "a=b"))
    assert "c2ln" in text
    marked = next(line for line in lines if "x-volt-signature" in line.text)
    assert marked.spans[0][2] == "accent"


# --- signature -----------------------------------------------------------------------------------------------------


def with_verdict(verdict: Verdict) -> Capture:
    return replace(make_capture(1), verdict=verdict)


def test_signature_shows_the_stored_verdict_the_steps_and_the_signed_text() -> None:
    stored = with_verdict(
        Verdict(VerdictStatus.INVALID, "no match", near_miss="would verify over http://x/", age_s=1.5)
    )
    checks = (Check("header", True, "there"), Check("compare", False, "differs"))
    again = with_verdict(Verdict(VerdictStatus.VERIFIED, "matched", "hmac-sha256", "sha256:aabbccdd", checks=checks))
    text = plain_text(signature(stored, again, [Signed("raw body", b'{"a":"\x00\xff"}')], OPEN))
    for expected in (
        "✖ INVALID", "≈ would verify over http://x/", "✔ verified", "✔ header  there", "✖ compare  differs",
        "sha256:aabbccdd", "raw body", '{"a":"␀\\xff"}', "1.5 s before it arrived",
    ):  # fmt: skip
        assert expected in text


def test_signature_is_brief_when_nothing_changed() -> None:
    capture = make_capture(1)
    assert "as when it arrived" in plain_text(signature(capture, capture, [], OPEN))
    masked = plain_text(signature(capture, capture, [Signed("raw body", b"+15555550123")], MASKED))
    assert "555555" not in masked


# --- body ----------------------------------------------------------------------------------------------------------


def test_body_is_laid_out_from_its_own_tokens() -> None:
    data = b'{"a":1e3,"big":123456789012345678901234567890,"a":[true,null,{}],"u":"\\u00e9\\n","e":[]}'
    document = body(data, OPEN, raw=False)
    assert plain_text(document.lines).splitlines() == [
        "said more than once, the last counts: a", "",
        "{", '  "a": 1e3,', '  "big": 123456789012345678901234567890,', '  "a": [', "    true,", "    null,",
        "    {}", "  ],", '  "u": "é\\n",', '  "e": []', "}",
    ]  # fmt: skip
    assert document.folds == {2: 12, 5: 9}


@pytest.mark.parametrize("file", ["oneroute/new_message_email.json", "connectly/report.json"])
def test_what_a_body_says_that_lets_one_in_is_hidden(file: str) -> None:
    data = (provider_reference() / "payloads" / file).read_bytes()
    text = plain_text(body(data, OPEN, raw=False).lines)
    signed = plain_text(signature(make_capture(1), make_capture(1), [Signed("raw body", data)], OPEN))
    for shown in (text, signed):
        assert '"••••"' in shown
        assert "emailDomain" not in shown
        assert "abcdef" not in shown
    found, kept = json.loads(text), json.loads(data)
    if "report" in kept:
        kept["report"]["last_run"]["result"]["url"] = "••••"
    else:
        kept["conversation"]["Channel"]["credentials"] = "••••"
    assert found == kept


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"Channel":{"credentials":null,"url":"a"},"n":1}', None),
        ('{"credentials":{"a":1},"result":{"url":"x"},"url":"y"}', None),
        ('["Channel",{"credentials":"a"},"credentials",":","url"]', None),
        ('{"Channel":{"credentials":[{"a":[1,"]"]},2],"b":"c"}}', '{"Channel":{"credentials":"••••","b":"c"}}'),
        ('{"Channel":{"id":"1","credentials":{"a":{"b":"c', '{"Channel":{"id":"1","credentials":"••••"'),
        ('{"Channel":{"credentials":"abc', '{"Channel":{"credentials":"••••"'),
    ],
)
def test_nothing_else_of_a_body_is_hidden(text: str, shown: str | None) -> None:
    assert redact.body(text) == (shown or text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON, st.sampled_from([(",", ":"), (" , ", " : ")]), st.booleans())
def test_laying_out_keeps_every_value(value: object, separators: tuple[str, str], ascii_only: bool) -> None:
    data = json.dumps(value, separators=separators, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    document = body(data, OPEN, raw=False)
    assert visible_only(list(document.lines))
    for start, end in document.folds.items():
        assert 0 <= start < end < len(document.lines)
        assert document.lines[start].text.rstrip()[-1] in "{["
        assert document.lines[end].text.strip().rstrip(",") in ("}", "]")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return
    if text.isascii() and text.isprintable() and "\\" not in text:
        assert json.loads(plain_text(document.lines)) == value


def test_a_masked_body_shows_its_shape_only() -> None:
    data = b'{"to":"+15555550123","n":15555550123,"count":3,"ok":true,"text":"Hello"}'
    text = plain_text(body(data, MASKED, raw=False).lines)
    assert "555555" not in text
    assert "Hello" not in text
    assert '"count": 3' in text
    for reader, raw in ((MASKED, True), (MASKED, False)):
        hidden = plain_text(body(b"+15555550123 not json", reader, raw=raw).lines)
        assert "555555" not in hidden


def test_big_bodies_are_cut_and_say_so() -> None:
    data = b"[" + b'"abcdefgh",' * 20_000 + b"1]"
    for raw in (False, True):
        document = body(data, OPEN, raw=raw)
        assert sum(len(line.text) for line in document.lines) < 3 * DRAWN
        assert "y copies all of it" in plain_text(document.lines)
    one = body(json.dumps("x" * 100_000).encode(), OPEN, raw=False)
    assert max(len(line.text) for line in one.lines) <= MAX_LINE + 2
    raw_lines = body(b"y" * 5_000, OPEN, raw=True).lines
    assert max(len(line.text) for line in raw_lines) == MAX_LINE
    assert sum(line.text.count("y") for line in raw_lines if set(line.text) == {"y"}) == 5_000


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (b"", "empty body"),
        (b"\xff\xfe", "not UTF-8"),
        (b"hello", "not JSON"),
        (b"[" * 100 + b"]" * 100, "nested deeper"),
    ],
)
def test_what_is_not_json_says_why(data: bytes, note: str) -> None:
    assert note in plain_text(body(data, OPEN, raw=False).lines)


def test_names_that_are_repeated_are_said() -> None:
    text = plain_text(body(b'{"a":1,"b":{"c":1,"c":2},"a":2}', OPEN, raw=False).lines)
    assert "said more than once, the last counts: c, a\n" in text
    assert text.count('"a"') == 2
    many = ",".join(f'"{name}":1,"{name}":2' for name in ("e\x9d0m", *"bcdef")).encode()
    assert "e\\u009d0m, b, c, d, e …" in plain_text(body(b"{" + many + b"}", OPEN, raw=True).lines)


def test_t20_words_that_mix_scripts_are_said_and_stay_as_they_came() -> None:
    data = '{"from":{"n\u0430me":"Ann"},"text":"log in at p\u0430ypal\\n\u041f\u0440\u0438\u0432\u0435\u0442"}'.encode()
    said = "≠ mixes scripts, so it may look like other text: n\\u0430me, p\\u0430ypal\n"
    for shown in (data, json.dumps(json.loads(data)).encode(), "a n\u0430me\x00 for p\u0430ypal".encode()):
        for raw in (False, True):
            lines = plain_text(body(shown, OPEN, raw=raw).lines)
            assert said in lines, shown
    assert "p\u0430ypal" in plain_text(body(data, OPEN, raw=False).lines).replace(said, "")
    hidden = plain_text(body(data, MASKED, raw=False).lines)
    assert "may look like other text: 2 words" in hidden
    assert "ypal" not in hidden
    many = json.dumps([f"\u0430{letter}" for letter in "bcdefgh"]).encode()
    assert "\\u0430b, \\u0430c, \\u0430d, \\u0430e, \\u0430f …\n" in plain_text(body(many, OPEN, raw=False).lines)
    assert "mixes" not in plain_text(
        body('{"text":"SMS \u043f\u0440\u0438\u0432\u0435\u0442"}'.encode(), OPEN, raw=False).lines
    )


def test_t20_only_what_is_drawn_of_a_body_is_looked_at() -> None:
    late = json.dumps(["x" * DRAWN, "p\u0430ypal"], ensure_ascii=False).encode()
    assert "mixes" not in plain_text(body(late, OPEN, raw=False).lines)
    early = json.dumps(["p\u0430ypal", "x" * DRAWN, ["p\u0430y"]], ensure_ascii=False).encode()
    assert "other text: p\\u0430ypal\n" in plain_text(body(early, OPEN, raw=False).lines)


def test_t20_a_summary_says_which_words_mix_scripts() -> None:
    reading = replace(FULL_READING, text="log in at p\u0430ypal", from_="B\u0430nk", facts=(("profile", "\u0410nn"),))
    said = plain_text(summary(make_capture(1, reading=reading), OPEN))
    assert "≠ mixes scripts, so it may look like other text: p\\u0430ypal, B\\u0430nk, \\u0410nn\n" in said
    assert "“log in at p\u0430ypal”" in said
    hidden = plain_text(summary(make_capture(1, reading=reading), MASKED))
    assert "may look like other text: 3 words" in hidden
    assert "mixes" not in plain_text(summary(make_capture(1), OPEN))


def test_a_compressed_body_is_never_unpacked() -> None:
    assert "encoded: gzip" in plain_text(body(b"\x1f\x8b\x08", OPEN, raw=False, encoding="gzip").lines)


def test_every_text_of_the_json_suite_is_laid_out() -> None:
    files = sorted((corpora() / "json-test-suite").rglob("*.json"))
    assert len(files) >= 318
    for path in files:
        data = path.read_bytes()
        for raw in (False, True):
            document = body(data, OPEN, raw=raw)
            assert visible_only(list(document.lines)), path.name
            assert body(data, MASKED, raw=raw).lines is not None


@pytest.mark.parametrize("reading", [None, Reading(), FULL_READING])
def test_documents_of_a_bare_capture(reading: Reading | None) -> None:
    capture = make_capture(1, body=b"", reading=reading)
    assert summary(capture, OPEN)
    assert headers(replace(capture, request=replace(capture.request, headers=())), OPEN)


def test_a_masked_name_shows_no_number_and_no_address_of_its_parties() -> None:
    reading = replace(
        FULL_READING, event_id="rfw_15555550123-x", message="volt:sms-15555550145",
        aliases=("volt:ada@example.com", "volt:wamid.HBgLMTU1NTU1NTAxMjM"),
        conversation="volt:c1,ada@example.com", error=MessageError("1", title="no mailbox ada@example.com"),
    )  # fmt: skip
    request = replace(make_request(x_original_uri="/volt?name=Ada"), path="/volt/+15555550123")
    capture = replace(make_capture(1), reading=reading, request=request)
    shown = plain_text([*summary(capture, MASKED), *headers(capture, MASKED)])
    for hidden in ("5555550123", "5555550145", "ada@", "Ada", "MTU1NTU1NTAxMjM"):
        assert hidden not in shown
        assert hidden in plain_text([*summary(capture, OPEN), *headers(capture, OPEN)])
    assert "rfw_•••••••••23-x" in shown
    assert "volt:40318006" in plain_text(summary(make_capture(1), MASKED))
    message = replace(fold([make_event(1, Status.SENT, 0)]), key="volt:sms-15555550123", to="+15555550123")
    assert "5555550123" not in "\n".join(one.text for one, _ in Lifecycle(message, {}).lines(MASKED, 60))
