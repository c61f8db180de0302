"""Flag, environment, file, default: who wins, and where a wrong value is said to come from."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from pounce import ConfigError, LoadedConfig, load_config
from pounce.features import Feature

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

APP = {"app": "main:app"}


def load(
    folder: Path,
    *,
    flags: Mapping[str, object] | None = None,
    environ: dict[str, str] | None = None,
    toml: str | None = None,
    config_file: str | None = None,
) -> LoadedConfig:
    if toml is not None:
        (folder / "pounce.toml").write_text(toml, encoding="utf-8")
    given = APP if flags is None else flags
    return load_config(given, environ or {}, config_file=config_file, folder=folder)


def test_flag_over_variable_over_file_over_default(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        flags=APP | {"port": "1"},
        environ={"POUNCE_PORT": "2", "POUNCE_HOST": "two"},
        toml='port = 3\nhost = "three"\nbacklog = 3',
    )
    assert (loaded.config.port, loaded.config.host, loaded.config.worker.backlog) == (1, "two", 3)
    assert str(loaded.origins["app"]) == "the command line"
    assert str(loaded.origins["port"]) == "--port"
    assert str(loaded.origins["host"]) == "the variable POUNCE_HOST"
    assert str(loaded.origins["backlog"]) == f"backlog in {tmp_path / 'pounce.toml'}"
    assert str(loaded.origins["workers"]) == "default"


def test_every_kind_from_every_source(tmp_path: Path) -> None:
    expected = (False, 2.5, (("X-A", "1"),), None)
    sources = [
        load(
            tmp_path,
            flags=APP
            | {"access_log": False, "timeout_keep_alive": "2.5", "header": ("X-A: 1",), "limit_concurrency": "none"},
        ),
        load(
            tmp_path,
            environ={
                "POUNCE_ACCESS_LOG": "no",
                "POUNCE_TIMEOUT_KEEP_ALIVE": "2.5",
                "POUNCE_HEADER": "X-A: 1",
                "POUNCE_LIMIT_CONCURRENCY": "none",
            },
        ),
        load(
            tmp_path,
            toml='access_log = false\ntimeout-keep-alive = 2.5\nheader = {X-A = "1"}\nlimit_concurrency = "none"',
        ),
    ]
    for loaded in sources:
        config = loaded.config
        found = (
            config.access.access_log,
            config.worker.timeout_keep_alive,
            config.exchange.header,
            config.worker.limit_concurrency,
        )
        assert found == expected


LISTS: dict[str, dict[str, Any]] = {
    "a flag with commas": {"flags": APP | {"forwarded_allow_ips": ("10.0.0.1, 10.0.0.2",)}},
    "a flag, repeated": {"flags": APP | {"forwarded_allow_ips": ("10.0.0.1", "10.0.0.2")}},
    "a variable": {"environ": {"POUNCE_FORWARDED_ALLOW_IPS": "10.0.0.1,10.0.0.2"}},
    "the variable of others": {"environ": {"FORWARDED_ALLOW_IPS": "10.0.0.1,10.0.0.2"}},
    "an array": {"toml": 'forwarded_allow_ips = ["10.0.0.1", "10.0.0.2"]'},
    "a text in the file": {"toml": 'forwarded_allow_ips = "10.0.0.1, 10.0.0.2"'},
}


@pytest.mark.parametrize("source", LISTS)
def test_several_values_are_written_as_other_servers_have_them_too(tmp_path: Path, source: str) -> None:
    config = load(tmp_path, **LISTS[source]).config
    assert config.proxies.forwarded_allow_ips == ("10.0.0.1", "10.0.0.2")


def test_of_both_ways_at_once_all_count(tmp_path: Path) -> None:
    places = load(tmp_path, flags=APP | {"bind": ("127.0.0.1:80,[::1]:80", "unix:/x")}).config.bind
    assert places == ("127.0.0.1:80", "[::1]:80", "unix:/x")


def test_a_value_that_may_have_a_comma_keeps_it(tmp_path: Path) -> None:
    rules = ("*.js=public, max-age=60", "*.css=no-store")
    by_flag = load(tmp_path, flags=APP | {"static_cache_control": rules})
    by_variable = load(tmp_path, environ={"POUNCE_STATIC_CACHE_CONTROL": "\n".join(rules)})
    assert by_flag.config.static_files.static_cache_control == rules
    assert by_variable.config.static_files.static_cache_control == rules


@pytest.mark.parametrize(
    ("flags", "environ", "toml", "message"),
    [
        (
            {"forwarded_allow_ips": ("",)},
            {},
            None,
            "forwarded_allow_ips: '' from --forwarded-allow-ips is not allowed; it must be a list of texts",
        ),
        (
            {"port": "80000"},
            {},
            None,
            "port: '80000' from --port is not allowed; it must be a whole number from 0 to 65535",
        ),
        (
            {},
            {"POUNCE_PORT": "x"},
            None,
            "port: 'x' from the variable POUNCE_PORT is not allowed; it must be a whole number from 0 to 65535",
        ),
        ({}, {}, 'port = "80"', "port: '80' from port in {file} is not allowed; it must be a whole number"),
        ({}, {}, "access-log = 1", "access_log: 1 from access-log in {file} is not allowed; it must be on or off"),
        ({}, {}, "prot = 1", "'prot' in {file} is not a setting; did you mean 'port'?"),
        ({}, {}, "tool.pounce.port = 1", "'tool' in {file} is not a setting"),
        ({}, {}, "ssl_version = 'x'", "{file}: ssl_version is not available in this version; use --ssl-min-version"),
        (
            {},
            {},
            "log-level = 'info'\nlog_level = 'info'",
            "'log_level' is given twice in {file}: as log-level and as log_level",
        ),
        ({}, {}, "port = ", "the configuration file {file} is not TOML: Invalid value (at"),
        (
            {"uds": "/x"},
            {"POUNCE_FD": "3"},
            None,
            "uds (from --uds) and fd (from the variable POUNCE_FD) cannot both be set",
        ),
        ({}, {"POUNCE_PORT": "tcp://10.0.0.1:80"}, None, "enableServiceLinks"),
        ({"root_path": "api"}, {}, None, "root_path: 'api' does not begin with a slash"),
    ],
)
def test_errors_say_where_and_what_is_allowed(
    tmp_path: Path, flags: dict[str, object], environ: dict[str, str], toml: str | None, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, flags=APP | flags, environ=environ, toml=toml)
    assert message.replace("{file}", str(tmp_path / "pounce.toml")) in str(caught.value)


def test_an_empty_variable_is_none(tmp_path: Path) -> None:
    assert load(tmp_path, environ={"POUNCE_PORT": ""}).config.port == 8000


def test_section_of_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.pounce]\napp = "main:app"\nport = 5\n', encoding="utf-8")
    assert load(tmp_path, flags={}).config.port == 5


def test_own_file_wins_over_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.pounce]\nport = 5\n", encoding="utf-8")
    assert load(tmp_path, toml="port = 6").config.port == 6


@pytest.mark.parametrize("content", ["[project]\nname = 'x'\n", "[tool.other]\nx = 1\n", ""])
def test_pyproject_without_our_section(tmp_path: Path, content: str) -> None:
    (tmp_path / "pyproject.toml").write_text(content, encoding="utf-8")
    assert load(tmp_path).config.port == 8000


def test_our_section_must_be_a_table(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool]\npounce = 5\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="must be a table"):
        load(tmp_path)


def test_a_named_file(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("port = 7", encoding="utf-8")
    assert load(tmp_path, toml="port = 6", config_file=str(other)).config.port == 7
    assert load(tmp_path, environ={"POUNCE_CONFIG": str(other)}).config.port == 7


def test_a_named_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml cannot be read: No such file"):
        load(tmp_path, config_file=str(tmp_path / "nowhere.toml"))


def test_no_application_anywhere(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no application is given"):
        load(tmp_path, flags={})


@pytest.fixture
def dotenv(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for python-dotenv that reads ``NAME=value`` lines."""
    module = ModuleType("dotenv")
    module.dotenv_values = lambda stream: dict(line.strip().split("=", 1) for line in stream)  # type: ignore[attr-defined]
    monkeypatch.setattr(Feature, "load", lambda self, wanted_by: module)


@pytest.mark.usefixtures("dotenv")
def test_env_file_is_below_the_environment_and_above_the_file(tmp_path: Path) -> None:
    path = tmp_path / "app.env"
    path.write_text("POUNCE_PORT=1\nPOUNCE_HOST=env-file\nPOUNCE_BACKLOG=1\nPOUNCE_PROT=1\n", encoding="utf-8")
    environ = {"POUNCE_HOST": "environment", "POUNCE_WORKRES": "1"}
    loaded = load(tmp_path, flags=APP | {"env_file": str(path)}, environ=environ, toml="port = 3\nbacklog = 3")
    assert (loaded.config.port, loaded.config.host, loaded.config.worker.backlog) == (1, "environment", 1)
    assert str(loaded.origins["port"]) == f"POUNCE_PORT in {path}"
    assert loaded.warnings == (
        "the variable POUNCE_WORKRES is not a setting; did you mean POUNCE_WORKERS?",
        f"POUNCE_PROT in {path} is not a setting; did you mean POUNCE_PORT?",
    )
