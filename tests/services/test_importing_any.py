"""Whatever a request holds, its file gives it back; whatever a file holds, it is captures or a sentence."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model.capture import Capture, Request
from monitor.model.record import capture_record
from monitor.services.imports.files import captures, look_at
from monitor.services.imports.problem import ImportProblem
from tests.factory import START, make_capture

LATIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, blacklist_characters="\x7f"), max_size=30)
NAMES = st.text(st.sampled_from("abcXYZ019-_!#$%&'*+.^`|~"), min_size=1, max_size=12)
REQUESTS = st.builds(
    Request,
    method=st.sampled_from(["POST", "PUT", "DELETE", "X-1"]),
    path=LATIN.map(lambda text: "/" + text),
    query=LATIN,
    headers=st.lists(st.tuples(NAMES, LATIN), max_size=4).map(tuple),
    body=st.binary(max_size=60) | st.text(max_size=30).map(str.encode),
    peer=st.none() | st.just("127.0.0.1:51234"),
)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(8999, 12, 31), timezones=st.just(UTC))


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], list[Capture]]:
    """Reads bytes as a file of captures."""
    path: Path = tmp_path_factory.mktemp("any") / "file"

    def read(data: bytes) -> list[Capture]:
        path.write_bytes(data)
        found = look_at(path)
        return list(captures(found))

    return read


@given(requests=st.lists(st.tuples(REQUESTS, TIMES, st.integers(0, 999)), min_size=1, max_size=3))
@settings(deadline=None)
def test_any_request_comes_back(
    reader: Callable[[bytes], list[Capture]], requests: list[tuple[Request, datetime, int]]
) -> None:
    sent = [replace(make_capture(1), request=r, received_at=at, answer=answer) for r, at, answer in requests]
    found = reader(b"".join(json.dumps(capture_record(capture)).encode() + b"\n" for capture in sent))
    assert [(c.request, c.received_at, c.answer) for c in found] == requests


@given(before=st.binary(max_size=30), at=st.integers(0, 2000), piece=st.binary(max_size=8), cut=st.integers(0, 8))
@settings(deadline=None)
def test_any_change_of_a_file_is_taken_or_refused_in_a_sentence(
    reader: Callable[[bytes], list[Capture]], before: bytes, at: int, piece: bytes, cut: int
) -> None:
    line = json.dumps(capture_record(replace(make_capture(1), received_at=START))).encode()
    at %= len(line)
    with contextlib.suppress(ImportProblem):
        [capture] = reader(line[:at] + piece + line[at + cut :])
        assert capture.request.body == make_capture(1).request.body  # its digest stands beside it
    with contextlib.suppress(ImportProblem):
        reader(before + line)
