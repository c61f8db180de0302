"""A whole block of header fields that was not seen before: bytes in, fields and what they say together out.

Must be fast: it is most of the cost of a new head. One call into C takes the block apart and proves that it is right;
what is left are a few operations for each field. Whoever wants to know what is wrong asks ``PartialHead``: what is
accepted here is accepted there, and read the same (a property test compares them).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce_http1.field_lines import Field
from pounce_http1.framing import MAX_LENGTH_DIGITS
from pounce_http1.head import HeaderFacts, derive_facts

if TYPE_CHECKING:
    from pounce_http1.vocabulary import Vocabulary

__all__ = ["Block", "block_of", "parse_block"]

Block = tuple[tuple[Field, ...], HeaderFacts]
"""The fields in order, names in lower case, and what they say together."""

_KEEP_ALIVE: Final = (b"keep-alive", b"Keep-Alive")


def parse_block(data: bytes, most: int, words: Vocabulary) -> Block | None:
    """The fields of a request: ``data`` has the version before them, and ends with the empty line.

    None if the version is not spoken here, if the fields are more than ``most``, if one is not right, or if white space
    at the end of a line leaves that in doubt.

    Raises:
        RemoteProtocolError: each line is right, but not what they say together; see ``derive_facts``.
    """
    if not data.startswith(b"HTTP/1.1\r\n"):
        return _parse_old_block(data, most, words)
    noted: list[Field] = []
    note, noted_names, names = noted.append, words.noted, words.names
    fields = [
        (lower, value)
        for name, value in words.scan(data, 10, len(data) - 2)
        if (lower := names[name]) not in noted_names or note((lower, value)) is None  # always true
    ]
    return block_of(tuple(fields), noted, most, words)


def _parse_old_block(data: bytes, most: int, words: Vocabulary) -> Block | None:
    if not data.startswith(b"HTTP/1.0\r\n"):
        return None
    fields = tuple([(words.names[name], value) for name, value in words.scan(data, 10, len(data) - 2)])
    noted = [field for field in fields if field[0] in words.noted]
    if len(fields) > most or (noted and not noted[-1][0]):
        return None
    return fields, derive_facts("1.0", noted)


def block_of(fields: tuple[Field, ...], noted: list[Field], most: int, words: Vocabulary) -> Block | None:
    """Put a block of HTTP/1.1 together. ``noted`` are those of the fields whose names are in ``words.noted``, in order.

    None if there are more than ``most``, or if the last one is no field line. Raises what ``parse_block`` raises.
    """
    if len(fields) > most:
        return None
    count = len(noted)
    if count == 1:
        name, host = noted[0]
        if name == b"host" and words.is_usual_host(host) is not None:
            return fields, words.plain
    elif count == 2:
        (name, host), (other, value) = noted
        if name == b"host" and words.is_usual_host(host) is not None:
            if other == b"content-length":
                if value.isdigit() and len(value) < MAX_LENGTH_DIGITS:
                    length = int(value)
                    return fields, HeaderFacts("1.1", length, length > 0, True)
            elif other == b"connection" and value in _KEEP_ALIVE:
                return fields, words.plain
            elif other == b"transfer-encoding" and value == b"chunked":
                return fields, HeaderFacts("1.1", None, True, True)
    if noted and not noted[-1][0]:
        return None
    return fields, derive_facts("1.1", noted)
