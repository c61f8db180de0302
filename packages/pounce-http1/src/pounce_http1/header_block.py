"""A whole block of header fields that was not seen before: bytes in, fields and what they say together out.

Must be fast: it is most of the cost of a new head. One call into C takes the block apart and proves that it is right;
what is left are a few operations for each field. Whoever wants to know what is wrong asks ``PartialHead``: what is
accepted here is accepted there, and read the same (a property test compares them).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce_http1.field_lines import DECISIVE_NAMES, Field
from pounce_http1.framing import MAX_LENGTH_DIGITS
from pounce_http1.grammar import FIELD_LINES, USUAL_HOST
from pounce_http1.head import HeaderFacts, derive_facts

if TYPE_CHECKING:
    from pounce_http1.field_lines import Names

__all__ = ["Block", "parse_block"]

Block = tuple[tuple[Field, ...], HeaderFacts]
"""The fields in order, names in lower case, and what they say together."""

# Bound here, because looking up a method of a pattern costs as much as a short match.
_scan: Final = FIELD_LINES.findall
_is_usual_host: Final = USUAL_HOST.fullmatch

_NOTED: Final = DECISIVE_NAMES | {b""}
"""Names of fields that are looked at once more. What is no field line is taken for a last field without a name."""

_KEEP_ALIVE: Final = (b"keep-alive", b"Keep-Alive")


def parse_block(data: bytes, start: int, most: int, names: Names, plain: HeaderFacts) -> Block | None:
    """The fields of an HTTP/1.1 request: the lines of ``data`` from ``start`` up to the empty one at its end.

    None if they are more than ``most``, not right, or if white space at the end of a line leaves it in doubt. ``names``
    are ``KNOWN_NAMES`` and ``plain`` the facts of fields that say nothing but the host, or copies of them.

    Raises:
        RemoteProtocolError: each line is right, but not what they say together; see ``derive_facts``.
    """
    noted: list[Field] = []
    note, noted_names = noted.append, _NOTED
    fields = [
        (lower, value)
        for name, value in _scan(data, start, len(data) - 2)
        if (lower := names[name]) not in noted_names or note((lower, value)) is None  # always true
    ]
    if len(fields) > most:
        return None
    count = len(noted)
    if count == 1:
        name, host = noted[0]
        if name == b"host" and _is_usual_host(host) is not None:
            return tuple(fields), plain
    elif count == 2:
        (name, host), (other, value) = noted
        if name == b"host" and _is_usual_host(host) is not None:
            if other == b"content-length":
                if value.isdigit() and len(value) < MAX_LENGTH_DIGITS:
                    length = int(value)
                    return tuple(fields), HeaderFacts("1.1", length, length > 0, True)
            elif other == b"connection" and value in _KEEP_ALIVE:
                return tuple(fields), plain
            elif other == b"transfer-encoding" and value == b"chunked":
                return tuple(fields), HeaderFacts("1.1", None, True, True)
    if noted and not noted[-1][0]:
        return None
    return tuple(fields), derive_facts("1.1", noted)
