"""What a request costs on an HTTP/2 connection, without a network: microseconds of CPU, the best of several rounds.

    python packages/pounce-h2/benchmarks/bench_connection.py [--profile]

``pounce``: a GET through the connection, the exchange and an application that answers 13 bytes, ten streams in each
read, as a load generator with ten streams sends them. ``h2``: the same bytes through h2's machine alone, which answers
with the same fields: the floor of a server that leaves everything to h2.
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

import h2.config
import h2.connection
import h2.events
from h2_doubles import GET, Conversation, turns

from pounce_h2 import connection

STREAMS = 10
BATCHES = 400
ROUNDS = 7
FIELDS = [*GET, (b"user-agent", b"bench/1.0"), (b"accept", b"*/*")]
BODY = b"Hello, world!"


async def app(_scope: Any, _receive: Any, send: Any) -> None:
    """The application of both."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": BODY})


def requests(batches: int) -> list[bytes]:
    """What a client sends: its preface, then so many reads of ten requests, with the windows that it grants."""
    client = h2.connection.H2Connection()
    client.local_settings.enable_push = 0
    client.local_settings.acknowledge()
    client.initiate_connection()
    client.increment_flow_control_window(2**31 - 1 - 65535)
    reads = [client.data_to_send()]
    stream_id = 1
    for _ in range(batches):
        for _ in range(STREAMS):
            client.send_headers(stream_id, FIELDS, end_stream=True)
            # The client's own limit would stop it, since it hears no answers.
            client.streams.pop(stream_id)
            stream_id += 2
        reads.append(client.data_to_send())
    return reads


async def pounce(reads: list[bytes], profile: cProfile.Profile | None) -> float:
    talk = Conversation(app, raw=True, exchange={"date_header": True, "server_header": True})
    talk.connection.data_received(reads[0])
    if profile:
        profile.enable()
    connection.TURN_SECONDS = 3600.0  # there is nobody to make way for
    start = time.process_time()
    for data in reads[1:]:
        talk.connection.data_received(data)
        if sys.version_info < (3, 12):
            await turns(3)  # tasks cannot begin at once there
    spent = time.process_time() - start
    if profile:
        profile.disable()
    assert talk.connection.requests == STREAMS * (len(reads) - 1)
    assert bytes(talk.transport.written).count(BODY) == talk.connection.requests
    return spent


def alone(reads: list[bytes], *, validate: bool) -> float:
    server = h2.connection.H2Connection(
        h2.config.H2Configuration(
            client_side=False,
            validate_inbound_headers=validate,
            normalize_inbound_headers=validate,
            validate_outbound_headers=validate,
            normalize_outbound_headers=validate,
        )
    )
    server.initiate_connection()
    server.receive_data(reads[0])
    server.data_to_send()
    fields = [
        (b":status", b"200"),
        (b"date", b"Sat, 21 Nov 2026 19:26:00 GMT"),
        (b"server", b"pounce"),
        (b"content-type", b"text/plain"),
        (b"content-length", b"13"),
    ]
    start = time.process_time()
    for data in reads[1:]:
        for event in server.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                server.send_headers(event.stream_id or 0, fields)
                server.send_data(event.stream_id or 0, BODY, end_stream=True)
        server.data_to_send()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    reads = requests(BATCHES)
    count = STREAMS * BATCHES
    profile = cProfile.Profile() if options.profile else None
    print(f"Python {platform.python_version()}{'t' if 'free-threading' in sys.version else ''}, {platform.machine()}")
    rounds = 1 if profile else ROUNDS
    print(f"pounce           {min(asyncio.run(pounce(reads, profile)) for _ in range(rounds)) / count * 1e6:7.1f} us")
    if profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
        return
    for name, validate in (("h2, not checking", False), ("h2", True)):
        print(f"{name:16} {min(alone(reads, validate=validate) for _ in range(ROUNDS)) / count * 1e6:7.1f} us")


if __name__ == "__main__":
    main()
