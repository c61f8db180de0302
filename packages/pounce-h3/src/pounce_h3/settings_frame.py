"""What both sides tell of themselves in their first frames (RFC 9114, 7.2.4; RFC 9204, 5; RFC 9220, 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce_h3.errors import H3_FRAME_ERROR, H3_SETTINGS_ERROR, ConnectionFault
from pounce_h3.frames import SETTINGS, encode_frame
from pounce_h3.varint import encode_varint, maybe_varint

if TYPE_CHECKING:
    from pounce_asgi import HeadLimits

__all__ = ["BLOCKED_STREAMS", "TABLE_CAPACITY", "read_settings", "settings_frame"]

QPACK_MAX_TABLE_CAPACITY: Final = 0x01
MAX_FIELD_SECTION_SIZE: Final = 0x06
QPACK_BLOCKED_STREAMS: Final = 0x07
ENABLE_CONNECT_PROTOCOL: Final = 0x08
_OF_HTTP2: Final = frozenset({0x00, 0x02, 0x03, 0x04, 0x05})
"""Settings of HTTP/2 that HTTP/3 does not have (RFC 9114, 7.2.4.1 and 11.2.2)."""

TABLE_CAPACITY: Final = 4096
"""Bytes of the dynamic table in which a client may keep fields of its requests."""
BLOCKED_STREAMS: Final = 16
"""Requests at once that may wait for what is still to come for that table."""


def settings_frame(limits: HeadLimits, *, websockets: bool) -> bytes:
    """Our SETTINGS. The limits of heads are counted as RFC 9114, 4.2.2 has it: 32 bytes more a field."""
    settings = {
        QPACK_MAX_TABLE_CAPACITY: TABLE_CAPACITY,
        QPACK_BLOCKED_STREAMS: BLOCKED_STREAMS,
        MAX_FIELD_SECTION_SIZE: limits.fields_size + limits.target_size,
    }
    if websockets:
        settings[ENABLE_CONNECT_PROTOCOL] = 1
    return encode_frame(SETTINGS, b"".join([encode_varint(key) + encode_varint(settings[key]) for key in settings]))


def read_settings(payload: bytes) -> dict[int, int]:
    """Identifiers and values, unknown ones included.

    Raises:
        ConnectionFault: H3_FRAME_ERROR if it is cut off; H3_SETTINGS_ERROR for what comes twice, is reserved, or has a
            value that is none.
    """
    settings: dict[int, int] = {}
    position = 0
    while position < len(payload):
        key = maybe_varint(payload, position)
        value = key and maybe_varint(payload, key[1])
        if key is None or value is None:
            raise ConnectionFault("the last of the settings is cut off", H3_FRAME_ERROR)
        if key[0] in settings:
            raise ConnectionFault(f"the setting {key[0]:#x} came twice", H3_SETTINGS_ERROR)
        if key[0] in _OF_HTTP2:
            raise ConnectionFault(f"the setting {key[0]:#x} belongs to HTTP/2", H3_SETTINGS_ERROR)
        if key[0] == ENABLE_CONNECT_PROTOCOL and value[0] > 1:
            raise ConnectionFault("SETTINGS_ENABLE_CONNECT_PROTOCOL is neither 0 nor 1", H3_SETTINGS_ERROR)
        settings[key[0]] = value[0]
        position = value[1]
    return settings
