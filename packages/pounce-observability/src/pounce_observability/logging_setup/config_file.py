"""``--log-config``: a file for ``logging.config``.

``.toml``, ``.json``, ``.yaml`` and ``.yml`` hold the dictionary of ``dictConfig``; everything else is read by
``fileConfig``, as ``.ini`` and ``.conf``. What a file leaves out is as a person expects: ``version`` is 1, and loggers
that exist already are not switched off.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pounce_asgi import ConfigError

__all__ = ["apply_config_file"]

OTHERS: Final = ("uvicorn", "gunicorn", "hypercorn", "granian", "daphne")
"""Servers whose loggers somebody who comes from there may name."""


def apply_config_file(path: str) -> str | None:
    """Set up logging as the file says. What it gives back is to be said once loggers have handlers.

    Raises:
        ConfigError: it cannot be read, or is wrong; the message names the file and the place.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"log_config: {path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"log_config: {path} is not in UTF-8: {error.reason} at byte {error.start}") from error
    reader = _READERS.get(Path(path).suffix.lower())
    if reader is None:
        return _apply_ini(path, text)
    found = reader(path, text)
    if not isinstance(found, dict):
        raise ConfigError(f"log_config: {path} holds no table of settings, but {type(found).__name__}")
    return _apply(path, found)


def _apply(path: str, config: dict[str, Any]) -> str | None:
    import logging.config  # some 10 ms, for those who use it

    config = {"version": 1, "disable_existing_loggers": False, **config}
    handlers = config.get("handlers")
    for name, handler in handlers.items() if isinstance(handlers, dict) else ():
        if isinstance(handler, dict) and not handler.keys() & {"class", "()"}:  # logging's own words do not say so
            raise ConfigError(f"log_config: {path}: handlers.{name} has no class")
    try:
        logging.config.dictConfig(config)
    except (ValueError, TypeError, AttributeError, ImportError, KeyError, OSError) as error:
        raise ConfigError(f"log_config: {path}: {_reason(error)}") from error
    return _hint(path, config.get("loggers"))


def _apply_ini(path: str, text: str) -> str | None:
    import configparser
    import logging.config

    parser = configparser.ConfigParser()
    try:
        parser.read_string(text, source=path)
        logging.config.fileConfig(parser, disable_existing_loggers=False)
    except configparser.Error as error:
        raise ConfigError(f"log_config: {' '.join(error.message.split())}") from error
    except KeyError as error:
        raise ConfigError(f"log_config: {path}: there is no section or key {error}") from error
    except Exception as error:  # it evaluates what the file says, which may raise anything
        raise ConfigError(f"log_config: {path}: {_reason(error)}") from error
    names = [section.removeprefix("logger_") for section in parser.sections() if section.startswith("logger_")]
    return _hint(path, {parser.get(f"logger_{name}", "qualname", fallback=name): None for name in names})


def _reason(error: BaseException) -> str:
    """What is wrong: the outermost error says where, those behind it why."""
    parts: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        part = f"there is no {seen}" if isinstance(seen, KeyError) else " ".join(str(seen).split())
        if part and not any(part in before for before in parts):
            parts.append(part or type(seen).__name__)
        seen = seen.__cause__
    return ": ".join(parts) or type(error).__name__


def _hint(path: str, loggers: object) -> str | None:
    """Who comes from another server names its loggers, and wonders why nothing is said."""
    names = [name for name in loggers if isinstance(name, str)] if isinstance(loggers, dict) else []
    foreign = [name for name in names if name.partition(".")[0] in OTHERS]
    if not foreign or any(name.partition(".")[0] == "pounce" for name in names):
        return None
    return (
        f"{path} sets up {', '.join(foreign)}, which nothing here writes to; "
        "Pounce's loggers are pounce and pounce.access"
    )


def _toml(path: str, text: str) -> object:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:  # says line and column
        raise ConfigError(f"log_config: {path}: {error}") from error


def _json(path: str, text: str) -> object:
    import json

    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"log_config: {path}: {error.msg} (at line {error.lineno}, column {error.colno})") from error


def _yaml(path: str, text: str) -> object:
    try:
        from .yaml_text import YamlError, read_yaml
    except ImportError as error:
        raise ConfigError(
            f"log_config: {path} needs PyYAML; install pounce-server[yaml], or write it as TOML or JSON"
        ) from error
    try:
        return read_yaml(text)
    except YamlError as error:
        raise ConfigError(f"log_config: {path}: {error}") from error


_READERS: Final = {".toml": _toml, ".json": _json, ".yaml": _yaml, ".yml": _yaml}
