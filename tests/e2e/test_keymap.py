"""Keys and theme of the configuration, in the whole program."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.programs import environment, run
from tests.e2e.terminal import Terminal


def configured(home: Path, text: str) -> list[str]:
    file = home / "config.toml"
    file.write_text(text)
    file.chmod(0o600)
    return ["--config", str(file)]


def test_other_keys_on_a_real_terminal(tmp_path: Path) -> None:
    arguments = configured(tmp_path, '[ui.keymap]\nleave = "f4"\nhelp = "H"\n')
    with Terminal(["--port", "0", *arguments], environment(tmp_path), size=(80, 90)) as terminal:
        terminal.wait("f4 quit")
        terminal.press("H")
        terminal.wait(r"f4 +Back; from the first screen")
        terminal.press("H")
        terminal.wait("f4 quit")
        terminal.press("\x1bOS")  # F4
        assert terminal.end() == 0
        assert terminal.restored()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[ui.keymap]\ncopy = "x"\n', "line 2: [ui.keymap] copy has the key x, which is that of mask already"),
        ('[ui]\ntheme = "nordic"\n', "There is no theme 'nordic'"),
    ],
)
def test_a_mistake_ends_the_start_and_is_told_by_doctor(tmp_path: Path, text: str, said: str) -> None:
    arguments = configured(tmp_path, text)
    environ = environment(tmp_path)
    with Terminal(["--port", "0", *arguments], environ, size=(200, 24)) as terminal:
        assert terminal.end() == 2
        assert said in terminal.text()
    told = run(["doctor", *arguments], environ)
    assert told.returncode == 1
    assert said in told.stdout
