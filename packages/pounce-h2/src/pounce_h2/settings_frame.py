"""What both sides tell of themselves in their first frames (RFC 9113, 6.5.2; RFC 8441, 3; RFC 9218, 2.1)."""

from __future__ import annotations

import base64
from struct import Struct
from typing import TYPE_CHECKING, Final

from pounce_h2.errors import FRAME_SIZE_ERROR, ConnectionFault

if TYPE_CHECKING:
    from collections.abc import Container

    from pounce_asgi import HeadLimits, Http2Settings

__all__ = ["encode_known", "our_settings", "read_settings"]

MAX_CONCURRENT_STREAMS: Final = 0x3
INITIAL_WINDOW_SIZE: Final = 0x4
MAX_FRAME_SIZE: Final = 0x5
MAX_HEADER_LIST_SIZE: Final = 0x6
ENABLE_CONNECT_PROTOCOL: Final = 0x8
NO_RFC7540_PRIORITIES: Final = 0x9

_SETTING: Final = Struct(">HL")


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


def read_settings(payload: bytes, known: Container[int]) -> dict[int, int]:
    """Identifiers and values of those that are ``known``: the others are dropped (RFC 9113, 6.5.2). Of one that comes
    again and again the last counts. Raises ConnectionFault where the payload does not end with a setting.
    """
    if len(payload) % _SETTING.size:
        raise ConnectionFault("the last of the settings is cut off", FRAME_SIZE_ERROR)
    return {code: value for code, value in _SETTING.iter_unpack(payload) if code in known}


def encode_known(payload: bytes, known: Container[int]) -> bytes:
    """What `read_settings` reads, as the value of HTTP2-Settings (RFC 7540, 3.2.1)."""
    settings = read_settings(payload, known)
    return base64.urlsafe_b64encode(b"".join(_SETTING.pack(*one) for one in settings.items()))
