"""What is answered about a file: status, fields, and which of its bytes. Pure: nothing is read here."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pounce_middleware.static.preconditions import Conditions, Outcome, evaluate, range_applies
from pounce_middleware.static.ranges import Piece, Unsatisfiable, parse_range

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pounce_middleware.static.representation import Header, Representation

__all__ = ["ASKING", "Answer", "answer_for", "asked", "whole"]

ASKING: Final = frozenset({
    b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since", b"if-range", b"range",
})  # fmt: skip
"""The fields that make an answer another one than the whole file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response without its bytes."""

    status: int
    headers: list[Header]
    parts: tuple[tuple[bytes, Piece], ...] = ()
    """Pieces of the file, each with bytes of our own that come before it."""
    closing: bytes = b""
    """Bytes of our own after the last."""

    @property
    def size(self) -> int:
        """Bytes of the file in it."""
        return sum(piece.end - piece.start for _, piece in self.parts)


def asked(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The fields of `ASKING` in a request. Lines of one field are joined (RFC 9110, 5.3)."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name in ASKING:
            key, text = name.decode("ascii"), value.decode("latin-1")
            found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def whole(representation: Representation) -> Answer:
    """200 with all of it."""
    return Answer(status=200, headers=[*representation.headers], parts=((b"", Piece(0, representation.size)),))


def answer_for(representation: Representation, method: str, fields: dict[str, str]) -> Answer:
    """The answer to GET or HEAD with these fields, in the order of RFC 9110, 13.2.2."""
    if not fields:
        return whole(representation)
    conditions = Conditions(
        if_match=fields.get("if-match"),
        if_unmodified_since=fields.get("if-unmodified-since"),
        if_none_match=fields.get("if-none-match"),
        if_modified_since=fields.get("if-modified-since"),
    )
    outcome = evaluate(conditions, etag=representation.etag, modified=representation.modified)
    if outcome is Outcome.NOT_MODIFIED:
        return Answer(status=304, headers=[*representation.validators])
    if outcome is Outcome.FAILED:
        return Answer(status=412, headers=[(b"content-length", b"0"), *_varying(representation)])
    # Range means something for GET alone (RFC 9110, 14.2).
    if method == "GET" and "range" in fields and _range_applies(representation, fields):
        try:
            pieces = parse_range(fields["range"], representation.size)
        except Unsatisfiable:
            return _unsatisfiable(representation)
        if pieces is not None:
            return _one(representation, pieces[0]) if len(pieces) == 1 else _several(representation, pieces)
    return whole(representation)


def _range_applies(representation: Representation, fields: dict[str, str]) -> bool:
    return range_applies(
        fields.get("if-range"), etag=representation.etag, modified=representation.modified, now=time.time()
    )


def _varying(representation: Representation) -> list[Header]:
    return [field for field in representation.validators if field[0] == b"vary"]


def _unsatisfiable(representation: Representation) -> Answer:
    """416 tells how long it is (RFC 9110, 15.5.17)."""
    content_range = (b"content-range", b"bytes */%d" % representation.size)
    return Answer(status=416, headers=[(b"content-length", b"0"), content_range, *_varying(representation)])


def _one(representation: Representation, piece: Piece) -> Answer:
    headers = _with(representation, content_length=piece.end - piece.start)
    headers.append((b"content-range", _content_range(piece, representation.size)))
    return Answer(status=206, headers=headers, parts=((b"", piece),))


def _several(representation: Representation, pieces: list[Piece]) -> Answer:
    """multipart/byteranges (RFC 9110, 14.6)."""
    # The boundary may not occur in the file; whoever wrote the file cannot have known it.
    boundary = secrets.token_hex(16).encode("ascii")
    preludes = [_prelude(representation, piece, boundary) for piece in pieces]
    preludes[0] = preludes[0].removeprefix(b"\r\n")
    closing = b"\r\n--%b--\r\n" % boundary
    length = sum(map(len, preludes)) + sum(piece.end - piece.start for piece in pieces) + len(closing)
    headers = _with(representation, content_length=length, content_type=b"multipart/byteranges; boundary=" + boundary)
    return Answer(status=206, headers=headers, parts=tuple(zip(preludes, pieces, strict=True)), closing=closing)


def _prelude(representation: Representation, piece: Piece, boundary: bytes) -> bytes:
    content_range = _content_range(piece, representation.size)
    return b"\r\n--%b\r\ncontent-type: %b\r\ncontent-range: %b\r\n\r\n" % (
        boundary,
        representation.media_type,
        content_range,
    )


def _content_range(piece: Piece, size: int) -> bytes:
    return b"bytes %d-%d/%d" % (piece.start, piece.end - 1, size)


def _with(representation: Representation, **changed: Any) -> list[Header]:
    """The fields of the whole, some with other values."""
    values = {
        name.replace("_", "-").encode("ascii"): value if isinstance(value, bytes) else b"%d" % value
        for name, value in changed.items()
    }
    return [(name, values.get(name, value)) for name, value in representation.headers]
