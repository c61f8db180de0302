"""Which settings the keys of a file are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pounce_asgi import ConfigError

from .settings import nearest
from .unavailable import unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from .settings import Setting

__all__ = ["read_keys"]


def read_keys(path: Path, table: Mapping[str, object], settings: Iterable[Setting]) -> dict[str, tuple[str, object]]:
    """What a file gives, by the name of the setting: the key as it is written there, and the value.

    Raises:
        ConfigError: a key is not a setting, or a setting is given twice.
    """
    known = {key: setting for setting in settings for key in setting.keys}
    given: dict[str, tuple[str, object]] = {}
    for written, raw in _keys(table, known):
        key = _normal(written)
        if key not in known and (reason := unavailable(written)):
            raise ConfigError(f"{path}: {reason}")
        if key not in known:
            match = nearest(key, known)
            advice = f"; did you mean {match!r}?" if match else ""
            raise ConfigError(f"{written!r} in {path} is not a setting{advice}")
        name = known[key].name
        if name in given:
            raise ConfigError(f"{name!r} is given twice in {path}: as {given[name][0]} and as {written}")
        given[name] = written, raw
    return given


def _keys(table: Mapping[str, object], known: Iterable[str]) -> Iterator[tuple[str, object]]:
    """Every key, those of a table that holds settings with the name of the table before it."""
    tables = {key.partition(".")[0] for key in known if "." in key}
    for written, raw in table.items():
        if _normal(written) in tables and isinstance(raw, Mapping):
            yield from ((f"{written}.{inner}", value) for inner, value in raw.items())
        else:
            yield written, raw


def _normal(written: str) -> str:
    return written.replace("-", "_")  # pyproject.toml prefers dashes, Python underscores: both are read
