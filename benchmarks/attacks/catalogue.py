"""All attacks by name, and which of them can be tried here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from benchmarks.attacks.connection_attacks import CONNECTION_ATTACKS
from benchmarks.attacks.http1_attacks import HTTP1_ATTACKS
from benchmarks.attacks.http2_attacks import HTTP2_ATTACKS
from benchmarks.attacks.http3_attacks import HTTP3_ATTACKS
from benchmarks.attacks.tls_attacks import TLS_ATTACKS
from benchmarks.attacks.websocket_attacks import WEBSOCKET_ATTACKS
from benchmarks.quic_client import can_speak_quic
from benchmarks.servers import find_program

if TYPE_CHECKING:
    from benchmarks.attacks.attack import Attack

__all__ = ["ATTACKS", "lacking"]

ATTACKS: Final[dict[str, Attack]] = {
    **CONNECTION_ATTACKS,
    **TLS_ATTACKS,
    **HTTP1_ATTACKS,
    **WEBSOCKET_ATTACKS,
    **HTTP2_ATTACKS,
    **HTTP3_ATTACKS,
}


def lacking(attack: Attack) -> str | None:
    """What keeps it from being tried here; None when nothing does."""
    if attack.quic and not can_speak_quic():
        return "a QUIC library"
    if attack.root and os.geteuid() != 0:
        return "root"
    return next((program for program in attack.programs if find_program(program) is None), None)
