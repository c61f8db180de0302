"""``pounce tls dev-cert``: a certificate for development."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pounce.dev_certificate import make_dev_certificate

__all__ = ["tls_command"]


def tls_command(settings: dict[str, Any]) -> click.Group:
    """The group of one command."""
    dev_cert = click.Command(
        "dev-cert",
        callback=_dev_cert,
        params=[
            click.Option(["--out"], metavar="FOLDER", default=".", help="Where to put it; default is the current one."),
            click.Option(["--name", "names"], metavar="NAME", multiple=True, help="One more host name or address."),
            click.Option(["--force"], is_flag=True, help="Overwrite what is there."),
        ],
        help="Make a certificate for localhost, to try HTTPS with while developing.",
        context_settings=settings,
    )
    return click.Group(
        "tls",
        commands={"dev-cert": dev_cert},
        callback=_tls,
        invoke_without_command=True,  # to say in one line what is missing
        help="Make a certificate for development: pounce tls dev-cert.",
        context_settings=settings,
    )


def _tls() -> None:
    context = click.get_current_context()
    if context.invoked_subcommand is None:
        raise click.UsageError("to make a certificate for development write: pounce tls dev-cert", context)


def _dev_cert(out: str, names: tuple[str, ...], *, force: bool) -> int:
    click.echo(make_dev_certificate(Path(out), names, force=force).words())
    return 0
