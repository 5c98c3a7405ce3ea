"""Where the detail pane gets its documents: reads, checks and lays out off the event loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from monitor.model.capture import Capture, Source
from monitor.providers.registry import registry
from monitor.services.monitor import REJECTED, TURNED_AWAY, Monitor
from monitor.store.deliveries import DeliveryReader
from monitor.ui.documents.body import body
from monitor.ui.documents.deliveries import deliveries
from monitor.ui.documents.forward import forward
from monitor.ui.documents.headers import headers
from monitor.ui.documents.look import Reader
from monitor.ui.documents.signature import signature
from monitor.ui.documents.summary import summary
from monitor.ui.lines import Document, line

SUMMARY: Final = "Summary"
BODY: Final = "Body"
HEADERS: Final = "Headers"
SIGNATURE: Final = "Signature"
FORWARD: Final = "Forward"
TABS: Final = (SUMMARY, BODY, HEADERS, SIGNATURE, FORWARD)


@dataclass(slots=True)
class DetailState:
    """How the detail panes show things; shared by all of them and remembered."""

    tab: str = SUMMARY
    raw: bool = False
    wrap: bool = True


class Inspector:
    """Makes documents of captures. Its methods block: call them in a thread."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._examiner = monitor.examiner
        self._reader = DeliveryReader(monitor.store.path)
        self.rereads = 0  # how often captures were judged anew

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()

    def capture(self, number: int) -> Capture | None:
        """A stored capture, or None when it is gone. Raises StoreError."""
        return self._reader.capture(number)

    def state(self, number: int, tab: str) -> object:
        """Another value whenever a tab shows something else of a capture: it was judged anew, the app answered, or what
        it was itself answered with is known, which may be only later. Raises StoreError."""
        news = {FORWARD: self._reader.last_attempt, SUMMARY: self._reader.answer}.get(tab)
        return self.rereads, news and news(number)

    def document(self, capture: Capture, tab: str, reader: Reader, *, raw: bool, width: int) -> Document:
        """What a tab ``width`` cells wide shows of a capture. Never raises: what cannot be shown says why."""
        try:
            return self._document(capture, tab, reader, raw=raw, width=width)
        except Exception as error:  # foreign data in a pane must never end the app
            return Document([line((f"this cannot be shown ({type(error).__name__})", "warn"))])

    def _document(self, capture: Capture, tab: str, reader: Reader, *, raw: bool, width: int) -> Document:
        if tab == BODY:
            encoding = capture.request.header("content-encoding")
            return body(capture.request.body, reader, raw=raw, encoding=encoding)
        if tab == HEADERS:
            provider = registry().get(capture.provider)
            return Document(headers(capture, reader, provider.signature_headers if provider else ()))
        if tab == SIGNATURE:
            again = self._examiner.again(capture)
            return Document(signature(capture, again, self._examiner.signed(capture), reader))
        if tab == FORWARD:
            return forward(self._reader.attempts(capture.id), reader, self._not_forwarded(capture), raw=raw)
        told_again = deliveries(self._reader.deliveries(capture), capture.id, width)
        return Document(summary(capture, reader, told_again))

    def _not_forwarded(self, capture: Capture) -> str:
        forwards = self._monitor.forwards
        if forwards is None:
            return "not forwarded: hooktop was started without --forward http://localhost:3000 (your app's address)"
        if capture.source is Source.IMPORTED:
            return "not forwarded: it was read from a file"
        if capture.answer == TURNED_AWAY and capture.verdict.status in REJECTED:
            return f"not forwarded: it was turned away ({TURNED_AWAY})"
        if forwards.awaits(capture.id):  # also where forwarding was turned off meanwhile
            return "not answered yet"
        return "not forwarded: forwarding was off when it came, or no rule is for it"
