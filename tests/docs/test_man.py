"""docs/hooktop.1 tells of every command and option, as they are today, in requests that man knows."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from docs.make import MAN, commands, own_options
from docs.man import man_page

CHECKS = {
    "groff": ["groff", "-man", "-Tutf8", "-Kutf8", "-ww", "-z"],
    "mandoc": ["mandoc", "-Tlint", "-Wwarning"],
}


def test_the_page_is_that_of_the_program() -> None:
    assert MAN.read_text("utf-8") == man_page(), "run python -m docs.make"


def test_every_command_and_option_is_told_of() -> None:
    sections = dict(part.split("\n", 1) for part in MAN.read_text("utf-8").split("\n.SS hooktop ")[1:])
    for words, command in commands():
        for option in own_options(command):
            name = max(option.opts, key=len).replace("-", "\\-")
            assert f"\n.B {name}" in sections[words] or f", {name}" in sections[words], (words, name)


@pytest.mark.parametrize("program", CHECKS)
def test_nothing_in_it_is_complained_of(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run([*CHECKS[program], str(MAN)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_it_reads_as_a_page() -> None:
    if shutil.which("man") is None or shutil.which("groff") is None:
        pytest.skip("man or groff is not installed")
    environ = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "MANWIDTH": "100", "MAN_KEEP_FORMATTING": ""}
    done = subprocess.run(["man", "-l", str(MAN)], capture_output=True, text=True, timeout=60, check=True, env=environ)
    assert "hooktop --port 9000 --public-url https://hooks.example.com" in done.stdout
    assert "130" in done.stdout
