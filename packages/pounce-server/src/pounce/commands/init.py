"""``pounce init``: a commented ``pounce.toml`` to begin with. It asks nothing, and overwrites nothing by itself."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pounce.app_search import FoundApplication, find_applications, plain_application
from pounce.config import all_settings
from pounce.config_template import config_template, setting_lines
from pounce.help_screen import COMMON
from pounce.settings import Kind, Setting
from pounce.toml_text import toml_text
from pounce.values import check

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["init_command", "starting_file"]

FILE: Final = "pounce.toml"

_APPLICATION: Final = frozenset({"app", "factory", "app_dir"})


def init_command(settings: dict[str, Any]) -> click.Command:
    """The command."""
    return click.Command(
        "init",
        callback=_init,
        params=[
            click.Argument(["app"], required=False, metavar="[MODULE:ATTRIBUTE]"),
            click.Option(["--force"], is_flag=True, help="Overwrite a pounce.toml that is there."),
            click.Option(["--all", "everything"], is_flag=True, help="Every setting, not only the common ones."),
        ],
        help="Write a commented pounce.toml into the current folder, so that plain 'pounce' serves."
        " Without an application it looks for one in the files that are there; nothing is imported.",
        context_settings=settings,
    )


def _init(app: str | None, *, force: bool, everything: bool) -> int:
    path = Path(FILE)
    candidates = [FoundApplication(target=_checked(app))] if app is not None else find_applications(Path())
    text = starting_file(candidates, everything=everything)
    try:
        _write(path, text, force=force)
    except FileExistsError:
        raise click.UsageError(f"{FILE} is there already; it is left as it is (--force overwrites it)") from None
    except OSError as error:
        raise click.UsageError(f"{FILE} cannot be written: {error.strerror}") from None
    for line in _report(candidates):
        click.echo(line)
    return 0


def starting_file(candidates: list[FoundApplication], *, everything: bool = False) -> str:
    """The content of the file for these applications, of which it takes the one that is meant without a doubt."""
    chosen = plain_application(candidates)
    lines = [*_head(candidates, chosen), ""]
    shown = {setting.name: setting for setting in all_settings()}
    if everything:
        rest = (setting for setting in shown.values() if setting.name not in _APPLICATION)
        return "\n".join(lines) + "\n" + config_template(rest)
    for title, names in COMMON.items():
        settings = [shown[name] for name in names if name in shown and name not in _APPLICATION]
        lines += (f"# ---- {title}", "", *(line for setting in settings for line in setting_lines(setting)))
    return "\n".join(lines)


def _head(candidates: list[FoundApplication], chosen: FoundApplication | None) -> Iterator[str]:
    yield "# Settings of Pounce. With the application in it, plain 'pounce' serves."
    yield "# A line that begins with # shows a default; remove the # to set it. 'pounce config template' has all"
    yield "# settings, 'pounce config show' those that are in force, 'pounce check' what would not work."
    yield ""
    if chosen is None:
        yield "# Which application, as module:attribute."
        if candidates:
            yield "# Found are:"
            yield from (f"#   {_in_words(one)}" for one in candidates)
        yield '#app = "main:app"'
        return
    yield f"app = {_quoted('app', chosen.target)}"
    if chosen.factory:
        yield "factory = true"
    if chosen.app_dir:
        yield f"app_dir = {_quoted('app_dir', chosen.app_dir)}"


def _report(candidates: list[FoundApplication]) -> Iterator[str]:
    chosen = plain_application(candidates)
    if chosen is not None:
        yield f"{FILE} is written, for {_in_words(chosen)}; serve it with: pounce"
        return
    why = "several applications were found" if candidates else "no application was found"
    yield f'{FILE} is written; {why}, so write which one into it: app = "module:attribute"'
    yield from (f"  {_in_words(one)}" for one in candidates)


def _in_words(one: FoundApplication) -> str:
    how = f"{one.target}() (a factory)" if one.factory else one.target
    return f"{how} in {one.app_dir}" if one.app_dir else how


def _checked(app: str) -> str:
    module, colon, path = app.partition(":")
    if not (colon and all(part.isidentifier() for part in (*module.split("."), *path.split(".")))):
        raise click.UsageError(f"{app!r} does not name an application: write module:attribute, such as main:app")
    return app


def _quoted(name: str, value: str) -> str:
    setting: Setting = next(one for one in all_settings() if one.name == name)
    text = toml_text(setting, check(setting, value))
    assert text is not None
    assert setting.kind in (Kind.APPLICATION, Kind.TEXT)
    return text


def _write(path: Path, text: str, *, force: bool) -> None:
    """Written beside it and moved there, so that no half of it is ever read; a link is followed by nobody, at neither
    place. Who may read a file that was there may read what takes its place.
    """
    if not force:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)  # somebody's link, or what was left behind by an end without warning
    try:
        with beside.open("x", encoding="utf-8") as file:
            if path.is_file() and not path.is_symlink():
                beside.chmod(stat.S_IMODE(path.stat().st_mode))
            file.write(text)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
