"""What a request costs on an HTTP/3 connection beyond QUIC: microseconds of CPU, the best of several rounds.

    python packages/pounce-h3/benchmarks/bench_connection.py [--profile]

A GET through the connection, the exchange and an application that answers 13 bytes, ten streams in each turn, as a load
generator with ten streams sends them; the engine below is one that only takes what it is given. ``table``: the client
keeps its fields in the dynamic table, as all of them do after their first request.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import platform
import pstats
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from h3_doubles import GET, Conversation, block, frame, headers, turns

STREAMS = 10
BATCHES = 400
ROUNDS = 7
FIELDS = [*GET, (b"user-agent", b"bench/1.0"), (b"accept", b"*/*")]
BODY = b"Hello, world!"
ENCODER = 6
INSERTS = b"\x02\x3f\xe1\x1f" + b"".join(
    bytes([0x40 | len(name)]) + name + bytes([len(value)]) + value for name, value in FIELDS if len(name) < 31
)


async def app(_scope: Any, _receive: Any, send: Any) -> None:
    """The application."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": BODY})


class Sink:
    """An engine that takes what it is given."""

    handshake_complete = True
    tls = None

    def __init__(self) -> None:
        self.answers = 0
        self.unidirectional = 3

    def send(self, _stream_id: int, data: bytes, *, end: bool) -> None:
        self.answers += end and data.endswith(BODY)

    def backlog(self, _stream_id: int) -> int:
        return 0

    def credit(self, _stream_id: int, _size: int) -> None:
        pass

    def open_unidirectional(self) -> int:
        self.unidirectional += 4
        return self.unidirectional


def indexed() -> bytes:
    """HEADERS whose fields are all in the table (RFC 9204, 4.5.1 and 4.5.2)."""
    count = len(FIELDS)
    return frame(1, bytes([count + 1, 0]) + bytes(0x80 | index for index in reversed(range(count))))


async def requests(sent: bytes, profile: cProfile.Profile | None, batches: int = BATCHES) -> float:
    talk = Conversation(app, handshake=False, exchange={"date_header": True, "server_header": True})
    sink = Sink()
    talk.connection.quic = sink  # type: ignore[assignment]  # what is needed of it
    talk.connection.handshake_done()
    talk.connection.stream_received(ENCODER, INSERTS, False)
    received = talk.connection.stream_received
    stream_id = 0
    if profile:
        profile.enable()
    start = time.process_time()
    for _ in range(batches):
        for _ in range(STREAMS):
            received(stream_id, sent, True)
            stream_id += 4
        if sys.version_info < (3, 12):
            await turns(3)  # tasks cannot begin at once there
    spent = time.process_time() - start
    if profile:
        profile.disable()
    assert sink.answers == talk.connection.requests == STREAMS * batches
    return spent


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    count = STREAMS * BATCHES
    assert block(FIELDS)
    print(f"Python {platform.python_version()}{'t' if 'free-threading' in sys.version else ''}, {platform.machine()}")
    for name, sent in (("literals", headers(FIELDS)), ("table", indexed())):
        profile = cProfile.Profile() if options.profile else None
        spent = min(asyncio.run(requests(sent, profile)) for _ in range(1 if profile else ROUNDS))
        print(f"{name:16} {spent / count * 1e6:7.1f} us")
        if profile:
            pstats.Stats(profile).sort_stats("tottime").print_stats(30)


if __name__ == "__main__":
    main()
