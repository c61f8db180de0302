"""Engines: handshakes, streams, windows, ends, against the plain client of the same library."""

from __future__ import annotations

import logging
import random
import subprocess
import sys
from typing import Any

import pytest
from quic_pair import CLIENT, LIBRARIES, Link

from pounce_asgi import Http3Settings
from pounce_h3.quic import ConnectionEnd

pytestmark = pytest.mark.parametrize("library", LIBRARIES)


def joined(library: str, **options: Any) -> Link:
    link = Link(library, **options)
    link.handshake()
    return link


def test_a_handshake(library: str) -> None:
    link = joined(library)
    assert link.user.done == 1
    assert link.server.handshake_complete
    assert link.server.address == CLIENT
    assert link.server.tls["tls_version"] == 0x0304
    assert link.server.tls["cipher_suite"] in {0x1301, 0x1302, 0x1303}
    assert (link.server.tls["server_cert"] or "").startswith("-----BEGIN CERTIFICATE-----")
    assert not link.server.over


def test_only_h3_is_spoken(library: str) -> None:
    link = Link(library, client={"alpn_protocols": ["http/0.9"]})
    link.run(lambda: link.user.end is not None)
    assert link.user.end is not None
    assert link.user.end.code & 0xFF00 == 0x0100  # an alert of TLS
    assert not link.user.done
    link.run(seconds=30)
    assert link.server.over


def test_a_request_and_an_answer(library: str) -> None:
    link = joined(library)
    link.client.send_stream_data(0, b"hello", False)
    link.turn()
    link.run(lambda: 0 in link.user.received)
    assert link.server.receiving(0)
    assert link.server.sending(0)
    link.client.send_stream_data(0, b" world", True)
    link.turn()
    link.run(lambda: 0 in link.user.ended)
    assert link.user.received[0] == b"hello world"
    assert not link.server.receiving(0)
    link.server.send(0, b"answer", end=True)
    assert not link.server.sending(0)
    link.server.send(0, b"too late", end=True)
    link.turn()
    link.run(seconds=1)
    assert link.got(0) == b"answer"


def test_streams_of_our_own(library: str) -> None:
    link = joined(library)
    first, second = link.server.open_unidirectional(), link.server.open_unidirectional()
    assert (first, second) == (3, 7)
    assert link.server.sending(first)
    assert not link.server.receiving(first)
    link.server.send(first, b"\x00settings", end=False)
    link.server.send(second, b"\x02", end=False)
    link.turn()
    link.run(seconds=1)
    assert (link.got(first), link.got(second)) == (b"\x00settings", b"\x02")


def test_the_backlog_falls_as_bytes_leave(library: str) -> None:
    link = joined(library)
    link.client.send_stream_data(0, b"?", True)
    link.turn()
    link.run(lambda: 0 in link.user.ended)
    left = [200]

    def more(stream_id: int) -> None:
        while left[0] and link.server.backlog(stream_id) < 20_000:
            left[0] -= 1
            link.server.send(stream_id, b"m" * 10_000, end=not left[0])

    link.user.on_fell = more
    more(0)
    assert link.server.backlog(0) == 20_000
    link.turn()
    link.run(lambda: len(link.got(0)) == 2_000_000)
    assert link.user.fell
    assert link.server.backlog(0) == 0


def test_windows_follow_what_was_credited(library: str) -> None:
    settings = Http3Settings(h3_stream_window=65_535, h3_connection_window=200_000)
    link = joined(library, settings=settings)
    link.user.consumes = False
    for stream_id in (0, 4, 8, 12):
        link.client.send_stream_data(stream_id, b"u" * 300_000, True)
    link.turn()
    link.run(seconds=20)
    told = sum(map(len, link.user.received.values()))
    assert told <= 200_000
    if library == "aioquic":
        assert told == 200_000
    link.user.consumes = True
    for stream_id, data in list(link.user.received.items()):
        link.server.credit(stream_id, len(data))
    link.turn()
    link.run(lambda: link.user.ended == {0, 4, 8, 12})
    assert all(len(data) == 300_000 for data in link.user.received.values())


def test_the_window_of_a_stream(library: str) -> None:
    link = joined(library, settings=Http3Settings(h3_stream_window=65_535, h3_connection_window=200_000))
    link.user.consumes = False
    link.client.send_stream_data(0, b"u" * 400_000, True)
    link.turn()
    link.run(seconds=20)
    assert len(link.user.received[0]) <= (65_535 if library == "aioquic" else 200_000)
    while 0 not in link.user.ended:
        before = len(link.user.received[0])
        link.server.credit(0, 20_000)
        link.turn()
        link.run(seconds=5)
        assert len(link.user.received[0]) - before <= 70_000
    assert link.user.received[0] == b"u" * 400_000


def test_stop_gives_back_what_is_outstanding(library: str) -> None:
    settings = Http3Settings(h3_stream_window=65_535, h3_connection_window=65_535)
    link = joined(library, settings=settings)
    link.user.consumes = False
    for number in range(20):
        stream_id = number * 4
        link.client.send_stream_data(stream_id, b"u" * 60_000, False)
        link.turn()
        link.run(lambda stream_id=stream_id: stream_id in link.user.received)  # type: ignore[misc]
        before = len(link.user.received[stream_id])
        link.server.stop(stream_id, 0x10C)
        link.server.stop(stream_id, 0x10C)
        link.server.credit(stream_id, 10)  # too late, and nothing
        assert not link.server.receiving(stream_id)
        link.turn()
        link.run(seconds=1)
        assert len(link.user.received[stream_id]) == before
        link.server.send(stream_id, b"no", end=True)
        link.turn()


def test_resets_and_stops(library: str) -> None:
    link = joined(library)
    link.client.send_stream_data(0, b"a", False)
    link.client.send_stream_data(4, b"b", False)
    link.turn()
    link.run(lambda: len(link.user.received) == 2)
    link.client.reset_stream(0, 0x10C)
    link.client.stop_stream(4, 0x10D)
    link.turn()
    link.run(lambda: bool(link.user.resets and link.user.stops))
    assert link.user.resets == [(0, 0x10C)]
    assert link.user.stops == [(4, 0x10D)]
    assert not link.server.receiving(0)
    assert not link.server.sending(4)
    link.server.send(4, b"nobody hears this", end=True)
    link.server.reset(0, 0x10E)
    link.server.reset(0, 0x10F)
    link.server.reset(444, 1)
    link.server.stop(444, 1)
    link.turn()
    link.run(seconds=1)
    assert [(event.stream_id, event.error_code) for event in link.of("StreamReset")][-1] == (0, 0x10E)
    assert link.user.end is None


def test_much_both_ways(library: str) -> None:
    size = 1_000_000
    link = joined(library)
    link.client.send_stream_data(0, b"u" * size, True)
    left = [size]

    def more(stream_id: int) -> None:
        while left[0] and link.server.backlog(stream_id) < 200_000:
            left[0] -= 100_000
            link.server.send(stream_id, b"d" * 100_000, end=not left[0])

    link.user.on_data = lambda stream_id, _data, _ended: more(stream_id) if left[0] == size else None
    link.user.on_fell = more
    link.turn()
    link.run(lambda: 0 in link.user.ended and any(event.end_stream for event in link.of("StreamDataReceived")))
    assert len(link.user.received[0]) == size
    assert len(link.got(0)) == size


@pytest.mark.parametrize("loss", [0.01, 0.05, 0.2])
def test_losses(library: str, loss: float) -> None:
    size = 200_000
    link = Link(library, loss=loss, double=0.02, reorder=0.05, seed=7)
    link.run(lambda: link.user.done == 1, seconds=60)
    data = random.Random(3).randbytes(size)
    link.client.send_stream_data(0, data, True)
    link.turn()
    link.run(lambda: 0 in link.user.ended, seconds=600)
    assert link.user.received[0] == data
    link.server.send(0, data, end=True)
    link.turn()
    link.run(lambda: len(link.got(0)) == size, seconds=600)
    assert link.got(0) == data


def test_many_streams_leave_nothing(library: str) -> None:
    settings = Http3Settings(h3_max_concurrent_streams=10)
    link = joined(library, settings=settings, delay=0.001)
    for _ in range(300):
        opened = []
        for _ in range(10):
            stream_id = link.client.get_next_available_stream_id()
            link.client.send_stream_data(stream_id, b"r" * 100, True)
            opened.append(stream_id)
        link.turn()
        link.run(lambda opened=opened: link.user.ended >= set(opened))  # type: ignore[misc]
        for stream_id in opened:
            link.server.send(stream_id, b"s" * 100, end=True)
        link.turn()
        link.run(seconds=0.1)
    assert len(link.user.ended) == 3000
    connection: Any = link.server._connection
    assert not connection._streams
    assert not connection.happened
    if library == "aioquic":
        space = list(connection._spaces.values())[-1]
        assert not connection._held
        assert not connection._streams_queue
        assert len(space.sent_packets) < 10
        assert len(space.ack_queue) < 10
        assert not connection._events


def test_too_many_streams_end_the_connection(library: str) -> None:
    link = joined(library, settings=Http3Settings(h3_max_concurrent_streams=5))
    if library == "aioquic":
        link.client._remote_max_streams_bidi = 100
        link.client.send_stream_data(5 * 4, b"x", True)
        link.turn()
        link.run(lambda: link.user.end is not None)
        assert link.user.end == ConnectionEnd(0x04, "Too many streams open", False, False)
    else:
        assert link.client.max_concurrent_bidi_streams == 5  # its client cannot be made to open one more
        assert link.client.max_concurrent_uni_streams == 8


def test_the_client_closes(library: str) -> None:
    link = joined(library)
    link.client.close(0x10C, None, "bye")
    link.turn()
    link.run(lambda: link.user.end is not None)
    assert link.user.end == ConnectionEnd(0x10C, "bye", True, True)
    assert not link.server.over
    link.run(seconds=10)
    assert link.server.over
    assert link.server.timer is None
    assert link.server.datagrams_to_send(link.now) == []


def test_we_close(library: str) -> None:
    link = joined(library)
    link.client.send_stream_data(0, b"x", True)
    link.server.close(0x100, "done")
    link.server.close(0x101, "again")
    link.turn()
    link.run(seconds=10)
    assert link.server.over
    assert link.user.end is None
    assert not link.user.received
    (ended,) = link.of("ConnectionTerminated")
    assert (ended.error_code, ended.reason_phrase) == (0x100, "done")


def test_calls_after_the_end_do_nothing(library: str) -> None:
    link = joined(library)
    link.client.send_stream_data(0, b"x", False)
    link.turn()
    link.run(lambda: 0 in link.user.received)
    link.server.close(0x100, "")
    for _ in range(2):
        link.server.send(0, b"x", end=True)
        link.server.reset(0, 1)
        link.server.stop(0, 1)
        link.server.credit(0, 1)
        link.server.backlog(0)
        link.server.update_keys()
        link.server.receive([b"\x40" * 100], CLIENT, link.now)
        link.server.expire(link.now)
        link.run(seconds=10)
    assert link.server.over


def test_the_client_vanishes(library: str) -> None:
    link = joined(library, settings=Http3Settings(quic_idle_timeout=20.0))
    link.client.send_stream_data(0, b"x", True)
    link.turn()
    link.run(lambda: 0 in link.user.ended)
    link.cut = True
    link.server.send(0, b"y" * 100_000, end=True)
    link.turn()
    while link.server.timer is not None:
        link.now = max(link.now, link.server.timer)
        link.server.expire(link.now)
        link.server.datagrams_to_send(link.now)
    assert link.server.over
    assert link.user.end == ConnectionEnd(0, "nothing arrived for too long", False, False)


def test_an_unfinished_handshake_does_not_live_long(library: str) -> None:
    link = Link(library)
    link.server.receive(link.intercept(), CLIENT, link.now)
    begun = link.now
    while link.server.timer is not None:
        link.now = max(link.now, link.server.timer)
        link.server.expire(link.now)
        link.server.datagrams_to_send(link.now)
    assert link.server.over
    assert 5 < link.now - begun < 15
    assert link.user.end is not None


def test_garbage_first_holds_nothing(library: str) -> None:
    link = Link(library, connect=False)
    link.server.receive([b"\xc0\x00\x00\x00\x01\x08" + bytes(1300)], CLIENT, link.now)
    assert link.server.over
    assert link.user.end is not None


def test_garbage_is_dropped(library: str, caplog: pytest.LogCaptureFixture) -> None:
    link = joined(library)
    chance = random.Random(5)
    heard = link._flying  # nothing is on its way
    assert not heard
    link.client.send_stream_data(0, b"hello" * 200, False)
    real = [data for data, _ in link.client.datagrams_to_send(link.now)]
    link.server.receive([*real, *real], CLIENT, link.now)
    ids = link.server.connection_ids
    for size in (0, 1, 5, 20, 21, 22, 40, 100, 1200, 1500):
        for _ in range(20):
            data = chance.randbytes(size)
            called = bytes([chance.randrange(0x40, 0x80)]) + min(ids) + data
            link.server.receive([data, called], CLIENT, link.now)
    for data in real:
        for cut in (1, 8, 9, 20, 30, len(data) - 1):
            link.server.receive([data[:cut]], CLIENT, link.now)
            link.server.receive([data[:cut] + b"\x00" + data[cut + 1 :]], ("203.0.113.9", 5), link.now)
    link.server.receive(real, CLIENT, link.now)
    assert link.user.received[0] == b"hello" * 200
    assert link.user.end is None
    link.client.send_stream_data(0, b"!", True)
    link.turn()
    link.run(lambda: 0 in link.user.ended)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_nothing_is_logged(library: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        link = joined(library)
        link.client._logger = None
        caplog.clear()
        link.server.close(0x100, "")
        link.server.datagrams_to_send(link.now)
        link = joined(library)
        caplog.clear()
        link.client.close(0x10C, None, "bye")
        datagrams = [data for data, _ in link.client.datagrams_to_send(link.now)]
        caplog.clear()
        link.server.receive(datagrams, CLIENT, link.now)
        assert link.user.end is not None
    assert not caplog.records


def test_the_gil_stays_off(library: str) -> None:
    if not hasattr(sys, "_is_gil_enabled") or sys._is_gil_enabled():
        pytest.skip("this Python has it on")
    code = f"""
import sys
from pounce_h3.engine import load_library
from pounce_h3.qpack import QpackDecoder
load_library({library!r}); QpackDecoder()
assert not sys._is_gil_enabled()
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
