"""The columns of the tables, and the numbers that name the format.

``captures`` holds what arrived and is never changed. ``readings`` holds what hooktop makes of it (verdict, reading,
marks), one row a capture: it can be dropped and built again, and a list or a filter that reads only it never touches
a body. ``messages`` and ``conversations`` are folded from the readings up to a watermark; they too can be dropped and
built again. A message's columns bear the names of a reading's, so that one compiled filter serves both. Times are
whole microseconds since 1970 in UTC.
"""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = 0x686F6F6B  # "hook"
USER_VERSION: Final = 9  # the number of steps in migrations.py; a newer database is refused

CAPTURE_COLUMNS: Final = (
    "id", "received_at", "source", "method", "path", "query", "peer", "token", "answer", "headers", "body",
)  # fmt: skip
READING_COLUMNS: Final = (
    "id", "received_at", "source", "size", "digest", "provider",
    "verdict", "reason", "scheme", "key", "near_miss", "age_s",
    "event", "event_id", "message", "aliases", "conversation", "direction", "channel", "status", "provider_status",
    "mark", "sender", "recipient", "text", "media",
    "error", "error_code", "carrier_code", "carrier", "error_source", "error_title", "error_detail", "trace_id",
    "temporary",
    "occurred_at", "accepted_at", "sent_at", "completed_at", "valid_until", "facts", "problems", "marks",
)  # fmt: skip
MESSAGE_COLUMNS: Final = (
    "id", "message", "conversation_id", "received_at", "first_at", "happened_at", "touched", "provider",
    "aliases", "conversation", "direction", "channel", "status", "final", "sender", "recipient", "text",
    "media",
    "error", "error_code", "carrier_code", "carrier", "error_source", "error_title", "error_detail", "trace_id",
    "temporary",
    "accepted_at", "occurred_at", "completed_at", "valid_until",
    "accept_to_sent_s", "sent_to_final_s", "total_s", "transit_s", "about",
    "mark", "marks", "stages", "more_stages", "interactions", "captures", "capture_count", "unproven",
    "unproven_count", "duplicates",
)  # fmt: skip
