"""Names in readings that have no end."""

from __future__ import annotations

from dataclasses import replace

from monitor.model.reading import MAX_NAME, Direction, MessageError, Reading, Status, bounded

LONG = "x" * (MAX_NAME + 1)
PLAIN = Reading(
    event="e", event_id="1", message="volt:m", aliases=("volt:a",), conversation="volt:c", direction=Direction.OUTBOUND,
    channel="sms", status=Status.FAILED, provider_status="failed", mark="read", from_="+15555550145",
    to="+15555550123", text=LONG, error=MessageError("1", "2", "carrier", "network", "no", LONG, "t"),
)  # fmt: skip


def test_what_is_of_a_usual_length_stays() -> None:
    longest = replace(PLAIN, event="e" * MAX_NAME, message="m" * MAX_NAME)
    assert bounded(longest) is longest


def test_each_endless_name_is_left_out_and_told_and_the_text_stays() -> None:
    names = ("event", "event_id", "message", "conversation", "channel", "provider_status", "mark", "from_", "to")
    for name in names:
        found = bounded(replace(PLAIN, **{name: LONG}))  # type: ignore[arg-type]  # one of its texts
        told = f"{name.rstrip('_')} has more than 1,000 characters and is left out"
        assert found == replace(PLAIN, **{name: None}, problems=(told,))  # type: ignore[arg-type]
    found = bounded(replace(PLAIN, aliases=("volt:a", LONG)))
    assert (found.aliases, len(found.problems)) == (("volt:a",), 1)
    assert PLAIN.error is not None
    found = bounded(replace(PLAIN, error=replace(PLAIN.error, carrier=LONG)))
    assert found.error == replace(PLAIN.error, carrier=None)
    assert found.problems == ("error.carrier has more than 1,000 characters and is left out",)
