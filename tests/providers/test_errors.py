"""What is documented of the codes of failed messages."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.model.reading import MessageError
from monitor.providers.errors import explain
from monitor.providers.registry import registry
from tests.corpora import payload_index
from tests.model.events import START, read_event

TELNYX, GROUPS, EXTENDED = "Telnyx code list", "Bird failure codes", "Bird SMS extended codes"
CONNECTLY = "Connectly error codes"


@pytest.mark.parametrize(
    ("provider", "error", "expected"),
    [
        ("volt", {"code": "40002", "carrier_code": "702"}, [("40002", "blocked as spam, temporary", TELNYX)]),
        ("volt", {"code": "40008"}, [("40008", "undeliverable", TELNYX)]),
        ("volt", {"code": "40007"}, []),
        ("volt", {"carrier_code": "40002"}, []),
        ("bird", {"code": "11001"}, [("11001", "asynchronous validation: INVALID_CHANNEL_CONFIGURATION", GROUPS)]),
        ("bird", {"code": "12003"}, [("12003", "service error: UNSUPPORTED_DESTINATION", GROUPS)]),
        ("bird", {"code": "14999"}, [("14999", "customer error", GROUPS)]),
        ("bird", {"code": "13001"}, []),
        ("bird", {"code": "15"}, []),
        ("bird", {"code": "150011"}, []),
        (
            "bird",
            {"code": "15005", "carrier_code": "1", "source": "sms-messagebird"},
            [
                ("15005", "platform error: seen with unknown_subscriber", GROUPS),
                ("1", "unknown subscriber (EC_UNKNOWN_SUBSCRIBER)", EXTENDED),
            ],
        ),
        (
            "bird",
            {"carrier_code": "0", "source": "sms-messagebird"},
            [("0", "generic delivery failure (EC_NO_ERROR)", EXTENDED)],
        ),
        ("bird", {"carrier_code": "1", "source": "whatsapp"}, []),
        ("bird", {"carrier_code": "1"}, []),
        ("bird", {"carrier_code": "34", "source": "sms-messagebird"}, []),
        (
            "connectly",
            {"code": "ERROR_CODE_MESSAGE_CUSTOMER_OPTED_OUT"},
            [("ERROR_CODE_MESSAGE_CUSTOMER_OPTED_OUT", "the customer opted out", CONNECTLY)],
        ),
        ("connectly", {"code": "MESSAGE_TEXT_EMPTY"}, [("MESSAGE_TEXT_EMPTY", "the text is empty", CONNECTLY)]),
        ("connectly", {"code": "ERROR_CODE_OF_TOMORROW"}, []),
        ("connectly", {"code": "3"}, []),
        ("oneroute", {"title": "Absent subscriber"}, []),
        ("standard", {"code": "40002"}, []),
        ("of-somebody-else", {"code": "40002"}, []),
    ],
)
def test_codes(provider: str, error: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    hints = explain(provider, MessageError(**error))
    assert [(hint.code, hint.meaning, hint.source) for hint in hints] == expected
    assert all(hint.url.startswith("https://") for hint in hints)


@pytest.mark.parametrize("provider", registry().names())
def test_an_empty_error_has_no_hints(provider: str) -> None:
    assert explain(provider, MessageError()) == []


@pytest.mark.parametrize(
    "entry", [entry for entry in payload_index() if entry["expected"].get("error")], ids=lambda entry: entry["file"]
)
def test_hints_name_a_code_of_the_error(entry: dict[str, Any]) -> None:
    error = read_event(entry["provider"], entry["body_bytes"], 1, START).reading.error
    assert error is not None
    hints = explain(entry["provider"], error)
    assert {hint.code for hint in hints} <= {error.code, error.carrier_code}
    # each documented code of the examples is known, but for a platform's own beside Bird's group
    assert bool(hints) is (entry["provider"] != "oneroute" and error.code is not None)
