"""``hooktop show``: one capture, message or conversation in full."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Final

import click

from monitor.cli.command import Command, Globals, globals_of
from monitor.cli.errors import fail
from monitor.cli.options import JSON_OBJECT, POSTED_TO
from monitor.cli.output import Paint, say, say_json, write
from monitor.cli.types import CAPTURE_OR_KEY
from monitor.text import visible_bytes

if TYPE_CHECKING:
    from monitor.model.attempt import Attempt
    from monitor.model.capture import Capture
    from monitor.model.verdict import Verdict
    from monitor.store.deliveries import Delivery
    from monitor.store.message_reader import MessageReader


MAX_CAPTURES: Final = 20  # of a message that are listed


@click.command(cls=Command)
@click.argument("thing", metavar="ID", type=CAPTURE_OR_KEY)
@POSTED_TO
@JSON_OBJECT
@click.option("--raw", is_flag=True, help="Only the body, byte for byte as it came (at a terminal made visible).")
@click.pass_context
def command(ctx: click.Context, thing: int | str, public_url: str | None, as_json: bool, raw: bool) -> None:
    """Show one capture in full: verdict with its checks, reading, headers, body. With the key of a message what became
    of it and which captures tell so; with the key of a conversation its thread. With --json a capture also has its
    attempts: each time it was passed on to your app, and what that answered.

    \b
    Examples:
      hooktop show cap_12
      hooktop show 12 --json | jq .reading
      hooktop show 12 --json | jq '.attempts[-1].answer.status'
      hooktop show 12 --raw > body.json
      hooktop show volt:40318006-1cae-4997-acbc-fe9a4aadb7dd
    """  # fmt: skip
    if as_json and raw:
        raise click.UsageError("--json and --raw exclude each other; choose one.", ctx)
    if isinstance(thing, int):
        _show_capture(globals_of(ctx), thing, public_url, as_json, raw)
        return
    if raw:
        raise click.UsageError("--raw is for a capture, such as cap_12; leave it out.", ctx)
    _show_key(globals_of(ctx), thing, as_json)


def _show_capture(options: Globals, number: int, public_url: str | None, as_json: bool, raw: bool) -> None:
    from monitor.cli.history import capture_of

    capture = capture_of(options, number)
    if raw and sys.stdout.isatty():
        # Bytes from a stranger must not act on the terminal; a pipe or a file gets them as they are.
        say(visible_bytes(capture.request.body, lines=True))
    elif raw:
        write(capture.request.body)
    elif as_json:
        from monitor.model.record import attempt_record, capture_record

        _, attempts = _told(options, capture)
        say_json({**capture_record(capture), "attempts": [attempt_record(attempt) for attempt in attempts]})
    else:
        from monitor.cli.whole import whole

        paint = Paint(no_color=options.no_color)
        say(*whole(capture, paint, _today(options, capture, public_url)), *_told_again(options, capture, paint))


def _today(options: Globals, capture: Capture, public_url: str | None) -> Verdict:
    """The verdict with the keys of today; its checks are not stored, checking again gives them."""
    from monitor.cli.history import config_at, database
    from monitor.services.assemble import examiner_of

    config = config_at(options, public_url)
    return examiner_of(config, database(options, config)).again(capture).verdict


def _told_again(options: Globals, capture: Capture, paint: Paint) -> list[str]:
    """The lines for the deliveries of the same event, and for the attempts to pass this one on; none where there are
    none."""
    from monitor.cli.attempt_lines import attempt_lines
    from monitor.cli.delivery_lines import delivery_lines

    deliveries, attempts = _told(options, capture)
    return delivery_lines(deliveries, capture.id, paint) + (attempt_lines(attempts, paint) if attempts else [])


def _told(options: Globals, capture: Capture) -> tuple[Sequence[Delivery], Sequence[Attempt]]:
    """The deliveries of the same event, and the attempts to pass a capture on."""
    from monitor.cli.history import database
    from monitor.store.deliveries import DeliveryReader
    from monitor.store.errors import StoreError

    try:
        with closing(DeliveryReader(database(options))) as reader:
            return reader.deliveries(capture), reader.attempts(capture.id)
    except StoreError:  # a database from before there were any
        return (), ()


def _show_key(options: Globals, key: str, as_json: bool) -> None:
    from monitor.cli.history import needed
    from monitor.cli.message_history import reading_messages
    from monitor.store.message_reader import MessageReader

    path = needed(options)
    paint = Paint(no_color=options.no_color)
    with reading_messages(path, MessageReader) as reader:
        message = reader.message_number(key)
        if message is not None:
            _show_message(reader, message, paint, as_json)
            return
        conversation = reader.conversation_number(key)
        if conversation is None:
            fail(
                f"There is no message and no conversation {key} in {path}; 'hooktop messages' and "
                "'hooktop conversations' with --json list their keys."
            )
        _show_conversation(reader, conversation, paint, as_json)


def _show_message(reader: MessageReader, number: int, paint: Paint, as_json: bool) -> None:
    from monitor.cli.message_history import Records
    from monitor.cli.message_whole import message_lines

    message = reader.message(number)
    if message is None:
        fail("The message was merged into another just now; run the command again.")
    records = Records(reader, paint=paint, as_json=as_json)
    if as_json:
        say_json(records.record(number, message))
        return
    captures = [reader.capture(one) for one in message.captures[:MAX_CAPTURES]]
    kept = [capture for capture in captures if capture is not None]
    say(*message_lines(message, kept, paint, records.stuck(message)))


def _show_conversation(reader: MessageReader, number: int, paint: Paint, as_json: bool) -> None:
    from monitor.cli.message_history import Records
    from monitor.cli.message_whole import conversation_lines
    from monitor.model.conversation import CentreLine
    from monitor.model.record import conversation_record, rfc3339

    row = reader.conversation(number)
    if row is None:
        fail("The conversation was joined to another just now; run the command again.")
    thread = reader.thread(number)
    said = [item.provider_status for item in thread if isinstance(item, CentreLine) and item.provider_status]
    conversation = row.conversation(said[-1] if said else None)
    if not as_json:
        say(*conversation_lines(conversation, thread, paint))
        return
    records = Records(reader, paint=paint, as_json=True)
    items = [
        {
            "kind": "event", "at": rfc3339(item.at), "event": item.event, "provider_status": item.provider_status,
            "capture": item.capture, "count": item.count,
        }
        if isinstance(item, CentreLine)
        else records.record(reader.message_number(item.message.key) or 0, item.message)
        for item in thread
    ]  # fmt: skip
    say_json({**conversation_record(conversation), "thread": items})
