"""Settings that were given and change nothing, because another one that they need is not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from pounce.addresses import places
from pounce.config import all_settings
from pounce.links import proxies_are_believed
from pounce.places import UnixPlace
from pounce.protocols import speaks_http2
from pounce.shared_limits import limits_rate, limits_requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pounce.config import ServerConfig
    from pounce.settings import Setting
    from pounce_workers import Decision

    from .report import Report

__all__ = ["RULES", "Rule", "Serving", "check_no_effect", "needs_of"]


class Serving(NamedTuple):
    """What decides whether a setting has an effect."""

    config: ServerConfig
    decision: Decision
    interface: str
    """``asgi3`` and so on; empty where that is not known."""

    @property
    def blocks(self) -> bool:
        """The application is called in threads of its own."""
        return self.interface in ("wsgi", "sync")


class Rule(NamedTuple):
    """Settings, by name or by how their names begin, and what they need."""

    names: tuple[str, ...]
    """A name that ends with an underscore is a beginning."""
    works: Callable[[Serving], bool]
    needs: str
    """Follows "it needs"."""
    besides: tuple[str, ...] = ()
    """Names that begin so and need nothing."""


def _has(section: str, *names: str) -> Callable[[Serving], bool]:
    return lambda it: any(getattr(getattr(it.config, section), name, None) for name in names)


def _listens_on(kind: type) -> Callable[[Serving], bool]:
    return lambda it: any(isinstance(place, kind) for place in places(it.config))


def _blocking_pool(it: Serving) -> bool:
    return it.blocks or it.config.worker_mode == "sync"


RULES: Final = (
    Rule(
        ("host", "port"),
        lambda it: not (it.config.bind or it.config.uds or it.config.fd is not None),
        "no other place: bind, uds or fd is given",
    ),
    Rule(("uds_permissions",), _listens_on(UnixPlace), "a UNIX socket: uds, or bind with unix:PATH"),
    Rule(("alt_svc_max_age", "quic_", "h3_"), lambda it: bool(it.config.quic_bind), "quic_bind", ("quic_bind",)),
    Rule(("proxy_allow_ips",), lambda it: it.config.proxy_protocol, "proxy_protocol"),
    Rule(
        ("forwarded_",),
        lambda it: proxies_are_believed(it.config) or bool(getattr(it.config.proxies, "forwarded_strip", False)),
        "proxies that are believed: forwarded_allow_ips",
        ("forwarded_allow_ips", "forwarded_strip"),
    ),
    Rule(("distribution", "cpu_affinity"), lambda _: sys.platform == "linux", "Linux"),
    Rule(("distribution",), lambda it: it.decision.workers > 1, "several workers"),
    Rule(("limit_queue", "timeout_queue"), _blocking_pool, "an application that blocks, or worker_mode sync"),
    Rule(
        ("sync_threads", "limit_sync_queue", "timeout_sync_queue"),
        _blocking_pool,
        "an application that blocks, or worker_mode sync",
    ),
    Rule(("async_limit", "limit_pool_threads"), lambda it: it.config.worker_mode == "sync", "worker_mode sync"),
    Rule(("drain_idle", "workers_max_rss"), lambda it: it.decision.kind == "process", "worker processes"),
    Rule(("limit_max_requests_jitter",), _has("worker", "limit_max_requests"), "limit_max_requests"),
    Rule(("workers_lifetime_jitter",), _has("worker", "workers_lifetime"), "workers_lifetime"),
    Rule(("access_log_",), _has("access", "access_log"), "access_log"),
    Rule(("otel_",), _has("tracing", "otel"), "otel"),
    Rule(("sentry_",), _has("sentry", "sentry_dsn"), "sentry_dsn", ("sentry_dsn",)),
    Rule(("metrics_",), _has("prometheus", "metrics"), "metrics"),
    Rule(("introspection_",), _has("inspection", "introspection"), "introspection"),
    Rule(("profile",), lambda it: not _blocking_pool(it), "workers that answer on an event loop: worker_mode async"),
    Rule(("profile_interval",), _has("profiling", "profile"), "profile"),
    Rule(("reload_",), _has("reloading", "reload"), "reload", ("reload_dir",)),
    Rule(
        ("lifespan_scope", "timeout_lifespan_"),
        lambda it: it.config.exchange.lifespan != "off" and not it.blocks,
        "a lifespan: ASGI, and not lifespan off",
    ),
    Rule(("request_timeout_exempt_path",), _has("request_timeouts", "request_timeout"), "request_timeout"),
    Rule(
        ("ssl_",), lambda it: it.config.tls.enabled, "a certificate: ssl_certfile", ("ssl_certfile", "ssl_certificate")
    ),
    Rule(("h2_",), lambda it: speaks_http2(it.config), "HTTP/2: the extra h2, and not http2 off"),
    Rule(
        ("h2_upgrade",),
        lambda it: not (it.config.tls.enabled or _blocking_pool(it)),
        "no TLS, and workers that answer on an event loop: worker_mode async",
    ),
    Rule(("ws_",), lambda it: it.config.websocket.ws != "none" and not it.blocks, "WebSockets: ASGI, and not ws none"),
    Rule(("compress_",), _has("compression", "compress"), "compress"),
    Rule(("static_",), _has("static_files", "static"), "static"),
    Rule(("rate_limit_",), lambda it: limits_rate(it.config), "rate_limit"),
    Rule(("rate_limit_store_",), _has("rates", "rate_limit_store"), "rate_limit_store"),
    Rule(
        ("request_queue_",),
        lambda it: limits_requests(it.config),
        "request_queue_limit or request_queue_adaptive",
        ("request_queue_limit", "request_queue_adaptive"),
    ),
    Rule(("health_", "ready_"), _has("health", "health_checks"), "health_checks", ("health_checks",)),
    Rule(("security_",), _has("security", "security_headers"), "security_headers", ("security_headers",)),
    Rule(("cors_",), _has("cors", "cors_origins"), "cors_origins", ("cors_origins",)),
)
"""In the order of the help."""


def check_no_effect(serving: Serving, report: Report) -> None:
    """Add what was given, is not the default, and changes nothing."""
    for setting, needs in needs_of(serving):
        if report.origin(setting.name) is not None:
            report.add(
                "warning",
                "no effect",
                f"{setting.name} has no effect: it needs {needs}",
                setting=setting.name,
                do="set what it needs, or leave it out",
            )


def needs_of(serving: Serving) -> Iterator[tuple[Setting, str]]:
    """The settings that differ from their defaults and have no effect, each with what it needs."""
    for setting in all_settings():
        holder = getattr(serving.config, setting.section) if setting.section else serving.config
        if getattr(holder, setting.name) == setting.default:
            continue
        for rule in RULES:
            if _is_about(rule, setting.name) and not rule.works(serving):
                yield setting, rule.needs
                break


def _is_about(rule: Rule, name: str) -> bool:
    if name in rule.besides:
        return False
    return any(name.startswith(one) if one.endswith("_") else name == one for one in rule.names)
