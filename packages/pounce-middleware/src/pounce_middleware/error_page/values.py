"""The text of any value, within bounds: however large it is, however deep, and whatever its ``__repr__`` does."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from pounce_middleware.error_page.redaction import HIDDEN, is_secret_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pounce_middleware.error_page.redaction import Redaction

__all__ = ["collect_secrets", "is_hidden", "show"]

MOST_ITEMS: Final = 40
"""Of one container; and four times as many in all."""
MOST_DEPTH: Final = 5
MOST_LOOKED_AT: Final = 400
"""Values in one variable, among which secrets are looked for."""
LONGEST_STRING: Final = 600
LONGEST_TEXT: Final = 3000
MOST_BITS: Final = 2000
"""Of a number; Python refuses to write much larger ones (sys.set_int_max_str_digits)."""

_BRACKETS: Final[dict[type, tuple[str, str]]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
}


_CONTAINERS: Final = (Mapping, list, tuple, set, frozenset)

_HIDDEN_KINDS: Final = (str, bytes, bytearray, int, float, list, tuple, dict, set, frozenset)


class _Writer:
    """Writes one value."""

    def __init__(self) -> None:
        self._items_left = 4 * MOST_ITEMS
        self._open: set[int] = set()
        """The containers that are being written, by identity: those that hold themselves."""

    def write(self, value: Any, depth: int = 0) -> str:
        kind = type(value)
        if kind is str or kind is bytes:
            return self._cut(value)
        if kind is int and value.bit_length() > MOST_BITS:
            return f"<a number of {value.bit_length()} bits>"
        if kind is not dict and kind not in _BRACKETS:
            return _own_text(value)
        if id(value) in self._open or depth == MOST_DEPTH:
            return "{\u2026}" if kind is dict else _BRACKETS[kind][0] + "\u2026" + _BRACKETS[kind][1]
        self._open.add(id(value))
        try:
            return self._mapping(value, depth + 1) if kind is dict else self._sequence(value, depth + 1)
        finally:
            self._open.discard(id(value))

    def _cut(self, value: str | bytes) -> str:
        if len(value) <= LONGEST_STRING:
            return repr(value)
        return (
            f"{value[:LONGEST_STRING]!r}\u2026 ({len(value):,} {'bytes' if isinstance(value, bytes) else 'characters'})"
        )

    def _mapping(self, value: dict[Any, Any], depth: int) -> str:
        return "{" + self._joined(self._pair(item, depth) for item in value.items()) + self._rest(value) + "}"

    def _pair(self, item: tuple[Any, Any], depth: int) -> str:
        key, value = item
        return f"{self.write(key, depth)}: {self._named(key, value, depth)}"

    def _sequence(self, value: Any, depth: int) -> str:
        begin, end = _BRACKETS[type(value)]
        if not value:
            return repr(value)
        # A header field, among others: a name and a value.
        if type(value) is tuple and len(value) == 2 and isinstance(value[0], str | bytes):
            return f"({self.write(value[0], depth)}, {self._named(value[0], value[1], depth)})"
        comma = "," if type(value) is tuple and len(value) == 1 else ""
        return begin + self._joined(self.write(one, depth) for one in value) + comma + self._rest(value) + end

    def _named(self, name: Any, value: Any, depth: int) -> str:
        text = name.decode("latin-1") if isinstance(name, bytes) else name
        return HIDDEN if isinstance(text, str) and is_hidden(text, value) else self.write(value, depth)

    def _joined(self, texts: Iterable[str]) -> str:
        some: list[str] = []
        for text in texts:
            some.append(text)
            self._items_left -= 1
            if len(some) == MOST_ITEMS or self._items_left <= 0:
                break
        return ", ".join(some)

    def _rest(self, value: Any) -> str:
        return f", \u2026 ({len(value):,} in all)" if len(value) > MOST_ITEMS or self._items_left <= 0 else ""


def show(value: object, redaction: Redaction) -> str:
    """Its ``repr()``, bounded, without secrets. Never raises."""
    try:
        text = _Writer().write(value)
    except Exception as error:  # noqa: BLE001 - a container that another thread changes meanwhile, for one
        text = f"<{_type_name(value)}, which cannot be shown: {type(error).__name__}>"
    text = redaction.text(text[: 2 * LONGEST_TEXT])
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "\u2026"


def is_hidden(name: str, value: object) -> bool:
    """Whether this value is hidden because of its name. Objects with a name such as ``session`` tell more than they
    give away; what they say of themselves is looked through.
    """
    return issubclass(type(value), _HIDDEN_KINDS) and bool(value) and is_secret_name(name)


def collect_secrets(name: str, value: object, redaction: Redaction) -> None:
    """What a variable of this name holds is hidden everywhere, if the name says that it is a secret; so is all that
    is below such a name in mappings, lists, tuples and sets, however they are nested (within bounds). Never raises.
    """
    waiting = deque([(is_secret_name(name), value, 0)])
    looked_at = 0
    while waiting and looked_at < MOST_LOOKED_AT:
        looked_at += 1
        secret, one, depth = waiting.popleft()
        if secret:
            redaction.add(one)
        # By its type: a proxy may say that it is of another class, and fail while it finds out which.
        if depth < MOST_DEPTH and issubclass(type(one), _CONTAINERS):
            waiting.extend((secret or below, inner, depth + 1) for below, inner in _inside(one))


def _inside(container: Any) -> list[tuple[bool, Any]]:
    """The first values in it, and whether their names make them secrets."""
    try:
        if isinstance(container, Mapping):
            return [(_names_secret(key), container[key]) for key in islice(container, MOST_ITEMS)]
        some = [*islice(container, MOST_ITEMS)]
    except Exception:  # noqa: BLE001 - one that another thread changes meanwhile, or of the application's own kind
        return []
    # A header field, among others: a name and a value.
    if len(some) == 2 and isinstance(container, tuple):
        return [(False, some[0]), (_names_secret(some[0]), some[1])]
    return [(False, one) for one in some]


def _names_secret(name: object) -> bool:
    text = name.decode("latin-1") if isinstance(name, bytes) else name
    return isinstance(text, str) and is_secret_name(text)


def _own_text(value: object) -> str:
    """What an object says of itself, or why it does not."""
    try:
        text = repr(value)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return f"<{_type_name(value)}; its __repr__ raised {type(error).__name__}>"
    return text if type(text) is str else str.__str__(text)


def _type_name(value: object) -> str:
    kind = type(value)
    return f"{kind.__module__}.{kind.__qualname__} object"
