"""Making the core of a server's connection of qh3, which takes its settings by their places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from qh3._hazmat import QuicConnectionCore

from pounce_h3.engine.limits import UNIDIRECTIONAL_STREAMS

if TYPE_CHECKING:
    from qh3.quic.configuration import QuicConfiguration

__all__ = ["LARGEST_EVENT", "new_core"]

LARGEST_EVENT: Final = 65_536
"""Bytes of a stream that a core tells of at once, at most."""

_CONNECTION_IDS: Final = 8
"""How many of the client's we keep."""
_ACK_DELAY_EXPONENT: Final = 3
_MAX_ACK_DELAY: Final = 0.025
"""Seconds; both are what RFC 9000, 18.2 has as defaults, and what qh3 tells the client."""


def new_core(
    configuration: QuicConfiguration,
    version: int,
    remote: Any,
    own_id: bytes,
    first_destination_id: bytes,
    *,
    retried: bool,
    streams: int,
    now: float,
) -> QuicConnectionCore:
    """The core of a connection that comes from ``remote``. ``retried``: after a Retry of ours; ``streams``: how many
    the client may have open in both directions.
    """
    return QuicConnectionCore(
        False,
        version,
        ("0.0.0.0", 0),  # noqa: S104 - stands for our own address, which the core does not need
        remote,
        own_id,
        first_destination_id,
        retried,
        _CONNECTION_IDS,
        configuration.max_datagram_size,
        False,
        configuration.idle_timeout,
        _ACK_DELAY_EXPONENT,
        None,
        None,
        configuration.max_data,
        0,
        configuration.max_stream_data,
        0,
        0,
        0,
        configuration.max_stream_data,
        streams,
        UNIDIRECTIONAL_STREAMS,
        0,
        0,
        configuration.initial_rtt,
        _MAX_ACK_DELAY,
        now,
    )
