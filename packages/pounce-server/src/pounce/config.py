"""The configuration of a server: one frozen, validated object in which each package's settings are nested."""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pounce_asgi import ConfigError, SyncApp
from pounce_asgi.settings import ExchangeSettings, Http2Settings, Http3Settings, LiftSettings, WebSocketSettings
from pounce_http1 import Limits
from pounce_observability.access_log.settings import AccessLogSettings
from pounce_observability.advice.settings import AdviceSettings
from pounce_observability.introspection.settings import IntrospectionSettings
from pounce_observability.logging_setup.settings import LoggingSettings
from pounce_observability.metrics.settings import MetricsSettings
from pounce_observability.profiling.settings import ProfilingSettings
from pounce_observability.sentry.settings import SentrySettings
from pounce_observability.tracing.settings import TracingSettings
from pounce_workers.settings import ServingSettings, WorkerSettings
from pounce_workers.tls_settings import TlsSettings

from .extra_settings import (
    AllowedHostsSettings,
    ClientGoneSettings,
    CompressionSettings,
    CorsSettings,
    ErrorPageSettings,
    HealthSettings,
    HookSettings,
    LoadSheddingSettings,
    ProxyHeaderSettings,
    RateLimitSettings,
    RequestIdSettings,
    RequestTimeoutSettings,
    SecurityHeadersSettings,
    ServerTimingSettings,
    StaticSettings,
)
from .middleware_values import MiddlewareUse  # noqa: TC001 - the type of a field, read at run time
from .quic_rules import check_quic
from .reload_settings import ReloadSettings
from .setting_values import built, checked, did_you_mean
from .settings import Kind, Setting, settings_of

__all__ = ["Application", "ServerConfig", "all_settings"]

ONE_PLACE: Final = ("uds", "fd", "bind")
"""Settings of which at most one may be given: each says where to listen, instead of host and port."""

SEVERAL_PLACES: Final = "to listen in several places give each as bind (unix:PATH, fd://NUMBER)"

Application = str | Callable[..., Any] | SyncApp
"""``module:attribute``, or the application itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """Everything that a server is told. Immutable all through, so threads may share it.

    Raises:
        ConfigError: a value is not allowed; the message names the field and says what is.
    """

    app: Application = field(
        metadata={
            "help": "The application.",
            "kind": Kind.APPLICATION,
            "group": "Application",
            "metavar": "MODULE:ATTRIBUTE",
        }
    )
    factory: bool = field(
        default=False, metadata={"help": "The application is made by calling what is named.", "group": "Application"}
    )
    app_scope: Literal["auto", "shared", "worker"] = field(
        default="auto",
        metadata={
            "help": "What worker threads serve: shared is one application object for all, worker is one for each, which"
            " takes a factory; auto is worker with a factory and shared without.",
            "group": "Application",
        },
    )
    app_dir: str = field(
        default="",
        metadata={
            "help": "Folder in which the application's module is looked for first; default is the current one.",
            "group": "Application",
            "metavar": "FOLDER",
        },
    )
    env_file: str | None = field(
        default=None,
        metadata={
            "help": "File of environment variables; those that are set already stay as they are.",
            "group": "Application",
            "metavar": "FILE",
        },
    )
    interface: str = field(
        default="auto",
        metadata={
            "help": "The application's interface; auto finds out.",
            "choices": ("auto", "asgi3", "asgi2", "wsgi", "sync"),
            "group": "Application",
        },
    )
    middleware: tuple[MiddlewareUse, ...] = field(
        default=(),
        metadata={
            "help": "ASGI middleware around the application, the outermost first; may be repeated. In a file an entry"
            ' may be a table with options: {use = "module:Class", option = 1}.',
            "group": "Application",
            "metavar": "MODULE:CLASS",
        },
    )
    host: str = field(
        default="127.0.0.1", metadata={"help": "Address to listen on; 0.0.0.0 or :: for all.", "group": "Address"}
    )
    port: int = field(
        default=8000,
        metadata={
            "help": "Port to listen on; 0 takes a free one.",
            "minimum": 0,
            "maximum": 65535,
            "group": "Address",
        },
    )
    uds: str | None = field(
        default=None,
        metadata={"help": "UNIX socket to listen on, instead of host and port.", "group": "Address", "metavar": "PATH"},
    )
    fd: int | None = field(
        default=None,
        metadata={
            "help": "File descriptor of a listening socket, instead of host and port.",
            "minimum": 0,
            "group": "Address",
        },
    )
    bind: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "Place to listen on, instead of host and port; may be repeated.",
            "kind": Kind.PLACES,
            "group": "Address",
            "metavar": "HOST:PORT|unix:PATH|fd://NUMBER",
        },
    )
    quic_bind: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "Place to serve HTTP/3 on, over UDP, beside the others; may be repeated. It takes a certificate.",
            "group": "HTTP/3",
            "metavar": "HOST:PORT",
        },
    )
    alt_svc_max_age: int | None = field(
        default=86_400,
        metadata={
            "help": "How long clients that come by HTTP/1.1 or HTTP/2 may remember that there is HTTP/3 (Alt-Svc); with"
            " none they are not told.",
            "unit": "seconds",
            "minimum": 0,
            "group": "HTTP/3",
        },
    )
    proxy_protocol: bool = field(
        default=False,
        metadata={
            "help": "Every connection begins with a PROXY header, version 1 or 2, in which a proxy says whose it is.",
            "group": "Proxies",
        },
    )
    proxy_allow_ips: tuple[str, ...] = field(
        default=("127.0.0.1", "::1", "unix"),
        metadata={
            "help": "Who may send a PROXY header: addresses, networks such as 10.0.0.0/8, unix for UNIX sockets, * for"
            " whoever connects. Others are refused.",
            "group": "Proxies",
        },
    )
    uds_permissions: str | None = field(
        default=None,
        metadata={
            "help": "Permissions of the files of UNIX sockets; without it the umask decides.",
            "kind": Kind.PERMISSIONS,
            "group": "Address",
            "metavar": "OCTAL",
        },
    )
    workers: int = field(
        default=1,
        metadata={
            "help": "How many workers serve; auto is one for each CPU that may be used.",
            "minimum": 0,
            "maximum": 1024,
            "words": {"auto": 0},
            "group": "Workers",
        },
    )
    cpu_affinity: bool = field(
        default=False,
        metadata={"help": "Keep each worker on one CPU, in turn of those allowed (Linux).", "group": "Workers"},
    )
    worker_kind: Literal["auto", "thread", "process"] = field(
        default="auto",
        metadata={
            "help": "What a worker is; auto is a thread where the GIL is off, a process where it is on and there are"
            " several.",
            "group": "Workers",
        },
    )
    worker_mode: Literal["auto", "async", "sync"] = field(
        default="auto",
        metadata={
            "help": "How a worker serves: async is any number of requests in one event loop, sync is one request to a"
            " thread, for applications that block; auto is sync for WSGI and SyncApp without middleware.",
            "group": "Workers",
        },
    )
    distribution: Literal["distributor", "reuseport"] = field(
        default="distributor",
        metadata={
            "help": "How several workers get new connections: distributor is one thread that gives each to the worker"
            " with the fewest, or for processes a socket from which all take; reuseport is a socket for each, over"
            " which the system spreads them (Linux).",
            "group": "Workers",
        },
    )
    app_name: str | None = field(
        default=None,
        metadata={"help": "Name of the application in the start-up banner.", "group": "Banner", "metavar": "NAME"},
    )
    app_tagline: str | None = field(
        default=None, metadata={"help": "What the banner says beside the name.", "group": "Banner", "metavar": "TEXT"}
    )
    app_version: str | None = field(
        default=None, metadata={"help": "Version that the banner shows.", "group": "Banner", "metavar": "VERSION"}
    )
    logs: LoggingSettings = field(default_factory=LoggingSettings, metadata={"group": "Logging"})
    access: AccessLogSettings = field(default_factory=AccessLogSettings, metadata={"group": "Access log"})
    tracing: TracingSettings = field(default_factory=TracingSettings, metadata={"group": "OpenTelemetry"})
    sentry: SentrySettings = field(default_factory=SentrySettings, metadata={"group": "Sentry"})
    prometheus: MetricsSettings = field(default_factory=MetricsSettings, metadata={"group": "Metrics"})
    inspection: IntrospectionSettings = field(
        default_factory=IntrospectionSettings, metadata={"group": "Introspection"}
    )
    profiling: ProfilingSettings = field(default_factory=ProfilingSettings, metadata={"group": "Profiling"})
    advice: AdviceSettings = field(default_factory=AdviceSettings, metadata={"group": "Warnings"})
    worker: WorkerSettings = field(default_factory=WorkerSettings, metadata={"group": "Workers"})
    lift: LiftSettings = field(default_factory=LiftSettings, metadata={"group": "Workers"})
    reloading: ReloadSettings = field(default_factory=ReloadSettings, metadata={"group": "Reload"})
    exchange: ExchangeSettings = field(default_factory=ExchangeSettings, metadata={"group": "Requests and responses"})
    http1: Limits = field(default_factory=Limits, metadata={"group": "HTTP/1.1 limits"})
    tls: TlsSettings = field(default_factory=TlsSettings, metadata={"group": "TLS"})
    h2: Http2Settings = field(default_factory=Http2Settings, metadata={"group": "HTTP/2"})
    h3: Http3Settings = field(default_factory=Http3Settings, metadata={"group": "HTTP/3"})
    websocket: WebSocketSettings = field(default_factory=WebSocketSettings, metadata={"group": "WebSocket"})
    compression: CompressionSettings = field(default_factory=CompressionSettings, metadata={"group": "Compression"})
    static_files: StaticSettings = field(default_factory=StaticSettings, metadata={"group": "Static files"})
    proxies: ProxyHeaderSettings = field(default_factory=ProxyHeaderSettings, metadata={"group": "Proxies"})
    request_ids: RequestIdSettings = field(
        default_factory=RequestIdSettings, metadata={"group": "Requests and responses"}
    )
    hosts: AllowedHostsSettings = field(
        default_factory=AllowedHostsSettings, metadata={"group": "Requests and responses"}
    )
    rates: RateLimitSettings = field(default_factory=RateLimitSettings, metadata={"group": "Rate limit"})
    shedding: LoadSheddingSettings = field(default_factory=LoadSheddingSettings, metadata={"group": "Request queue"})
    request_timeouts: RequestTimeoutSettings = field(
        default_factory=RequestTimeoutSettings, metadata={"group": "Requests and responses"}
    )
    client_gone: ClientGoneSettings = field(
        default_factory=ClientGoneSettings, metadata={"group": "Requests and responses"}
    )
    health: HealthSettings = field(default_factory=HealthSettings, metadata={"group": "Health"})
    error_pages: ErrorPageSettings = field(default_factory=ErrorPageSettings, metadata={"group": "Application"})
    security: SecurityHeadersSettings = field(default_factory=SecurityHeadersSettings, metadata={"group": "Browsers"})
    cors: CorsSettings = field(default_factory=CorsSettings, metadata={"group": "Browsers"})
    timing: ServerTimingSettings = field(default_factory=ServerTimingSettings, metadata={"group": "Browsers"})
    hooks: HookSettings = field(default_factory=HookSettings, metadata={"group": "Application"})

    def __post_init__(self) -> None:
        changed: dict[str, dict[str, Any]] = {}
        for setting in all_settings():
            holder = getattr(self, setting.section) if setting.section else self
            given = getattr(holder, setting.name)
            value = checked(setting, given)
            if value is given:
                continue
            if setting.section:
                changed.setdefault(setting.section, {})[setting.name] = value
            else:
                object.__setattr__(self, setting.name, value)
        for section, values in changed.items():
            object.__setattr__(self, section, dataclasses.replace(getattr(self, section), **values))
        places = [name for name in ONE_PLACE if getattr(self, name) not in (None, ())]
        if len(places) > 1:
            raise ConfigError(f"{' and '.join(places)} cannot both be set: {SEVERAL_PLACES}")
        if self.quic_bind:
            check_quic(self.quic_bind, self.tls)
        if self.reloading.reload and not isinstance(self.app, str):
            raise ConfigError("reload imports the application again, so it must be named as module:attribute")
        if self.app_scope == "worker" and not self.factory:
            raise ConfigError("app_scope: 'worker' makes an application for each worker, so it needs a factory")

    @classmethod
    def of(cls, values: Mapping[str, object]) -> ServerConfig:
        """A configuration from flat names, those of nested settings among them (``timeout_keep_alive=5``).

        A nested object may be given whole instead (``worker=WorkerSettings(...)``), but not both.

        Raises:
            ConfigError: a name is not a setting, or its value is not allowed.
        """
        known = {setting.name: setting for setting in all_settings()}
        own: dict[str, Any] = {}
        nested: dict[str, dict[str, Any]] = {}
        for name, value in values.items():
            setting = known.get(name)
            if setting is not None and setting.section:
                nested.setdefault(setting.section, {})[name] = checked(setting, value)
            elif setting is not None or name in _sections():
                own[name] = value
            else:
                raise ConfigError(f"{name!r} is not a setting{did_you_mean(name, known)}")
        for section, inner in nested.items():
            if section in own:
                raise ConfigError(f"{section} is given whole, so {', '.join(inner)} cannot be given beside it")
            own[section] = built(_sections()[section], inner)
        for section, expected in _sections().items():
            if section in own and not isinstance(own[section], expected):
                raise ConfigError(f"{section} must be of type {expected.__name__}, not {type(own[section]).__name__}")
        if "app" not in own:
            raise ConfigError("no application is given; name one as module:attribute, such as main:app")
        return cls(**own)

    @property
    def app_per_worker(self) -> bool:
        """Whether each worker thread gets an application object of its own, by calling the factory once more."""
        return self.factory if self.app_scope == "auto" else self.app_scope == "worker"

    @property
    def wants_admin_server(self) -> bool:
        """Whether anything is to be answered on a place of its own."""
        return self.inspection.introspection or (self.prometheus.metrics and self.prometheus.metrics_bind is not None)

    @property
    def serving(self) -> ServingSettings:
        """What a worker needs of it."""
        return ServingSettings(http1=self.http1, exchange=self.exchange, worker=self.worker)


@functools.cache
def all_settings() -> tuple[Setting, ...]:
    """Every setting there is, in the order of the help."""
    return settings_of(ServerConfig)


@functools.cache
def _sections() -> dict[str, type]:
    """The nested settings classes by the field that holds them."""
    hints = typing.get_type_hints(ServerConfig)
    return {setting.section: hints[setting.section] for setting in all_settings() if setting.section}
