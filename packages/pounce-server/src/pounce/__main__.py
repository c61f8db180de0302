"""``python -m pounce``, and what the command ``pounce`` runs."""

from __future__ import annotations

import sys
from typing import Final, NoReturn

__all__ = ["main"]

EXIT_INTERRUPTED: Final = 130
"""What a shell says of a program that Ctrl+C has ended."""


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    try:
        if sys.argv[1:] == ["--version"]:  # the one thing that needs none of the settings
            from .versions import version_line

            sys.stdout.write(f"{version_line()}\n")
            sys.exit(0)
        from .cli import main as run_and_leave
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    run_and_leave()


if __name__ == "__main__":
    main()
