"""What can be copied of that which the cursor stands on: a menu's choices, and what each of them makes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from textual.app import App

from monitor.forwarding.target import Target, TargetProblem, target_of
from monitor.model.capture import Capture
from monitor.model.message import Message
from monitor.model.record import conversation_record, message_record
from monitor.paths import private_file
from monitor.services.stuck import stuck_for, usual_waits
from monitor.store.message_reader import ConversationRow
from monitor.text import visible
from monitor.ui import copying, redact
from monitor.ui.format import count, size
from monitor.ui.mask import mask_numbers
from monitor.ui.safety import toast
from monitor.ui.screens.base import MonitorScreen
from monitor.ui.screens.menu import Choice, MenuScreen
from monitor.ui.session import Session

CLIPBOARD_LIMIT: Final = 70_000  # bytes; many terminals refuse more by OSC 52
NOTHING: Final = "There is nothing to copy here."
_KEY_LIMIT: Final = 120


@dataclass(frozen=True, slots=True)
class Offer:
    """A choice, and what it copies. ``make`` gives None where there is nothing after all."""

    choice: Choice
    make: Callable[[], copying.Copy | None]


async def copy_from(screen: MonitorScreen) -> None:
    """Copy the one thing that a screen can copy, or what is chosen from a menu of several."""
    try:
        title, offers = await offers_of(screen)
    except Exception as error:  # a store that fails costs the copy, not the screens
        words = f"Nothing can be copied: the store cannot be read ({type(error).__name__})."
        toast(screen.app, words, severity="error")
        return
    session = screen.session
    makes = {offer.choice.id: offer.make for offer in offers}

    def chosen(key: str | None) -> None:
        made = makes[key]() if key else None
        if made is not None:
            keep(screen.app, session, made)
        elif key:
            toast(screen.app, NOTHING, severity="warning")

    if not offers:
        toast(screen.app, NOTHING, severity="warning")
    elif len(offers) == 1:
        chosen(offers[0].choice.id)
    else:
        screen.app.push_screen(MenuScreen(title, [offer.choice for offer in offers]), chosen)


def keep(app: App[int], session: Session, made: copying.Copy) -> None:
    """To the clipboard by OSC 52, which not every terminal takes, and to a file."""
    path = session.monitor.store.path.with_name("hooktop-copied.txt")
    try:
        private_file(path).write_bytes(made.data)
        kept = f"Also in {path}"
    except OSError as error:
        kept = f"The file {path} cannot be written: {error.strerror}"
    small = len(made.data) <= CLIPBOARD_LIMIT
    if small:
        app.copy_to_clipboard(made.text)
    begin = f"Copied {made.what}." if small else f"Too long for the clipboard: {made.what}."
    masked = " It is not masked." if session.masked else ""
    toast(app, f"{begin}{masked}\n{kept}", severity="information" if small else "warning")


async def offers_of(screen: MonitorScreen) -> tuple[str, list[Offer]]:
    """What a screen can copy now, with a title for it; no offers where there is nothing. Raises StoreError."""
    session, capture = screen.session, screen.capture
    message, conversation = await asyncio.to_thread(
        _read, session, screen.copied_message(), screen.copied_conversation()
    )
    offers: list[Offer] = []
    names = []
    if conversation is not None:
        names.append("the conversation")
        offers += _of_conversation(conversation, session.masked)
    if message is not None:
        names.append("the message")
        offers += _of_message(*message, session.masked)
    if capture is not None:
        names.append(f"capture {capture.id}")
        offers += _of_capture(capture, session, message is None)
    if not offers:
        return "Copy", _of_addresses(screen.addresses(), session.token)
    return f"Copy from {' or '.join(names)}", offers


def _read(
    session: Session, message: int | None, conversation: int | None
) -> tuple[tuple[Message, float | None] | None, ConversationRow | None]:
    """A message in full, with for how long it is stuck, and a conversation."""
    with closing(session.open_messages()) as reader:
        row = None if conversation is None else reader.conversation(conversation)
        whole = None if message is None else reader.message(message)
        if whole is None:
            return None, row
        return (whole, None if whole.final else stuck_for(whole, session.now(), usual_waits(reader))), row


def _of_message(message: Message, stuck_s: float | None, masked: bool) -> list[Offer]:
    record, text = message_record(message, stuck_s=stuck_s), message.text
    offers = [
        _key_offer("m", "message", message.key, masked),
        Offer(_choice("o", "message", "a JSON object of what became of it"), lambda: copying.record("message", record)),
    ]  # fmt: skip
    if text:
        offers.append(Offer(_choice("t", "text", count(len(text), "character")), lambda: copying.prose(text)))
    return offers


def _of_conversation(row: ConversationRow, masked: bool) -> list[Offer]:
    record = conversation_record(row.conversation())
    return [
        _key_offer("n", "conversation", row.key, masked),
        Offer(
            _choice("o", "conversation", "a JSON object of it in sum"), lambda: copying.record("conversation", record)
        ),
    ]


def _of_capture(capture: Capture, session: Session, alone: bool) -> list[Offer]:
    """``alone``: its message is not offered beside it, so at least its key is."""
    token, url = session.token, session.monitor.url
    body = f"JSON in ASCII, controls escaped  {size(len(capture.request.body))}"
    offers = [
        Offer(_choice("i", "number", f"{capture.id}"), lambda: copying.number(capture)),
        Offer(_choice("b", "body", body), lambda: copying.escaped_body(capture)),
        Offer(_choice("r", "raw body", "the bytes as they came, nothing escaped"), lambda: copying.raw_body(capture)),
        Offer(_choice("h", "headers", "credentials hidden"), lambda: copying.header_text(capture, token)),
        Offer(_choice("c", "curl", "a line that sends the same bytes here again"),
              lambda: copying.curl(capture, url, token)),
    ]  # fmt: skip
    if (app := _app_of(capture, session)) is not None:
        help = f"a line that sends them to {visible(app.authority, limit=60)}"
        make = partial(copying.curl, capture, app.origin, token, app.path)
        offers.append(Offer(_choice("a", "curl to app", help), make))
    key = capture.reading.message if capture.reading else None
    if alone and key:
        offers.insert(1, _key_offer("m", "message", key, session.masked))
    return offers


def _app_of(capture: Capture, session: Session) -> Target | None:
    """The app that forwarding would send a capture to."""
    url = session.replayer.default_url(capture) if session.replayer is not None else None
    with suppress(TargetProblem):  # where nothing is forwarded nobody has looked at it yet
        return None if url is None else target_of(url)
    return None


def _of_addresses(addresses: Sequence[tuple[str, str]], token: str | None) -> list[Offer]:
    return [
        Offer(
            _choice(str(number), what, redact.shown(text, token, limit=120)),
            partial(copying.text, what, text),
        )
        for number, (what, text) in enumerate(addresses, 1)
    ]


def _key_offer(letter: str, of: str, key: str, masked: bool) -> Offer:
    shown = visible(mask_numbers(key) if masked else key, limit=_KEY_LIMIT)
    return Offer(_choice(letter, f"{of} key", shown), lambda: copying.key(of, key))


def _choice(key: str, label: str, help: str) -> Choice:
    return Choice(key, key, label, help)
