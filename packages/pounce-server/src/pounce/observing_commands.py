"""``pounce top`` and ``pounce profile``: they ask a server that runs, by the place where operators are answered."""

from __future__ import annotations

from typing import Any

import click

__all__ = ["profile_command", "top_command"]

_TARGET = (
    "WHICH is the server: a process id, HOST:PORT, or the path of a UNIX socket; without it the only one that runs"
    " here. It must have been started with --introspection."
)


def top_command(settings: dict[str, Any]) -> click.Command:
    """A live view."""
    return click.Command(
        "top",
        callback=_top,
        params=[
            click.Argument(["target"], required=False, metavar="[WHICH]"),
            click.Option(["--interval"], type=float, default=1.0, metavar="SECONDS", help="Between two looks."),
            click.Option(["--once"], is_flag=True, help="Print one frame and end."),
            click.Option(["--json", "as_json"], is_flag=True, help="Print the figures of one frame as JSON and end."),
        ],
        help=f"Show what a server is doing: workers, rates, latencies, the slowest requests. {_TARGET}",
        context_settings=settings,
    )


def profile_command(settings: dict[str, Any]) -> click.Command:
    """A profile of all threads."""
    return click.Command(
        "profile",
        callback=_profile,
        params=[
            click.Argument(["target"], required=False, metavar="[WHICH]"),
            click.Option(["--seconds"], type=float, default=10.0, metavar="SECONDS", help="How long; default is 10."),
            click.Option(
                ["--interval"],
                type=float,
                default=0.01,
                metavar="SECONDS",
                help="Between two samples; default is 0.01.",
            ),
            click.Option(["--idle"], is_flag=True, help="Show threads that only wait for work, too."),
            click.Option(
                ["--output", "-o"],
                default="profile.speedscope.json",
                metavar="FILE",
                help="What to write: .json for speedscope, .svg or .html for a flame graph, .folded for other tools;"
                " default is profile.speedscope.json.",
            ),
            click.Option(
                ["--pid"], type=int, metavar="PID", help="Look into this process with py-spy, without asking."
            ),
        ],
        help=f"See where the time of a server goes, in all its threads and processes. {_TARGET}",
        context_settings=settings,
    )


def _top(target: str | None, interval: float, *, once: bool, as_json: bool) -> int:
    from pounce_observability.top import top

    return top(target, interval=interval, once=once, as_json=as_json)


def _profile(target: str | None, seconds: float, interval: float, *, idle: bool, output: str, pid: int | None) -> int:
    from pounce_observability.profiling.command import profile

    if target is not None and pid is not None:
        raise click.UsageError("--pid looks into a process without asking it, so name no server beside it")
    profile(
        seconds=seconds,
        interval=interval,
        idle=idle,
        output=output,
        address=target,
        pid=pid,
        echo=lambda line: click.echo(line),
    )
    return 0
