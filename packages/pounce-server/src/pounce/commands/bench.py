"""``pounce bench``: this server beside others, with an application of one's own. What does it is in pounce-testing."""

from __future__ import annotations

import importlib
from typing import Any, Final

import click

from pounce_asgi import ConfigError

__all__ = ["bench_command"]

IMPLEMENTATION: Final = "pounce_testing.bench.command"
"""By its name: that package is built on this one, which does not depend on it."""


def bench_command(settings: dict[str, Any]) -> click.Command:
    """Compare servers."""
    one_or_more = click.IntRange(min=1)
    return click.Command(
        "bench",
        callback=_bench,
        params=[
            click.Argument(["app"], metavar="MODULE:ATTRIBUTE"),
            click.Option(
                ["--server", "servers"],
                metavar="NAME",
                multiple=True,
                help="pounce, uvicorn, granian or hypercorn; may be repeated. Default is all that are installed.",
            ),
            click.Option(["--path"], metavar="PATH", default="/", help="What to ask for; default is /."),
            click.Option(["--method"], metavar="METHOD", default="GET", help="Default is GET."),
            click.Option(["--header", "headers"], metavar="NAME:VALUE", multiple=True, help="May be repeated."),
            click.Option(["--body"], metavar="TEXT", help="What to send; @FILE for what is in a file."),
            click.Option(["--rounds"], type=one_or_more, default=3, help="Of all servers in turn; default is 3."),
            click.Option(["--seconds"], type=click.FloatRange(min=0.1), default=5.0, help="Of one; default is 5."),
            click.Option(["--connections"], type=one_or_more, default=32, help="At once; default is 32."),
            click.Option(["--workers"], type=one_or_more, default=1, help="Of each server; default is 1."),
            click.Option(
                ["--generator"], type=click.Choice(["wrk", "asyncio"]), help="Default is wrk where it is installed."
            ),
            click.Option(["--output", "-o"], metavar="FILE", help="A picture: .svg, or .png with matplotlib."),
            click.Option(["--json", "as_json_text"], is_flag=True, help="Print all figures as JSON."),
            click.Option(["--app-dir"], metavar="FOLDER", default=".", help="Where the module is."),
        ],
        help="Compare Pounce with uvicorn, granian and hypercorn, as far as they are installed, serving your own"
        " application on this machine: processor time per request, latencies, memory.",
        context_settings=settings,
    )


def _bench(app: str, **options: Any) -> int:
    try:
        command = importlib.import_module(IMPLEMENTATION)
    except ModuleNotFoundError as error:
        if error.name != IMPLEMENTATION.partition(".")[0]:
            raise
        raise ConfigError("pounce bench needs a package: pip install pounce-testing") from None
    try:
        code: int = command.bench(app, echo=click.echo, say=lambda line: click.echo(line, err=True), **options)
    except command.BenchError as error:
        raise ConfigError(str(error)) from None
    return code
