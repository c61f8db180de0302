"""What a server tells of itself in its first frame (RFC 9113, 6.5.2; RFC 8441, 3; RFC 9218, 2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pounce_asgi import HeadLimits, Http2Settings

__all__ = ["our_settings"]

MAX_CONCURRENT_STREAMS: Final = 0x3
INITIAL_WINDOW_SIZE: Final = 0x4
MAX_FRAME_SIZE: Final = 0x5
MAX_HEADER_LIST_SIZE: Final = 0x6
ENABLE_CONNECT_PROTOCOL: Final = 0x8
NO_RFC7540_PRIORITIES: Final = 0x9


def our_settings(settings: Http2Settings, limits: HeadLimits, *, websockets: bool) -> dict[int, int]:
    """Identifiers and values. The limits of heads are counted as RFC 9113, 6.5.2 has it: 32 bytes more a field."""
    return {
        MAX_CONCURRENT_STREAMS: settings.h2_max_concurrent_streams,
        INITIAL_WINDOW_SIZE: settings.h2_stream_window,
        MAX_FRAME_SIZE: settings.h2_max_frame_size,
        MAX_HEADER_LIST_SIZE: limits.fields_size + limits.target_size,
        ENABLE_CONNECT_PROTOCOL: int(websockets),
        NO_RFC7540_PRIORITIES: 1,
    }
