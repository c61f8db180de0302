"""What QUIC alone costs the server: microseconds for a request of one packet and a response of one packet.

The client is the library's own connection and its time does not count; the link is memory and nothing is lost. Beside
our engine stands the library as it is, driven as its own asyncio server drives it: receive, events, send, timer.

    python packages/pounce-h3/benchmarks/bench_engine.py [--requests 500] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import importlib
import pathlib
import pstats
import sys
import tempfile
import time
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests"))

from quic_identities import write_identity
from quic_pair import CLIENT, LIBRARIES, SERVER, Link, User

REQUEST = b"\x01\x14" + b"\x00\x00\xd1\xd7\x50\x8b" + b"r" * 14
ROUNDS = 12
"""The best one counts."""
RESPONSE = b"\x01\x20" + b"\x00\x00\xd9" + b"h" * 29 + b"\x00\x0dHello, World!"


class Ours:
    """Our engine, its user answering at once."""

    def __init__(self, library: str) -> None:
        self.link = Link(library)
        self.link.handshake()
        self.client, self.engine = self.link.client, self.link.server
        user = self.link.user = Answers()
        user.quic = self.engine
        self.engine._user = user
        self.now = self.link.now

    def receive(self, datagrams: list[bytes], now: float) -> None:
        self.engine.receive(datagrams, CLIENT, now)

    def send(self, now: float) -> Any:
        datagrams = self.engine.datagrams_to_send(now)
        self.engine.timer  # noqa: B018 - the endpoint asks for it
        return datagrams

    def timer(self) -> float | None:
        return self.engine.timer

    def expire(self, now: float) -> None:
        self.engine.expire(now)


class Answers(User):
    """Answers as soon as a request is complete."""

    def stream_received(self, stream_id: int, data: bytes, ended: bool) -> bool:
        self.quic.credit(stream_id, len(data))
        if ended:
            self.quic.send(stream_id, RESPONSE, end=True)
            self.quic.backlog(stream_id)
        return False


class Plain:
    """The library alone."""

    def __init__(self, library: str) -> None:
        configuration = importlib.import_module(f"{library}.quic.configuration").QuicConfiguration
        connection = importlib.import_module(f"{library}.quic.connection").QuicConnection
        with tempfile.TemporaryDirectory() as folder:
            files = write_identity(pathlib.Path(folder))
            made = configuration(is_client=False, alpn_protocols=["h3"])
            made.load_cert_chain(files.certfile, files.keyfile)
        link = Link(library, connect=False)
        self.client = link.client
        self.server = connection(
            configuration=made, original_destination_connection_id=self.client.original_destination_connection_id
        )
        self.client.connect(SERVER, 0.0)
        now = 0.0
        for _ in range(10):
            now += 0.01
            self.receive([data for data, _ in self.client.datagrams_to_send(now)], now)
            for data, _ in self.send(now):
                self.client.receive_datagram(data, SERVER, now)
        while self.client.next_event() is not None:
            pass
        self.now = now

    def receive(self, datagrams: list[bytes], now: float) -> None:
        for data in datagrams:
            self.server.receive_datagram(data, CLIENT, now)
            while (event := self.server.next_event()) is not None:
                if getattr(event, "end_stream", False):
                    self.server.send_stream_data(event.stream_id, RESPONSE, True)

    def send(self, now: float) -> Any:
        datagrams = self.server.datagrams_to_send(now)
        self.server.get_timer()
        return datagrams

    def timer(self) -> float | None:
        timer: float | None = self.server.get_timer()
        return timer

    def expire(self, now: float) -> None:
        self.server.handle_timer(now)


def measure(side: Ours | Plain, requests: int, at_once: int, profile: cProfile.Profile | None) -> tuple[float, float]:
    """Microseconds of the server for a request, and datagrams that it sent for one."""
    client, spent, sent, now = side.client, 0, 0, side.now
    answered = 0
    clock = time.thread_time_ns
    while answered < requests:
        for _ in range(at_once):
            stream_id = client.get_next_available_stream_id()
            client.send_stream_data(stream_id, REQUEST, True)
        goal = answered + at_once
        while answered < goal:
            now += 0.0002
            assert now - side.now < requests, "the client got no answer"
            timer = client.get_timer()
            if timer is not None and timer <= now:
                client.handle_timer(now)
            up = [data for data, _ in client.datagrams_to_send(now)]
            if profile is not None:
                profile.enable()
            begun = clock()
            if up:
                side.receive(up, now)
            due = side.timer()
            if due is not None and due <= now:
                side.expire(now)
            down = side.send(now) if up or (due is not None and due <= now) else ()
            spent += clock() - begun
            if profile is not None:
                profile.disable()
            sent += len(down)
            for data, _ in down:
                client.receive_datagram(data, SERVER, now)
            while (event := client.next_event()) is not None:
                answered += bool(getattr(event, "end_stream", False))
    side.now = now
    return spent / 1000 / requests, sent / requests


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, {options.requests} requests")
    for library in LIBRARIES:
        for at_once in (1, 10):
            kinds = (("library alone", Plain), ("our engine", Ours))
            wanted = {n: kind(library) for n, kind in kinds if options.only in f"{library} {n} {at_once}"}
            best: dict[str, tuple[float, float]] = {}
            for _ in range(1 if options.profile else ROUNDS):  # in turn, so that what else the machine does hits both
                for name, side in wanted.items():
                    gc.collect()
                    profile = cProfile.Profile() if options.profile else None
                    measured = measure(side, options.requests, at_once, profile)
                    best[name] = min(best.get(name, measured), measured)
                    if profile is not None:
                        pstats.Stats(profile).sort_stats("tottime").print_stats(28)
            for name, (micros, sent) in best.items():
                print(f"{library:8} {name:14} {at_once:3} at once: {micros:6.1f} us, {sent:.2f} datagrams sent")


if __name__ == "__main__":
    main()
