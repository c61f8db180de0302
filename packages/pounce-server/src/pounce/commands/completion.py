"""``pounce completion SHELL``: what a shell has to read so that it completes options, values and commands."""

from __future__ import annotations

from typing import Any, Final

import click

__all__ = ["completion_command"]

_VARIABLE: Final = "_POUNCE_COMPLETE"
"""Where click finds out that a shell asks (`click.shell_completion`)."""

_USE: Final = """\b
bash:  pounce completion bash > ~/.local/share/bash-completion/completions/pounce
zsh:   pounce completion zsh > ~/.zsh/_pounce    (a folder of $fpath, before compinit)
fish:  pounce completion fish > ~/.config/fish/completions/pounce.fish
"""


def completion_command(settings: dict[str, Any]) -> click.Command:
    """Prints click's own script for the shell."""
    return click.Command(
        "completion",
        callback=_completion,
        params=[click.Argument(["shell"], type=click.Choice(["bash", "zsh", "fish"]), metavar="SHELL")],
        help=f"Print what a shell reads to complete pounce: bash (from 4.4), zsh or fish.\n\n{_USE}",
        context_settings=settings,
    )


def _completion(shell: str) -> int:
    from click.shell_completion import get_completion_class

    root = click.get_current_context().find_root().command
    maker = get_completion_class(shell)
    assert maker is not None
    script = maker(root, {}, "pounce", _VARIABLE)
    # Not source(), which for bash looks which version is on PATH: the script may be for another machine.
    click.echo(script.source_template % script.source_vars())
    return 0
