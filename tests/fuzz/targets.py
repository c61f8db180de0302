"""All targets, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fuzz.addresses import ADDRESSES
from tests.fuzz.chunked_bodies import CHUNKED_BODIES
from tests.fuzz.conditional_requests import CONDITIONAL_REQUESTS
from tests.fuzz.configuration import CONFIGURATION, OPTION_VALUES
from tests.fuzz.forwarding import FORWARDING
from tests.fuzz.http1_connections import HTTP1_CONNECTIONS
from tests.fuzz.http1_requests import H11_REQUESTS, HTTP1_REQUESTS
from tests.fuzz.http2_connections import HTTP2_CONNECTIONS
from tests.fuzz.http2_frames import HTTP2_FRAMES
from tests.fuzz.http3_streams import HTTP3_STREAMS
from tests.fuzz.negotiation import NEGOTIATION
from tests.fuzz.parser_differences import PARSER_DIFFERENCES
from tests.fuzz.proxy_headers import PROXY_HEADERS
from tests.fuzz.qpack_differences import QPACK_DIFFERENCES
from tests.fuzz.quic_datagrams import QUIC_DATAGRAMS
from tests.fuzz.websocket_frames import WEBSOCKET_FRAMES

if TYPE_CHECKING:
    from tests.fuzz.target import Target

__all__ = ["TARGETS"]

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        HTTP1_REQUESTS,
        H11_REQUESTS,
        HTTP1_CONNECTIONS,
        CHUNKED_BODIES,
        ADDRESSES,
        NEGOTIATION,
        FORWARDING,
        PROXY_HEADERS,
        HTTP2_FRAMES,
        HTTP2_CONNECTIONS,
        HTTP3_STREAMS,
        QPACK_DIFFERENCES,
        QUIC_DATAGRAMS,
        WEBSOCKET_FRAMES,
        CONDITIONAL_REQUESTS,
        CONFIGURATION,
        OPTION_VALUES,
        PARSER_DIFFERENCES,
    )
}
