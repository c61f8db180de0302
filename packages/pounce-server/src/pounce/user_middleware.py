"""The middleware that the configuration names: ASGI classes of the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pounce_asgi import AppImportError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pounce_asgi import ASGI3Application

    from .config import ServerConfig

__all__ = ["named_in_code", "wrap_in"]


def named_in_code(config: ServerConfig) -> dict[str, str]:
    """What the configuration names besides the application, and the setting that names it: imported with its code."""
    named = {one.use: "middleware" for one in config.middleware if isinstance(one.use, str)}
    for setting in ("on_request", "on_response"):
        named.update(dict.fromkeys(getattr(config.hooks, setting, ()), setting))
    return named


def wrap_in(app: ASGI3Application, config: ServerConfig, named: Mapping[str, Any]) -> ASGI3Application:
    """The application inside this middleware, the first outermost. ``named`` is what the names stand for.

    Raises:
        AppImportError: one could not be made; what it raised is the cause.
    """
    for one in reversed(config.middleware):
        use = named[one.use] if isinstance(one.use, str) else one.use
        try:
            app = use(app, **dict(one.options))
        except Exception as error:
            options = f" with the options {', '.join(name for name, _ in one.options)}" if one.options else ""
            raise AppImportError(f"middleware: {one.name} could not be made{options}: {error}") from error
        if not callable(app):
            raise AppImportError(f"middleware: {one.name} made {type(app).__name__}, which is no ASGI application")
    return app
