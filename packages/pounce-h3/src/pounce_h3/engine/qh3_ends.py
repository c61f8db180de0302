"""How a core of qh3 tells that its connection has ended."""

from __future__ import annotations

from typing import Any

from pounce_h3.quic import ConnectionEnd

__all__ = ["end_of"]


def end_of(native: tuple[Any, ...]) -> ConnectionEnd:
    """What the event "peer_closed", "protocol_error" or "connection_terminated" says."""
    if native[0] == "peer_closed":
        return ConnectionEnd(native[2], _text(native[4]), native[3] is None, True)
    if native[0] == "protocol_error":
        return ConnectionEnd(native[1], _text(native[3]), False, False)
    if native[1] == 1 and native[3] == b"Idle timeout":
        return ConnectionEnd(0, "nothing arrived for too long", False, False)
    return ConnectionEnd(native[1], _text(native[3]), native[2] is None, False)


def _text(reason: bytes | str) -> str:
    return reason if isinstance(reason, str) else reason.decode("utf-8", "replace")
