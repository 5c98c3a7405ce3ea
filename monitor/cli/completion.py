"""``hooktop completion``: shell completion."""

from __future__ import annotations

import click

from monitor.cli.command import Command
from monitor.cli.output import say


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the shell code that completes hooktop's commands.

    \b
    Examples:
      eval "$(hooktop completion bash)"                                # in ~/.bashrc
      eval "$(hooktop completion zsh)"                                 # in ~/.zshrc
      hooktop completion fish > ~/.config/fish/completions/hooktop.fish
    """
    from click.shell_completion import get_completion_class

    from monitor.cli.app import COMPLETE

    kind = get_completion_class(shell)
    if kind is None:  # pragma: no cover - click has all three
        raise click.UsageError(f"There is no completion for {shell}; bash, zsh and fish have one.")
    say(kind(ctx.find_root().command, {}, "hooktop", COMPLETE).source().strip())
