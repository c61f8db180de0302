"""How a setting is declared once.

A setting is a field of a frozen dataclass. Its name, type, default and metadata (``help``, ``unit``, ``minimum``,
``maximum``, ``choices``, ``words``, ``also``, ``group``, ``metavar``, ``kind``, ``table_key``, ``secret``,
``one_a_line``, ``example``) give the flag, the environment variable, the key in the file, the schema and the
documentation; nothing is written a second time. Settings classes may be nested one level deep, and the names of their
fields are unique over all of them, so that every name is public as it stands.

Reading and checking values is in ``values.py``; where a value comes from is in ``sources.py``.
"""

from __future__ import annotations

import dataclasses
import difflib
import enum
import types
import typing
from dataclasses import dataclass
from typing import Any, Final

from pounce_workers.tls_settings import TlsCertificate

from .middleware_values import MiddlewareUse

if typing.TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ENVIRONMENT_PREFIX", "Kind", "Setting", "nearest", "settings_of"]

ENVIRONMENT_PREFIX: Final = "POUNCE_"

REQUIRED: Final = dataclasses.MISSING
"""The default of a setting that has none."""


class Kind(enum.Enum):
    """What sort of value a setting holds."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    TEXTS = "texts"
    """Several texts: commas part them in a flag, which may be repeated, in a variable, and in a text of the file; each
    text of an array in the file is one as it stands."""
    HEADERS = "headers"
    """Several ``Name: value`` pairs: a repeated flag, one a line in a variable, an array or a table in the file."""
    PLACES = "places"
    """Several places to listen, written as texts are."""
    PERMISSIONS = "permissions"
    """Those of a file, in octal digits. A text everywhere: TOML's 660 would be the number, another thing."""
    CERTIFICATES = "certificates"
    """Several certificates: a repeated flag, one a line in a variable, an array of texts or of tables in the file."""
    MIDDLEWARE = "middleware"
    """Several classes, written as texts are; in the file also an array of tables."""
    APPLICATION = "application"
    """``module:attribute``, or from Python also the application itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting, with everything that is derived from its field."""

    name: str
    section: str | None
    """The field of the outer class that nests this one's class; None for the outer class's own."""
    kind: Kind
    optional: bool
    default: object
    help: str
    group: str
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    metavar: str | None = None
    words: tuple[tuple[str, int], ...] = ()
    """Words that may be written for a number, each with its number: ``auto`` for 0."""
    also: tuple[tuple[str, str], ...] = ()
    """What may be written for a choice besides its name, each with the choice: ``2`` for ``required``."""
    table_key: str | None = None
    """A second key in the file, within a table: ``tls.certificates``."""
    secret: bool = False
    """The value is never shown."""
    example: str | None = None
    """A value for the template, where there is no default and the metavar is none."""
    one_a_line: bool = False
    """One of several texts may have a comma in it, so lines part them in a variable, and a flag has one of them."""

    @property
    def flag(self) -> str:
        """``--name-with-dashes``."""
        return "--" + self.name.replace("_", "-")

    @property
    def off_flag(self) -> str | None:
        """``--no-name``, for a switch."""
        return "--no-" + self.name.replace("_", "-") if self.kind is Kind.SWITCH else None

    @property
    def variable(self) -> str:
        """The name of the environment variable."""
        return ENVIRONMENT_PREFIX + self.name.upper()

    @property
    def key(self) -> str:
        """The key in the file."""
        return self.name

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key in the file that is for it."""
        return (self.key, self.table_key) if self.table_key else (self.key,)

    @property
    def repeated(self) -> bool:
        """The flag may be given several times."""
        return self.kind in (Kind.TEXTS, Kind.PLACES, Kind.HEADERS, Kind.CERTIFICATES, Kind.MIDDLEWARE)

    @property
    def default_text(self) -> str:
        """The default as a person would write it; empty when there is none."""
        if self.default is REQUIRED or self.default is None or self.default in ("", ()):
            return ""
        if isinstance(self.default, bool):
            return "on" if self.default else "off"
        if isinstance(self.default, tuple):
            return ", ".join(map(str, self.default))
        return f"{self.default:g}" if isinstance(self.default, float) else str(self.default)


def settings_of(config: type) -> tuple[Setting, ...]:
    """Every setting of a configuration class and of the settings classes nested in it, in order of declaration.

    Raises TypeError when two fields have one name, or when a field's type has no rule: mistakes of ours, not of a user.
    """
    found: dict[str, Setting] = {}
    for setting in _walk(config):
        if setting.name in found:
            raise TypeError(f"two settings are named {setting.name!r}")
        found[setting.name] = setting
    return tuple(found.values())


def nearest(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """The known name that was most likely meant, or None; ``likeness`` is from 0 (anything) to 1 (the same)."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=likeness)
    return matches[0] if matches else None


def _walk(config: type) -> Iterable[Setting]:
    hints = typing.get_type_hints(config)
    for field in dataclasses.fields(config):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            group = field.metadata.get("group", field.name)
            inner = typing.get_type_hints(hint)
            yield from (_setting(f, inner[f.name], field.name, group) for f in dataclasses.fields(hint))
        else:
            yield _setting(field, hint, None, "General")


def _setting(field: dataclasses.Field[Any], hint: object, section: str | None, group: str) -> Setting:
    metadata = field.metadata
    optional, hint = _without_none(hint)
    choices = tuple(metadata.get("choices", ()))
    if typing.get_origin(hint) is typing.Literal:
        choices = choices or typing.get_args(hint)
        hint = str
    default = field.default if field.default_factory is REQUIRED else field.default_factory()
    return Setting(
        name=field.name,
        section=section,
        kind=metadata.get("kind") or (Kind.CHOICE if choices else _kind(field.name, hint)),
        optional=optional,
        default=default,
        help=metadata.get("help", ""),
        group=metadata.get("group", group),
        unit=metadata.get("unit"),
        minimum=metadata.get("minimum"),
        maximum=metadata.get("maximum"),
        choices=choices,
        metavar=metadata.get("metavar"),
        words=tuple(metadata.get("words", {}).items()),
        also=tuple(metadata.get("also", {}).items()),
        table_key=metadata.get("table_key"),
        secret=metadata.get("secret", False),
        example=metadata.get("example"),
        one_a_line=metadata.get("one_a_line", False),
    )


_KINDS: Final[dict[object, Kind]] = {
    bool: Kind.SWITCH,
    int: Kind.WHOLE,
    float: Kind.NUMBER,
    str: Kind.TEXT,
    tuple[str, ...]: Kind.TEXTS,
    tuple[tuple[str, str], ...]: Kind.HEADERS,
    tuple[TlsCertificate, ...]: Kind.CERTIFICATES,
    tuple[MiddlewareUse, ...]: Kind.MIDDLEWARE,
}


def _kind(name: str, hint: object) -> Kind:
    try:
        return _KINDS[hint]
    except KeyError:
        raise TypeError(f"the setting {name!r} has a type without a rule: {hint!r}") from None


def _without_none(hint: object) -> tuple[bool, object]:
    """Split ``X | None`` into (True, X); anything else is (False, hint)."""
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return False, hint
    members = [member for member in typing.get_args(hint) if member is not types.NoneType]
    if len(members) == 1:
        return True, members[0]
    return len(members) < len(typing.get_args(hint)), hint
