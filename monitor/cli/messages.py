"""``hooktop messages``: what became of every message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from monitor.cli.command import Command, globals_of
from monitor.cli.filters import not_before, parse_message_filter
from monitor.cli.options import CSV, FILTER, JSON_LINES, limit_option, since_option
from monitor.cli.output import Paint
from monitor.cli.spreadsheet import check_formats, write_csv

if TYPE_CHECKING:
    from monitor.cli.message_history import Records
    from monitor.model.message import Message
    from monitor.store.filter_sql import Where
    from monitor.store.message_reader import MessageReader

PAGE: Final = 200
SORTS: Final = ("newest", "slowest", "stuck", "failed")
CSV_COLUMNS: Final = (
    "key", "happened_at", "updated_at", "provider", "direction", "channel", "from", "to", "text", "status", "final",
    "stuck_s", "accept_to_sent_s", "sent_to_final_s", "total_s", "error_code", "carrier_code", "carrier",
    "error_title", "marks", "captures", "unproven", "conversation",
)  # fmt: skip


@click.command(cls=Command)
@FILTER
@limit_option("N messages at most.")
@click.option(
    "--sort",
    type=click.Choice(SORTS),
    default="newest",
    show_default=True,
    help="newest: oldest of them first. slowest, stuck, failed: only those, the worst or newest first.",
)
@since_option("Heard of not longer ago than this (90s, 15m, 2h, 7d).")
@click.option("--follow", is_flag=True, help="Go on, with a message again whenever it changes; ctrl+c ends.")
@JSON_LINES
@CSV
@click.pass_context
def command(
    ctx: click.Context,
    words: Sequence[str],
    limit: int,
    sort: str,
    since: float | None,
    follow: bool,
    as_json: bool,
    as_csv: bool,
) -> None:
    """List what became of messages: one line for each, with its stages, however many webhooks told of it.

    \b
    Examples:
      hooktop messages
      hooktop messages status:failed 'carrier:t-mobile*' --since 2h
      hooktop messages --sort stuck
      hooktop messages --follow --json 'to:"+1 (555) 555-0123"'
    """
    check_formats(ctx, as_json, as_csv)
    from monitor.cli.history import begun, turns
    from monitor.cli.message_history import Records, reading_messages, steps
    from monitor.store.filter_sql import compile_message_filter
    from monitor.store.message_reader import MessageReader

    options = globals_of(ctx)
    wanted = not_before(parse_message_filter(" ".join(words)), since)
    path = begun(options)
    if path is None:
        return
    later = turns(path)
    with reading_messages(path, MessageReader) as reader:
        records = Records(reader, paint=Paint(no_color=options.no_color), as_json=as_json)
        if as_csv:
            write_csv([CSV_COLUMNS])
        known = reader.watermark()
        numbers = _numbers(reader, sort, compile_message_filter(wanted, datetime.now(UTC)), limit)
        for start in range(0, len(numbers), PAGE):
            part = numbers[start : start + PAGE]
            messages = reader.messages(part)
            _show(records, [(number, messages[number]) for number in part if number in messages], as_csv)
        if follow:
            for after, upto in steps(reader, later, known):
                where = compile_message_filter(wanted, datetime.now(UTC))
                changes = reader.changes(after, upto, where)
                _show(records, [(one.number, one.message) for one in changes if one.message is not None], as_csv)


def _numbers(reader: MessageReader, sort: str, where: Where, limit: int) -> Sequence[int]:
    from monitor.services.stuck import stuck_messages, usual_waits
    from monitor.store.message_reader import Order

    if sort == "stuck":
        found = stuck_messages(reader, datetime.now(UTC), usual_waits(reader), where)
        return [one.number for one in found[:limit]]
    numbers = reader.message_ids(Order(sort), where, limit)
    return numbers[::-1] if sort == "newest" else numbers


def _show(records: Records, found: Sequence[tuple[int, Message]], as_csv: bool) -> None:
    if not found:
        return
    if as_csv:
        write_csv([_row(message, records.stuck(message)) for _, message in found])
    else:
        records.show(found)


def _row(m: Message, stuck_s: float | None) -> Sequence[object]:
    from monitor.model.reading import MessageError
    from monitor.model.record import rfc3339

    error, latency = m.error or MessageError(), m.latency
    marks = [mark.value for mark in m.marks] + [one.mark for one in m.interactions]
    return (
        m.key, rfc3339(m.happened_at), rfc3339(m.updated_at), m.provider, m.direction, m.channel, m.from_, m.to, m.text,
        m.status, "true" if m.final else "false", stuck_s, latency.accept_to_sent_s, latency.sent_to_final_s,
        latency.total_s, error.code, error.carrier_code, error.carrier, error.title, " ".join(marks),
        m.capture_count, m.unproven_count, m.conversation,
    )  # fmt: skip
