"""Numbers that hold whatever the QUIC library."""

from __future__ import annotations

from typing import Final

__all__ = [
    "CLOSE_REPEATS",
    "HANDSHAKE_TIME",
    "LARGEST_DATAGRAM",
    "MOST_CRYPTO",
    "PARAMETERS_SIZE",
    "SENT_DATAGRAM",
    "UNIDIRECTIONAL_STREAMS",
]

UNIDIRECTIONAL_STREAMS: Final = 8
"""How many the client may have open: three that HTTP/3 wants, and some of kinds that we do not know (RFC 9114, 6.2)."""

HANDSHAKE_TIME: Final = 10.0
"""Seconds that a client has for its handshake; else somebody who sends nothing but first datagrams would fill us up
for as long as an idle connection lives."""

CLOSE_REPEATS: Final = frozenset((1, 3, 7, 15, 31, 63))
"""Datagrams after which a client that still speaks is told again that the connection is closed."""

LARGEST_DATAGRAM: Final = 2048
"""Bytes of a datagram that the socket is read with."""

SENT_DATAGRAM: Final = 1200
"""Bytes of a datagram of ours: what every path takes (RFC 9000, 14). No server of either library finds out whether one
takes more."""

MOST_CRYPTO: Final = {"INITIAL": 16_384, "HANDSHAKE": 65_536, "ONE_RTT": 4_096}
"""Bytes of TLS that a client may send at each level of encryption in all. A ClientHello with keys for post-quantum
algorithms has two or three thousand; then comes its Finished, since we ask for no certificate, and then nothing."""

PARAMETERS_SIZE: Final = 4096
"""Bytes into which our transport parameters fit."""
