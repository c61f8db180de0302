"""The packages that the settings need, all that are missing at once, and the files and places that they name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pounce.chain import check_chain
from pounce.features import HTTP2, WEBSOCKET, wanted_features
from pounce.file_events import change_source
from pounce.shared_limits import SharedLimits
from pounce_asgi import ConfigError

if TYPE_CHECKING:
    from pounce.config import ServerConfig

    from .report import Report

__all__ = ["check_extras", "check_files"]


def check_extras(config: ServerConfig, report: Report) -> bool:
    """Whether everything is there that is asked for."""
    missing = False
    for feature, setting, value in wanted_features(config):
        try:
            feature.load(f"{setting} {value}".rstrip())
        except ConfigError as error:
            what, _, command = str(error).partition(": pip ")
            report.add("error", "extras", what, setting=setting, do=f"pip {command}" if command else None)
            missing = True
    if config.reloading.reload:
        try:
            change_source()  # not asked for, but used where it is installed
        except ConfigError as error:
            report.add("error", "extras", str(error), setting="reload")
            missing = True
    if missing:
        return False
    try:
        check_chain(config)
        SharedLimits(config)
    except ConfigError as error:
        report.add("error", "middleware", str(error))
        return False
    if config.websocket.ws == "auto" and not WEBSOCKET.installed:
        report.add("note", "extras", "WebSockets are not served", setting="ws", do=WEBSOCKET.how_to_install)
    if config.h2.http2 == "auto" and config.tls.enabled and not HTTP2.installed:
        report.add("note", "extras", "HTTP/2 is not spoken", setting="http2", do=HTTP2.how_to_install)
    return True


def check_files(config: ServerConfig, report: Report) -> None:
    """Files that are read, and folders that are written to."""
    for setting, given in (("log_file", config.logs.log_file), ("access_log_file", config.access.access_log_file)):
        if given is not None and given != "-":
            _check_appended(Path(given), setting, report)
    path = config.logs.log_config
    if path is not None and not os.access(path, os.R_OK):
        report.add("error", "files", f"log_config: {path} cannot be read", do="give the path of a file that is there")


def _check_appended(path: Path, setting: str, report: Report) -> None:
    if path.exists():
        good = path.is_file() and os.access(path, os.W_OK) if not path.is_char_device() else os.access(path, os.W_OK)
        problem = "cannot be written to"
    else:
        good = path.parent.is_dir() and os.access(path.parent, os.W_OK | os.X_OK)
        problem = f"cannot be made: {path.parent} is no folder, or may not be written to"
    if good:
        report.add("ok", "files", f"{path} can be written to", setting=setting)
    else:
        report.add(
            "error",
            "files",
            f"{setting}: {path} {problem}",
            do="let the user that runs the server write there, or leave the setting out and write to the terminal",
        )
