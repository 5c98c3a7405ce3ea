"""What Bird documents about codes of failed messages: its own groups, and the extended codes of its SMS platform."""

from __future__ import annotations

import re
from typing import Final

from monitor.model.reading import MessageError
from monitor.providers.errors import Hint

_STATUS_PAGES: Final = "https://docs.bird.com/api/channels-api/message-status-and-interactions"
_CODES: Final = "Bird failure codes"
_CODES_URL: Final = f"{_STATUS_PAGES}/message-failure-codes"
_SMS: Final = "Bird SMS extended codes"
_SMS_URL: Final = f"{_STATUS_PAGES}/message-failure-sources/sms-platform-extended-error-codes"
_SMS_PLATFORM: Final = "sms-messagebird"  # the only source whose codes are listed

_GROUP: Final = re.compile(r"[0-9]{5}")
_GROUPS: Final = {
    "11": "asynchronous validation",
    "12": "service error",
    "14": "customer error",
    "15": "platform error",
}
_NAMES: Final = {
    "11001": "INVALID_CHANNEL_CONFIGURATION",
    "11002": "INVALID_INPUT",
    "12001": "DEPENDENCY_ERROR",
    "12002": "UNSUPPORTED_TYPE",
    "12003": "UNSUPPORTED_DESTINATION",
    # of the platform errors only these two are known, from examples
    "15001": "seen with received_network_error",
    "15005": "seen with unknown_subscriber",
}
_EXTENDED: Final = {
    "0": "generic delivery failure (EC_NO_ERROR)",
    "1": "unknown subscriber (EC_UNKNOWN_SUBSCRIBER)",
    "2": "unknown subscriber (EC_UNKNOWN_BASE_STATION)",
    "3": "unknown subscriber (EC_UNKOWN_MSC)",  # spelt so by Bird
    "5": "unknown subscriber (EC_UNIDENTIFIED_SUBSCRIBER)",
    "8": "unavailable subscriber (EC_ROAMING_NOT_ALLOWED)",
    "9": "unknown subscriber (EC_ILLEGAL_SUBSCRIBER)",
    "10": "unknown subscriber (EC_BEARERSERVICE_NOT_PROVISIONED)",
    "11": "unknown subscriber (EC_TELESERVICE_NOT_PROVISIONED)",
    "12": "unknown subscriber (EC_CALL_BARRED)",
    "26": "unavailable subscriber (EC_SUBSEQUENT_HANDOVER_FAILURE)",
    "27": "unavailable subscriber (absent)",
    "31": "unavailable subscriber (EC_SUBSCRIBER_BUSY_FOR_MT_SMS)",
}


def explain(error: MessageError) -> list[Hint]:
    """What the lists say of the group and, for SMS, of the platform's own code."""
    hints = []
    code = error.code or ""
    group = _GROUPS.get(code[:2]) if _GROUP.fullmatch(code) else None
    if group:
        name = _NAMES.get(code)
        hints.append(Hint(code, f"{group}: {name}" if name else group, _CODES, _CODES_URL))
    extended = error.carrier_code or ""
    if error.source == _SMS_PLATFORM and extended in _EXTENDED:
        hints.append(Hint(extended, _EXTENDED[extended], _SMS, _SMS_URL))
    return hints
