"""How each middleware of the chain is made. Nothing is imported before it is switched on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from .failure_answer import FailureAnswer
from .secret_values import secrets_of
from .shared_limits import limits_requests
from .user_middleware import wrap_in

if TYPE_CHECKING:
    from pounce_asgi import ASGI3Application

    from .chain import Surroundings
    from .config import ServerConfig

__all__ = [
    "adds_fields",
    "allowed_hosts",
    "answers_metrics",
    "application_timing",
    "client_gone",
    "compression",
    "cors",
    "error_pages",
    "error_reports",
    "failure_answer",
    "health",
    "hooks",
    "messages_have_request_ids",
    "metrics",
    "proxies_are_believed",
    "proxy_headers",
    "queue_entry",
    "queue_exit",
    "rate_limit",
    "request_id",
    "request_ids_in_messages",
    "request_queue",
    "request_timeout",
    "security_headers",
    "server_timing",
    "static_files",
    "traces",
    "traces_the_queue",
    "user_middleware",
]


def proxies_are_believed(config: ServerConfig) -> bool:
    """As soon as somebody is named who is to be believed, unless that is switched off."""
    wanted = getattr(config.proxies, "proxy_headers", None)
    return bool(getattr(config.proxies, "forwarded_allow_ips", ())) if wanted is None else wanted


def proxy_headers(app: ASGI3Application, given: Surroundings) -> ASGI3Application:
    from pounce_middleware import ProxyHeadersMiddleware

    return ProxyHeadersMiddleware.from_settings(app, given.config.proxies)


def health(app: ASGI3Application, given: Surroundings) -> ASGI3Application:
    from pounce_middleware import HealthMiddleware

    return HealthMiddleware.from_settings(app, given.config.health, server=given.health)


def client_gone(app: ASGI3Application, given: Surroundings) -> ASGI3Application:
    from pounce_middleware import ClientGoneMiddleware

    return ClientGoneMiddleware.from_settings(app, given.config.client_gone)


def request_timeout(app: ASGI3Application, given: Surroundings) -> ASGI3Application:
    from pounce_middleware import RequestTimeoutMiddleware

    return RequestTimeoutMiddleware.from_settings(app, given.config.request_timeouts)


def error_pages(app: ASGI3Application, given: Surroundings) -> ASGI3Application:
    from pounce_middleware.error_page import ErrorPageMiddleware

    secrets = secrets_of(given.config)
    return ErrorPageMiddleware.from_settings(app, given.config.error_pages, secrets=secrets)


def request_id(app: ASGI3Application, given: Surroundings) -> ASGI3Application:
    from pounce_middleware import RequestIdMiddleware

    return RequestIdMiddleware.from_settings(app, given.config.request_ids)


def server_timing(app: ASGI3Application, given: Surroundings) -> ASGI3Application:
    from pounce_middleware import ServerTimingMiddleware

    return ServerTimingMiddleware.from_settings(app, given.config.timing)


def application_timing(app: ASGI3Application, _given: Surroundings) -> ASGI3Application:
    from pounce_middleware import ApplicationTimingMiddleware

    return ApplicationTimingMiddleware(app)


def hooks(app: ASGI3Application, given: Surroundings) -> ASGI3Application:
    from pounce_middleware import HooksMiddleware

    hooks, named = given.config.hooks, given.named
    return HooksMiddleware(
        app,
        on_request=[named[name] for name in hooks.on_request],
        on_response=[named[name] for name in hooks.on_response],
    )


def security_headers(app: ASGI3Application, given: Surroundings) -> ASGI3Application:
    from pounce_middleware import SecurityHeadersMiddleware

    return SecurityHeadersMiddleware.from_settings(app, given.config.security)


def allowed_hosts(app: ASGI3Application, given: Surroundings) -> ASGI3Application:
    from pounce_middleware import AllowedHostsMiddleware

    return AllowedHostsMiddleware.from_settings(app, given.config.hosts)


def rate_limit(app: ASGI3Application, given: Surroundings) -> ASGI3Application:
    from pounce_middleware import RateLimitMiddleware

    return RateLimitMiddleware.from_settings(app, given.config.rates, limiter=given.limits.rate)


def cors(app: ASGI3Application, given: Surroundings) -> ASGI3Application:
    from pounce_middleware import cors_middleware

    return cors_middleware(app, given.config.cors)


def compression(app: ASGI3Application, given: Surroundings) -> ASGI3Application:
    from pounce_compression import CompressionMiddleware

    # That package stands alone: its own types say less of messages than ours do.
    inside = cast("Any", app)
    shared = getattr(given.limits, "dictionaries", None)
    return CompressionMiddleware.from_settings(inside, given.config.compression, dictionaries=shared)  # type: ignore[return-value]


def static_files(app: ASGI3Application, given: Surroundings) -> ASGI3Application:
    from pounce_middleware.static import StaticMounts

    return StaticMounts.from_settings(app, given.config.static_files)


def request_queue(app: ASGI3Application, given: Surroundings) -> ASGI3Application:
    from pounce_middleware import LoadSheddingMiddleware

    return LoadSheddingMiddleware.from_settings(app, given.config.shedding, shedder=given.limits.shedder)


def adds_fields(config: ServerConfig) -> bool:
    """Whether anything in the chain has something to say in every response."""
    return bool(
        getattr(config.request_ids, "request_id_header", None)
        or getattr(config.security, "security_headers", False)
        or getattr(config.cors, "cors_origins", ())
        or getattr(config.hooks, "on_response", ())
        or getattr(config.timing, "server_timing", False)
    )


def failure_answer(app: ASGI3Application, _given: Surroundings) -> ASGI3Application:
    return FailureAnswer(app)


def user_middleware(app: ASGI3Application, given: Surroundings) -> ASGI3Application:
    return wrap_in(app, given.config, given.named)


def answers_metrics(config: ServerConfig) -> bool:
    """Whether metrics are asked for where the application is."""
    return config.prometheus.metrics and config.prometheus.metrics_bind is None


def metrics(app: ASGI3Application, given: Surroundings) -> ASGI3Application:
    from pounce_observability.metrics import MetricsMiddleware

    assert given.observation is not None
    return MetricsMiddleware(app, collect=given.observation.collect, path=given.config.prometheus.metrics_path)


def traces(app: ASGI3Application, given: Surroundings) -> ASGI3Application:
    from pounce_observability.tracing import TracingMiddleware

    return TracingMiddleware.from_settings(app, given.config.tracing, worker_id=given.worker_id)


def traces_the_queue(config: ServerConfig) -> bool:
    """Whether the time that requests wait for the application is to be seen in traces."""
    return config.tracing.otel and limits_requests(config)


def queue_entry(app: ASGI3Application, _given: Surroundings) -> ASGI3Application:
    from pounce_observability.tracing import QueueEntryMiddleware

    return QueueEntryMiddleware(app)


def queue_exit(app: ASGI3Application, _given: Surroundings) -> ASGI3Application:
    from pounce_observability.tracing import QueueExitMiddleware

    return QueueExitMiddleware(app)


def error_reports(app: ASGI3Application, given: Surroundings) -> ASGI3Application:
    from pounce_observability.sentry import SentryMiddleware

    made: ASGI3Application = SentryMiddleware.from_settings(app, given.config.sentry, wsgi=given.wsgi)
    return made


def messages_have_request_ids(config: ServerConfig) -> bool:
    """Whether there are ids, and messages in a form that has a place for them."""
    given = config.exchange.request_id or getattr(config.request_ids, "request_id_header", None)
    return bool(given) and config.logs.log_format != "text"


def request_ids_in_messages(app: ASGI3Application, _given: Surroundings) -> ASGI3Application:
    from pounce_observability.logging_setup import RequestIdContext

    return RequestIdContext(app)
