"""Disguises, and what of a request gets one."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import jsonbody
from monitor.model.capture import STAMP_HEADER, Request
from monitor.model.disguise import NUMBER, Disguise
from monitor.model.masking import Masker
from monitor.model.private import Kind, kind_of

KEY = b"a key of the tests, 32 bytes ..."
DISGUISE = Disguise(KEY)
FORM = ("content-type", "application/x-www-form-urlencoded")
MASKER = Masker(DISGUISE, {"volt": frozenset({"payload.reason"}), "generic": frozenset()})


def masked(value: Any, provider: str = "generic") -> Any:
    """A JSON body, masked."""
    body = json.dumps(value, ensure_ascii=False).encode()
    return json.loads(MASKER.request(Request("POST", "/x", "", (), body), provider).body)


def header(name: str, value: str) -> str:
    """The value of a header, masked."""
    return MASKER.request(Request("POST", "/x", "", ((name, value),), b""), "generic").headers[0][1]


@given(st.text())
def test_a_text_keeps_its_shape_and_loses_its_letters(text: str) -> None:
    shown = DISGUISE.text(text)
    assert shown == DISGUISE.text(text)
    if not re.search(r"[0-9@]", text):  # numbers and addresses have their own shapes
        assert len(shown) == len(text)
        for old, new in zip(text, shown, strict=True):
            kind = unicodedata.category(old)
            assert (new != old) == (kind[0] in "LN" or (old.isascii() and old.isalnum()))
            assert new == "x" or unicodedata.category(new) == kind


def test_numbers_look_like_fiction_and_are_the_same_however_they_are_written() -> None:
    shown = DISGUISE.number("+15555550123")
    assert re.fullmatch(r"\+1555[0-9]{7}", shown)
    assert shown != "+15555550123"
    assert DISGUISE.number("15555550123") == shown[1:]
    assert DISGUISE.number("0015555550123") == "00" + shown[1:]
    digits = shown[1:]
    assert DISGUISE.number("+1 (555) 555-0123") == f"+{digits[0]} ({digits[1:4]}) {digits[4:7]}-{digits[7:]}"
    assert DISGUISE.text("call +15555550123 now").split()[1] == shown
    assert DISGUISE.mail("15555550123@s.example.net").startswith(f"{digits}@")


def test_different_numbers_stay_different() -> None:
    many = [f"+1555{n:07d}" for n in range(20_000)]
    own = Disguise(KEY)
    assert len({own.number(number) for number in many}) == len(many)


def test_another_key_gives_another_disguise() -> None:
    other = Disguise(b"another key, of the same length.")
    assert other.text("Maya Thompson") != DISGUISE.text("Maya Thompson")
    assert other.number("+15555550123") != DISGUISE.number("+15555550123")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("+15555550123", True), ("+44 7700 900123", True), ("(555) 555-0123", True), ("555-555-0123", True),
        ("15555550123", True), ("tel:+15555550123", True), ("2026-01-31", False), ("2026-01-31 12:00:00", False),
        ("12:00:00+00:00", False), ("550e8400-e29b-41d4-a716-446655440000", False), ("rfw_1234567890123", False),
        ("1.2.3.4", False), ("12345", False), ("v1,123456789", False),
    ],
)  # fmt: skip
def test_what_is_a_number_in_a_sentence(text: str, found: bool) -> None:
    assert bool(NUMBER.search(text)) is found


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (("from_number",), Kind.PARTY), (("payload", "fromNumber"), Kind.PARTY), (("To",), Kind.PARTY),
        (("customer", "name"), Kind.PARTY), (("event_name",), Kind.FREE), (("carrier_name",), Kind.FREE),
        (("sender", "id"), Kind.PARTY_ID), (("contacts", "id"), Kind.PARTY_ID), (("message", "id"), Kind.ID),
        (("WaId",), Kind.PARTY), (("message_id",), Kind.ID), (("text",), Kind.TEXT), (("caption",), Kind.TEXT),
        (("webengageToken",), Kind.SECRET), (("apiKey",), Kind.SECRET), (("credentials", "email"), Kind.SECRET),
        (("template", "variables", "kind"), Kind.TEXT), (("createdAt",), Kind.TIME), (("timestamp",), Kind.TIME),
        (("status",), Kind.FREE), (("X-Hub-Signature-256",), Kind.SECRET), ((), Kind.TEXT), (("",), Kind.FREE),
        (("userId",), Kind.PARTY_ID), (("sender", "user_id"), Kind.PARTY_ID),
    ],
)  # fmt: skip
def test_names_tell_what_is_private(path: tuple[str, ...], kind: Kind) -> None:
    assert kind_of(path) is kind


def test_what_programs_need_stays() -> None:
    kept = {
        "id": "rf_6BM2lN6c2rAyTnbPZlbD", "event_type": "message.sent", "status": "sent", "parts": 1, "ok": True,
        "none": None, "price": 1.5, "media_id": "12345678901", "occurred_at": "2026-01-31T12:00:00.910+00:00",
        "time": 1769860801, "timestamp": "1769860801", "messaging_profile_id": "f792f314-cb1a-59bb-a675-0f5595bb490f",
        "error": {"code": "ERROR_CODE_X", "type": "t"}, "encoding": "GSM-7", "list": [1, "a", []], "empty": "",
    }  # fmt: skip
    assert masked(kept) == kept
    assert list(masked(kept)) == list(kept)


def test_ids_stay_but_for_the_numbers_of_people_in_them() -> None:
    sent = {
        "id": "m1-15555550123", "thread_id": "15555550145_15555550123", "event_id": "e-1700000000123",
        "chat_id": "15555550145-1580000000@g.us", "sequence_id": "9155555501459",
        "to": "+1 (555) 555-0123", "from": "15555550145@c.us",
    }  # fmt: skip
    one, other = (DISGUISE.number(number) for number in ("15555550123", "15555550145"))
    shown = masked(sent)
    assert (shown["id"], shown["thread_id"]) == (f"m1-{one}", f"{other}_{one}")
    assert (shown["event_id"], shown["sequence_id"]) == (sent["event_id"], sent["sequence_id"])
    assert "15555550145" not in shown["chat_id"]
    masker = Masker(DISGUISE, {})
    form = b"SmsSid=m1-15555550123&To=%2B15555550123"
    request = Request("POST", "/x", "", (("x-request-id", "m1-15555550123"), FORM), form)
    asked = masker.request(request, "generic")
    assert (asked.headers[0][1], asked.body.partition(b"&")[0]) == (f"m1-{one}", f"SmsSid=m1-{one}".encode())


def test_what_people_are_called_and_say_goes() -> None:
    shown = masked(
        {
            "from": "+15555550123", "to": 15555550145, "customer": {"name": "Zoë Carter", "email": "zoe@example.com"},
            "text": "See you, Zoë", "note": "a sentence", "unknown": "two words", "alien": "имя",
            "link": "https://cdn.example.com/a/b.jpg?sig=abcdef#frag", "otp": "123456", "pin": 4321,
            "fax": 15555550167.0, "handle": -15555550189, "passcode": -7654.25,
            "inside": '{"name": "Zoë Carter", "kind": "x"}', "ref": "wamid.HBgLMTU1NTU1NTAxMjMVAgASGBQ",
            "jwt_like": "eyJhbGciOi.eyJzdWIiOi.c2lnbg", "+15555550123": 1, "Zoë Carter": 2,
        }
    )  # fmt: skip
    told = json.dumps(shown, ensure_ascii=False)
    for gone in ("5555550123", "5555550145", "Zoë", "Carter", "zoe", "See you", "sentence", "two words", "имя", "b.jpg",
                 "abcdef", "frag", "123456", "4321", "5555550167", "5555550189", "7654", ".25",
                 "HBgLMT", "eyJhbG", "c2lnbg"):  # fmt: skip
        assert gone not in told
    assert isinstance(shown["to"], int)
    assert (shown["fax"] > 0, shown["handle"] < 0, shown["passcode"] < 0) == (True, True, True)
    assert shown["link"].startswith("https://cdn.example.com/")
    assert json.loads(shown["inside"])["name"] == shown["customer"]["name"]
    assert json.loads(shown["inside"])["kind"] == "x"
    assert shown["ref"].startswith("wamid.")
    assert shown["from"] in shown
    assert len(str(shown["pin"])) == 4


def test_sentences_of_the_provider_stay_where_they_are_named() -> None:
    said = {"payload": {"reason": "no credit for +15555550123", "text": "no credit"}}
    shown = masked(said, "volt")["payload"]
    assert shown["reason"] == f"no credit for {DISGUISE.number('+15555550123')}"
    assert shown["text"] != "no credit"


def test_other_bodies() -> None:
    def body(data: bytes, kind: str) -> bytes:
        return MASKER.request(Request("POST", "/x", "", (("content-type", kind),), data), "generic").body

    form = body(b"From=%2B15555550123&Body=Hello+there&SmsStatus=delivered&Id=7", "application/x-www-form-urlencoded")
    number = DISGUISE.number("+15555550123").replace("+", "%2B").encode()
    assert form.startswith(b"From=" + number + b"&Body=")
    assert b"Hello" not in form
    assert form.endswith(b"&SmsStatus=delivered&Id=7")
    xml = body(b"<to>Maya</to>", "text/xml")
    assert len(xml) == 13
    assert b"Maya" not in xml
    data = bytes(range(256))
    assert len(body(data, "application/octet-stream")) == 256
    assert body(data, "application/octet-stream")[100:200] != data[100:200]
    broken = body(b'{"name": "Maya', "application/json")
    assert b"Maya" not in broken
    assert not jsonbody.parse(broken).ok


def test_headers() -> None:
    assert header("Content-Type", "application/json; charset=utf-8") == "application/json; charset=utf-8"
    assert header("user-agent", "agent/1.2 (x)") == "agent/1.2 (x)"
    assert header("webhook-id", "msg_1234567890") == "msg_1234567890"
    assert header("webhook-timestamp", "1769860801") == "1769860801"
    assert header("Authorization", "Bearer abcdef0123").startswith("Bearer ")
    for name, value in {
        "authorization": "Bearer abcdef0123", "x-api-key": "abcdef0123", "x-hook-signature": "abcdef0123",
        "cookie": "sid=abcdef0123; b=c", STAMP_HEADER: "abcdef0123", "x-customer-name": "abcdef0123",
    }.items():  # fmt: skip
        assert "abcdef0123" not in header(name, value)
    assert header("cookie", "sid=abcdef; b=c").startswith("sid=")
    signature = header("webhook-signature", "v1,c2lnbg== v1a,b3RoZXI=")
    assert re.fullmatch(r"v1,\w{6}== v1a,\w{7}=", signature)
    assert "c2lnbg" not in signature


def test_path_and_query() -> None:
    def target(path: str, query: str = "") -> str:
        return MASKER.request(Request("POST", path, query, (), b""), "volt").target

    assert target("/volt") == "/volt"
    assert target("/hooks/v2/incoming") == "/hooks/v2/incoming"
    assert re.fullmatch(r"/volt/[A-Za-z0-9_-]{32}", token := target("/volt/sEcReT_token-of-32-characters-00"))
    assert "sEcReT" not in token
    assert target("/hooks/+15555550123").endswith(DISGUISE.number("+15555550123"))
    asked = target("/volt", "token=abc123&to=%2B15555550123&flag")
    assert asked.startswith("/volt?token=")
    assert "abc123" not in asked
    assert "5555550123" not in asked
    assert "flag" not in asked


def test_known_secrets_stand_nowhere() -> None:
    secret = "canary-0123456789"
    own = Masker(Disguise(KEY), {"volt": frozenset()}, [secret])
    request = Request(
        "POST", f"/volt/{secret}", f"a={secret}", (("user-agent", secret),), f'{{"id": "{secret}"}}'.encode()
    )
    shown = own.request(request, "volt")
    assert secret not in repr(shown)
    assert secret not in own.words(f"signed over https://x.example/volt/{secret}")


def test_a_sentence_of_ours_keeps_its_words() -> None:
    said = MASKER.words("would verify if the URL were https://x.example/volt/tokenTOKEN12345")
    assert said.startswith("would verify if the URL were https://x.example/volt/")
    assert "tokenTOKEN" not in said
    assert MASKER.words("signed 2026-01-31 12:00:00, 301 s ago") == "signed 2026-01-31 12:00:00, 301 s ago"


def test_the_length_of_the_body_is_told_as_it_is_now() -> None:
    body = '{"text": "Grüße an 15555550123 und x@y.example"}'.encode()
    shown = MASKER.request(Request("POST", "/x", "", (("content-length", str(len(body))),), body), "generic")
    assert shown.headers[0][1] == str(len(shown.body))


@given(st.binary())
def test_any_body_is_masked_without_a_word(data: bytes) -> None:
    MASKER.request(Request("POST", "/x", "", (), data), "generic")


def test_where_somebody_is_stays_with_nobody() -> None:
    place = {"latitude": 52.370216, "lng": -4, "type": "pin", "coordinates": [4.895168, 52.370216], "accuracy": 12}
    shown = masked({"location": place, "geo": "52.370216,4.895168", "lat": "52.370216"})
    for told in ("52.370216", "4.895168", "-4,"):
        assert told not in json.dumps(shown)
    assert shown["location"]["latitude"] == shown["location"]["coordinates"][1] == float(shown["lat"])
    assert (shown["location"]["type"], shown["location"]["accuracy"]) == ("pin", 12)


def test_a_number_with_an_exponent_is_masked_as_without() -> None:
    def shown(written: str) -> str:
        return MASKER.json(f'{{"from":{written}}}')[8:-1]

    whole = shown("15555550123")
    assert whole != "15555550123"
    assert [shown(written) for written in ("1.5555550123E10", "1.5555550123e+10")] == [whole, whole]
    assert shown("15555550123.0") == f"{whole}.0"
    assert shown("1.5E3") == "1.5E3"
    assert shown("1e999999999") == "1e999999999"
    assert MASKER.json('{"token":1.25e-7}') != '{"token":1.25e-7}'


@pytest.mark.parametrize("name", ["filename", "file", "attachments", "pushname", "displayname", "birthDate"])
def test_names_of_files_and_names_written_in_one_word_are_masked(name: str) -> None:
    assert masked({name: "1990-01-31-Maya.pdf"})[name] != "1990-01-31-Maya.pdf"
    assert masked({name: "1990-01-31"})[name] != "1990-01-31"


def test_the_target_that_a_proxy_names_is_masked_like_the_request_line() -> None:
    shown = header("x-original-uri", "/hooks/sEcReT_token0123?name=Maya&text=hello&to=%2B15555550123")
    for told in ("sEcReT", "Maya", "hello", "5555550123"):
        assert told not in shown
    assert shown.startswith("/hooks/")
    assert "?name=" in shown
    assert "cat" not in masked({"link": "//cdn.example.com/media/My-cat.jpg?sig=abc"})["link"]


def test_a_word_that_is_percent_encoded_is_masked_as_it_reads() -> None:
    number = DISGUISE.number("+15555550123")
    assert masked({"link": "whatsapp%3A%2B15555550123"})["link"] == f"whatsapp:{number}"
    assert "maya" not in masked({"link": "maya%40example.com"})["link"]
    assert "Maya" not in masked({"hint": "Hello%20Maya"})["hint"]
    assert masked({"state": "a%2Fb", "share": "100%"}) == {"state": "a%2Fb", "share": "100%"}


def test_a_file_in_base64_is_no_id() -> None:
    file = "iVBORw0KGgo" * 40
    shown = masked({"thumb": file, "image": f"data:image/png;base64,{file}"})
    assert file[:300] not in json.dumps(shown)
    assert len(shown["thumb"]) == len(file)


def test_a_uuid_stays_whole_whatever_its_digits_look_like() -> None:
    name = "c0ffee00-0000-4000-8000-001234567890"
    body = {"id": name, "contact": {"id": name}, "batch": f"b_{name}", "state": "00123456-1234-4123-8123-abcdefabcdef"}
    assert masked(body) == body


def test_numbers_in_ids_are_known_as_they_are_dialled_and_from_the_start() -> None:
    own = Masker(Disguise(KEY), {})
    own.meet(["+15555550123", "Maya", "+442079460958"])
    number, other = own.json('["+15555550123", "+442079460958"]').replace("+", "")[2:-2].split('", "')
    body = '{"id":"sms-5555550123_0015555550123","ref":"02079460958"}'
    assert own.json(body) == f'{{"id":"sms-{number[-10:]}_00{number}","ref":"0{other[-10:]}"}}'
    assert own.words("new_value:sms-15555550123") == f"new_value:sms-{number}"
    untouched = '{"id":"sms-5555550177","at":1769860801,"ref":"17698608010000000"}'
    assert own.json(untouched) == untouched


def test_a_known_secret_is_found_however_json_writes_it() -> None:
    own = Masker(Disguise(KEY), {}, ["ab/cd+canary="])
    shown = own.json('{"hint":"ab\\/cd\\u002bcanary=","ab\\/cd+canary=":1}')
    assert "canary" not in shown
