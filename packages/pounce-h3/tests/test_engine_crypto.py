"""How much of a client's TLS an engine keeps before it is asked for (RFC 9000, 7.5)."""

from __future__ import annotations

from typing import Any

import pytest
from quic_pair import LIBRARIES, SERVER, Link

CRYPTO_BUFFER_EXCEEDED = 0x0D

aioquic_only = pytest.mark.skipif("aioquic" not in LIBRARIES, reason="aioquic is not installed")


def shift(link: Link, epoch: Any, offset: int) -> None:
    """Let the client's CRYPTO frames at this level begin so far behind where they belong."""
    sender: Any = link.client._crypto_streams[epoch].sender
    get_frame = sender.get_frame

    def far_away(size: int, most: int | None = None) -> Any:
        frame = get_frame(size, most)
        if frame is not None:
            frame.offset += offset
            frame.data = frame.data[:10]
        return frame

    sender.get_frame = far_away


def gap(level: str, end: int) -> tuple[Link, int]:
    """A server that got ten bytes of TLS that end there, and how much memory it has for this level."""
    from aioquic.tls import Epoch

    epoch, link = Epoch[level], Link("aioquic", connect=False)
    if level == "ONE_RTT":
        link.client.connect(SERVER, link.now)
        link.turn()
        link.handshake()
        shift(link, epoch, end - 10)
        link.client._crypto_streams[epoch].sender.write(b"0123456789")
    else:
        link.client.connect(SERVER, link.now)
        shift(link, epoch, end - 10)
    link.turn()
    link.run(seconds=0.5)
    connection: Any = link.server._connection
    return link, len(connection._crypto_streams[epoch].receiver._buffer)


LIMITS = [("INITIAL", 16_384), ("HANDSHAKE", 65_536), ("ONE_RTT", 4_096)]


@aioquic_only
@pytest.mark.parametrize(("level", "limit"), LIMITS)
def test_nothing_is_kept_far_behind_a_gap(level: str, limit: int) -> None:
    for end in (limit + 1, 524_000):
        link, kept = gap(level, end)
        assert link.user.end is not None
        assert (link.user.end.code, link.user.end.by_peer) == (CRYPTO_BUFFER_EXCEEDED, False)
        assert not kept
        link.run(seconds=10)
        assert link.server.over
        (ended,) = link.of("ConnectionTerminated")
        assert ended.error_code == CRYPTO_BUFFER_EXCEEDED


@aioquic_only
@pytest.mark.parametrize(("level", "limit"), LIMITS)
def test_what_is_near_may_come_out_of_order(level: str, limit: int) -> None:
    link, kept = gap(level, limit)
    assert link.user.end is None
    assert kept == limit


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_message_that_never_ends(library: str) -> None:
    """Every byte is in order, so none waits behind a gap; but the message says that it has 16 MiB."""
    link = Link(library)
    link.handshake()
    endless = b"\x04\xff\xff\xff" + b"x" * 10_000
    if library == "aioquic":
        from aioquic.tls import Epoch

        link.client._crypto_streams[Epoch.ONE_RTT].sender.write(endless)
    else:
        from qh3.tls import Epoch as Qh3Epoch

        link.client._core.send_crypto(int(Qh3Epoch.ONE_RTT), 0, endless)
    link.turn()
    link.run(lambda: link.user.end is not None)
    assert link.user.end is not None
    assert (link.user.end.code, link.user.end.by_peer) == (CRYPTO_BUFFER_EXCEEDED, False)
    link.run(seconds=10)
    assert link.server.over


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("client", LIBRARIES)
def test_a_large_hello_is_taken(library: str, client: str) -> None:
    protocols = ["h3", *(f"{number:0>180}" for number in range(40 if client == "aioquic" else 8))]
    link = Link(library, client_library=client, client={"alpn_protocols": protocols})
    assert link.datagrams_up > (6 if client == "aioquic" else 1)
    link.handshake()
    assert link.user.end is None
