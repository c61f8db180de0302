"""The sending half of a `pounce_workers.net.tls_socket.TlsSocket`: encrypting, and what a full socket did not take.

It has OpenSSL's rule for a full socket: bytes that were encrypted but not sent count as not taken, and the same bytes
come again. What OpenSSL wants sent of itself (handshake, tickets, key updates, alerts) is bounded, and is finished
before more bytes of the application are. Hot path: `send`.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING, Final

from pounce_workers.net.tls_errors import HandshakeError, TlsError, reason_of
from pounce_workers.net.tls_phase import TlsPhase

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

__all__ = ["TlsSending"]

RECORD_SIZE: Final = 16384
"""Plaintext of the largest record (RFC 8446, 5.1). OpenSSL is given no more at a time: its buffers keep the size that
they once had, of each idle connection (40 KiB instead of 84 after a large answer, for 3 us in each 64 KiB)."""
SEND_STEP: Final = 65536
"""Plaintext encrypted before the kernel is called: what may wait encrypted, and be copied, for a full socket."""
SEND_TURN: Final = 262144
"""Plaintext taken in one call: a quarter of a millisecond of encryption, after which others have their turn."""
OWN_BYTES: Final = 65536
"""Bytes of OpenSSL's own that may wait for a client that makes it answer, and reads nothing."""


class TlsSending:
    """One half of one connection."""

    __slots__ = (
        "_detour",
        "_encrypt",
        "_failure",
        "_incoming",
        "_outgoing",
        "_owed",
        "_pending",
        "_phase",
        "_raw_send",
        "_resets",
        "_said_goodbye",
        "_sock",
        "_stalled",
        "_take",
        "handshake_done",
        "on_stuck",
        "ssl_object",
    )

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        self._sock = sock
        self._raw_send = sock.send
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.ssl_object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        """For what can be asked about the connection."""
        self._take = self._outgoing.read
        self._encrypt = self.ssl_object.write
        self._phase = TlsPhase.GREETING
        self._detour = True  # recv() has something else to do than to receive
        self._stalled = True  # send() has something else to do first
        self._pending = memoryview(b"")  # ciphertext that the socket did not take
        self._owed = 0  # plaintext in it that its sender will bring again
        self._failure: str | None = None
        self._resets = False
        self._said_goodbye = False
        self.handshake_done = False
        self.on_stuck: Callable[[], None] | None = None
        """Called when something of OpenSSL's own waits for room in the socket: ``send(b"")`` is wanted then."""

    def send(self, data: bytes | memoryview) -> int:
        """Encrypt and send; how many bytes were taken.

        Raises:
            BlockingIOError: none were. When there is room again, the same bytes must come again.
            TlsError: the connection has failed.
            OSError: the socket has failed.
        """
        if self._stalled:
            return self._send_otherwise(data)
        size = len(data)
        if not size:
            return 0
        if size > RECORD_SIZE:
            return self._send_long(data, 0)
        try:
            encrypted = self._encrypt(data)
        except ssl.SSLError as error:
            raise self._fail(error) from error
        if encrypted != size:
            return self._send_long(data, encrypted)  # it may stop after a record
        ciphertext = self._take()
        try:
            sent = self._raw_send(ciphertext)
        except BlockingIOError:
            sent = 0
        if sent != len(ciphertext):
            self._stall(ciphertext, sent, size)
            raise BlockingIOError
        return size

    def sendmsg(self, parts: Sequence[bytes | memoryview]) -> int:
        """Send several pieces, in as few records as they fit in; as `send`."""
        rest = [memoryview(part) for part in reversed(parts)]
        taken = 0
        while rest and taken < SEND_TURN:
            step = _first(rest, SEND_STEP)
            try:
                sent = self.send(step)
            except BlockingIOError:
                if not taken:
                    raise
                break
            taken += sent
            if sent < len(step):
                break
        return taken

    def _send_otherwise(self, data: bytes | memoryview) -> int:
        if self._failure is not None:
            raise self._error()
        self._send_pending()
        if not data:
            return 0
        if self._phase is TlsPhase.CLEARTEXT:
            return self._raw_send(data)
        if not self.handshake_done:
            raise BlockingIOError
        self._stalled = False
        owed, self._owed = self._owed, 0
        return owed or self.send(data)

    def _send_long(self, data: bytes | memoryview, encrypted: int) -> int:
        """Send what takes several steps, of which the first bytes may be encrypted already."""
        view = memoryview(data)
        taken = 0
        while taken < min(len(view), SEND_TURN):
            end = min(taken + SEND_STEP, len(view))
            done = taken + encrypted
            pieces = [self._take()] if encrypted else []
            encrypted = 0
            try:
                while done < end:
                    done += self._encrypt(view[done : min(done + RECORD_SIZE, end)])
                    pieces.append(self._take())
            except ssl.SSLError as error:
                raise self._fail(error) from error
            ciphertext = b"".join(pieces)
            try:
                sent = self._raw_send(ciphertext)
            except BlockingIOError:
                sent = 0
            if sent != len(ciphertext):
                self._stall(ciphertext, sent, done - taken)
                if not taken:
                    raise BlockingIOError
                break
            taken = done
        return taken

    def _stall(self, ciphertext: bytes, sent: int, owed: int) -> None:
        self._pending = memoryview(ciphertext)[sent:]
        self._owed = owed
        self._stalled = True

    def _send_pending(self) -> None:
        """Send what waits encrypted.

        Raises:
            BlockingIOError: something is left.
        """
        if self._pending:
            sent = self._raw_send(self._pending)
            self._pending = self._pending[sent:] if sent < len(self._pending) else memoryview(b"")
            if self._pending:
                raise BlockingIOError

    def _send_own_bytes(self) -> None:
        """Send what OpenSSL has written of itself."""
        if self._outgoing.pending:
            self._pending = memoryview(bytes(self._pending) + self._take())
            self._stalled = True
        if not self._pending:
            return
        try:
            self._send_pending()
        except BlockingIOError:
            if len(self._pending) > OWN_BYTES + self._owed + self._owed // 8:
                self._fail("the client does not read what it asks for")
            elif self.on_stuck is not None:
                self.on_stuck()
        except OSError:
            # The client has gone; what it has sent before is worth more than this.
            self._pending = memoryview(b"")

    def _say_goodbye(self) -> None:
        if self._said_goodbye or not self.handshake_done:
            return
        self._said_goodbye = True
        self.on_stuck = None  # from here on, what does not fit is not sent
        if self._resets or self._failure is not None or self._owed:
            return
        with contextlib.suppress(OSError):  # it wants the client's goodbye too, and will not wait for it
            self.ssl_object.unwrap()
        self._stalled = True
        self._send_own_bytes()

    def _fail(self, error: ssl.SSLError | str) -> TlsError:
        """Nothing more can be done but to send OpenSSL's alert."""
        self._failure = error if isinstance(error, str) else reason_of(error)
        self._phase = TlsPhase.FAILED
        self._detour = self._stalled = True
        if not self._pending:
            with contextlib.suppress(OSError):
                self._raw_send(self._take())
        return self._error()

    def _error(self) -> TlsError:
        # Made anew each time: one that is kept would keep, by its traceback, all that it has passed through.
        if self.handshake_done:
            return TlsError(f"the TLS connection failed: {self._failure}")
        return HandshakeError(f"the TLS handshake failed: {self._failure}")


def _first(rest: list[memoryview], size: int) -> bytes | memoryview:
    """Take so many bytes at most from the end of a list of pieces, whose order is reversed."""
    step = []
    while rest and size:
        view = rest.pop()
        if len(view) > size:
            rest.append(view[size:])
            view = view[:size]
        step.append(view)
        size -= len(view)
    return step[0] if len(step) == 1 else b"".join(step)
