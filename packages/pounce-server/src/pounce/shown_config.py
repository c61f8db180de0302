"""A configuration as it may be shown to whoever looks after the server: every value by its name, secrets hidden.

Values are what a file would say of them: those with parts are tables. So they are not printed as Python does, and what
reads the JSON need not take a text apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .config import all_settings
from .settings import Kind
from .toml_text import certificate_table
from .values import shown

if TYPE_CHECKING:
    from pounce_workers.tls_settings import TlsCertificate

    from .config import ServerConfig
    from .middleware_values import MiddlewareUse
    from .settings import Setting

__all__ = ["HIDDEN", "shown_config"]

HIDDEN = "(hidden)"


def shown_config(config: ServerConfig) -> dict[str, Any]:
    """By the names of the settings, in values of JSON."""
    return {setting.name: _shown(setting, _value(config, setting)) for setting in all_settings()}


def _value(config: ServerConfig, setting: Setting) -> Any:
    return getattr(getattr(config, setting.section) if setting.section else config, setting.name)


def _shown(setting: Setting, value: Any) -> Any:
    if setting.secret:
        return HIDDEN if value else None
    if value is None or isinstance(value, str):
        return value
    if setting.kind is Kind.HEADERS:
        return [f"{name}: {content}" for name, content in value]
    if setting.kind is Kind.CERTIFICATES:
        return [_certificate(one) for one in value]
    if setting.kind is Kind.MIDDLEWARE:
        return [_middleware(one) for one in value]
    if setting.kind is Kind.APPLICATION:
        return shown(setting, value)
    return list(value) if isinstance(value, tuple) else value


def _certificate(one: TlsCertificate) -> dict[str, Any]:
    hidden = {"keyfile_password": HIDDEN} if one.keyfile_password else {}
    return certificate_table(one) | hidden


def _middleware(one: MiddlewareUse) -> dict[str, Any]:
    """Of its options the names alone: any value may be a secret."""
    return dict.fromkeys(("use", *(name for name, _ in one.options)), HIDDEN) | {"use": one.name}
