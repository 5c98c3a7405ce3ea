"""Messages as rows and rows as messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from monitor.model.message import Interaction, Latency, Mark, Message, Stage
from monitor.model.reading import Direction, Status
from monitor.store.rows import error_of, media_of, optional_microseconds, optional_moment, pack, unpack
from monitor.store.schema import MESSAGE_COLUMNS
from monitor.times import microseconds, moment

SELECT_MESSAGE: Final = f"SELECT {', '.join('r.' + name for name in MESSAGE_COLUMNS)} FROM messages r"  # noqa: S608 - constant names

BEGINNING: Final = 4_001  # characters of a text; the screens have room for one less, so that they see that it is cut


def beginning(column: str) -> str:
    """A column in SQL of which only the beginning is read where it is long: a text may be as long as a body."""
    # ``substr`` stops at a NUL, so that a short text is left alone.
    return f"iif(length(CAST({column} AS BLOB)) > {4 * BEGINNING}, substr({column}, 1, {BEGINNING}), {column})"


SELECT_BRIEFLY: Final = SELECT_MESSAGE.replace("r.text", beginning("r.text"))  # with the beginnings of long texts only


def message_row(m: Message, number: int, conversation: int | None, touched: int) -> tuple[object, ...]:
    """The values of ``MESSAGE_COLUMNS``. ``touched`` is the watermark at which the message last changed.

    Where a reading has one mark, a message has all of its interactions and marks.
    """
    e, latency = m.error, m.latency
    marks = [mark.value for mark in m.marks] + [one.mark for one in m.interactions]
    accepted = next((stage.provider_at for stage in m.stages if stage.status in (Status.QUEUED, Status.RECEIVED)), None)
    occurred = next((stage.provider_at for stage in reversed(m.stages) if stage.status is m.status), None)
    return (
        number, m.key, conversation, microseconds(m.updated_at), microseconds(m.first_at),
        microseconds(m.happened_at), touched, m.provider,
        pack(m.aliases), m.conversation, m.direction and m.direction.value, m.channel, m.status and m.status.value,
        m.final, m.from_, m.to, m.text, pack([(item.type, item.url, item.size) for item in m.media]),
        None if e is None else 1,
        e and e.code, e and e.carrier_code, e and e.carrier, e and e.source, e and e.title, e and e.detail,
        e and e.trace_id, None if e is None else e.temporary,
        *map(optional_microseconds, (accepted, occurred, m.completed_at, m.valid_until)),
        latency.accept_to_sent_s, latency.sent_to_final_s, latency.total_s, latency.transit_s, latency.about,
        None, pack(marks), pack([_stage(stage) for stage in m.stages]), m.more_stages,
        pack([_interaction(one) for one in m.interactions]), pack(m.captures), m.capture_count, pack(m.unproven),
        m.unproven_count, m.duplicates,
    )  # fmt: skip


def message_of(row: Sequence[Any]) -> Message:
    """A row of ``SELECT_MESSAGE`` as a message; its stages are without their errors."""
    v = dict(zip(MESSAGE_COLUMNS, row, strict=True))
    interactions = tuple(_interaction_of(one) for one in unpack(v["interactions"]))
    own = {one.mark for one in interactions}
    return Message(
        key=v["message"],
        provider=v["provider"],
        aliases=tuple(unpack(v["aliases"])),
        conversation=v["conversation"],
        direction=v["direction"] and Direction(v["direction"]),
        channel=v["channel"],
        from_=v["sender"],
        to=v["recipient"],
        text=v["text"],
        media=media_of(v["media"]),
        status=v["status"] and Status(v["status"]),
        final=bool(v["final"]),
        stages=tuple(_stage_of(one) for one in unpack(v["stages"])),
        more_stages=v["more_stages"],
        interactions=interactions,
        latency=Latency(v["accept_to_sent_s"], v["sent_to_final_s"], v["total_s"], v["transit_s"], bool(v["about"])),
        error=error_of(v),
        marks=tuple(Mark(mark) for mark in unpack(v["marks"]) if mark not in own),
        captures=tuple(unpack(v["captures"])),
        capture_count=v["capture_count"],
        unproven=tuple(unpack(v["unproven"])),
        unproven_count=v["unproven_count"],
        duplicates=v["duplicates"],
        happened_at=moment(v["happened_at"]),
        first_at=moment(v["first_at"]),
        updated_at=moment(v["received_at"]),
        completed_at=optional_moment(v["completed_at"]),
        valid_until=optional_moment(v["valid_until"]),
    )


def _stage(stage: Stage) -> list[object]:
    return [
        stage.status.value,
        optional_microseconds(stage.provider_at),
        microseconds(stage.received_at),
        stage.capture,
        stage.provider_status,
        int(stage.inferred),
        stage.count,
        optional_microseconds(stage.last_at),
        [mark.value for mark in stage.marks],
    ]


def _stage_of(packed: Sequence[Any]) -> Stage:
    status, provider_at, received_at, capture, provider_status, inferred, count, last_at, marks = packed
    return Stage(
        status=Status(status),
        provider_at=optional_moment(provider_at),
        received_at=moment(received_at),
        capture=capture,
        provider_status=provider_status,
        inferred=bool(inferred),
        count=count,
        last_at=optional_moment(last_at),
        marks=tuple(Mark(mark) for mark in marks),
    )


def _interaction(one: Interaction) -> list[object]:
    return [one.mark, optional_microseconds(one.provider_at), microseconds(one.received_at), one.capture, one.times]


def _interaction_of(packed: Sequence[Any]) -> Interaction:
    mark, provider_at, received_at, capture, times = packed
    return Interaction(mark, optional_moment(provider_at), moment(received_at), capture, times)
