"""What was probably meant by a value that is not allowed: another server's word for it, a unit with it, a slip."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .settings import nearest

if TYPE_CHECKING:
    from .settings import Setting

__all__ = ["VALUES_ELSEWHERE", "value_hint"]

_ASGI: Final = "write asgi3, or nothing: what the application is is found out"

VALUES_ELSEWHERE: Final[dict[str, dict[str, str]]] = {
    "http": {
        "httptools": "write auto: the parser is its own",
        "zttp": "write auto, with --http2 on for HTTP/2",
        "1": "leave it out: HTTP/1.1 is always spoken, and --http2 off leaves out HTTP/2",
        "2": "write --http2 on",
    },
    "interface": {
        "asgi": _ASGI,
        "asginl": "write asgi3 and --lifespan off",
        "rsgi": "that is an interface of granian alone; ASGI, WSGI and SyncApp are served",
    },
    "log_level": {"trace": "write debug", "notset": "write debug", "warn": "write warning", "fatal": "write critical"},
    "loop": {"rloop": "write auto", "winloop": "write auto", "zuvloop": "write uvloop"},
    "worker_kind": {
        "sync": "write --worker-mode sync",
        "gthread": "write thread",
        "asyncio": "write auto",
        "gevent": "write --worker-mode sync with --sync-threads",
        "uvloop": "write --loop uvloop",
        "trio": "leave it out: asyncio is what there is",
    },
    "ws": {"websockets": "write auto", "websockets-sansio": "write auto"},
}
"""By setting: values that uvicorn, gunicorn, hypercorn or granian take for an option that is named the same."""

_SECONDS: Final[dict[str, float]] = {
    "ms": 0.001,
    "s": 1,
    "sec": 1,
    "m": 60,
    "min": 60,
    "h": 3600,
    "d": 86400,
    "w": 604800,
}
_BYTES: Final[dict[str, float]] = {
    "b": 1,
    "k": 2**10,
    "kb": 2**10,
    "kib": 2**10,
    "m": 2**20,
    "mb": 2**20,
    "mib": 2**20,
    "g": 2**30,
}
_WITH_UNIT: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([a-z]{1,3})", re.ASCII)


def value_hint(setting: Setting, value: object) -> str:
    """``"; ..."`` to follow what is allowed, or nothing."""
    if not isinstance(value, str) or setting.secret:
        return ""
    word = value.strip().lower()
    hint = VALUES_ELSEWHERE.get(setting.name, {}).get(word) or _number(setting, word)
    if hint is None and (match := nearest(word, [*setting.choices, *dict(setting.words)])):
        hint = f"did you mean {match!r}?"
    return f"; {hint}" if hint else ""


def _number(setting: Setting, word: str) -> str | None:
    match = _WITH_UNIT.fullmatch(word)
    units = {"seconds": _SECONDS, "bytes": _BYTES}.get(setting.unit or "", {})
    if match is None or match[2] not in units:
        return None
    return f"without a unit: {float(match[1]) * units[match[2]]:.15g}"
