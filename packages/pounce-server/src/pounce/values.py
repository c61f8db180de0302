"""Reading and checking one value of a setting.

``parse`` reads text (a flag, an environment variable), ``check`` takes a typed value (a file, Python). Both return the
normalised, immutable value or raise ValueError whose message says what is allowed. Python's number readers are more
lenient than a person expects (``+5``, ``0_5``, digits of other scripts, ``nan``), so text goes through a pattern first.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from .certificate_values import CERTIFICATES_IN_WORDS, certificates_of, shown_certificates
from .middleware_values import MIDDLEWARE_IN_WORDS, middleware_of, shown_middleware
from .places import PLACES_IN_WORDS, parse_place
from .settings import Kind, Setting

__all__ = ["SWITCH_WORDS", "allowed", "check", "parse", "shown", "split"]

_WHOLE: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)

# RFC 9110, 5.6.2: token = 1*tchar; 5.5: field-value without controls. Text beyond Latin-1 has no form on the wire.
_HEADER: Final = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*:[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*")

_PERMISSIONS: Final = re.compile(r"(?:0o?)?([0-7]{3})", re.ASCII)

_ON: Final = frozenset({"1", "true", "yes", "on"})
_OFF: Final = frozenset({"0", "false", "no", "off"})
SWITCH_WORDS: Final = _ON | _OFF
"""What a variable may hold for a switch."""

_NONE: Final = "none"


def parse(setting: Setting, text: str) -> object:
    """The value that a text stands for."""
    if _is_none(setting, text.strip().lower()):
        return None
    if setting.kind is Kind.SWITCH:
        return _switch(setting, text)
    if (word := text.strip().lower()) in dict(setting.words):
        return check(setting, word)
    if setting.kind is Kind.WHOLE:
        return check(setting, int(_matching(setting, _WHOLE, text)))
    if setting.kind is Kind.NUMBER:
        return check(setting, float(_matching(setting, _NUMBER, text)))
    if setting.repeated:
        return check(setting, split(setting, text))
    return check(setting, text)


def split(setting: Setting, text: str) -> tuple[str, ...]:
    """The values in a text for a setting that has several: commas part them, or lines where one may have a comma."""
    by_line = setting.one_a_line or setting.kind in (Kind.HEADERS, Kind.CERTIFICATES)
    parts = text.splitlines() if by_line else text.split(",")
    return tuple(part.strip() for part in parts if part.strip())


def check(setting: Setting, value: object) -> object:
    """The value itself, in its immutable form."""
    if (value is None and setting.optional) or _is_none(setting, value):
        return None
    if setting.kind is Kind.HEADERS:
        return _headers(setting, value)
    if setting.kind is Kind.TEXTS:
        return _texts(setting, value)
    if setting.kind is Kind.PLACES:
        return _places(setting, value)
    if setting.kind is Kind.PERMISSIONS:
        return _permissions(setting, value)
    if setting.kind is Kind.CERTIFICATES:
        return certificates_of(value)
    if setting.kind is Kind.MIDDLEWARE:
        return middleware_of(split(setting, value) if isinstance(value, str) else value)
    if setting.kind is Kind.CHOICE:
        return _choice(setting, value)
    if setting.kind in (Kind.WHOLE, Kind.NUMBER):
        return _within(setting, value)
    valid = {
        Kind.SWITCH: isinstance(value, bool),
        Kind.TEXT: isinstance(value, str) and "\0" not in value,
        # A SyncApp need not be callable: it has a handle().
        Kind.APPLICATION: bool(value) if isinstance(value, str) else callable(getattr(value, "handle", value)),
    }
    if not valid[setting.kind]:
        raise ValueError(allowed(setting))
    return value


def allowed(setting: Setting) -> str:
    """What the setting takes, in words that follow "it must be"."""
    words = {
        Kind.TEXT: "a text",
        Kind.SWITCH: "on or off (true or false)",
        Kind.CHOICE: "one of " + ", ".join(setting.choices),
        Kind.TEXTS: "a list of texts",
        Kind.PLACES: PLACES_IN_WORDS,
        Kind.CERTIFICATES: CERTIFICATES_IN_WORDS,
        Kind.MIDDLEWARE: MIDDLEWARE_IN_WORDS,
        Kind.PERMISSIONS: "three octal digits in a text, such as '660'",
        Kind.HEADERS: "a header field written 'Name: value', without control characters",
        Kind.APPLICATION: "an application, written module:attribute",
    }.get(setting.kind) or f"a {setting.kind.value}{_range(setting)}"
    words = ", or ".join((words, *dict(setting.words)))
    return f"{words}, or none" if setting.optional and setting.kind in (Kind.WHOLE, Kind.NUMBER) else words


def shown(setting: Setting, value: object) -> str:
    """A value as it was given, for an error; nothing that may be a password."""
    if setting.secret:
        return "what is given"
    if setting.kind is Kind.CERTIFICATES:
        return shown_certificates(value)
    if setting.kind is Kind.MIDDLEWARE:
        return shown_middleware(value)
    return ", ".join(map(repr, value)) if isinstance(value, tuple) else repr(value)


def _is_none(setting: Setting, value: object) -> bool:
    """Whether the word for "no limit" was given: TOML, flags and variables have no None of their own."""
    return setting.optional and setting.kind in (Kind.WHOLE, Kind.NUMBER) and value == _NONE


def _range(setting: Setting) -> str:
    unit = f" {setting.unit}" if setting.unit else ""
    low, high = setting.minimum, setting.maximum
    if low is not None and high is not None:
        return f" from {low:.15g} to {high:.15g}{unit}"
    if low is not None:
        return f" of {low:.15g} or more{unit}"
    if high is not None:
        return f" of {high:.15g} or less{unit}"
    return unit and f" of{unit}"


def _within(setting: Setting, value: object) -> int | float:
    if isinstance(value, str):
        value = dict(setting.words).get(value)
    wanted = (int,) if setting.kind is Kind.WHOLE else (int, float)
    if isinstance(value, bool) or not isinstance(value, wanted) or not math.isfinite(value):
        raise ValueError(allowed(setting))
    if setting.minimum is not None and value < setting.minimum:
        raise ValueError(allowed(setting))
    if setting.maximum is not None and value > setting.maximum:
        raise ValueError(allowed(setting))
    return float(value) if setting.kind is Kind.NUMBER else value


def _choice(setting: Setting, value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value:g}"  # TOML's 1.2 for the version, and the numbers of Python's enumerations
    text = dict(setting.also).get(value, value) if isinstance(value, str) else None
    if text not in setting.choices:
        raise ValueError(allowed(setting))
    return text


def _switch(setting: Setting, text: str) -> bool:
    word = text.strip().lower()
    if word in _ON or word in _OFF:
        return word in _ON
    raise ValueError(allowed(setting))


def _matching(setting: Setting, pattern: re.Pattern[str], text: str) -> str:
    if pattern.fullmatch(text.strip(" ")):
        return text
    raise ValueError(allowed(setting))


def _texts(setting: Setting, value: object) -> tuple[str, ...]:
    items = split(setting, value) or [""] if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) and item for item in items):
        raise ValueError(allowed(setting))
    return tuple(items)


def _places(setting: Setting, value: object) -> tuple[str, ...]:
    texts = _texts(setting, value)
    for text in texts:
        parse_place(text)
    return texts


def _permissions(setting: Setting, value: object) -> str:
    match = _PERMISSIONS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(allowed(setting))
    return match[1]


def _headers(setting: Setting, value: object) -> tuple[tuple[str, str], ...]:
    if isinstance(value, Mapping):
        value = list(value.items())
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError(allowed(setting))
    return tuple(_header(setting, item) for item in items)


def _header(setting: Setting, item: object) -> tuple[str, str]:
    if isinstance(item, list | tuple) and len(item) == 2 and all(isinstance(part, str) for part in item):
        item = f"{item[0]}:{item[1]}"
    match = _HEADER.fullmatch(item) if isinstance(item, str) else None
    if match is None:
        raise ValueError(allowed(setting))
    return match[1], match[2]
