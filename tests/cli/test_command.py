"""The shape of the command line: global options anywhere, environment twins, errors of one sentence, help."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import platformdirs
import pytest

from monitor.cli.app import COMMANDS, cli, run, with_default
from monitor.cli.command import Group, globals_of, twin_of


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ([], ["run"]),
        (["--port", "9000"], ["run", "--port", "9000"]),
        (["--db", "x.db"], ["--db", "x.db", "run"]),
        (["--db", "x.db", "--port", "1"], ["--db", "x.db", "run", "--port", "1"]),
        (["--db=x.db", "-vv", "--enforce"], ["--db=x.db", "-vv", "run", "--enforce"]),
        (["--no-color", "listen", "--json"], ["--no-color", "listen", "--json"]),
        (["-v", "captures"], ["-v", "captures"]),
        (["--help"], ["--help"]),
        (["--version"], ["--version"]),
        (["--port", "1", "--help"], ["run", "--port", "1", "--help"]),
        (["--db"], ["--db", "run"]),
    ],
)
def test_what_names_no_command_is_run(given: list[str], meant: list[str]) -> None:
    assert with_default(given) == meant


def test_global_options_stand_before_or_after_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str | None, int, bool]] = []

    def look(ctx: click.Context) -> None:
        found = globals_of(ctx)
        seen.append((None if found.db is None else found.db.name, found.verbose, found.no_color))

    root = type(cli)(name="hooktop")
    root.command("look")(click.pass_context(look))
    for words in (
        ["--db", "a.db", "-v", "look"],
        ["look", "--db", "a.db", "-v"],
        ["--db", "b.db", "-v", "look", "--db", "a.db"],
    ):
        root.main(words, standalone_mode=False)
    monkeypatch.setenv("HOOKTOP_DB", "env.db")
    monkeypatch.setenv("HOOKTOP_VERBOSE", "2")
    monkeypatch.setenv("HOOKTOP_NO_COLOR", "1")
    root.main(["look"], standalone_mode=False)
    root.main(["look", "--db", "a.db"], standalone_mode=False)
    root.main(["--db", "a.db", "look"], standalone_mode=False)
    one = ("a.db", 1, False)
    assert seen == [one, one, one, ("env.db", 2, True), ("a.db", 2, True), ("a.db", 2, True)]


def commands() -> list[tuple[str, click.Command]]:
    """Every command with its words, those of families included."""
    found: list[tuple[str, click.Command]] = []
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        found.append((name, command))
        if isinstance(command, click.Group):
            found += [(f"{name} {sub}", member) for sub, member in command.commands.items()]
    return found


@pytest.mark.parametrize(("words", "command"), commands(), ids=[words for words, _ in commands()])
def test_every_command_has_a_help_with_an_example(words: str, command: click.Command) -> None:
    text = command.help or ""
    assert "Example" in text
    assert f"hooktop {words}" in text or words == "run"
    first = text.strip().split("\n\n")[0]
    assert first.rstrip().endswith((".", ":"))
    for param in command.params:
        if isinstance(param, click.Option):
            assert param.help, f"{words} {param.opts}"
            assert param.help.endswith((".", ")."))


@pytest.mark.parametrize(("words", "command"), commands(), ids=[words for words, _ in commands()])
def test_every_option_has_its_environment_twin(words: str, command: click.Command) -> None:
    for param in command.params:
        if isinstance(param, click.Option):
            assert param.envvar == twin_of([name for name in param.opts if name.startswith("--")])


def test_twins() -> None:
    assert twin_of(["--public-url"]) == "HOOKTOP_PUBLIC_URL"
    assert twin_of(["-v", "--verbose"]) == "HOOKTOP_VERBOSE"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["lisen"], "There is no command 'lisen'; did you mean 'listen'?"),
        (["frobnicate"], "There is no command 'frobnicate'; see 'hooktop --help'."),
        (["listen", "--qqq"], "No such option '--qqq'; see 'hooktop listen --help'."),
        (["listen", "--prt", "1"], "There is no option --prt; did you mean "),
        (["listen", "--port", "x"], "Invalid value for '--port'"),
        (["captures", "--limit", "0"], "Invalid value for '--limit'"),
        (["show"], "Missing argument 'ID'; see 'hooktop show --help'."),
        (["show", "cap_x"], "Invalid value for 'ID': 'cap_x' is no capture; write cap_12 or 12"),
        (["keys"], "Missing command; see 'hooktop keys --help'."),
        (["keys", "lst"], "There is no command 'lst'; did you mean 'list'?"),
        (["captures", "--json", "--csv"], "--json and --csv exclude each other; choose one."),
        (["prune", "--older-than", "9" * 400], "Invalid value for '--older-than'"),
        (["replay", "1", "--rate", "nan"], "Invalid value for '--rate': 'nan' is no number"),
        (["replay", "1", "--speed", "nan"], "Invalid value for '--speed': 'nan' is no number"),
        (["captures", "status:"], "The filter is wrong at column"),
    ],
)
def test_a_usage_error_is_one_sentence_and_exit_code_2(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"hooktop: {sentence}")
    assert "Traceback" not in err
    assert len(err.splitlines()) == (3 if "filter" in sentence else 1)  # a filter is shown with a caret under it


def test_a_wrong_value_is_named_by_where_it_stands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["listen", "--port", "80x"]) == 2
    monkeypatch.setenv("HOOKTOP_PORT", "80x")
    assert run(["listen"]) == 2
    typed, set_ = capsys.readouterr().err.splitlines()
    wrong = "'80x' is not a valid whole number; see 'hooktop listen --help'."
    assert typed == f"hooktop: Invalid value for '--port': {wrong}"
    assert set_ == f"hooktop: Invalid value for HOOKTOP_PORT: {wrong}"


def test_an_unexpected_error_is_one_sentence_and_shows_no_value(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object, __: object) -> None:
        canary = "canary-secret-1"
        raise ValueError(f"token {canary}")

    monkeypatch.setattr(Group, "invoke", broken)
    assert run(["captures"]) == 1
    err = capsys.readouterr().err
    assert err == "hooktop: An unexpected error (ValueError) ended the command; -vv shows where it arose.\n"
    assert run(["-vv", "captures"]) == 1
    err = capsys.readouterr().err
    assert "canary-secret-1" not in err
    assert 'raise ValueError(f"token {canary}")' in err


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't start new thread")])
def test_a_limit_of_the_system_is_no_unexpected_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def starved(_: object, __: object) -> None:
        raise error

    monkeypatch.setattr(Group, "invoke", starved)
    assert run(["captures"]) == 1
    assert "refused more memory or another thread; raise its limits" in capsys.readouterr().err


HEAVY = (
    "textual",
    "rich",
    "httpx",
    "uvicorn",
    "starlette",
    "cryptography",
    "sqlite_utils",
    "sqlite3",
)


def loaded_by(arguments: list[str]) -> tuple[set[str], str]:
    """The heavy packages that a call of hooktop loads, and what it prints."""
    code = (
        "import sys\n"
        "from monitor.cli.app import run\n"
        f"run({arguments!r})\n"
        f"print(*[m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split()), done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["listen", "--help"], ["run", "-h"], ["demo", "-h"]])
def test_help_and_version_load_nothing_heavy(arguments: list[str]) -> None:
    loaded, output = loaded_by(arguments)
    assert loaded == set()
    assert output


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("hooktop ")


def test_the_main_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"\n  {name} " in out for name in COMMANDS)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_shell_code_for_hooktop(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    assert "_HOOKTOP_COMPLETE" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("variable", "value", "words", "refused"),
    [
        ("JSON", "1", "captures --csv", "--json and --csv exclude each other"),
        ("CSV", "1", "captures --json", "--json and --csv exclude each other"),
        ("JSON", "1", "show 1 --raw", "--json and --raw exclude each other"),
        ("RATE", "3", "send volt delivered --burst --to http://127.0.0.1:9", "A burst is as fast as can be"),
        ("RATE", "3", "replay 1 --timed --to 9", "--rate and --timed exclude each other"),
        ("FILTER", "provider:volt", "replay 1 --to 9", "or choose them with --filter"),
        ("KEEP", "3", "prune --older-than 7d", "Say what is to go"),
        ("OLDER_THAN", "7d", "prune --keep 0", "Say what is to go"),
        ("PROVIDER", "volt", "verify 1", "--provider is for a request given here"),
        (
            "TUNNEL",
            "ngrok",
            "listen --public-url http://a.example.com --config no.toml",
            "say --public-url or --tunnel",
        ),
        (
            "PUBLIC_URL",
            "http://a.example.com",
            "listen --tunnel ngrok --config no.toml",
            "say --public-url or --tunnel",
        ),
    ],
)
def test_what_is_typed_puts_out_what_the_environment_says_of_the_other(
    variable: str,
    value: str,
    words: str,
    refused: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    database = ["--db", str(tmp_path / "none.db")]
    monkeypatch.setenv(f"HOOKTOP_{variable}", value)
    run([*database, *words.split()])
    assert refused not in capsys.readouterr().err
    option = f"--{variable.lower().replace('_', '-')}"
    assert run([*database, *words.split(), option, *([] if value == "1" else [value])]) == 2  # both are typed
    assert refused in capsys.readouterr().err


def test_completion_completes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("_HOOKTOP_COMPLETE", "bash_complete")
    for words, number, wanted in (("hooktop li", "1", "plain,listen"), ("hooktop listen --js", "2", "plain,--json")):
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", number)
        assert run([]) == 0
        assert wanted in capsys.readouterr().out


@pytest.mark.parametrize("words", ["hooktop lis --", "hooktop webhooks lis --", "hooktop webhooks lis mend"])
def test_completion_has_nothing_to_say_behind_an_unknown_command(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_HOOKTOP_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    assert run([]) == 0
    assert capsys.readouterr().err == ""


def no_home(*_: object, **__: object) -> str:
    raise RuntimeError


@pytest.mark.parametrize("answer", [no_home, lambda *_, **__: "~/.local/share/hooktop"], ids=["raised", "as it stands"])
def test_who_has_no_home_is_told_what_to_set(
    answer: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(platformdirs, "user_data_dir", answer)
    monkeypatch.setattr(platformdirs, "user_config_dir", answer)
    assert run(["captures"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("hooktop: This user has no home folder")
    assert "set HOME" in said
    assert not list(tmp_path.iterdir())


INTERRUPTED_WHILE_LOADING = """
import importlib.abc, sys

class Interrupting(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "monitor.cli.app":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
from monitor.cli import main
main()
"""


def test_ctrl_c_while_the_program_is_loaded_is_no_traceback() -> None:
    call = [sys.executable, "-c", INTERRUPTED_WHILE_LOADING]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "hooktop: Interrupted.\n")


def test_a_reader_that_has_had_enough_is_no_error() -> None:
    pipe = f"{sys.executable} -m monitor --help | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["/bin/bash", "-c", pipe], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_is_no_error(tmp_path: Path, closed: str) -> None:
    call = f"{sys.executable} -m monitor captures --db {tmp_path}/none.db {closed}; echo $?"
    done = subprocess.run(["/bin/bash", "-c", call], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"
    assert "Traceback" not in done.stderr
