"""What Connectly documents about codes of failed messages. Most it only names: the name is put in words here."""

from __future__ import annotations

from typing import Final

from monitor.model.reading import MessageError
from monitor.providers.errors import Hint

_SOURCE: Final = "Connectly error codes"
_URL: Final = "https://docs.connectly.ai/messaging/error-codes"
_PREFIX: Final = "ERROR_CODE_"
_MEANINGS: Final = {
    "UNSPECIFIED": "no reason given; support asks for the trace id",
    "INVALID_SENDER_ID": "the sender number is not valid",
    "PHONE_NUMBER_BAD_FORMAT": "a phone number has a bad format",
    "MESSAGE_ATTACHMENTS_NUMBER_INVALID": "only one attachment is allowed",
    "MESSAGE_TEXT_EMPTY": "the text is empty",
    "MESSAGE_TEMPLATE_NOT_FOUND": "there is no such template",
    "MESSAGE_TEMPLATE_INPUT_INVALID": "the inputs of the template are invalid",
    "MESSAGE_TEMPLATE_DELETED": "the template was deleted",
    "MESSAGE_ATTACHMENT_EMPTY": "the attachment is empty",
    "MESSAGE_ATTACHMENT_INVALID": "the attachment is invalid",
    "BUSINESS_MISSES_MATCHING_CHANNEL": "the business has no matching channel",
    "BUSINESS_REACHED_LIMITS": "the business reached its limits",
    "MESSAGE_OUTSIDE_OF_ELIGIBILITY_WINDOW": "outside the 24-hour window after the customer's last message",
    "MESSAGE_SELF_INVALID": "a message to oneself is invalid",
    "MESSAGE_PHONE_NUMBER_INVALID": "the phone number is invalid",
    "MESSAGE_CUSTOMER_OPTED_OUT": "the customer opted out",
    "MESSAGE_CUSTOMER_NO_CONVERSATION_INITIATION": "no conversation may be begun with this customer",
    "BUSINESS_KEY_SECRET_ABSENT": "the secret of the business is not initialised: ask Connectly",
}


def explain(error: MessageError) -> list[Hint]:
    """What the list says of the code, with its prefix or without."""
    code = error.code or ""
    meaning = _MEANINGS.get(code.removeprefix(_PREFIX))
    return [Hint(code, meaning, _SOURCE, _URL)] if meaning else []
