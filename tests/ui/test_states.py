"""How the screens look where there is little to show, or something unusual goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len

from monitor.services.pruning import Prunable
from monitor.ui.lines import Document, line
from monitor.ui.mask import mask_numbers
from monitor.ui.screens.prune import stays_and_goes
from tests.factory import START, make_capture
from tests.ui.screens import mixed_captures, plain_captures, screens
from tests.ui.test_messages import messages, post
from tests.ui.test_overlays import simulators
from tests.ui.test_replay import scene as replaying


@pytest.mark.slow
@pytest.mark.parametrize("size", [(120, 40), (180, 50)])
async def test_an_empty_list_has_no_pane_beside_it(tmp_path: Path, size: tuple[int, int]) -> None:
    async with screens(tmp_path, size=size) as s:
        assert "Summary" not in s.screen_text()
        assert "Body" not in s.screen_text()
        for key, word in (("v", "mark"), ("d", "compare")):
            await s.press(key)
            assert f"There is no capture to {word}." in s.toasts()
        await s.add(*plain_captures(3))
        await s.until(lambda: "Summary" in s.screen_text() and "text 3" in s.screen_text())
        await s.press("slash", *"zzzz", "enter")
        await s.until(lambda: "passes this filter" in s.screen_text() and "Summary" not in s.screen_text())
        await s.press("escape")
        await s.until(lambda: "Summary" in s.screen_text() and "text 3" in s.screen_text())


async def test_lines_that_change_unseen_are_those_that_are_seen(tmp_path: Path) -> None:
    async with screens(tmp_path, plain_captures(3), size=(120, 40)) as s:
        await s.until(lambda: len(s.lines.document.lines) > 3)
        s.lines.display = False
        await s.pilot.pause()
        s.lines.show(Document([line(("only this", "plain"))]))
        s.lines.display = True
        await s.until(lambda: "only this" in s.screen_text())


@pytest.mark.slow
async def test_how_many_pass_the_filter_is_said_on_small_screens(tmp_path: Path) -> None:
    async with replaying(tmp_path, plain_captures(3), size=(80, 24)) as s:
        await s.press("slash", *"text", "enter")
        await s.until(lambda: "3/3 of 3" in s.screen_text())
        s.app.session.view.scanned = 0.42
        s.live.tick()
        await s.until(lambda: "3/3 of 3  42%" in s.screen_text())
        keys = s.screen_text().splitlines()[-1]
        assert "? help" in keys
        assert cell_len(keys.rstrip()) < 80
        s.app.session.view.scanned = None


async def test_what_is_found_is_told_where_the_names_leave_no_room(tmp_path: Path) -> None:
    async with screens(tmp_path, mixed_captures(), size=(120, 40)) as s:
        await s.press("k", "enter", "right", "slash", *"index")
        tabs = s.screen_text().splitlines()[2]
        assert all(name in tabs for name in ("Summary", "▸Body", "Headers", "Signa…", "Forward", "1 found"))
        keys = s.screen_text().splitlines()[-1]
        assert "enter keep  esc clear" in keys
        assert "tab" not in keys
        assert "help" not in keys
        assert s.detail.has_class("-active")
        await s.press("enter")
        assert s.lines.has_focus
        assert s.lines.sought == "index"
        await s.press("n")
        assert "1 of 1" in s.screen_text()
        assert "esc back" in s.screen_text().splitlines()[-1]
        await s.press("slash", "escape")
        assert "1 of 1" not in s.screen_text()
        assert s.lines.sought == ""


def test_numbers_that_go_and_stay_are_said_as_people_say_them() -> None:
    def said(number: int, whole: int) -> str:
        return " ".join("".join(text for text, _ in parts) for parts in stays_and_goes(Prunable(START, number, whole)))

    assert said(0, 0) == "Nothing goes: there are no captures."
    assert said(0, 1) == "Nothing goes: the one capture stays."
    assert said(0, 12) == "Nothing goes: all of the 12 captures stay."
    assert said(1, 2).startswith("1 capture of 2 goes for good 1 stays; ")
    assert said(2, 12).startswith("2 captures of 12 go for good 10 stay; ")


async def test_a_message_that_nothing_proves_has_no_head_over_no_stages(tmp_path: Path) -> None:
    async with messages(tmp_path, size=(120, 40)) as (volt, s):
        await post(volt, s, volt.body("a", "delivered"), forged=True)
        await s.until(lambda: "nothing here is proven" in s.screen_text())
        assert "their clock" not in s.screen_text()
        assert "1 capture" in s.screen_text()


async def test_what_lies_deep_in_a_body_stands_line_by_line(tmp_path: Path) -> None:
    body = b'{"deep":' * 30 + b"1" + b"}" * 30
    async with screens(tmp_path, [make_capture(0, body=body)], size=(120, 40)) as s:
        await s.press("enter", "right", "G")
        rows = [row.partition("▏")[2].strip() for row in s.screen_text().splitlines()[3:-1]]
        assert "" not in rows
        assert '"deep": 1' in rows


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://127.0.0.1:3000/volt", "http://127.0.0.1:3000/volt"),
        ("call +1555555 0123", "call +••••••• ••23"),
        ("12.127.0.0.1", "••.•••.•.0.1"),
        ("127.0.0.12.34.56", "•••.•.•.••.••.56"),
        ("127.0.0.1 5555550123", "127.0.0.1 ••••••••23"),
        ("bird:1dc493e9-2d70-4112-9010-d158f447e881,", "bird:1dc493e9-2d70-4112-9010-d158f447e881,"),
        ("bird:1dc493e9-2d70-4112-9010-d158f447e8812", "bird:1dc493e9-2d••-••••-••10-d158f447e8812"),
    ],
)
def test_the_own_address_of_a_machine_and_ids_drawn_by_lot_are_nobodys_number(text: str, shown: str) -> None:
    assert mask_numbers(text) == shown


@pytest.mark.slow
async def test_what_a_scenario_is_stands_there_in_full_where_there_is_room(tmp_path: Path) -> None:
    async with screens(tmp_path, size=(120, 60), simulator=simulators(tmp_path)) as s:
        await s.press("s")
        assert "what looks like markup" in s.screen_text()
        assert "…" not in s.screen_text()
