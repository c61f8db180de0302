"""Pages that show exceptions, for development."""

from __future__ import annotations

from pounce_middleware.error_page.middleware import ErrorPageMiddleware, ErrorPageSettings

__all__ = ["ErrorPageMiddleware", "ErrorPageSettings"]
