"""THE order of middleware, outermost first. What is off is not in the chain, and with nothing on the application is
returned unchanged: a feature that is not used costs nothing per request.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from pounce_asgi import ConfigError

from . import links
from .shared_limits import limits_rate, limits_requests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pounce_asgi import ASGI3Application

    from .config import ServerConfig
    from .observation import Observation
    from .server_health import Health
    from .shared_limits import SharedLimits

__all__ = ["ORDER", "Link", "Surroundings", "build_chain", "check_chain", "import_chain", "names_on"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What middleware is made of."""

    config: ServerConfig
    named: Mapping[str, Any]
    """What the configuration names in the application's code, by name."""
    limits: SharedLimits
    health: Health | None = None
    """What the server knows about itself; without it who answers is ready."""
    observation: Observation | None = None
    """Who looks at requests."""
    worker_id: int = 0
    wsgi: bool = False
    """The application speaks WSGI."""


@dataclass(frozen=True, slots=True)
class Link:
    """One middleware: when it is on, and how it wraps what is inside of it."""

    name: str
    is_on: Callable[[ServerConfig], bool]
    wrap: Callable[[ASGI3Application, Surroundings], ASGI3Application]
    module: str = ""
    """Where it lives, which is imported when it is on; empty for what is always there."""
    lifts: bool = True
    """An application that blocks is made ASGI for it. Else it goes without."""


def _has(section: str, *names: str) -> Callable[[ServerConfig], bool]:
    """On when one of these settings is given. Those of an extra that is not installed do not exist."""

    def is_on(config: ServerConfig) -> bool:
        holder = getattr(config, section)
        return any(getattr(holder, name, None) for name in names)

    return is_on


ORDER: Final[tuple[Link, ...]] = (
    # Asked all the time, by those who have no time: before any other work.
    Link("health", _has("health", "health_checks"), links.health, "pounce_middleware.health"),
    # The same of those who count.
    Link("metrics", links.answers_metrics, links.metrics, "pounce_observability.metrics.endpoint"),
    # An id is taken from whoever connects, so this asks before the client is another.
    Link(
        "request id",
        _has("request_ids", "request_id_header", "request_id_trust"),
        links.request_id,
        "pounce_middleware.request_id",
    ),
    # Who the client is comes before everything that asks for it.
    Link("proxy headers", links.proxies_are_believed, links.proxy_headers, "pounce_middleware.proxy_headers"),
    # Everything that lets a request wait is within its span.
    Link("traces", _has("tracing", "otel"), links.traces, "pounce_observability.tracing.middleware"),
    # Measures all that follows.
    Link("server timing", _has("timing", "server_timing"), links.server_timing, "pounce_middleware.server_timing"),
    Link("hooks", _has("hooks", "on_request", "on_response"), links.hooks, "pounce_middleware.hooks"),
    # What is refused costs least when it is refused first; the answers still get the fields for browsers.
    Link(
        "security headers",
        _has("security", "security_headers"),
        links.security_headers,
        "pounce_middleware.security_headers",
    ),
    Link("allowed hosts", _has("hosts", "allowed_hosts"), links.allowed_hosts, "pounce_middleware.allowed_hosts"),
    # A preflight request is answered here: it uses up no rate, and never waits for a place in the application. What is
    # refused from here on may be read by the page that asked.
    Link("cors", _has("cors", "cors_origins"), links.cors, "pounce_middleware.cors"),
    Link("rate limit", limits_rate, links.rate_limit, "pounce_middleware.rate_limit"),
    Link("compression", _has("compression", "compress"), links.compression, "pounce_compression.middleware"),
    # Files wait for nobody, and have no share in the application's places.
    Link("static files", _has("static_files", "static"), links.static_files, "pounce_middleware.static.mounts"),
    Link("entry of the queue", links.traces_the_queue, links.queue_entry, "pounce_observability.tracing.queue_time"),
    Link("request queue", limits_requests, links.request_queue, "pounce_middleware.load_shedding"),
    Link("exit of the queue", links.traces_the_queue, links.queue_exit, "pounce_observability.tracing.queue_time"),
    Link(
        "cancel on disconnect",
        _has("client_gone", "cancel_on_disconnect"),
        links.client_gone,
        "pounce_middleware.client_gone",
    ),
    # The time of the application, not of its queue, nor of a client that is slow to take a file.
    Link(
        "request timeout",
        _has("request_timeouts", "request_timeout"),
        links.request_timeout,
        "pounce_middleware.request_timeout",
    ),
    # Also what fails is answered with the fields that those outside add.
    Link("failure answer", links.adds_fields, links.failure_answer),
    # Shows what goes wrong in the application and in the user's own middleware.
    Link("error pages", _has("error_pages", "debug"), links.error_pages, "pounce_middleware.error_page.middleware"),
    # Next to what fails: it reports what the user's code raises, however that is answered.
    Link("error reports", _has("sentry", "sentry_dsn"), links.error_reports, "pounce_observability.sentry.middleware"),
    Link("middleware", lambda config: bool(config.middleware), links.user_middleware),
    # Messages of the application, not of what is around it.
    Link(
        "request ids in messages",
        links.messages_have_request_ids,
        links.request_ids_in_messages,
        "pounce_observability.logging_setup.log_context",
        lifts=False,
    ),
    Link(
        "application timing",
        _has("timing", "server_timing"),
        links.application_timing,
        "pounce_middleware.server_timing",
    ),
)


_UNSAID: Final = frozenset(
    {"application timing", "entry of the queue", "exit of the queue", "failure answer", "request ids in messages"}
)
"""Parts of others."""

_BY_THEMSELVES: Final = frozenset(
    {"proxy headers", "request id", "security headers", "allowed hosts", "cors", "compression", "static files"}
)


def build_chain(app: ASGI3Application, given: Surroundings, order: Sequence[Link] = ORDER) -> ASGI3Application:
    """The application inside all middleware that the configuration switches on.

    Raises:
        PounceError: one could not be made.
    """
    for link in reversed(order):
        if link.is_on(given.config):
            try:
                app = link.wrap(app, given)
            except (
                LookupError,
                ValueError,
            ) as error:  # a rule that only the middleware knows
                raise ConfigError(str(error)) from error
    return app


def import_chain(config: ServerConfig) -> None:
    """Import what is on, in the thread that starts the server: before it is known what serves, for an extension module
    may switch the GIL on, and before there are threads that would import it all at once.
    """
    for link in ORDER:
        if link.module and link.is_on(config):
            importlib.import_module(link.module)


def check_chain(config: ServerConfig) -> None:
    """Find out what cannot be served before anything is started: what needs nothing of the application's code.

    Raises:
        ConfigError: a setting that is on cannot be had; the message says what to do.
    """

    async def nobody(*_: Any) -> None: ...

    given = Surroundings(config=config, named={}, limits=cast("Any", None))
    build_chain(nobody, given, [link for link in ORDER if link.name in _BY_THEMSELVES])


def names_on(config: ServerConfig) -> list[str]:
    """What is in the chain, outermost first."""
    return [link.name for link in ORDER if link.is_on(config) and link.name not in _UNSAID]
