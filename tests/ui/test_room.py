"""What there is room for: no screen is cut at its edges, and what matters most is what stays."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.style import Style
from textual.color import Color
from textual.containers import Container, Horizontal, Vertical
from textual.theme import BUILTIN_THEMES
from textual.widget import Widget
from textual.widgets import Input, OptionList

from monitor.config import ForwardConfig
from monitor.model.filter import FilterError, parse
from monitor.providers.registry import registry
from monitor.services.drill import Rule
from monitor.services.localkeys import LocalKeys
from monitor.services.replay import Replayer
from monitor.ui import themes
from monitor.ui.painted import cells
from monitor.ui.safety import Plain, toast
from monitor.ui.screens.drill import DrillScreen
from monitor.ui.screens.export import ExportScreen
from monitor.ui.screens.filtered import FILTER_AFTER_S
from monitor.ui.screens.help import HelpScreen
from monitor.ui.screens.restore import RestoreScreen
from monitor.ui.status import Facts, status_lines
from monitor.ui.widgets.bars import KeyBar
from monitor.ui.widgets.filter_bar import FilterBar
from tests.ui.screens import Screens, mixed_captures, plain_captures, screens
from tests.ui.test_coverage import opened, volts
from tests.ui.test_messages import messages, post
from tests.ui.test_overlays import simulators
from tests.ui.test_snapshots import apart
from tests.ui.webhooks import WANTED, View, ours, view

SMALL, USUAL = (60, 15), (80, 24)


def cut(s: Screens | View) -> list[str]:
    """Widgets of the screen on top that stand over the edge of their box, or hold more lines than they show."""
    found: list[str] = []
    boxes = [box for box in s.top().query(".box, .box *") if isinstance(box, (Vertical, Horizontal, Container))]
    for box in boxes:
        if box.allow_vertical_scroll:
            continue
        for child in box.children:
            if child.display and not box.content_region.contains_region(child.region):
                found.append(f"{child!r} stands over the edge of {box!r}")
    return found + [f"{one!r} is cut" for one in s.top().query(Plain) if one.region and lines(one) > one.size.height]


def lines(text: Widget) -> int:
    """The lines that a text takes at its width."""
    return text.get_content_height(text.container_size, text.screen.size, text.content_size.width)


@pytest.mark.slow
@pytest.mark.parametrize("size", [SMALL, USUAL], ids=str)
async def test_overlays_fit_their_screen(tmp_path: Path, size: tuple[int, int]) -> None:
    async with screens(tmp_path, mixed_captures(), size=size, simulator=simulators(tmp_path)) as s:
        store, local = s.monitor.store, LocalKeys(tmp_path / "data")
        s.app.session.replayer = Replayer(store.path, store.keep, registry(), local, ForwardConfig())
        for key in ("s", "R", "r", "E", "I", "B", "P", "y", "t", "question_mark", "S", "C"):
            await s.press("k", key)
            assert s.top() is not s.live, key
            await s.press("tab")
            assert (key, cut(s)) == (key, [])
            box = s.top().query_one(".box")
            assert s.top().region.contains_region(box.region)
            for title in (box.border_title, box.border_subtitle):
                assert len(title or "") + 4 <= box.outer_size.width
            while s.top() is not s.live:
                await s.press("escape")


@pytest.mark.slow
@pytest.mark.parametrize("account", ["bird", "oneroute"])
async def test_the_form_of_a_webhook_leads_to_its_request(tmp_path: Path, account: str) -> None:
    async with view(tmp_path, size=SMALL) as s:
        await s.on(account)
        await s.press("a")
        assert cut(s) == []
        s.top().query_one("#form-request").focus()
        await s.settle()
        assert s.top().query_one("#form-request").region.overlaps(s.top().query_one(".box").content_region)


async def test_the_cursor_stays_in_sight_of_themes(tmp_path: Path) -> None:
    async with screens(tmp_path, size=SMALL) as s:
        await s.press("t", "end")
        options = s.top().query_one(OptionList)
        assert str(options.get_option_at_index(options.highlighted or 0).prompt) in s.screen_text()


@pytest.mark.parametrize("width", [50, 60])
async def test_what_is_told_is_whole_on_a_narrow_screen(tmp_path: Path, width: int) -> None:
    words = [letter * 8 + letter.upper() for letter in "abcdefghijklmnop"]
    async with screens(tmp_path, size=(width, 15)) as s:
        toast(s.app, " ".join(words))
        await s.settle()
        assert [word for word in words if word not in s.screen_text()] == []


async def test_help_is_always_among_the_keys(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3), size=SMALL) as s:
        await s.press("k")
        keys = s.screen_text().splitlines()[-1]
        assert keys.startswith(" enter open  / filter ")
        assert " ? help " in keys
        await s.pilot.click(KeyBar, offset=(keys.index("help"), 0))
        await s.settle()
        assert isinstance(s.top(), HelpScreen)


async def test_the_note_beside_the_keys_stands_where_it_just_fits(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3), size=USUAL) as s:
        bar = s.top().query_one(KeyBar)
        keys = bar.render_line(0).text.replace("▼ 3/3", "").rstrip()
        for more, shown in ((0, True), (1, False)):
            note = "n" * (USUAL[0] - len(keys) - 2 + more)  # a blank on either side
            bar._make_note = partial(str, note)
            bar.update()
            assert bar.render_line(0).text.rstrip() == (f"{keys} {note}" if shown else keys)


@pytest.mark.parametrize("width", [60, 70, 80, 120])
def test_no_state_is_left_out_of_the_status_line(width: int) -> None:
    modes = (
        ("1 REGISTRATION ELSEWHERE, KEY 4", "chip"), ("PAUSED", "chip"), ("FILTER status:failed provider:volt", "chip"),
        ("MASK", "chip"), ("DEMO", "chip"),
    )  # fmt: skip
    verdicts = {"verified": 12_345, "invalid": 678, "stale": 9}
    facts = Facts("127.0.0.1:8787", None, True, 1, 0.0, (), verdicts, modes, "last event 4 min ago")
    parts = status_lines(facts, width, tall=False)[1]
    assert cells(parts) <= width
    text = "".join(text for text, _ in parts)
    for word in ("1 REGIS", "PAUSED", "FILTER", "MASK", "DEMO"):
        assert f" {word}" in text
    assert "✔" not in text or "12,345" in text


async def test_completions_stay_while_a_value_is_typed(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3), size=SMALL) as s:
        await s.press("slash", *"status:fai")
        await s.pilot.pause(2 * FILTER_AFTER_S)
        await s.settle()
        below = s.screen_text().splitlines()[-2]
        assert "failed" in below
        assert "▲" not in below
        await s.press("enter")
        assert "▲ status is never fai." in s.screen_text()


async def test_the_key_that_paused_is_said_to_go_on(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3), size=USUAL) as s:
        await s.press("space")
        assert " space go on " in s.screen_text().splitlines()[-1]
        await s.press("space")
        assert " space pause " in s.screen_text().splitlines()[-1]


@pytest.mark.slow
async def test_a_registration_alone_names_the_keys_that_do_something(tmp_path: Path) -> None:
    async with view(tmp_path, size=USUAL, wanted=WANTED, seed=ours) as s:
        await s.on("bird", "channels sms.outbound")
        await s.press("enter")
        await s.shows(" y copy ")
        keys = s.screen_text().splitlines()[-1]
        for nothing in (" enter ", " u ", " a add "):
            assert nothing not in keys
        await s.press("escape")
        await s.on("bird", "channels whatsapp.inbound")
        await s.press("enter")
        await s.shows(" u activate ")
        await s.press("u")
        await s.shows("same  It is as wanted")


@pytest.mark.slow
async def test_events_of_one_service_can_be_told_apart(tmp_path: Path) -> None:
    async with view(tmp_path, size=SMALL, wanted=WANTED, seed=ours) as s:
        told = [line.text[:17] for line, entry in s.list.placed if entry is not None]
        assert sum("…" in text for text in told) > 3
        shown = {(entry.panel.account, text) for entry, text in zip(s.list.entries, told, strict=True)}
        assert len(shown) == len(told)


@pytest.mark.slow
async def test_how_long_a_message_took_stands_beside_its_word(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(100, 30)) as (volt, s):
        await post(volt, s, volt.body("a", "sent"), volt.body("a", "delivered"))
        rows = [row.rstrip() for row in s.screen_text().splitlines()]
        for word in ("to sent", "sent to end", "in all", "to us"):
            assert any(f"{word} " in row and row[row.index(f"{word} ") + len(word) + 1].isdigit() for row in rows), word


@pytest.mark.parametrize("key", ["2", "3"])
async def test_a_pane_that_is_seen_late_is_not_empty(tmp_path: Path, key: str) -> None:
    async with screens(tmp_path, apart(mixed_captures()), size=(120, 40)) as s:
        await s.monitor.store.caught_up()
        s.app.stylesheet.add_source("#thread, #message { display: none !important; }", read_from=("", "late"))
        await s.press(key)
        await s.until(lambda: s.top().rows.selected is not None)  # type: ignore[attr-defined]
        await s.pilot.pause(0.2)
        assert not s.top().pane.display  # type: ignore[attr-defined]
        s.app.stylesheet.add_source("", read_from=("", "late"))
        s.app.refresh_css()
        await s.until(lambda: bool(s.top().pane.items.placed))  # type: ignore[attr-defined]


async def test_completions_that_do_not_fit_leave_room_for_the_key(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3), size=SMALL) as s:
        await s.press("slash")
        offered = s.screen_text().splitlines()[-2].rstrip()
        assert offered.endswith("tab")
        assert "provider:" in offered


@pytest.mark.parametrize("typed", ["text:你好你好 statos:x", "text:" + "x" * 70 + " statos:x", "statos:" + "x" * 70])
async def test_the_caret_of_a_filter_stands_under_what_is_wrong(tmp_path: Path, typed: str) -> None:
    async with screens(tmp_path, plain_captures(3), size=USUAL) as s:
        await s.press("slash")
        bar = s.live.query_one(FilterBar)
        bar.input.insert_text_at_cursor(typed)
        await s.settle()
        with pytest.raises(FilterError) as wrong:
            parse(typed)
        bar.wrong(wrong.value)
        await s.settle()
        line, below = s.screen_text().splitlines()[-3:-1]
        assert wrong.value.hint[:20] in below
        before, found, _ = line.partition("statos:x")
        if found:  # not scrolled out of sight
            assert cell_len(before) == cell_len(below.partition("▲")[0])


async def test_times_are_whole_in_the_kinds_of_a_small_screen(tmp_path: Path) -> None:
    async with screens(tmp_path, volts(), size=SMALL, simulator=simulators(tmp_path)) as s:
        await opened(s)
        await s.press("j")
        row = next(line for line in s.screen_text().splitlines() if "▌" in line and "●" in line)
        assert "finalized" in row or "sent" in row
        assert row.split("│")[1].split()[-1].count(":") == 2


async def test_a_drill_that_ends_closes_its_screen_once(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3), size=USUAL) as s:
        s.monitor.drill.begin(Rule(500))
        await s.press("R")
        shown = s.top()
        assert isinstance(shown, DrillScreen)
        s.monitor.drill.end()
        shown._draw()
        shown._draw()  # the timer of a screen that is on its way out
        await s.settle()
        assert s.top() is s.live


@pytest.mark.slow
async def test_nothing_to_put_back_says_how_to_go_on(tmp_path: Path) -> None:
    async with view(tmp_path, size=USUAL) as s:
        await s.press("R")
        await s.until(lambda: isinstance(s.top(), RestoreScreen))
        await s.settle()
        assert "esc closes" in s.screen_text()
        await s.press("escape")
        assert not isinstance(s.top(), RestoreScreen)


@pytest.mark.slow
async def test_the_key_that_mends_is_named_where_something_is_to_be_mended(tmp_path: Path) -> None:
    async with view(tmp_path, size=USUAL, wanted=WANTED, seed=ours) as s:
        for subject, key in (("channels sms.inbound", True), ("channels email.outbound", False)):
            await s.on("bird", subject)
            assert (" u re-point " in s.screen_text().splitlines()[-1]) is key
        await s.press("question_mark")
        assert "Mend this registration" in s.box_text()


@pytest.mark.parametrize("name", [name for name in themes.known() if not name.startswith("ansi")])
def test_every_theme_can_be_read(name: str) -> None:
    theme = next(one for one in (*themes.OWN, *BUILTIN_THEMES.values()) if one.name == name)
    colours = themes.role_variables(theme, theme.to_color_system().generate())
    background = Color.parse(theme.to_color_system().generate()["background"])
    for role in ("text", "quiet", "good", "bad", "warn", "info", "accent", "string", "number", "keyword"):
        assert themes.contrast(Color.parse(colours[f"h-{role}"]), background) >= themes.TEXT, role
        for ground in ("cursor", "cursor-blur", "pick-back", "bar"):
            on = Color.parse(colours[f"h-{ground}"])
            assert themes.contrast(Color.parse(colours[f"h-{role}"]), on) >= themes.LABEL, (role, ground)
    for ground in ("cursor", "cursor-blur"):  # ... which stand out themselves
        assert themes.contrast(Color.parse(colours[f"h-{ground}"]), background) >= 1.1, ground
    assert themes.contrast(Color.parse(colours["h-faint"]), background) >= themes.LABEL
    for chip in ("h-warn", "h-bad"):
        assert themes.contrast(Color.parse(colours["h-on-chip"]), Color.parse(colours[chip])) >= themes.TEXT


def test_contrast_is_that_of_wcag() -> None:
    black, white = Color(0, 0, 0), Color(255, 255, 255)
    assert themes.contrast(black, white) == themes.contrast(white, black) == pytest.approx(21)
    assert themes.contrast(Color(119, 119, 119), white) == pytest.approx(4.48, abs=0.01)


async def test_what_is_faint_can_be_read_under_the_cursor(tmp_path: Path) -> None:
    async with screens(tmp_path, size=USUAL) as s:
        rows = s.captures
        base = rows.rich_style + rows.picked(focused=True)
        (segment,) = rows.paint([("noted", "faint")], 5, base)
        assert segment.style is not None
        assert segment.style.color == rows.role("quiet").color
        (segment,) = rows.paint([("noted", "faint")], 5, rows.rich_style)
        assert segment.style is not None
        assert segment.style.color == rows.role("faint").color


def styles_of(s: Screens, text: str, within: str = "") -> list[Style]:
    """The styles of the pieces with this text, of lines that hold ``within``."""
    strips = s.top()._compositor.render_strips()
    parts = [part for strip in strips if within in strip.text for part in strip]
    return [part.style for part in parts if text in part.text and part.style is not None]


@pytest.mark.parametrize("theme", ["hooktop-dark", "ansi-dark"])
async def test_what_is_folded_can_be_read_under_the_cursor(tmp_path: Path, theme: str) -> None:
    async with screens(tmp_path, plain_captures(1), size=SMALL) as s:
        s.app.theme = theme
        await s.press("k", "enter", "right")
        await s.press("enter")  # once the tab is read
        (style,) = styles_of(s, " lines }")
        if theme.startswith("ansi"):  # no colour of its own, which would be a background in reverse
            assert style.reverse
            assert style.color is None or style.color.is_default
        else:
            assert style.color == s.lines.role("quiet").color


@pytest.mark.parametrize("colours", [True, False])
async def test_what_is_found_can_be_told_under_a_cursor_in_reverse(
    tmp_path: Path, colours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not colours:
        monkeypatch.setenv("NO_COLOR", "1")
    (capture,) = plain_captures(1)
    capture = replace(capture, request=replace(capture.request, body=b'{"word": "word"}'))
    async with screens(tmp_path, [capture], size=SMALL) as s:
        s.app.theme = "ansi-dark"
        await s.press("k", "enter", "right", "slash", *"word", "enter")
        here, there = styles_of(s, "word", '"word"')
        (rest,) = styles_of(s, ":", '"word"')
        assert rest.reverse
        assert not here.reverse
        assert not there.reverse
        assert here.underline
        assert not there.underline


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
async def test_without_colours_the_pane_in_use_can_be_told(
    tmp_path: Path, theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with screens(tmp_path, apart(mixed_captures()), size=(120, 40)) as s:
        s.app.theme = theme
        for view in ("1", "2", "3"):
            await s.press(view)
            for key, in_use in (("j", True), ("enter", False)):
                await s.press(key)
                strips = [strip.crop(0, 40) for strip in s.top()._compositor.render_strips()[3:-1]]
                looks = [part.style for strip in strips for part in strip if part.style and part.text.strip()]
                assert any(style.reverse for style in looks) is in_use, (view, key)
                assert any(style.underline for style in looks) is not in_use, (view, key)


@pytest.mark.parametrize("theme", ["hooktop-dark", "hooktop-light"])
async def test_without_colours_what_is_wrong_stands_out(
    tmp_path: Path, theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with screens(tmp_path, mixed_captures(), size=(120, 40)) as s:
        s.app.theme = theme
        await s.press("k")
        strip = next(strip for strip in s.top()._compositor.render_strips() if "✖ 1 invalid" in strip.text)
        styles = {segment.text.strip(): segment.style for segment in strip}
        wrong, right = (styles[words] for words in ("✖ 1 invalid", "✔ 1 verified"))
        assert wrong is not None
        assert right is not None
        assert wrong.color is not None
        assert wrong.bgcolor is not None
        ink = Color(255, 255, 255) if s.app.current_theme.dark else Color(0, 0, 0)
        assert Color.from_rich_color(wrong.color) == ink
        assert wrong.color != right.color


async def test_what_completes_a_filter_can_be_read(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(1), size=SMALL) as s:
        await s.press("slash", *"stat")
        (style,) = styles_of(s, "state of the message")
        assert style.color == s.captures.role("quiet").color


async def test_every_tab_can_be_seen_and_chosen_in_a_narrow_pane(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3), size=(100, 30)) as s:
        tabs = s.screen_text().splitlines()[2]
        for name in ("Summary", "Body", "Headers", "Forward"):
            assert name in tabs
        await s.pilot.click(offset=(tabs.index("Forward"), 2))
        await s.settle()
        assert "▸Forward" in s.screen_text()


@pytest.mark.parametrize("size", [SMALL, (100, 30), (120, 40)], ids=str)
async def test_a_long_header_is_whole_and_lines_up(tmp_path: Path, size: tuple[int, int]) -> None:
    value = "".join(f"{number:03}" for number in range(60))
    named = (("x-the-signature-of-this-provider", value), ("host", value[::-1]))
    (capture,) = plain_captures(1)
    capture = replace(capture, request=replace(capture.request, headers=named))
    async with screens(tmp_path, [capture], size=size) as s:
        await s.press("k", "enter", "right", "right")
        left = s.lines.region.x
        rows = [row[left:].rstrip("▁▂▃▄▅▆▇█ ") for row in s.screen_text().splitlines()[s.lines.region.y :]]
        assert value in "".join(row.strip() for row in rows)
        assert len({row.index(text[:6]) for text in (value, value[::-1]) for row in rows if text[:6] in row}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
async def test_the_choice_under_the_cursor_can_be_read(tmp_path: Path, theme: str) -> None:
    async with screens(tmp_path, plain_captures(3), size=USUAL, simulator=simulators(tmp_path)) as s:
        s.app.theme = theme
        await s.press("y")
        picked = next(
            segment.style
            for strip in s.top()._compositor.render_strips()
            for segment in strip
            if "message key" in segment.text
        )
        assert picked is not None
        assert picked.color is not None
        assert picked.bgcolor is not None
        assert {picked.color.number, picked.bgcolor.number} == {0, 7}  # black and white
        await s.press("escape")
        for box in ("y", "E", "s"):
            await s.press(box)
            strips = s.top()._compositor.render_strips()
            styles = [segment.style for strip in strips for segment in strip if segment.text.strip()]
            on = [style.color for style in styles if style and style.bgcolor == picked.bgcolor]
            assert picked.color in on
            assert {color and color.number for color in on} <= {picked.color.number, 8}  # no colour but what is quiet
            await s.press("escape")


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
async def test_without_colours_a_terminals_own_theme_can_be_read(
    tmp_path: Path, theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with screens(tmp_path, plain_captures(3), size=USUAL) as s:
        s.app.theme = theme
        for key, picked in (("k", "12:00:00"), ("y", "message key")):
            await s.press(key)
            strips = s.top()._compositor.render_strips()
            shown = [(part.text, part.style) for strip in strips for part in strip if part.style is not None]
            assert not any(style.color or style.bgcolor for _, style in shown)
            assert any(picked in text and style.reverse for text, style in shown)
        await s.press("escape", "R")

        def reversed_of_field() -> list[bool]:
            field = next(list(strip) for strip in s.top()._compositor.render_strips() if "500" in strip.text)
            at = next(n for n, part in enumerate(field) if "500" in part.text)
            return [part.style is not None and bool(part.style.reverse) for part in field[at : at + 2]]

        await s.until(lambda: reversed_of_field() == [True, False])  # the cursor, which blinks


@pytest.mark.slow
async def test_the_palette_knows_the_words_of_the_keys(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3), size=USUAL) as s:
        await s.press("ctrl+p", *"export")
        await s.until(lambda: "key E" in s.screen_text())
        await s.press("enter")
        await s.until(lambda: isinstance(s.top(), ExportScreen))


@pytest.mark.slow
@pytest.mark.parametrize("size", [SMALL, USUAL], ids=str)
async def test_empty_screens_say_what_to_do_next(tmp_path: Path, size: tuple[int, int]) -> None:
    async with screens(tmp_path, size=size, simulator=simulators(tmp_path)) as s:
        assert cut(s) == []
        for words in ("curl -d", "s  sends a simulated event", "?  shows every key"):
            assert words in s.screen_text()
        for view in ("2", "3"):
            await s.press(view)
            await s.until(lambda: "1  shows what is captured" in s.screen_text())
            assert cut(s) == []


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
async def test_a_field_in_use_can_be_read(tmp_path: Path, theme: str) -> None:
    async with screens(tmp_path, plain_captures(3), size=USUAL, simulator=simulators(tmp_path)) as s:
        s.app.theme = theme
        for keys, text in (("R", "500"), ("I", "equired"), ("P", "older than"), ("sc", "nce")):
            await s.press(*keys)
            strips = s.top()._compositor.render_strips()
            styles = [segment.style for strip in strips for segment in strip if text in segment.text]
            field, cursor = styles[0], None
            assert field is not None
            assert field.color != field.bgcolor
            assert field.bgcolor is not None
            assert field.bgcolor.number in (0, 7)  # which tells it from the fields that are not in use
            for one in s.top().query(Input):
                cursor = one.get_component_rich_style("input--cursor")
                assert {cursor.color and cursor.color.number, cursor.bgcolor and cursor.bgcolor.number} == {0, 7}
                assert cursor.bgcolor != one.rich_style.bgcolor or not one.has_focus
            await s.press("escape")


@pytest.mark.slow
async def test_the_third_pane_follows_the_list_of_messages(tmp_path: Path) -> None:
    async with screens(tmp_path, apart(mixed_captures()), size=(180, 50)) as s:
        await s.monitor.store.caught_up()
        await s.press("2")
        shown = []
        for _ in range(2):
            await s.until(lambda: f"#{s.top().pane.capture_number}" in s.screen_text().splitlines()[2][130:])  # type: ignore[attr-defined]
            shown.append(s.top().pane.capture_number)  # type: ignore[attr-defined]
            await s.press("j")
        assert shown[0] != shown[1]
        assert None not in shown
