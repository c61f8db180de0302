"""The fields behind a request body (RFC 9113, 8.1; RFC 9114, 4.1; RFC 9110, 6.5).

ASGI has no message for them: they are judged, and that is all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce_asgi import RequestError
from pounce_asgi.multiplexed.grammar import is_field_name, is_field_value
from pounce_asgi.multiplexed.message_fault import MessageFault
from pounce_asgi.multiplexed.request_head import CONNECTION_FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi import HeaderPair

__all__ = ["judge_trailers"]

MAX_BYTES: Final = 16_384
"""Of all trailers together, as over HTTP/1.1."""

_FORBIDDEN: Final = frozenset(
    b"authorization cache-control content-encoding content-length content-range content-type cookie expect host"
    b" max-forwards proxy-authorization range te trailer".split()
)
"""What frames, routes or explains a message that has been read by now (RFC 9110, 6.5.1)."""


def judge_trailers(fields: Sequence[HeaderPair], most: int) -> None:
    """``most`` is the number of fields allowed.

    Raises:
        MessageFault: the message is malformed (RFC 9113, 8.1 and 8.2; RFC 9114, 4.1.2).
        RequestError: 400 for a field that may not be a trailer, 431 for too many or too large ones.
    """
    total = 0
    for name, value in fields:
        if name[:1] == b":" or not is_field_name(name) or not is_field_value(value) or name in CONNECTION_FIELDS:
            raise MessageFault(f"{name!r:.60} is no trailer")
        if name in _FORBIDDEN:
            raise RequestError(f"{name.decode()} may not be a trailer")
        total += len(name) + len(value) + 2
    if len(fields) > most or total > MAX_BYTES:
        raise RequestError("the trailers are too many or too large", status=431)
