"""Cross-Origin Resource Sharing (Fetch standard, 3.2), by Starlette's middleware: it is plain ASGI, works under any
server, is kept well, and most applications have it installed already. Ours are only the settings, and refusing those
that would open an application to every site.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pounce_asgi import ConfigError

if TYPE_CHECKING:
    from pounce_asgi.types import AnyApplication, ASGI3Application
    from pounce_middleware.cors_settings import CorsSettings

__all__ = ["cors_middleware"]


def cors_middleware(app: AnyApplication, settings: CorsSettings) -> ASGI3Application:
    """The application, with CORS around it.

    Raises:
        ConfigError: Starlette is not installed.
    """
    try:
        from starlette.middleware.cors import CORSMiddleware
    except ImportError:
        raise ConfigError("cors_origins needs Starlette: pip install 'pounce-middleware[cors]'") from None
    wrapped = CORSMiddleware(
        app,
        allow_origins=settings.cors_origins,
        allow_methods=settings.cors_methods,
        allow_headers=settings.cors_headers,
        expose_headers=settings.cors_expose,
        allow_credentials=settings.cors_credentials,
        max_age=settings.cors_max_age,
    )
    return cast("ASGI3Application", wrapped)
