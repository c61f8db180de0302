"""HTTP/3, in every kind of worker: a row of docs/security/known-failures.md."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from pounce_testing import throw_away_certificate
from tests.clients.http3_client import LIBRARIES, Answer, connected
from tests.clients.ways import over_http3
from tests.end_to_end.signals import Signals
from tests.known_failures.applications import APPLICATION, PIECE, PIECES

if TYPE_CHECKING:
    from pounce_testing.fixtures import Serve

CANCELLED: Final = 0x10C
"""H3_REQUEST_CANCELLED (RFC 9114, 8.1)."""


def begin_upload(client: Any, path: str) -> int:
    """A request whose body does not come; its stream."""
    stream: int = client._quic.get_next_available_stream_id()
    client.answers[stream] = Answer()
    pseudo = {b":method": b"POST", b":scheme": b"https", b":authority": b"localhost", b":path": path.encode()}
    client.h3.send_headers(stream, [*pseudo.items()], end_stream=False)
    client.transmit()
    return stream


async def give_up(client: Any, held: Signals, unread: Signals) -> None:
    """Two requests that the application is at, both of whose answers nobody wants, and one of whose bodies."""
    client.begin(f"/held?{held.query.decode()}")
    streams = [max(client.answers), begin_upload(client, f"/held?{unread.query.decode()}")]
    for signals in (held, unread):
        await signals.wait_in_loop("entered")
    for stream in streams:
        client._quic.stop_stream(stream, CANCELLED)
    client._quic.reset_stream(streams[1], CANCELLED)
    client.transmit()


@over_http3
def test_the_answer_to_a_stream_that_was_given_up_ends_no_other(serve_shared: Serve, signals: Signals) -> None:
    server = serve_shared(APPLICATION)
    held, unread = Signals(signals.folder / "held"), Signals(signals.folder / "unread")
    for each in (held, unread):
        each.folder.mkdir()

    async def visit() -> None:
        async with connected(LIBRARIES[0], server.quic_port, throw_away_certificate().certfile) as client:
            await give_up(client, held, unread)
            assert (await client.ask("/")).body == b'"/"', "by then the server knows"
            for each in (held, unread):
                each.set("released")
            answer = await client.ask("/steady")  # which goes on for longer than what is written for nobody
            assert (answer.status, answer.body) == (200, PIECE * PIECES)
            assert not client.lost

    asyncio.run(visit())
