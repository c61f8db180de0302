"""Where settings come from: flag, environment variable, file, default, in this order.

Each value remembers its origin, so that a wrong one can be found. An unknown key in the file is an error, because a
typo there would otherwise be silently without effect; an unknown variable is not, because other programs may own it,
but it is reported (``unknown_variables.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pounce_asgi import ConfigError

from .config import ONE_PLACE, SEVERAL_PLACES, ServerConfig, all_settings
from .env_file import read_env_file
from .file_keys import read_keys
from .settings import Kind, Setting
from .unknown_variables import CONFIG_VARIABLE, unknown_variables
from .value_hints import value_hint
from .values import check, parse, shown, split

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CONFIG_VARIABLE", "DEFAULT", "LoadedConfig", "Origin", "load_config"]

OTHERS_VARIABLES: Final = {"forwarded_allow_ips": ("FORWARDED_ALLOW_IPS",), "workers": ("WEB_CONCURRENCY",)}
"""Variables that platforms set for uvicorn and gunicorn, and that mean the same here; ours come first."""

_OWN_FILE: Final = "pounce.toml"
_PROJECT_FILE: Final = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was given, as a person would say it."""

    words: str
    """Such as ``--port``, ``the variable POUNCE_PORT`` or ``port in /srv/pounce.toml``."""

    def __str__(self) -> str:
        return self.words


DEFAULT: Final = Origin("default")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConfig:
    """A configuration, where each value of it came from, and what a person should hear about it."""

    config: ServerConfig
    origins: Mapping[str, Origin]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Given:
    """A value as it was written, and where."""

    raw: object
    origin: Origin
    is_text: bool
    """It came as text, and is yet to be read."""


def load_config(
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    *,
    config_file: str | None = None,
    folder: Path | None = None,
    otherwise: Mapping[str, object] | None = None,
) -> LoadedConfig:
    """The configuration from all sources.

    ``flags`` holds what the command line gave, by name: text, a sequence of texts for a repeated flag, a bool for a
    switch. ``folder`` is where ``pounce.toml`` or ``pyproject.toml`` is looked for; the current one by default.
    ``otherwise`` has values for what is given nowhere, in place of the defaults.

    Raises:
        ConfigError: a value or key is wrong, a named file cannot be read, or no application is given.
    """
    given = _from_file(config_file or environ.get(CONFIG_VARIABLE) or None, folder or Path())
    above_files = _from_environment(environ, "the variable {}") | _from_flags(flags)
    warnings = unknown_variables(environ, "the variable {}")
    env_file = above_files.get("env_file") or given.get("env_file")
    if env_file is not None:
        variables = read_env_file(str(_read(_named("env_file"), env_file)))
        given |= _from_environment(variables, f"{{}} in {env_file.raw}")
        warnings += unknown_variables(variables, f"{{}} in {env_file.raw}")
    given |= above_files
    values = {name: _read(_named(name), one) for name, one in given.items()}
    _check_one_place(values, given)
    return LoadedConfig(
        config=ServerConfig.of({**(otherwise or {}), **values}),
        origins={
            setting.name: given[setting.name].origin if setting.name in given else DEFAULT for setting in all_settings()
        },
        warnings=warnings,
    )


def _read(setting: Setting, given: _Given) -> object:
    try:
        if given.is_text:
            return parse(setting, str(given.raw))
        return check(setting, given.raw)
    except ValueError as error:
        what = shown(setting, given.raw)
        problem = f"{setting.name}: {what} from {given.origin} is not allowed; it must be {error}"
        problem += value_hint(setting, given.raw)
        raise ConfigError(problem + _kubernetes_hint(setting, given)) from None


def _kubernetes_hint(setting: Setting, given: _Given) -> str:
    # Kubernetes describes a Service named "pounce" to every pod in variables of the same prefix.
    if setting.name == "port" and str(given.raw).startswith("tcp://"):
        return " (Kubernetes sets it for a Service named pounce; enableServiceLinks: false ends that)"
    return ""


def _check_one_place(values: Mapping[str, object], given: Mapping[str, _Given]) -> None:
    places = [f"{name} (from {given[name].origin})" for name in ONE_PLACE if values.get(name) not in (None, ())]
    if len(places) > 1:
        raise ConfigError(f"{' and '.join(places)} cannot both be set: {SEVERAL_PLACES}")


def _named(name: str) -> Setting:
    return next(setting for setting in all_settings() if setting.name == name)


def _from_flags(flags: Mapping[str, object]) -> dict[str, _Given]:
    given = {}
    for name, raw in flags.items():
        setting = _named(name)
        if setting.repeated and isinstance(raw, list | tuple):
            raw = tuple(part for one in raw for part in _parts(setting, one))
        origin = Origin("the command line" if setting.kind is Kind.APPLICATION else setting.flag)
        given[name] = _Given(raw, origin, is_text=isinstance(raw, str))
    return given


def _parts(setting: Setting, one: object) -> tuple[object, ...]:
    """The values in what a flag was given once; what holds none stays, so that it is refused."""
    splits = isinstance(one, str) and setting.kind in (Kind.TEXTS, Kind.PLACES, Kind.MIDDLEWARE)
    return (split(setting, str(one)) or ("",)) if splits else (one,)


def _from_environment(environ: Mapping[str, str], words: str) -> dict[str, _Given]:
    """What variables give. An empty one is as good as none: that is how shells and compose files leave one out."""
    given = {}
    for setting in all_settings():
        for variable in (setting.variable, *OTHERS_VARIABLES.get(setting.name, ())):
            if environ.get(variable):
                given[setting.name] = _Given(environ[variable], Origin(words.format(variable)), is_text=True)
                break
    return given


def _from_file(named: str | None, folder: Path) -> dict[str, _Given]:
    if named is not None:
        if named.endswith(".py") or named.startswith(("python:", "file:")):  # gunicorn's and hypercorn's
            hint = "'pounce init' writes a file to begin with"
            raise ConfigError(f"the configuration file {named} is Python, and settings are read from TOML; {hint}")
        path = Path(named)
        return _keys(path, _table(path))
    for path in (folder / _OWN_FILE, folder / _PROJECT_FILE):
        if path.is_file():
            table = _table(path)
            # A pyproject.toml without our section says nothing about us.
            if table or path.name == _OWN_FILE:
                return _keys(path, table)
    return {}


def _table(path: Path) -> Mapping[str, object]:
    """The settings in a file: ``[tool.pounce]`` of a pyproject.toml, everything of another."""
    import tomllib  # here, because many a server has no file

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"the configuration file {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the configuration file {path} is not TOML: {error}") from None
    if path.name == _PROJECT_FILE:
        tool = content.get("tool")
        content = tool.get("pounce", {}) if isinstance(tool, dict) else {}
        if not isinstance(content, dict):
            raise ConfigError(f"tool.pounce in {path} must be a table: [tool.pounce]")
    return content


def _keys(path: Path, table: Mapping[str, object]) -> dict[str, _Given]:
    keys = read_keys(path, table, all_settings())
    return {name: _Given(raw, Origin(f"{written} in {path}"), is_text=False) for name, (written, raw) in keys.items()}
