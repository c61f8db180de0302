"""The two helps of ``pounce``: one that fits a screen, and one with every option."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .config import all_settings
from .setting_options import SettingArgument, SettingOption
from .settings import Kind, Setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import click

__all__ = ["COMMON", "EPILOG", "LINES", "WIDTH", "short_help", "write_options"]

WIDTH: Final = 80
LINES: Final = 40
"""What a screen takes, without the line that a person types next."""

_LEFT: Final = 28

COMMON: Final = {
    "Application": {
        "factory": "Call what is named to make the application",
        "app_dir": "Where its module is looked for",
        "reload": "Serve new code as soon as a file changes",
    },
    "Address": {
        "host": "Address to listen on; 0.0.0.0 for all",
        "port": "Port to listen on",
        "bind": "Place to listen on instead, or unix:PATH",
    },
    "Workers and limits": {
        "workers": "How many workers serve; auto: one a CPU",
        "worker_kind": "What a worker is: auto, thread or process",
        "timeout_keep_alive": "How long idle connections stay open",
        "limit_concurrency": "Connections at once; 503 beyond it",
        "graceful_timeout": "What a stop waits for requests",
    },
    "TLS and proxies": {
        "ssl_certfile": "Certificate; with it TLS is spoken",
        "ssl_keyfile": "Its private key",
        "forwarded_allow_ips": "Proxies that are believed",
    },
    "Logs": {
        "log_level": "debug, info, warning, error or critical",
        "access_log": "No line for each request",
    },
}
"""The options of the short help and what is said of each: a line has no room for the words of the setting."""

EPILOG: Final = (
    "Every option can also be given as an environment variable (--log-level as POUNCE_LOG_LEVEL) or as a key in "
    "pounce.toml or in [tool.pounce] of pyproject.toml (log_level). A flag wins over a variable, a variable over a "
    "file. With the application in the file, plain 'pounce' serves."
)

_CLOSING: Final = "Options of uvicorn, gunicorn, hypercorn and granian are recognised: try them."


def short_help(commands: Iterable[tuple[str, str]]) -> str:
    """The options that most people need, a line each, and the commands, each with its line."""
    settings = {setting.name: setting for setting in all_settings()}
    lines = ["Usage: pounce [OPTIONS] MODULE:ATTRIBUTE", "       pounce COMMAND [OPTIONS]", ""]
    for title, common in COMMON.items():
        lines.append(f"{title}:")
        for name, words in common.items():
            if name in settings:  # those of an extra are not always there
                lines.append(_row(_left(settings[name]), words + _default(settings[name])))
    lines.append("Other:")
    lines.append(_row("--config FILE", "File of settings, instead of pounce.toml"))
    lines.append(_row("--help-all", "All options, in groups"))
    lines.append(_row("--version", "Show the version"))
    lines.append("Commands (pounce COMMAND --help tells more):")
    lines += (_row(name, words.rstrip(".")) for name, words in commands)
    lines += ("", _CLOSING)
    return "\n".join(lines)


def write_options(
    formatter: click.HelpFormatter, context: click.Context, parameters: Sequence[click.Parameter]
) -> None:
    """One section a group, in the order of declaration."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for parameter in parameters:
        record = parameter.get_help_record(context)
        if record is not None:
            group = parameter.setting.group if isinstance(parameter, SettingOption | SettingArgument) else "Other"
            sections.setdefault(group, []).append(record)
    for title, rows in sections.items():
        with formatter.section(title):
            formatter.write_dl(rows)


def _left(setting: Setting) -> str:
    if setting.kind is Kind.SWITCH:
        return (setting.off_flag if setting.default is True else None) or setting.flag
    if setting.kind in (Kind.WHOLE, Kind.NUMBER):
        return f"{setting.flag} NUMBER"
    if setting.kind is Kind.CHOICE:
        return f"{setting.flag} WORD"
    return f"{setting.flag} {(setting.metavar or 'TEXT').partition('|')[0]}"


def _default(setting: Setting) -> str:
    if setting.kind is Kind.SWITCH or not setting.default_text:
        return ""
    return f" [{setting.default_text}{f' {setting.unit}' if setting.unit else ''}]"


def _row(left: str, right: str) -> str:
    return f"  {left:<{_LEFT}} {right}"
