"""Files and folders are private whatever the umask."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from monitor import paths


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_modes(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        folder = paths.private_dir(tmp_path / "a" / "b")
        file = paths.private_file(folder / "f")
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_open_file_is_closed_to_others_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"kept")
    file.chmod(0o644)
    paths.private_file(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_bytes() == b"kept"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="symbolic|link|loop"):
        paths.private_file(tmp_path / "link")


def test_existing_folders_are_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    paths.private_dir(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_file_is_replaced_whole_and_private(tmp_path: Path, umask: int) -> None:
    file = tmp_path / "new" / "f"
    before = os.umask(umask)
    try:
        paths.replace_private(file, b"one")
        file.chmod(0o644)
        paths.replace_private(file, b"two")
    finally:
        os.umask(before)
    assert file.read_bytes() == b"two"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(file.parent.iterdir()) == [file]


def test_nothing_is_left_behind_when_a_file_cannot_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    with pytest.raises(OSError, match="directory|Access"):
        paths.replace_private(tmp_path / "f", b"x")
    assert list(tmp_path.iterdir()) == [tmp_path / "f"]


def test_a_tilde_is_the_home_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    assert paths.expanded("~/x.db") == Path("/somewhere/x.db")
    assert paths.expanded(Path("~nobody-has-this-name/x.db")) == Path("~nobody-has-this-name/x.db")
