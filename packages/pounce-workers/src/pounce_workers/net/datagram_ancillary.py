"""What the system tells and is told beside a datagram: the address it reached, and how a large one is cut into many.

Where a socket is bound to every address, an answer must leave from the one that the client has reached, or the client
takes it for somebody else's. Python has not all of these numbers; they are the systems' own (ip(7), ipv6(7), udp(7)).
"""

from __future__ import annotations

import socket
import struct
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "LARGEST_CUT",
    "MOST_CUTS",
    "PACKET_INFO_SPACE",
    "ask_for_packet_info",
    "can_cut",
    "cutting",
    "forbid_fragments",
    "leaving_from",
    "read_packet_info",
]

Control = tuple[int, int, bytes]
"""Level, type and content of one message."""

_IP_PKTINFO: Final = {"linux": 8, "darwin": 26}.get(sys.platform)
_IPV6_PKTINFO: Final = getattr(socket, "IPV6_PKTINFO", None)
_IPV6_RECVPKTINFO: Final = getattr(socket, "IPV6_RECVPKTINFO", None)
_IN: Final = struct.Struct("@I4s4s")
"""Interface, address of ours, address in the packet."""
_IN6: Final = struct.Struct("@16sI")
"""Address of ours, interface."""
PACKET_INFO_SPACE: Final = 64
"""Bytes for either of them with its header; more than any system needs."""

_SOL_UDP: Final = 17
_UDP_SEGMENT: Final = 103
_CUT: Final = struct.Struct("@H")
MOST_CUTS: Final = 64
"""Datagrams in one call (linux/udp.h, UDP_MAX_SEGMENTS)."""
LARGEST_CUT: Final = 65_000
"""Bytes in one call: all of it is one datagram of IP until it is cut."""

_DISCOVER: Final = {socket.AF_INET: (socket.IPPROTO_IP, 10), socket.AF_INET6: (socket.IPPROTO_IPV6, 23)}
_ALWAYS: Final = 2  # IP_PMTUDISC_DO, IPV6_PMTUDISC_DO


def ask_for_packet_info(sock: socket.socket) -> bool:
    """Have the system say which address each datagram reached; False where it cannot."""
    if not hasattr(sock, "recvmsg"):
        return False
    try:
        if sock.family == socket.AF_INET6 and _IPV6_RECVPKTINFO is not None:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
        elif sock.family == socket.AF_INET and _IP_PKTINFO is not None:
            sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        else:
            return False
    except OSError:
        return False
    return True


def read_packet_info(control: Sequence[Control]) -> tuple[str, bytes] | None:
    """The address that was reached, and what makes the answer leave from there; None if nothing was said."""
    for level, kind, content in control:
        if level == socket.IPPROTO_IP and kind == _IP_PKTINFO and len(content) >= _IN.size:
            _, ours, reached = _IN.unpack_from(content)
            if not any(ours):
                ours = reached  # macOS leaves the other empty
            return socket.inet_ntop(socket.AF_INET, ours), _IN.pack(0, ours, bytes(4))
        if level == socket.IPPROTO_IPV6 and kind == _IPV6_PKTINFO and len(content) >= _IN6.size:
            ours, interface = _IN6.unpack_from(content)
            # The system finds the interface, save for a link-local address, which every interface may have.
            link_local = ours[0] == 0xFE and ours[1] & 0xC0 == 0x80
            return socket.inet_ntop(socket.AF_INET6, ours), _IN6.pack(ours, interface if link_local else 0)
    return None


def leaving_from(source: bytes) -> Control:
    """The message that goes with an answer; ``source`` is from `read_packet_info`."""
    if len(source) == _IN.size:
        return socket.IPPROTO_IP, _IP_PKTINFO or 0, source
    return socket.IPPROTO_IPV6, _IPV6_PKTINFO or 0, source


def can_cut(sock: socket.socket) -> bool:
    """Whether the system cuts what it is given into datagrams (Linux, UDP_SEGMENT). On loopback ten datagrams of 1,200
    bytes cost 0.95 us each instead of 4, two of them 3.
    """
    if sys.platform != "linux":
        return False
    try:
        sock.getsockopt(_SOL_UDP, _UDP_SEGMENT)
    except OSError:
        return False
    return True


def cutting(size: int) -> Control:
    """The message that has a datagram cut into such of ``size`` bytes; the last may be smaller."""
    return _SOL_UDP, _UDP_SEGMENT, _CUT.pack(size)


def forbid_fragments(sock: socket.socket) -> None:
    """QUIC finds out what fits and must not be sent in fragments (RFC 9000, 14)."""
    if sys.platform == "linux":
        for family, (level, option) in _DISCOVER.items():
            if family in (sock.family, socket.AF_INET):  # a socket of IPv6 may have clients of both
                sock.setsockopt(level, option, _ALWAYS)
