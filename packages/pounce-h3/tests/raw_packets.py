"""Packets that no library would send: frames of our own in the packets of a client on aioquic, and first flights."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from quic_clients import varint

if TYPE_CHECKING:
    from quic_clients import RawClient

__all__ = ["long_packet", "send_frames", "stream_frame"]


def send_frames(client: RawClient, frames: bytes) -> None:
    """Send these frames in one packet with the keys of the connection. The client knows nothing of them."""
    from aioquic import tls
    from aioquic.quic.packet import QuicPacketType
    from aioquic.quic.packet_builder import QuicPacketBuilder

    quic: Any = client.quic
    builder = QuicPacketBuilder(
        host_cid=quic.host_cid,
        is_client=True,
        max_datagram_size=1200,
        packet_number=quic._packet_number,
        peer_cid=quic._peer_cid.cid,
        version=quic._version,
    )
    builder.start_packet(QuicPacketType.ONE_RTT, quic._cryptos[tls.Epoch.ONE_RTT])
    first, rest = frames[0], frames[1:]
    assert first < 0x40
    builder.start_frame(first, capacity=len(frames)).push_bytes(rest)
    datagrams, _ = builder.flush()
    quic._packet_number = builder.packet_number
    for data in datagrams:
        client.network.up.send(data, client.address)


def stream_frame(stream_id: int, data: bytes, *, offset: int = 0, end: bool = False) -> bytes:
    """RFC 9000, 19.8, with offset and length."""
    return bytes((0x0E | end,)) + varint(stream_id) + varint(offset) + varint(len(data)) + data


def long_packet(
    first: int = 0xC0,
    *,
    version: int = 1,
    destination: bytes | None = None,
    source: bytes = b"s" * 8,
    token: bytes = b"",
    size: int = 1200,
) -> bytes:
    """A packet with a long header (RFC 9000, 17.2) whose payload nobody can decrypt."""
    destination = os.urandom(8) if destination is None else destination
    head = bytes((first,)) + version.to_bytes(4, "big")
    head += bytes((len(destination),)) + destination + bytes((len(source),)) + source
    if first & 0x30 == 0:
        head += varint(len(token)) + token
    rest = size - len(head) - 2
    return head + (0x4000 | rest).to_bytes(2, "big") + os.urandom(rest)
