"""The configuration: frozen all through, validated, with every nested setting under one flat name."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pounce import ConfigError, ServerConfig
from pounce.config import all_settings
from pounce_asgi.settings import ExchangeSettings
from pounce_http1 import Limits
from pounce_workers.settings import WorkerSettings


def test_every_setting_says_what_it_is_for() -> None:
    for setting in all_settings():
        assert setting.help.endswith("."), setting.name
        assert "\n" not in setting.help
        assert setting.group not in ("", "General"), setting.name


UVICORN_NAMES = """
    --host --port --uds --fd --workers --factory --app-dir --root-path --env-file --log-level --access-log --backlog
    --timeout-keep-alive --limit-concurrency --header --loop --http --lifespan --interface --server-header --date-header
"""


@pytest.mark.parametrize("flag", UVICORN_NAMES.split())
def test_names_that_people_know_from_uvicorn(flag: str) -> None:
    assert flag in {setting.flag for setting in all_settings()}


def test_defaults_are_valid_and_those_of_the_packages() -> None:
    config = ServerConfig(app="main:app")
    assert (config.host, config.port, config.access.access_log) == ("127.0.0.1", 8000, True)
    assert config.worker == WorkerSettings()
    assert config.exchange == ExchangeSettings()
    assert config.http1 == Limits()


def test_fields_cannot_be_assigned() -> None:
    config = ServerConfig(app="main:app")
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.port = 1  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.worker.backlog = 1  # type: ignore[misc]


def test_lists_inside_become_tuples() -> None:
    header: Any = [["X-A", "1"]]
    config = ServerConfig(app="main:app", exchange=ExchangeSettings(header=header))
    header.append(["X-B", "2"])
    assert config.exchange.header == (("X-A", "1"),)
    assert isinstance(hash(config), int)


def test_only_keywords() -> None:
    with pytest.raises(TypeError):
        ServerConfig("main:app")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"port": 65536}, "port: 65536 is not allowed; it must be a whole number from 0 to 65535"),
        ({"port": "8000"}, "port: '8000' is not allowed; it must be a whole number from 0 to 65535"),
        ({"app": 5}, "app: 5 is not allowed; it must be an application, written module:attribute"),
        ({"workers": -1}, "workers: -1 is not allowed; it must be a whole number from 0 to 1024, or auto"),
        ({"bind": ["a:1", "b"]}, "it must be HOST:PORT, [IPV6]:PORT, unix:PATH, fd://NUMBER or systemd://NAME"),
        ({"uds_permissions": 660}, "uds_permissions: 660 is not allowed; it must be three octal digits in a text"),
        ({"bind": [":1"], "uds": "/x"}, "uds and bind cannot both be set: to listen in several places give each as"),
        ({"uds": "/x", "fd": 3}, "uds and fd cannot both be set"),
        ({"app_scope": "worker"}, "it needs a factory"),
    ],
)
def test_wrong_values_name_the_field_and_what_is_allowed(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ServerConfig(**({"app": "main:app"} | values))
    assert message in str(caught.value)


def test_flat_names_reach_nested_settings() -> None:
    config = ServerConfig.of(
        {"app": "main:app", "port": 1, "timeout_keep_alive": 5, "root_path": "/api", "limit_request_fields": 7}
    )
    assert config.port == 1
    assert config.worker.timeout_keep_alive == 5.0
    assert config.exchange.root_path == "/api"
    assert config.http1.limit_request_fields == 7
    assert config.serving.worker is config.worker


def test_a_nested_object_may_be_given_whole() -> None:
    worker = WorkerSettings(backlog=5)
    assert ServerConfig.of({"app": "main:app", "worker": worker}).worker is worker


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"app": "main:app", "prot": 1}, "'prot' is not a setting; did you mean 'port'?"),
        ({"app": "main:app", "zzzzz": 1}, "'zzzzz' is not a setting"),
        ({}, "no application is given; name one as module:attribute, such as main:app"),
        ({"app": "main:app", "backlog": 0}, "backlog: 0 is not allowed; it must be a whole number of 1 or more"),
        (
            {"app": "main:app", "log_level": "loud"},
            "log_level: 'loud' is not allowed; it must be one of critical, error, warning",
        ),
        ({"app": "main:app", "root_path": "api"}, "root_path: 'api' does not begin with a slash"),
        (
            {"app": "main:app", "worker": WorkerSettings(), "backlog": 5},
            "worker is given whole, so backlog cannot be given beside it",
        ),
        ({"app": print, "reload": True}, "it must be named as module:attribute"),
        ({"app": "main:app", "worker": 5}, "worker must be of type WorkerSettings, not int"),
    ],
)
def test_flat_names_are_checked(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ServerConfig.of(values)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, False),
        ({"factory": True}, True),
        ({"factory": True, "app_scope": "shared"}, False),
        ({"factory": True, "app_scope": "worker"}, True),
        ({"app_scope": "shared"}, False),
    ],
)
def test_each_worker_has_its_own_application_where_it_can_be_made(values: dict[str, Any], expected: bool) -> None:
    assert ServerConfig.of({"app": "main:app"} | values).app_per_worker is expected


def test_places_and_words_for_numbers() -> None:
    config = ServerConfig.of(
        {"app": "main:app", "bind": ["a:1", "unix:/x"], "uds_permissions": "0o660", "workers": "auto"}
    )
    assert (config.bind, config.uds_permissions, config.workers) == (("a:1", "unix:/x"), "660", 0)
    assert ServerConfig(app="main:app", bind=[]).bind == ()  # type: ignore[arg-type]
