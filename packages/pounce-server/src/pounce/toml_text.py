"""Values as they are written in ``pounce.toml``; what is written reads back as the same value."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from .settings import Kind

if TYPE_CHECKING:
    from pounce_workers.tls_settings import TlsCertificate

    from .middleware_values import MiddlewareUse
    from .settings import Setting

__all__ = ["certificate_table", "toml_text", "toml_value"]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
"""A key that needs no quotes (TOML 1.0, Keys)."""


def toml_text(setting: Setting, value: Any) -> str | None:
    """The value of a setting; None for a None that no word stands for, so that it is written by leaving it out."""
    if value is None:
        return '"none"' if setting.kind in (Kind.WHOLE, Kind.NUMBER) else None
    for word, number in setting.words:
        if value == number:
            return toml_value(word)
    if setting.kind is Kind.HEADERS:
        return toml_value([f"{name}: {content}" for name, content in value])
    if setting.kind is Kind.CERTIFICATES:
        return toml_value(list(map(certificate_table, value)))
    if setting.kind is Kind.MIDDLEWARE:
        return toml_value(list(map(_middleware, value)))
    return toml_value(value)


def toml_value(value: Any) -> str:
    """A text, a number, a switch, or an array or table of them. Raises TypeError for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(str(key))} = {toml_value(one)}" for key, one in value.items()) + "}"
    raise TypeError(f"TOML has no word for {value!r}")


def _quoted(text: str) -> str:
    # JSON's escapes are TOML's too (TOML 1.0, String), which also wants DEL escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(text: str) -> str:
    return text if _BARE.fullmatch(text) else _quoted(text)


def certificate_table(one: TlsCertificate) -> dict[str, Any]:
    """As it is written in a file, its password too."""
    table: dict[str, Any] = {"certfile": one.certfile}
    if one.keyfile is not None:
        table["keyfile"] = one.keyfile
    if one.keyfile_password:
        table["keyfile_password"] = one.keyfile_password
    if one.names:
        table["names"] = list(one.names)
    return table


def _middleware(one: MiddlewareUse) -> str | dict[str, Any]:
    return {"use": one.name, **dict(one.options)} if one.options else one.name
