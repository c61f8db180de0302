"""The values of a configuration that nobody is to see, not even on a page for developers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .settings import settings_of

if TYPE_CHECKING:
    from .config import ServerConfig

__all__ = ["secrets_of"]


def secrets_of(config: ServerConfig) -> tuple[str, ...]:
    """Passwords of keys, addresses of stores with their passwords, and whatever else is marked as secret."""
    found = []
    for setting in settings_of(type(config)):
        if setting.secret:
            value = getattr(getattr(config, setting.section) if setting.section else config, setting.name)
            found.append(value)
    found += [one.keyfile_password for one in config.tls.ssl_certificate]
    return tuple(value for value in found if isinstance(value, str) and value)
