"""``hooktop conversations``: who talks with whom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from monitor.cli.command import Command, globals_of
from monitor.cli.filters import not_before, parse_message_filter
from monitor.cli.options import CSV, FILTER, JSON_LINES, limit_option, since_option
from monitor.cli.output import Paint, say_json
from monitor.cli.spreadsheet import check_formats, write_csv

if TYPE_CHECKING:
    from monitor.model.conversation import Conversation
    from monitor.store.message_reader import ConversationRow

CSV_COLUMNS: Final = (
    "key", "provider", "parties", "channel", "messages", "failed", "unproven", "last_at", "last_direction", "last_text",
    "status",
)  # fmt: skip


@click.command(cls=Command)
@FILTER
@limit_option("The newest N.")
@since_option("With a message heard of not longer ago (90s, 2h, 7d).")
@click.option("--follow", is_flag=True, help="Go on, with a conversation again whenever it changes; ctrl+c ends.")
@JSON_LINES
@CSV
@click.pass_context
def command(
    ctx: click.Context, words: Sequence[str], limit: int, since: float | None, follow: bool, as_json: bool, as_csv: bool
) -> None:
    """List conversations: the newest, oldest of them first. With a filter, those in which a message passes it.

    \b
    Examples:
      hooktop conversations
      hooktop conversations status:failed --json | jq .parties
      hooktop conversations --follow provider:bird
    """
    check_formats(ctx, as_json, as_csv)
    from monitor.cli.history import begun, turns
    from monitor.cli.message_history import reading_messages, steps
    from monitor.store.filter_sql import compile_message_filter
    from monitor.store.message_reader import MessageReader

    options = globals_of(ctx)
    wanted = not_before(parse_message_filter(" ".join(words)), since)
    path = begun(options)
    if path is None:
        return
    paint = Paint(no_color=options.no_color)
    later = turns(path)
    with reading_messages(path, MessageReader) as reader:
        if as_csv:
            write_csv([CSV_COLUMNS])
        known = reader.watermark()
        where = compile_message_filter(wanted, datetime.now(UTC))
        rows = reader.conversations(limit) if wanted.is_empty else reader.conversations_with(where, limit)
        _show(rows[::-1], paint, as_json, as_csv)
        if follow:
            for after, upto in steps(reader, later, known):
                where = compile_message_filter(wanted, datetime.now(UTC))
                changed = reader.changed_conversations(after, upto, where, every=wanted.is_empty)
                _show(changed, paint, as_json, as_csv)


def _show(rows: Sequence[ConversationRow], paint: Paint, as_json: bool, as_csv: bool) -> None:
    from monitor.cli.message_history import show_lines
    from monitor.cli.message_lines import conversation_line
    from monitor.model.record import conversation_record

    found = [row.conversation() for row in rows]
    if as_csv:
        write_csv([_row(one) for one in found])
    elif as_json:
        say_json(*map(conversation_record, found))
    elif found:
        show_lines([conversation_line(one, paint) for one in found])


def _row(c: Conversation) -> Sequence[object]:
    from monitor.model.record import rfc3339

    return (
        c.key, c.provider, " ".join(c.parties), c.channel, c.messages, c.failed, c.unproven, rfc3339(c.last_at),
        c.last_direction, c.last_text, c.status,
    )  # fmt: skip
