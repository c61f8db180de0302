"""The optional packages: the one place that finds out which are installed, and says what to install."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pounce_asgi import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from .config import ServerConfig

__all__ = [
    "COMPRESSION",
    "CRYPTOGRAPHY",
    "DEBUG",
    "DOTENV",
    "FEATURES",
    "H11",
    "HTTP2",
    "HTTP3",
    "MIDDLEWARE",
    "OPENTELEMETRY",
    "PROMETHEUS",
    "REDIS",
    "RICH",
    "SENTRY",
    "STARLETTE",
    "UVLOOP",
    "WATCHFILES",
    "WEBSOCKET",
    "YAML",
    "Feature",
    "require_features",
    "wanted_features",
]


@dataclass(frozen=True, slots=True)
class Feature:
    """What an optional package gives."""

    extra: str
    """The extra of ``pounce-server`` that installs it."""
    module: str
    """The module whose presence means that it is installed."""

    @property
    def installed(self) -> bool:
        """Whether it can be imported. Nothing is imported to find out."""
        try:
            return importlib.util.find_spec(self.module) is not None
        except (ImportError, ValueError):  # a parent package is missing, or the module is half-made
            return False

    @property
    def how_to_install(self) -> str:
        """The command that installs it."""
        return f"pip install 'pounce-server[{self.extra}]'"

    def require(self, wanted_by: str) -> None:
        """Make sure that it is installed; ``wanted_by`` is what a person asked for, such as ``--loop uvloop``.

        Raises:
            ConfigError: it is not; the message says what to install.
        """
        if not self.installed:
            raise ConfigError(f"{wanted_by} needs {self.module}, which is not installed: {self.how_to_install}")

    def load(self, wanted_by: str) -> ModuleType:
        """Import it.

        Raises:
            ConfigError: it is not installed, or its import fails.
        """
        self.require(wanted_by)
        try:
            return importlib.import_module(self.module)
        except ImportError as error:
            raise ConfigError(f"{wanted_by} needs {self.module}, which cannot be imported: {error}") from error


H11: Final = Feature("h11", "h11")
UVLOOP: Final = Feature("uvloop", "uvloop")
DOTENV: Final = Feature("dotenv", "dotenv")
WATCHFILES: Final = Feature("reload", "watchfiles")
WEBSOCKET: Final = Feature("ws", "pounce_websocket")
HTTP2: Final = Feature("h2", "pounce_h2")
HTTP3: Final = Feature("h3", "pounce_h3")
COMPRESSION: Final = Feature("compression", "pounce_compression")
MIDDLEWARE: Final = Feature("middleware", "pounce_middleware")
DEBUG: Final = Feature("debug", "jinja2")
REDIS: Final = Feature("redis", "redis")
STARLETTE: Final = Feature("cors", "starlette")
PROMETHEUS: Final = Feature("metrics", "prometheus_client")
OPENTELEMETRY: Final = Feature("otel", "opentelemetry.sdk")
SENTRY: Final = Feature("sentry", "sentry_sdk")
RICH: Final = Feature("rich", "rich")
YAML: Final = Feature("yaml", "yaml")
CRYPTOGRAPHY: Final = Feature("tls", "cryptography")

FEATURES: Final = (
    H11,
    UVLOOP,
    DOTENV,
    WATCHFILES,
    WEBSOCKET,
    HTTP2,
    HTTP3,
    COMPRESSION,
    MIDDLEWARE,
    DEBUG,
    REDIS,
    STARLETTE,
    PROMETHEUS,
    OPENTELEMETRY,
    SENTRY,
    RICH,
    YAML,
    CRYPTOGRAPHY,
)


def require_features(config: ServerConfig) -> None:
    """Make sure that what the configuration asks for is installed.

    Raises:
        ConfigError: it is not; the message says what to install.
    """
    for feature, setting, value in wanted_features(config):
        feature.require(f"{setting} {value}".rstrip())


def wanted_features(config: ServerConfig) -> Iterator[tuple[Feature, str, str]]:
    """What the configuration asks for: the package, the setting that asks, and its value where that is what asks."""
    if config.worker.http == "h11":
        yield H11, "http", "h11"
    if config.worker.loop == "uvloop":
        yield UVLOOP, "loop", "uvloop"
    if config.websocket.ws == "wsproto":
        yield WEBSOCKET, "ws", "wsproto"
    if config.h2.http2 == "on":
        yield HTTP2, "http2", "on"
    for feature, setting, is_on in (
        (HTTP3, "quic_bind", config.quic_bind),
        (MIDDLEWARE, "proxy_protocol", config.proxy_protocol),
        (REDIS, "rate_limit_store", getattr(config.rates, "rate_limit_store", None) is not None),
        (STARLETTE, "cors_origins", getattr(config.cors, "cors_origins", ())),
        (PROMETHEUS, "metrics", config.prometheus.metrics),
        (OPENTELEMETRY, "otel", config.tracing.otel),
        (SENTRY, "sentry_dsn", config.sentry.sentry_dsn is not None),
        (YAML, "log_config", (config.logs.log_config or "").endswith((".yaml", ".yml"))),
    ):
        if is_on:
            yield feature, setting, ""
