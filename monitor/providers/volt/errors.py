"""What the codes of failed Volt messages probably mean.

Volt publishes no list. Its field names and the one documented error are Telnyx's, so that list is a hint. The carrier's
code beside it is on no list.
"""

from __future__ import annotations

from typing import Final

from monitor.model.reading import MessageError
from monitor.providers.errors import Hint

_SOURCE: Final = "Telnyx code list"
_URL: Final = "https://developers.telnyx.com/docs/messaging/messages/error-codes/index"
_MEANINGS: Final = {
    "40001": "not routable",
    "40002": "blocked as spam, temporary",
    "40003": "blocked as spam, permanent",
    "40004": "rejected by destination",
    "40005": "message expired",
    "40006": "recipient unavailable",
    "40008": "undeliverable",
    "40009": "invalid message body",
    "40011": "rate limited",
}


def explain(error: MessageError) -> list[Hint]:
    """What the list says of the code."""
    code = error.code or ""
    return [Hint(code, _MEANINGS[code], _SOURCE, _URL)] if code in _MEANINGS else []
