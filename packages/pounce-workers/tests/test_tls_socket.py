"""TLS behind the surface of a socket: every way in which bytes can come and a socket can take them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loops import run_virtually
from tls_doubles import V12, V13, VERSIONS, MemorySocket, Pair, client_context, client_thread, server_context

from pounce_workers.net.send_queue import FileRange, SendQueue
from pounce_workers.net.tls_engines import is_tls, wrap_tls
from pounce_workers.net.tls_errors import HandshakeError, TlsError
from pounce_workers.net.tls_sending import OWN_BYTES, SEND_TURN
from pounce_workers.net.tls_socket import TlsSocket

if TYPE_CHECKING:
    import pathlib

CONTENT = random.Random(5).randbytes(400_000)
CONTEXT = server_context("h2", "http/1.1")
every_version = pytest.mark.parametrize("version", VERSIONS)


@every_version
def test_a_handshake_in_single_bytes(version: ssl.TLSVersion) -> None:
    it = Pair(version, alpn=["x", "h2"], gives=[1], takes=[1, 0])
    it.server.on_stuck = lambda: None
    turns = 0
    while not (it.server.handshake_done and it.client.shaken):
        turns += 1
        assert turns < 50_000
        assert it.recv() is None
        if not it.raw.inbox:
            _flush(it)
            it.carry()
    assert it.server.alpn == "h2"
    assert it.server.ssl_object.version() == {V12: "TLSv1.2", V13: "TLSv1.3"}[version]


def _flush(it: Pair) -> None:
    while True:
        try:
            assert it.server.send(b"") == 0
            return
        except BlockingIOError:
            pass


@settings(max_examples=60, deadline=None)
@given(
    version=st.sampled_from(VERSIONS),
    gives=st.lists(st.integers(0, 40_000), min_size=1, max_size=6).filter(any),
    takes=st.lists(st.integers(0, 40_000), min_size=1, max_size=6).filter(any),
    up=st.lists(st.integers(1, 60_000), max_size=5),
    down=st.lists(st.integers(1, 90_000), max_size=5),
)
def test_bytes_go_through_however_they_are_cut(
    version: ssl.TLSVersion, gives: list[int], takes: list[int], up: list[int], down: list[int]
) -> None:
    # Not in single bytes: that is for the handshake, and takes long.
    it = Pair(
        version,
        context=CONTEXT,
        gives=[max(give, 50) for give in gives],
        takes=[take and max(take, 50) for take in takes],
    )
    sent, received = b"", b""
    queue = SendQueue()
    for index, size in enumerate(down):
        queue.append(CONTENT[index : index + size])
        sent += CONTENT[index : index + size]
    told = [CONTENT[-size:] for size in up]
    turns = 0
    while not (it.client.received == sent and received == b"".join(CONTENT[-size:] for size in up)):
        turns += 1
        assert turns < 60_000
        received += it.recv() or b""
        try:
            if it.server.handshake_done and queue:
                queue.send_some(it.server)  # type: ignore[arg-type]
            else:
                it.server.send(b"")
        except BlockingIOError:
            pass
        it.carry()
        if it.client.shaken and told:
            it.tell(told.pop(0))
    assert not queue
    assert queue.size == 0


@every_version
@pytest.mark.parametrize("size", [1, 16383, 16384, 16385, 65536, 65537, 200_000, 300_000])
def test_sizes(version: ssl.TLSVersion, size: int) -> None:
    it = Pair(version)
    it.shake_hands()
    data = CONTENT[:size]
    taken = it.server.send(data)
    assert taken == min(size, SEND_TURN)
    while taken < size:
        taken += it.server.send(memoryview(data)[taken:])
    it.carry()
    assert it.client.received == data
    it.tell(data)
    received = b""
    while it.raw.inbox:
        received += it.recv() or b""
    assert received == data


def test_no_call_takes_or_returns_without_bound() -> None:
    it = Pair()
    it.shake_hands()
    assert it.server.send(CONTENT * 10) == SEND_TURN
    it.tell(CONTENT)
    assert max(len(it.recv() or b"") for _ in range(3)) <= 81920


@every_version
def test_what_was_encrypted_but_not_sent_comes_again(version: ssl.TLSVersion) -> None:
    it = Pair(version)
    it.shake_hands()
    it.raw.set_room(10, 0)
    for _ in range(3):
        with pytest.raises(BlockingIOError):
            it.server.send(b"hello")
    it.tell(b"meanwhile")
    assert it.recv() == b"meanwhile"
    it.raw.set_room(1 << 20)
    assert it.server.send(b"hello and more") == 5
    assert it.server.send(b" and more") == 9
    it.carry()
    assert it.client.received == b"hello and more"


def test_small_pieces_share_a_record() -> None:
    it = Pair()
    it.shake_hands()
    before = len(it.raw.outbox)
    assert it.server.sendmsg([b"head", memoryview(b"body")]) == 8
    assert len(it.raw.outbox) - before < 40
    assert it.server.sendmsg([b"", b"a" * 60_000, b"b" * 10_000, b"c"]) == 70_001
    assert it.server.sendmsg([b"d", CONTENT]) == SEND_TURN
    assert it.server.sendmsg([]) == 0
    it.carry()
    assert it.client.received == b"headbody" + b"a" * 60_000 + b"b" * 10_000 + b"cd" + CONTENT[: SEND_TURN - 1]


def test_pieces_that_a_socket_takes_in_part_come_again() -> None:
    it = Pair()
    it.shake_hands()
    it.raw.set_room(100_000, 10, 0)
    assert it.server.sendmsg([b"a" * 60_000, b"b" * 10_000]) == 65536
    it.raw.set_room(0)
    for _ in range(2):
        with pytest.raises(BlockingIOError):
            it.server.sendmsg([b"b" * 4464])
    it.raw.set_room(1 << 20)
    assert it.server.sendmsg([b"b" * 4464, b"c"]) == 4464
    assert it.server.sendmsg([b"c"]) == 1
    it.carry()
    assert it.client.received == b"a" * 60_000 + b"b" * 10_000 + b"c"


def test_openssl_may_take_less_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so (SSL_write, SSL_MODE_ENABLE_PARTIAL_WRITE), although it does not into memory."""
    it = Pair()
    it.shake_hands()
    encrypt = it.server._encrypt
    monkeypatch.setattr(it.server, "_encrypt", lambda data: encrypt(data[:512]))
    assert it.server.send(CONTENT[:10_000]) == 10_000
    assert it.server.send(CONTENT[:300]) == 300
    it.carry()
    assert it.client.received == CONTENT[:10_000] + CONTENT[:300]


# -- ends ------------------------------------------------------------------------------------------------------------


@every_version
def test_the_end_after_bytes_is_made_visible(version: ssl.TLSVersion) -> None:
    it = Pair(version)
    it.shake_hands()
    it.tell(b"last words")
    it.raw.inbox += it.client.goodbye()
    assert it.recv() == b"last words"
    assert it.raw.calls == ["shut reading"], "no poller would tell of a close_notify that was read already"
    assert it.recv() == b""
    assert it.recv() == b""
    assert it.server.send(b"answer") == 6  # it may still read


@pytest.mark.parametrize("goodbye", [True, False])
def test_an_end_with_and_without_a_close_notify(goodbye: bool) -> None:
    it = Pair()
    it.shake_hands()
    if goodbye:
        it.raw.inbox += it.client.goodbye()
    else:
        it.raw.ended = True
    assert it.recv() == b""


def test_an_end_within_a_record() -> None:
    it = Pair()
    it.shake_hands()
    it.raw.inbox += it.client.encrypt(b"x" * 100)[:50]
    assert it.recv() is None
    it.raw.ended = True
    assert it.recv() == b""


@every_version
def test_closing_says_goodbye_once(version: ssl.TLSVersion) -> None:
    it = Pair(version)
    it.shake_hands()
    it.server.shutdown(socket.SHUT_WR)
    it.carry()
    assert it.client.ended
    it.server.close()
    assert it.raw.calls == ["shut writing", "close"]
    assert not it.raw.outbox


def test_after_our_goodbye_the_client_is_still_heard() -> None:
    it = Pair()
    it.shake_hands()
    it.server.shutdown(socket.SHUT_WR)
    it.tell(b"the rest")
    assert it.recv() == b"the rest"
    it.raw.inbox += it.client.goodbye()
    assert it.recv() == b""


def test_what_is_cut_off_does_not_look_whole() -> None:
    for end in ("reset", "half a record", "failed"):
        it = Pair()
        it.shake_hands()
        it.raw.set_room(10, 0)
        if end == "reset":
            it.server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"")
            it.raw.set_room(1 << 20)
        elif end == "half a record":
            with pytest.raises(BlockingIOError):
                it.server.send(CONTENT)
            it.raw.set_room(1 << 20)
        else:
            it.raw.inbox += b"\x17\x03\x03\x00\x20" + bytes(32)
            with pytest.raises(TlsError):
                it.recv()
        it.server.close()
        client = it.client
        try:
            client.turn(it.raw.take_all())
        except ssl.SSLError:
            assert end == "failed"  # the alert
        assert not client.ended, end


def test_a_goodbye_never_waits() -> None:
    it = Pair()
    it.shake_hands()
    it.raw.set_room(0)
    it.server.close()
    assert it.raw.calls == ["close"]


def test_closing_before_the_handshake_is_done() -> None:
    it = Pair()
    it.server.close()
    it = Pair()
    it.carry()
    assert it.recv() is None
    it.server.close()
    assert it.raw.calls == ["close"]


# -- errors ----------------------------------------------------------------------------------------------------------


def test_bytes_before_a_broken_record_are_delivered() -> None:
    it = Pair()
    it.shake_hands()
    it.tell(b"good")
    it.raw.inbox += b"\x17\x03\x03\x00\x20" + bytes(32)
    assert it.recv() == b"good"
    assert it.raw.calls == ["shut reading"]
    for _ in range(2):
        with pytest.raises(TlsError, match=r"the TLS connection failed: .*bad record mac"):
            it.recv()
    with pytest.raises(TlsError):
        it.server.send(b"x")
    with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
        it.carry()


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (b"\x16\x03\x01\x00\x05hello", "length mismatch|unexpected message"),
        (bytes(100), "wrong version number|unsupported"),
        (b"\x80\x2e\x01\x00\x02" + bytes(60), "."),
        (b"\x15\x03\x01\x00\x02\x02\x28", "handshake failure|unexpected message"),
        (b"\x16\x03\x01\xff\xff" + bytes(100), "packet length too long|record"),
        (b"ssh-2.0-client", "wrong version number"),
    ],
    ids=["garbage in a record", "zeros", "SSL 2", "alert", "too long", "another protocol"],
)
def test_what_is_no_handshake(wire: bytes, reason: str) -> None:
    it = Pair()
    it.raw.inbox += wire
    with pytest.raises(HandshakeError, match=reason) as caught:
        it.server.recv(16384)
    assert isinstance(caught.value, ConnectionError)
    assert str(caught.value).startswith("the TLS handshake failed: ")
    assert "_ssl.c" not in str(caught.value)


def test_no_common_version() -> None:
    context = server_context()
    context.minimum_version = V13
    it = Pair(V12, context=context)
    it.carry()
    with pytest.raises(HandshakeError, match="unsupported protocol"):
        it.recv()
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        it.carry()  # it has been told why


def test_a_client_certificate_is_wanted() -> None:
    context = server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    it = Pair(V12, context=context)
    it.carry()
    assert it.recv() is None
    it.carry()
    with pytest.raises(HandshakeError, match="peer did not return a certificate"):
        it.recv()


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_http_in_the_clear_goes_in_and_out_as_it_is(size: int) -> None:
    it = Pair(gives=[size])
    it.raw.inbox += b"GET / HTTP/1.1\r\n\r\n"
    got = it.recv()
    assert it.server.cleartext
    while (more := it.recv()) is not None:
        got = (got or b"") + more
    assert got == b"GET / HTTP/1.1\r\n\r\n"
    assert it.server.send(b"HTTP/1.1 400") == 12
    assert it.raw.outbox == b"HTTP/1.1 400"
    it.server.close()
    assert it.raw.outbox == b"HTTP/1.1 400"


def test_nothing_is_sent_before_the_handshake_is_done() -> None:
    it = Pair()
    with pytest.raises(BlockingIOError):
        it.server.send(b"x")
    assert not it.raw.outbox


# -- what OpenSSL sends of itself ------------------------------------------------------------------------------------


@every_version
def test_a_handshake_that_finds_the_socket_full(version: ssl.TLSVersion) -> None:
    it = Pair(version, takes=[0])
    stuck: list[None] = []
    it.server.on_stuck = lambda: stuck.append(None)
    it.carry()
    assert it.recv() is None
    assert stuck
    with pytest.raises(BlockingIOError):
        it.server.send(b"")
    it.raw.set_room(100)
    _flush(it)
    it.raw.set_room(1 << 20)
    it.shake_hands()


def test_own_bytes_are_bounded() -> None:
    it = Pair()
    it.shake_hands()
    it.raw.set_room(0)
    it.server._outgoing.write(bytes(OWN_BYTES + 1))
    it.tell(b"x")
    assert it.recv() == b"x"
    with pytest.raises(TlsError, match="does not read"):
        it.recv()


def test_own_bytes_do_not_count_as_the_application_s() -> None:
    it = Pair()
    it.shake_hands()
    it.raw.set_room(10, 0)
    with pytest.raises(BlockingIOError):
        it.server.send(b"hello")
    it.server._outgoing.write(b"ticket")
    stuck: list[None] = []
    it.server.on_stuck = lambda: stuck.append(None)
    it.tell(b"x")
    assert it.recv() == b"x"
    assert stuck
    it.raw.set_room(1 << 20)
    assert it.server.send(b"") == 0
    assert it.server.send(b"hello") == 5
    assert it.raw.outbox.endswith(b"ticket")


def test_what_came_with_the_end_of_a_handshake_is_returned() -> None:
    it = Pair(V13)
    it.carry()
    assert it.recv() is None
    it.raw.inbox += it.client.turn(it.raw.take_all()) + it.client.encrypt(b"GET")
    heard: list[tuple[bool, str | None]] = []

    def note() -> bool:
        heard.append((it.server.rewound, it.server.alpn))
        return True

    it.server.on_handshake = note
    assert it.recv() == b"GET"
    assert heard == [(True, None)]
    assert not it.server.rewound


def test_what_came_with_the_end_of_a_handshake_goes_where_the_socket_goes() -> None:
    it = Pair(V13)
    it.carry()
    assert it.recv() is None
    it.raw.inbox += it.client.turn(it.raw.take_all()) + it.client.encrypt(b"PRI") + it.client.goodbye()
    it.server.on_handshake = lambda: False
    assert it.recv() is None
    assert it.raw.calls == ["shut reading"]
    assert it.server.rewound
    assert it.recv() == b"PRI"
    assert it.recv() == b""


def test_bytes_that_are_put_back() -> None:
    it = Pair()
    it.shake_hands()
    it.tell(b"next")
    it.server.unread(b"world ")
    it.server.unread(b"hello ")
    assert (it.server.rewound, it.recv(), it.server.rewound) == (True, b"hello world ", False)
    assert it.recv() == b"next"
    assert it.recv() is None


@every_version
def test_sessions_are_resumed(version: ssl.TLSVersion) -> None:
    context = server_context()
    session = None
    for resumed in (False, True):
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        client = client_context(version) if session is None else client  # noqa: F821
        server = wrap_tls(ours, context)

        def talk(session: Any = session, client: Any = client, theirs: Any = theirs) -> ssl.SSLSocket:
            tls: ssl.SSLSocket = client.wrap_socket(theirs, server_hostname="localhost", session=session)
            tls.sendall(b"x")
            assert tls.recv(1) == b"y"
            return tls

        tls, session = asyncio.run(_serve_one(server, talk))
        assert tls.session_reused is resumed
        tls.close()
        server.close()


async def _serve_one(server: Any, talk: Any) -> tuple[ssl.SSLSocket, Any]:
    task = asyncio.create_task(asyncio.to_thread(talk))
    answered = False
    while not task.done():
        await asyncio.sleep(0.001)
        try:
            if server.recv(1) == b"x" and not answered:
                server.send(b"y")
                answered = True
        except BlockingIOError:
            pass
    tls = await task
    return tls, tls.session


# -- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("takes", [(1 << 20,), (1000, 0), (70_000, 1, 0)])
def test_a_file_never_goes_in_the_clear(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, takes: tuple[int, ...]
) -> None:
    path = tmp_path / "secret"
    path.write_bytes(CONTENT)
    monkeypatch.setattr(os, "sendfile", _forbidden, raising=False)
    it = Pair()
    it.shake_hands()
    it.raw.set_room(*takes)

    async def main() -> None:
        with path.open("rb") as file:
            queue = SendQueue()
            done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            queue.append(b"<")
            queue.append_item(FileRange(file.fileno(), 0, 1 << 40, done))
            queue.append(b">")
            turns = 0
            while queue:
                turns += 1
                assert turns < 5000
                with contextlib.suppress(BlockingIOError):
                    queue.send_some(it.server)  # type: ignore[arg-type]
                assert CONTENT[1000:1032] not in it.raw.outbox
                it.client.turn(it.raw.take_all())
            assert await done == len(CONTENT)

    run_virtually(main)
    assert it.client.received == b"<" + CONTENT + b">"


def _forbidden(*_: object) -> int:
    raise AssertionError("the kernel would send the file in the clear")


def test_a_file_that_changes_while_it_is_sent_keeps_the_stream_whole(tmp_path: pathlib.Path) -> None:
    """The same bytes must come again, even if the file has others by then."""
    path = tmp_path / "file"
    path.write_bytes(b"a" * 50_000)
    it = Pair()
    it.shake_hands()
    it.raw.set_room(1000, 0)

    async def main() -> None:
        with path.open("r+b") as file:
            queue = SendQueue()
            done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            queue.append_item(FileRange(file.fileno(), 0, 50_000, done))
            queue.append(b"end")
            with pytest.raises(BlockingIOError):
                queue.send_some(it.server)  # type: ignore[arg-type]
            file.truncate(0)
            it.raw.set_room(1 << 20)
            while queue:
                queue.send_some(it.server)  # type: ignore[arg-type]
            assert await done == 50_000

    run_virtually(main)
    it.carry()
    assert it.client.received == b"a" * 50_000 + b"end"


def test_sockets_that_nobody_knows_get_no_file(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"secret")
    monkeypatch.setattr(os, "sendfile", _forbidden, raising=False)
    raw = MemorySocket()

    async def main() -> None:
        with path.open("rb") as file:
            queue = SendQueue()
            queue.append_item(FileRange(file.fileno(), 0, 6, asyncio.get_running_loop().create_future()))
            queue.send_some(raw)  # type: ignore[arg-type]

    run_virtually(main)
    assert raw.outbox == b"secret"


# -- which engine ----------------------------------------------------------------------------------------------------


def test_wrapping() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wrapped = wrap_tls(ours, CONTEXT)
        assert type(wrapped).__name__ == "TlsSocket"
        assert (is_tls(wrapped), is_tls(ours)) == (True, False)
        assert wrap_tls(wrapped, CONTEXT) is wrapped
        assert wrapped.fileno() == ours.fileno()


@every_version
def test_a_blocking_client_over_a_real_socket(version: ssl.TLSVersion) -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    server = TlsSocket(ours, CONTEXT)

    def talk(tls: ssl.SSLSocket) -> None:
        tls.sendall(CONTENT)
        got = b""
        while len(got) < len(CONTENT):
            got += tls.recv(65536)
        assert got == CONTENT
        tls.unwrap()

    client = client_thread(theirs, version, talk)
    received, unsent = b"", memoryview(CONTENT)
    while True:
        try:
            if len(received) == len(CONTENT) and unsent:
                unsent = unsent[server.send(unsent) :]
            else:
                part = server.recv(1)
                if not part:
                    break
                received += part
        except BlockingIOError:
            pass
    assert received == CONTENT
    server.close()
    client.join(10)
    assert client.errors == []
