"""Logging of a server that owns its process."""

from __future__ import annotations

from .settings import LoggingSettings

__all__ = ["LoggingSettings"]
