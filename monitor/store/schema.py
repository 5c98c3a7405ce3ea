"""The columns of the tables, and the numbers that name the format.

``captures`` holds what arrived and is never changed. ``readings`` holds what hooktop makes of it (verdict, reading,
marks), one row a capture: it can be dropped and built again, and a list or a filter that reads only it never touches
a body. Times are whole microseconds since 1970 in UTC.
"""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = 0x686F6F6B  # "hook"
USER_VERSION: Final = 1  # the number of steps in migrations.py; a newer database is refused

CAPTURE_COLUMNS: Final = (
    "id", "received_at", "source", "method", "path", "query", "peer", "token", "answer", "headers", "body",
)  # fmt: skip
READING_COLUMNS: Final = (
    "id", "received_at", "source", "size", "provider",
    "verdict", "reason", "scheme", "key", "near_miss", "age_s",
    "event", "event_id", "message", "aliases", "conversation", "direction", "channel", "status", "provider_status",
    "mark", "sender", "recipient", "text", "media",
    "error", "error_code", "carrier_code", "carrier", "error_source", "error_title", "error_detail", "trace_id",
    "temporary",
    "occurred_at", "accepted_at", "sent_at", "completed_at", "valid_until", "facts", "problems", "marks",
)  # fmt: skip
