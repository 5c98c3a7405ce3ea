"""ULIDs: the times of the documented ids, and the two forms of one number."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.record import rfc3339
from monitor.providers.connectly.ulid import other_form, ulid, ulid_time


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("01FRRWW2ZAHD9GJ1SWY4VF2GBD", "2022-01-06T23:51:34.122000Z"),
        ("01FRRWMSAMKNFZAMBPQ65CA7DD", "2022-01-06T23:47:34.868000Z"),
        ("01G6K4F15SXZTB6T8WJ94PMF4P", "2022-06-27T17:48:33.849000Z"),
        ("01GB6MZR50BY04MDAQH6TVYN40", "2022-08-24T00:45:40.384000Z"),
    ],
)
def test_the_documented_ids_tell_their_time(text: str, moment: str) -> None:
    assert rfc3339(ulid_time(text)) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "01FRRWW2ZAHD9GJ1SWY4VF2GB",  # 25 letters
        "01FRRWW2ZAHD9GJ1SWY4VF2GBDD",
        "81FRRWW2ZAHD9GJ1SWY4VF2GBD",  # more than 128 bits
        "01FRRWW2ZAHD9GJ1SWY4VF2GBU",  # U is no letter of it
        "01FRRWW2ZAHD9GJ1SWY4VF2GB\n",
        "00000000000000000000000000",  # 1970
        "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",  # the year 10889
        "018d62f2-2524-10fa-f857-091ab99c14c8",
        "٠1FRRWW2ZAHD9GJ1SWY4VF2GBD",  # an Arabic zero
    ],
)
def test_other_texts_tell_none(text: str) -> None:
    assert ulid_time(text) is None


def test_a_reply_names_its_message_by_the_uuid_of_the_same_bits() -> None:
    assert other_form("018d62f2-2524-10fa-f857-091ab99c14c8") == "01HNHF499423XFGNR93AWSR568"
    assert other_form("01HNHF499423XFGNR93AWSR568") == "018d62f2-2524-10fa-f857-091ab99c14c8"
    assert other_form("order-17") is None


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**80 - 1))
def test_forms_go_there_and_back(milliseconds: int, chance: int) -> None:
    made = ulid(milliseconds, chance)
    as_uuid = other_form(made)
    assert as_uuid is not None
    assert uuid.UUID(as_uuid).int == milliseconds << 80 | chance
    assert other_form(as_uuid) == made


@given(st.text())
def test_no_text_raises(text: str) -> None:
    ulid_time(text)
    other_form(text)
