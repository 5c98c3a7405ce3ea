"""How a failure leaves the program: one sentence on stderr, and an exit code."""

from __future__ import annotations

import contextlib
import sys
from typing import Final, NoReturn

import click
from click.core import ParameterSource

from monitor.text import visible

FAILED: Final = 1
USAGE: Final = 2
TIMED_OUT: Final = 3
NOT_VERIFIED: Final = 4
REFUSED: Final = 5
INTERRUPTED: Final = 130

# Errors whose text is a sentence for the user, by module: such an error can only be here if its module is loaded.
_TOLD: Final = (
    ("monitor.paths", "NoHome", USAGE),
    ("monitor.tomlfile", "ConfigError", USAGE),
    ("monitor.store.errors", "StoreError", USAGE),
    ("monitor.receiver.binding", "ReceiverError", USAGE),
    ("monitor.providers.keys", "KeyProblem", USAGE),
    ("monitor.sandbox.problems", "SimulationProblem", USAGE),
)

_NO_THREAD: Final = "can't start new thread"  # as Python says it: no exception of its own


class Failure(click.ClickException):
    """A command cannot go on; the message is one sentence: what, why and what to do. ``below`` stands under it."""

    def __init__(self, sentence: str, code: int = FAILED, *, below: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.below = below


def fail(sentence: str, code: int = FAILED, *, below: str = "") -> NoReturn:
    """End the command with a sentence for the user."""
    raise Failure(sentence, code, below=below)


def tell(sentence: str) -> None:
    """One line on stderr, in the manner of every message that is no data."""
    with contextlib.suppress(OSError):  # a terminal that was closed hears nothing any more
        print(f"hooktop: {visible(sentence)}", file=sys.stderr, flush=True)


def ended(error: BaseException, verbose: int) -> int:
    """The exit code for what ended a command, after telling the user on stderr why.

    With ``verbose`` of 2 and more the traceback comes first, without the values of variables.
    """
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else FAILED
    if isinstance(error, click.Abort | KeyboardInterrupt):
        tell("Interrupted.")
        return INTERRUPTED
    if verbose >= 2:
        import traceback

        print(visible("".join(traceback.format_tb(error.__traceback__)), lines=True), end="", file=sys.stderr)
    code, sentence = _told(error)
    tell(sentence)
    if isinstance(error, Failure) and error.below:
        print(visible(error.below, lines=True), file=sys.stderr)
    return code


def _told(error: BaseException) -> tuple[int, str]:
    if isinstance(error, click.UsageError):
        return USAGE, _usage(error)
    if isinstance(error, Failure):
        return error.code, error.message
    if isinstance(error, click.ClickException):
        return FAILED, error.format_message()
    for module, name, code in _TOLD:
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and isinstance(error, kind):
            return code, as_sentence(str(error))
    if isinstance(error, OSError) and error.strerror:
        place = f" {error.filename}" if error.filename else ""
        return FAILED, f"The system refused{place}: {error.strerror}; mend that and run hooktop again."
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and str(error) == _NO_THREAD):
        return FAILED, (
            "The system refused more memory or another thread; raise its limits (see ulimit -a), or end other "
            "programs, and run hooktop again."
        )
    # The text of a foreign exception may hold header values or keys: its kind is enough for a sentence.
    return FAILED, f"An unexpected error ({type(error).__name__}) ended the command; -vv shows where it arose."


def as_sentence(text: str) -> str:
    """A text that says what is wrong, as a sentence: with a full stop, and a capital unless it begins with a name of
    a file or the like."""
    begun = text[:1].upper() + text[1:] if text.partition(" ")[0].isalpha() else text
    return begun + ("" if begun.endswith((".", "?")) else ".")


def _usage(error: click.UsageError) -> str:
    if isinstance(error, click.NoSuchOption) and error.possibilities:
        return f"There is no option {error.option_name}; did you mean {' or '.join(sorted(error.possibilities))}?"
    if isinstance(error, click.BadParameter) and error.param is not None and error.ctx is not None:
        source = error.ctx.get_parameter_source(error.param.name or "")
        if source is ParameterSource.ENVIRONMENT:  # nobody typed the option
            error.param_hint = str(error.param.envvar)
    message = " ".join(error.format_message().split()).rstrip(".?! ")
    if "; " in message:
        return message + ("?" if "did you mean" in message else ".")
    where = error.ctx.command_path if error.ctx is not None else "hooktop"
    return f"{message}; see '{where} --help'."
