"""The FastAPI routes, with the times of garbage collections at ``/pauses``."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from benchmarks.fastapi_app import app as routes
from benchmarks.pause_apps import watched

if TYPE_CHECKING:
    from pounce_asgi.types import ASGI3Application

__all__ = ["app"]

# Starlette's types of the three arguments are wider: any mapping.
app = watched(cast("ASGI3Application", routes))
