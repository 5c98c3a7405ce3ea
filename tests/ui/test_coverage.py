"""Coverage on the screens: kinds, gaps that a key fills, new fields; and the deliveries of an event."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.cli.coverage import coverage_lines
from monitor.cli.output import Paint
from monitor.model.capture import LEFT, RESET, Capture
from monitor.model.coverage import Coverage, Covered, Kind, News
from monitor.model.shape import BASELINE
from monitor.services.coverage import documented
from monitor.services.monitor import Settings
from monitor.store.deliveries import Delivery
from monitor.ui import coverage_rows
from monitor.ui.documents.deliveries import MAX_SHOWN, deliveries
from monitor.ui.format import clock
from monitor.ui.lines import plain_text
from monitor.ui.painted import cells
from monitor.ui.screens.coverage import CoverageScreen, Kinds
from tests.factory import START, make_request
from tests.services.test_coverage import played
from tests.ui.screens import NOW, Screens, screens
from tests.ui.test_overlays import simulators

HOSTILE = "\x1b[31m[/red]\u202e"


def volts() -> list[Capture]:
    """Volt's captures: enough of an event to know it, then one with a field more."""
    sent, final = played("volt", "delivered")
    more = replace(sent, request=make_request(sent.request.body[:-1] + b',"campaign":"x"}'))
    return [*[sent] * BASELINE, final, more]


async def opened(s: Screens) -> CoverageScreen:
    """The overlay, counted."""
    await s.monitor.store.caught_up()
    await s.press("C")
    screen = s.top()
    assert isinstance(screen, CoverageScreen)
    await s.until(lambda: screen.coverage is not None)
    await s.settle()
    return screen


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (180, 50)])
@pytest.mark.slow
async def test_what_came_and_what_did_not(tmp_path: Path, size: tuple[int, int]) -> None:
    async with screens(tmp_path, volts(), size=size, simulator=simulators(tmp_path)) as s:
        await opened(s)
        shown = s.screen_text()
        for words in ("volt   2 of 4 came, 0 handled", "● message.sent", "○ message.received", "bird   0 of 21 came"):
            assert words in shown
        assert "not yet" in shown or size[0] == 80
        await s.press("n")
        assert "campaign" in s.screen_text()
        assert "in none of 20 captures" in " ".join(s.screen_text().replace("│", " ").split())
        await s.press("enter")
        assert s.captures.selected == BASELINE + 2


@pytest.mark.slow
async def test_a_gap_is_filled_by_a_key_and_all_of_them_by_another(tmp_path: Path) -> None:
    async with screens(tmp_path, simulator=simulators(tmp_path)) as s:
        screen = await opened(s)
        await s.press("j", "j", "enter")
        await s.until(lambda: "Sent volt inbound" in s.toasts())
        await s.until(lambda: screen.coverage is not None and "1 of 4 came" in s.screen_text())
        with closing(s.monitor.reader()) as reader:
            capture = reader.capture(1)
        assert capture is not None
        assert capture.reading is not None
        assert capture.reading.event == "message.received"
        assert screen.coverage is not None
        await s.press("a")
        await s.until(lambda: s.app.session.sending is not None and not s.app.session.sending.running)
        await s.monitor.store.caught_up()
        await s.until(lambda: screen.coverage is not None and not screen.coverage.gaps)
        await s.press("a")
        assert "There is no gap to fill." in s.toasts()


@pytest.mark.slow
async def test_enter_shows_the_captures_of_a_kind(tmp_path: Path) -> None:
    async with screens(tmp_path, [*volts(), *played("bird", "sms-inbound")]) as s:
        await opened(s)
        await s.press("enter")
        assert s.top() is s.live
        await s.until(lambda: s.app.session.view.filter_text == "provider:volt event:message.sent")
        await s.until(lambda: len(s.app.session.view) == BASELINE + 1)
        await opened(s)
        assert "bird" not in s.screen_text().partition("Kinds in")[2]


async def test_a_filter_that_leaves_no_kind_is_said(tmp_path: Path) -> None:
    async with screens(tmp_path, volts(), size=(80, 24)) as s:
        await opened(s)
        await s.press("n", "k")
        assert "New for its event type: 1   in none of 20 or more verified before" in s.screen_text()
        await s.press("escape", "slash", *"provider:nobody", "enter")
        await opened(s)
        assert "No kind of event passes the filter." in s.screen_text()
        assert "New for its event type: nothing   in none of 20 or more verified before" in s.screen_text()


@pytest.mark.slow
async def test_read_only_and_masked(tmp_path: Path) -> None:
    sent = played("volt", "delivered")[0]
    first, then = (replace(sent, request=make_request(b'{"kind":"%s"}' % word)) for word in (b"alpha", b"secret.word"))
    settings = Settings(read_only=True, mask=True)
    async with screens(tmp_path, [*[first] * BASELINE, then], settings=settings, simulator=simulators(tmp_path)) as s:
        await opened(s)
        await s.press("j", "j", "s", "a")
        assert "only watches" in s.toasts()
        assert "simulates" not in s.screen_text()
        await s.press("n")
        assert "kind = ••••••" in s.screen_text()
        assert "secret.word" not in s.screen_text()
        await s.press("C")
        assert s.top() is s.live


def test_rows_fit_any_width_and_show_nothing_foreign_as_it_is() -> None:
    kinds = [Covered(kind, scenario, 12, 3456, 7, START) for kind, (scenario, _) in documented().items()]
    kinds.append(Covered(Kind(HOSTILE, HOSTILE * 9, HOSTILE), None, 1_234_567, 0, 0, START - timedelta(days=9)))
    news = tuple(News(HOSTILE, HOSTILE, HOSTILE * n, n > 1, 10**n, START, 20, n > 2, HOSTILE) for n in (1, 2, 5))
    entries = coverage_rows.entries_of(Coverage(NOW, "", tuple(kinds), news))
    assert len(entries) == len(kinds) + len({one.kind.provider for one in kinds}) + 1 + len(news)
    for width in (40, 73, 96, 112, 170):
        assert cells(coverage_rows.heading(width)) <= max(width, 56)
        for entry in entries:
            parts = coverage_rows.row(entry, width, NOW, masked=False)
            assert cells(parts) <= max(width - 1, 56)
            text = "".join(text for text, _ in parts)
            assert "\x1b" not in text
            assert "\u202e" not in text
            assert "\x1b" not in coverage_rows.said(entry, can_send=True)


def test_what_is_not_documented_is_told_from_what_could_be_expected() -> None:
    known = (Covered(Kind("volt", "sent", None), "delivered", 1), Covered(Kind("volt", "read", None), "delivered"))
    others = [Covered(Kind("volt", f"other{n}", None), None, 1) for n in (1, 2)]
    for number, words in ((0, "1 of 2 came, 0 handled"), (1, "1 of 2 came, and 1 that is not documented; 0 handled"),
                          (2, "1 of 2 came, and 2 that are not documented; 0 handled")):  # fmt: skip
        found = Coverage(NOW, "", (*known, *others[:number]), ())
        title, *rows = coverage_rows.entries_of(found)[: number + 3]
        assert isinstance(title, coverage_rows.Title)
        assert title.note == words
        signs = [coverage_rows.row(entry, 100, NOW, masked=False)[0][0].strip() for entry in rows]
        assert signs == ["●", "○", *["◇"] * number]
        said = coverage_lines(found, Paint(no_color=True))
        more = {0: "", 1: "; 1 that is not documented came, too", 2: "; 2 that are not documented came, too"}
        assert said[-1] == f"1 of 2 documented kinds came, 1 did not{more[number]}."
        assert sum("◇ seen" in text for text in said) == number


def test_a_timeline_of_deliveries() -> None:
    at = [START + timedelta(seconds=seconds) for seconds in (0, 30, 150)]
    found = [Delivery(n, at[n], "verified", answer) for n, answer in enumerate((500, RESET, 200))]
    text = plain_text(deliveries(found, 2, 80))
    assert "delivery     3 of 3   answered 500, reset, 200" in text
    for words in ("first", "+30.00 s", "+2m00s", "▸ #2"):
        assert words in text
    assert plain_text(deliveries(found[:1], 0, 80)) == ""
    assert plain_text(deliveries(found, 9, 80)) == ""
    many = [Delivery(n, START, "invalid", 200) for n in range(100)]
    lines = plain_text(deliveries(many, 50, 80)).splitlines()
    assert len(lines) == 1 + MAX_SHOWN
    assert any("▸ #50" in one for one in lines)


def test_a_timeline_of_deliveries_fits_a_narrow_pane() -> None:
    for number, widest in ((7, 36), (123_450, 36), (7, 31)):
        at = [START + timedelta(seconds=seconds) for seconds in (0, 30, 59_999)]
        found = [Delivery(number + n, at[n], "verified", answer) for n, answer in enumerate((LEFT, RESET, 200))]
        lines = list(deliveries(found, number + 1, widest))
        assert all(len(one.text) <= widest for one in lines[2:]), lines
        text = plain_text(lines)
        assert "answered 499 sender gone, reset, 200" in " ".join(text.split())
        for words in ("2 of 3", "first ✔ 499", "+30.00 s ✔ reset", "+16h39m ✔ 200", f"▸ #{number + 1}"):
            assert words in text


@pytest.mark.slow
async def test_the_lines_of_deliveries_follow_the_width_of_their_pane(tmp_path: Path) -> None:
    sent = played("volt", "delivered")[0]
    tries = [replace(sent, answer=answer, received_at=NOW - timedelta(seconds=60 - 30 * n)) for n, answer in
             enumerate((500, RESET, 200))]  # fmt: skip
    at = clock(tries[-1].received_at, digits=1)
    async with screens(tmp_path, tries, size=(100, 30)) as s:
        await s.until(lambda: f"▏ ▸ #3 {at} +30.00 s ✔ 200" in s.screen_text())
        await s.pilot.resize_terminal(140, 30)
        await s.until(lambda: f"▏{'':14}▸ #3 {at} +30.00 s ✔ 200" in s.screen_text())


async def test_the_summary_has_the_deliveries(tmp_path: Path) -> None:
    sent = played("volt", "delivered")[0]
    tries = [replace(sent, answer=answer, received_at=NOW - timedelta(seconds=60 - 30 * n)) for n, answer in
             enumerate((500, RESET, 200))]  # fmt: skip
    async with screens(tmp_path, tries, size=(120, 40)) as s:
        await s.until(lambda: "3 of 3" in s.pane_text())
        assert "answered 500, reset, 200" in " ".join(s.pane_text().split())
        await s.press("k")
        await s.until(lambda: "2 of 3" in s.pane_text())
        assert "▸ #2" in s.pane_text()


@pytest.mark.slow
async def test_the_cursor_stays_on_its_kind_when_another_comes(tmp_path: Path) -> None:
    async with screens(tmp_path, volts(), simulator=simulators(tmp_path)) as s:
        screen = await opened(s)
        kinds = screen.query_one(Kinds)
        await s.press("j", "j", "j", "j", "j", "j")
        before = kinds.entry
        assert isinstance(before, Covered)
        sent, _ = played("volt", "delivered")
        assert sent.reading is not None
        await s.add(replace(sent, reading=replace(sent.reading, event="message.another")))
        await s.monitor.store.caught_up()
        screen.begin()
        await s.until(lambda: "message.another" in str(kinds.entries))
        await s.settle()
        after = kinds.entry
        assert isinstance(after, Covered)
        assert after.kind == before.kind
