"""Response heads that were looked at before: which lines they have on the wire and what they say of the body.

An application sends the same few heads again and again. `HeadMemo` remembers each whole list of header fields, so that
a repeated head costs one look-up; a list that is new is put together from the remembered fields of `HeaderMemo`.
"""

from __future__ import annotations

import functools
import itertools
import operator
from typing import TYPE_CHECKING, Any, Final, Generic

from pounce_asgi.contracts import HeaderPair, WireFields
from pounce_asgi.errors import InvalidResponseHeader
from pounce_asgi.response_rules import CONNECTION_CLOSE, CONTENT_LENGTH, DATE, IGNORED, SERVER, HeaderMemo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["HeadMemo", "ResponseHead"]

MEMO_HEADS: Final = 256
MEMO_HEAD_BYTES: Final = 1024
# 256 heads of at most 1 KiB, each held as key and twice in wire form: below 1 MiB a worker.


class ResponseHead(Generic[WireFields]):
    """The header fields of one ``http.response.start``. Shared by all responses that have them: read only."""

    __slots__ = ("close", "declared", "fields", "own_date", "own_defaults", "own_server", "sized")

    def __init__(
        self,
        fields: WireFields,
        sized: WireFields,
        *,
        declared: int | None,
        close: bool,
        own_date: bool,
        own_server: bool,
    ) -> None:
        self.fields = fields
        """Everything that goes to the client, content-length left out."""
        self.sized = sized
        """The same with the content-length, where the application gave one."""
        self.declared = declared
        """The application's content-length, or None."""
        self.close = close
        """``connection: close``: the application asks that the connection end."""
        self.own_date = own_date
        """The application set Date itself."""
        self.own_server = own_server
        """The application set Server itself."""
        self.own_defaults = own_date or own_server


def concatenated(fields: list[WireFields], nothing: WireFields) -> WireFields:
    """Fields one behind the other, in linear time however many an application sends."""
    if isinstance(nothing, bytes):
        return b"".join(fields)  # type: ignore[arg-type,return-value]
    if isinstance(nothing, tuple):
        return tuple(itertools.chain.from_iterable(fields))  # type: ignore[arg-type,return-value]
    return functools.reduce(operator.add, fields, nothing)


class HeadMemo(dict[tuple[HeaderPair, ...], ResponseHead[WireFields]], Generic[WireFields]):
    """``memo[tuple of fields]`` is their `ResponseHead`. One per worker and wire; not thread-safe.

    It starts anew when it is full, so that heads that never repeat cost little and never fill the memory.

    Raises:
        InvalidResponseHeader: a field may not be sent, or two lengths contradict each other.
        TypeError: a field is a list or holds a bytearray, which cannot be keys: ask `unhashable`.
    """

    __slots__ = ("_fields", "_nothing")

    def __init__(self, fields: HeaderMemo[WireFields], no_fields: WireFields) -> None:
        """``no_fields`` is an empty list of fields as the wire has it."""
        super().__init__()
        self._fields = fields
        self._nothing = no_fields

    def __missing__(self, pairs: tuple[HeaderPair, ...]) -> ResponseHead[WireFields]:
        head = self._look_at(pairs, self._fields.__getitem__)
        if sum(len(name) + len(value) for name, value in pairs) <= MEMO_HEAD_BYTES:
            if len(self) >= MEMO_HEADS:
                self.clear()
            self[pairs] = head
        return head

    def unhashable(self, pairs: Iterable[Any]) -> ResponseHead[WireFields]:
        """The head of fields that were given as lists or with bytearrays."""
        return self._look_at(pairs, self._fields.unhashable)

    def _look_at(
        self, pairs: Iterable[Any], entry_of: Callable[[Any], tuple[int, WireFields, int]]
    ) -> ResponseHead[WireFields]:
        fields: list[WireFields] = []
        length: list[WireFields] = []
        declared: int | None = None
        close = own_date = own_server = False
        for pair in pairs:
            kind, wire, number = entry_of(pair)
            if kind == CONTENT_LENGTH:
                if declared is not None and declared != number:
                    raise InvalidResponseHeader(
                        f"content-length was sent twice: {declared} and {number} (RFC 9110, 8.6)"
                    )
                declared, length = number, [wire]
            elif kind == CONNECTION_CLOSE:
                close = True
            elif kind != IGNORED:
                own_date = own_date or kind == DATE
                own_server = own_server or kind == SERVER
                fields.append(wire)
        plain = concatenated(fields, self._nothing)
        return ResponseHead(
            plain,
            concatenated([plain, *length], self._nothing),
            declared=declared,
            close=close,
            own_date=own_date,
            own_server=own_server,
        )
