"""The messages between a worker process and its parent: JSON objects, each behind its length in four bytes.

From the parent: ``drain``, ``stop``, ``retire``. From the child: ``ready``, ``status``, ``word``, ``exit``. From
either: ``ask`` and ``answer``; see ``questions.py``.
The pipe is a pair of connected sockets, so that both directions end when either side does, also on Windows.
"""

from __future__ import annotations

import contextlib
import json
import struct
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import socket

__all__ = ["ControlPipe"]

_LENGTH: Final = struct.Struct("!I")
RECEIVE_SIZE: Final = 65536

Message = dict[str, Any]


class ControlPipe:
    """One end of a control pipe. Any thread may send; one thread receives."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._lock = threading.Lock()
        """Guards sending: a message is not to be cut by another."""
        self._received = bytearray()

    def fileno(self) -> int:
        """Its descriptor, for selectors."""
        return self._sock.fileno()

    def send(self, kind: str, **fields: object) -> bool:
        """Send a message; False when the other side is gone."""
        return self.send_bytes(json.dumps({"is": kind, **fields}).encode())

    def send_bytes(self, payload: bytes) -> bool:
        """Send something that is no message; False when the other side is gone."""
        try:
            with self._lock:
                self._sock.sendall(_LENGTH.pack(len(payload)) + payload)
        except OSError:
            return False
        return True

    def receive(self) -> bool:
        """Read once, blocking; False at the end. What came is given out by `messages`."""
        try:
            data = self._sock.recv(RECEIVE_SIZE)
        except OSError:
            return False
        self._received += data
        return bool(data)

    def receive_rest(self) -> None:
        """Read what is there without waiting: the end may be far, where a child of the other side holds its socket."""
        self._sock.setblocking(False)
        while self.receive():
            pass

    def messages(self) -> list[Message]:
        """Take the messages that are complete."""
        taken = []
        while (payload := self._maybe_payload()) is not None:
            taken.append(json.loads(payload))
        return taken

    def receive_bytes(self) -> bytes | None:
        """Wait for what `send_bytes` sent; None at the end."""
        while (payload := self._maybe_payload()) is None:
            if not self.receive():
                return None
        return payload

    def close(self) -> None:
        """End both directions."""
        with contextlib.suppress(OSError):
            self._sock.close()

    def _maybe_payload(self) -> bytes | None:
        received = self._received
        if len(received) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(received)
        end = _LENGTH.size + length
        if len(received) < end:
            return None
        payload = bytes(received[_LENGTH.size : end])
        del received[:end]
        return payload
