"""Where the detail pane gets its documents: reads, checks and lays out off the event loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from monitor.model.capture import Capture
from monitor.providers.registry import registry
from monitor.services.monitor import Monitor
from monitor.ui.documents.body import body
from monitor.ui.documents.headers import headers
from monitor.ui.documents.look import Reader
from monitor.ui.documents.signature import signature
from monitor.ui.documents.summary import summary
from monitor.ui.lines import Document, line

SUMMARY: Final = "Summary"
BODY: Final = "Body"
HEADERS: Final = "Headers"
SIGNATURE: Final = "Signature"
TABS: Final = (SUMMARY, BODY, HEADERS, SIGNATURE)


@dataclass(slots=True)
class DetailState:
    """How the detail panes show things; shared by all of them and remembered."""

    tab: str = SUMMARY
    raw: bool = False
    wrap: bool = True


class Inspector:
    """Makes documents of captures. Its methods block: call them in a thread."""

    def __init__(self, monitor: Monitor) -> None:
        self._examiner = monitor.examiner
        self._reader = monitor.reader()

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()

    def capture(self, number: int) -> Capture | None:
        """A stored capture, or None when it is gone. Raises what the store raises."""
        return self._reader.capture(number)

    def document(self, capture: Capture, tab: str, reader: Reader, *, raw: bool) -> Document:
        """What a tab shows of a capture. Never raises: what cannot be shown says why."""
        try:
            return self._document(capture, tab, reader, raw=raw)
        except Exception as error:  # foreign data in a pane must never end the app
            return Document([line((f"this cannot be shown ({type(error).__name__})", "warn"))])

    def _document(self, capture: Capture, tab: str, reader: Reader, *, raw: bool) -> Document:
        if tab == BODY:
            encoding = capture.request.header("content-encoding")
            return body(capture.request.body, reader, raw=raw, encoding=encoding)
        if tab == HEADERS:
            provider = registry().get(capture.provider)
            return Document(headers(capture, reader, provider.signature_headers if provider else ()))
        if tab == SIGNATURE:
            again = self._examiner.again(capture)
            return Document(signature(capture, again, self._examiner.signed(capture), reader))
        return Document(summary(capture, reader))
