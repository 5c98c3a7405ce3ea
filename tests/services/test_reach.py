"""Where the world reaches the receiver."""

from __future__ import annotations

import stat
from pathlib import Path

from monitor.services.localkeys import FILE_NAME, LocalKeys
from monitor.services.reach import Reach


def test_a_mark_is_made_once_and_kept(tmp_path: Path) -> None:
    mark = LocalKeys(tmp_path).mark()
    assert mark == LocalKeys(tmp_path).mark()
    assert mark.startswith("hk-")
    assert LocalKeys(tmp_path / "other").mark() != mark
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_hooks_follow_the_public_address(tmp_path: Path) -> None:
    marks = LocalKeys(tmp_path)
    reach = Reach(None, None, marks)
    seen: list[str | None] = []
    reach.follow(lambda: seen.append(reach.public_url))
    assert reach.hook_url("bird") is None
    reach.change("https://a.example.com/")
    reach.change("https://a.example.com")
    assert seen == ["https://a.example.com"]
    assert reach.hook_url("bird") == f"https://a.example.com/bird/{marks.mark()}"


def test_own_addresses_are_known_at_any_host(tmp_path: Path) -> None:
    marks = LocalKeys(tmp_path)
    reach = Reach("https://a.example.com", "token-of-this-installation", marks)
    assert reach.hook_url("volt") == "https://a.example.com/volt/token-of-this-installation"
    for url in (
        "https://old.example.com/volt/token-of-this-installation",
        f"https://old.example.com/bird/{marks.mark()}?x=1",
        f"https://old.example.com/bird/{marks.mark()}/",
    ):
        assert reach.is_ours(url), url
    for url in ("https://a.example.com/volt", "https://a.example.com/volt/hk-00000000", "https://[/x", "", "ü"):
        assert not reach.is_ours(url), url
