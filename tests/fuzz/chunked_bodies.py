"""The reader of chunked bodies by itself.

- Nothing is raised but `RemoteProtocolError`.
- The same content, trailers and error, however the bytes are cut; and the same end, so that nothing of the next request
  is taken.
- All at once (``read_whole``) is the same as piece by piece.
- No more is kept than one line of the framing within its limit.
- Content cut into chunks anyhow is read as that content.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pounce_http1 import Limits, RemoteProtocolError
from pounce_http1.body import BodyChunk, ChunkedBody, EndOfBody
from pounce_http1.testing import CASES
from tests.fuzz.target import Target, chance_of, cut

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

__all__ = ["CHUNKED_BODIES"]

LIMITS = Limits(limit_chunk_extension=20, limit_trailer_size=100, limit_request_fields=5)
MOST_BUFFERED = 101
_HEAD_END = b"\r\n\r\n"


def _read(pieces: Iterable[bytes]) -> tuple[bytes, object, str, int | None]:
    """Content, trailers, error, and how many bytes were taken if the body is complete."""
    body = ChunkedBody(LIMITS)
    content, taken = b"", 0
    try:
        for piece in pieces:
            position = 0
            while True:
                event, position = body.read(piece, position)
                assert 0 <= position <= len(piece)
                if isinstance(event, EndOfBody):
                    return content, event.trailers, "", taken + position
                if event is None:
                    break
                assert isinstance(event, BodyChunk)
                assert event.data
                content += event.data
            assert position == len(piece), "it takes all that there is"
            assert body.buffered <= MOST_BUFFERED
            taken += len(piece)
    except RemoteProtocolError as error:
        assert 400 <= error.status < 500  # noqa: PT017 - a target, not a test
        return content, None, type(error).__name__, None
    return content, None, "", None


def _chunks(data: bytes, chance: random.Random) -> bytes:
    wire = b""
    for piece in cut(data, chance, 12):
        if piece:
            size = chance.choice((b"%x", b"%X", b"0%x", b"00000%X", b"%x;a", b'%x;b="c"')) % len(piece)
            wire += size + b"\r\n" + piece + b"\r\n"
    return wire + b"0\r\n\r\n"


def _check(data: bytes) -> None:
    chance = chance_of(data)
    whole = _read([data])
    for pieces in (cut(data, chance), cut(data, chance, 1), [data[at : at + 1] for at in range(len(data))]):
        assert _read(pieces) == whole, pieces
    at_once = ChunkedBody(LIMITS).read_whole(data, 0)
    if at_once is not None:
        assert whole == (at_once, (), "", len(data))
    if len(data) < 1000:
        wire = _chunks(data, chance)
        body = ChunkedBody(Limits())
        got = b""
        for piece in cut(wire, chance):
            position = 0
            while True:
                event, position = body.read(piece, position)
                if not isinstance(event, BodyChunk):
                    break
                got += event.data
        assert got == data


CHUNKED_BODIES = Target(
    name="chunked",
    promises="our errors only; cuts change nothing; bounded lines; chunks of any size are their content",
    check=_check,
    seeds=tuple(
        case.wire.partition(_HEAD_END)[2]
        for case in CASES
        if case.name.startswith(("chunked/", "trailer/", "limit/extension")) and len(case.wire) < 700
    ),
    dictionary=(
        b"0\r\n\r\n",
        b"0\r\n",
        b"5\r\nhello\r\n",
        b"F;a=b\r\n",
        b";",
        b"X: y\r\n",
        b"\r\n",
        b"ffffffffffffffff",
    ),
    modules=("pounce_http1",),
    rounds=700,
)
