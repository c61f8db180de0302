"""The lines that say at start-up what serves, where, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .chain import names_on
from .interpreter import describe_interpreter, gil_is_on, is_free_threaded
from .printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_workers import Decision

    from .addresses import Address
    from .config import ServerConfig

__all__ = ["banner"]


def banner(
    config: ServerConfig,
    addresses: Sequence[Address],
    *,
    interface: str,
    version: str,
    decision: Decision | None = None,
) -> tuple[str, ...]:
    """The lines, without a level or a time in front. ``decision`` says what serves and why; without it, one thread.

    ``interface`` is empty where only the worker processes know it.
    """
    pounce = f"Pounce {version}"
    rows = [
        ("application", f"{_application(config)} ({interface})" if interface else _application(config)),
        ("interpreter", describe_interpreter() + _gil_hint(decision)),
        ("workers", f"{_workers(decision)} ({_how(config, interface)})"),
        ("switched on", ", ".join(_switched_on(config)) or "nothing"),
    ]
    if config.app_name or config.app_version or config.app_tagline:
        title = _branded(config)
        rows.insert(0, ("server", pounce))
    else:
        title = pounce
    details = (f"  {name + ':':<13}{value}" for name, value in rows)
    places = ", ".join(f"{one.url} (HTTP/3)" if one.http3 else one.url for one in addresses)
    return tuple(map(printable, (title, *details, f"Listening on {places} (Ctrl+C stops)")))


def _branded(config: ServerConfig) -> str:
    name = " ".join(part for part in (config.app_name, config.app_version) if part)
    return " - ".join(part for part in (name, config.app_tagline) if part)


def _application(config: ServerConfig) -> str:
    if isinstance(config.app, str):
        return f"{config.app}()" if config.factory else config.app
    name = getattr(config.app, "__qualname__", None) or type(config.app).__qualname__
    return f"{getattr(config.app, '__module__', '?')}:{name}"


def _workers(decision: Decision | None) -> str:
    return "1 thread" if decision is None else decision.summary


def _how(config: ServerConfig, interface: str) -> str:
    """By what they serve; an application that blocks is called in threads that each worker has for it."""
    in_threads = interface in ("wsgi", "sync") or config.worker_mode == "sync"
    threads = f"{config.lift.sync_threads} request threads each, " if in_threads else ""
    return f"{threads}loop {config.worker.loop}, http {config.worker.http}"


def _gil_hint(decision: Decision | None) -> str:
    """Why a GIL is on that need not be, unless that is said of the workers already."""
    if decision is None and is_free_threaded() and gil_is_on():
        return " (switched on by PYTHON_GIL, -X gil, or an extension module that is not ready for free threading)"
    return ""


def _switched_on(config: ServerConfig) -> list[str]:
    exchange, worker = config.exchange, config.worker
    notes = {
        "access log": config.access.access_log,
        "introspection": config.inspection.introspection,
        "metrics": config.prometheus.metrics and config.prometheus.metrics_bind is not None,
        f"a profile of every request in {config.profiling.profile_interval}": config.profiling.profile,
        "request ids": exchange.request_id,
        f"root path {exchange.root_path}": bool(exchange.root_path),
        f"request bodies up to {exchange.max_request_body} bytes": exchange.max_request_body is not None,
        f"up to {worker.limit_concurrency} connections": worker.limit_concurrency is not None,
        f"lifespan {exchange.lifespan}": exchange.lifespan != "off",
    }
    return [*(note for note, on in notes.items() if on), *names_on(config)]
