"""A TLS connection that looks like a non-blocking socket to a transport.

OpenSSL works on two buffers in memory here, so that one ``recv`` and one ``send`` of the kernel's do for a request; on
the socket itself it reads the head and the body of each record apart. Three promises, on which transports rely:

- `recv` decrypts all that it read: nothing waits here that the kernel does not know of. What the socket cannot tell
  them (an end that came together with bytes) is made visible by shutting its reading side;
- nothing blocks, and no call does more than a bounded amount of work;
- memory is bounded, whatever the client sends and however little it reads.

Sending is in `pounce_workers.net.tls_sending`. Hot path: `recv`.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import TYPE_CHECKING, ClassVar, Final

from pounce_workers.net.tls_phase import TlsPhase
from pounce_workers.net.tls_sending import RECORD_SIZE, TlsSending

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TlsSocket"]

READ_SIZE: Final = 16384
"""Ciphertext asked for at first: most requests."""
LARGE_READ_SIZE: Final = 81920
"""And after a full read: an upload, of which five records come at once."""


class TlsSocket(TlsSending):
    """The server's side of one TLS connection. Owned by one thread at a time; may go from one to another."""

    __slots__ = ("_decrypt", "_feed", "_raw_recv", "_read_size", "_unread", "alpn", "fileno", "moved", "on_handshake")

    sends_files: ClassVar[bool] = False
    """The kernel cannot send files on this socket: it would send them in the clear."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        """``sock`` is connected and non-blocking, and belongs to this object from now on."""
        super().__init__(sock, context)
        self._raw_recv = sock.recv
        self._feed = self._incoming.write
        self._decrypt = self.ssl_object.read
        self._read_size = READ_SIZE
        self._unread = b""
        self.moved = False
        """It has been a connection of this worker already."""
        self.fileno = sock.fileno
        self.alpn: str | None = None
        """The protocol that was agreed on (RFC 7301); known when the handshake is done."""
        self.on_handshake: Callable[[], bool] | None = None
        """Called once, when the handshake is done. False: the socket belongs to somebody else from now on."""

    # -- what a transport uses of a socket ---------------------------------------------------------------------------

    def recv(self, size: int) -> bytes:  # noqa: ARG002 - how much to read is known better here
        """Read once from the socket and decrypt all of it. Empty at the end, with or without a close_notify: where a
        message ends, HTTP says by itself.

        Raises:
            BlockingIOError: nothing for the application has come, or the handshake goes on.
            TlsError: the connection has failed; the client has been told.
            OSError: the socket has failed.
        """
        if self._detour:
            return self._recv_otherwise()
        ciphertext = self._raw_recv(self._read_size)
        if not ciphertext:
            self._move_to(TlsPhase.ENDED)
            return b""
        if len(ciphertext) >= READ_SIZE:
            self._read_size = LARGE_READ_SIZE
            return self._conclude(self._decrypt_large(ciphertext))
        self._feed(ciphertext)
        try:
            data = self._decrypt(RECORD_SIZE)
        except ssl.SSLError as error:
            self._look_at(error)
            data = b""
        if not data or self._incoming.pending or self._outgoing.pending:
            parts = [data]
            self._decrypt_rest(parts)
            return self._conclude(b"".join(parts))
        return data

    def setsockopt(self, level: int, option: int, value: int | bytes) -> None:
        """Set an option of the socket."""
        if level == socket.SOL_SOCKET and option == socket.SO_LINGER:
            self._resets = True  # it is about to be cut off, which must not look like an end in order
        self._sock.setsockopt(level, option, value)

    def getsockopt(self, level: int, option: int) -> int:
        """An option of the socket."""
        return self._sock.getsockopt(level, option)

    def shutdown(self, how: int) -> None:
        """End one direction, or both; the writing one with a close_notify, as far as there is room for it."""
        if how != socket.SHUT_RD:
            self._say_goodbye()
        self._sock.shutdown(how)

    def close(self) -> None:
        """Close the socket; with a close_notify, as far as there is room for it and nothing is cut off."""
        self._say_goodbye()
        self.on_handshake = self.on_stuck = None
        self._sock.close()

    # -- for whoever gives it away -----------------------------------------------------------------------------------

    def unread(self, data: bytes) -> None:
        """Put bytes back, before all others: the next `recv` returns them. No poller knows of them."""
        self._unread = data + self._unread
        self._detour = True

    @property
    def rewound(self) -> bool:
        """There are bytes that were put back."""
        return bool(self._unread)

    @property
    def cleartext(self) -> bool:
        """The client speaks HTTP without TLS. Bytes go in and out as they are, for an answer that says so."""
        return self._phase is TlsPhase.CLEARTEXT

    # -- receiving ---------------------------------------------------------------------------------------------------

    def _recv_otherwise(self) -> bytes:
        if self._unread:
            return self._take_unread()
        if self._phase is TlsPhase.ENDED:
            return b""
        if self._failure is not None:
            raise self._error()
        data = self._raw_recv(READ_SIZE)
        if self._phase is TlsPhase.CLEARTEXT or not data:
            return data
        if self._phase is TlsPhase.GREETING:
            # A ClientHello begins with 22, the type of its record; a request with the letter of a method.
            self._phase = TlsPhase.CLEARTEXT if b"A" <= data[:1] <= b"Z" else TlsPhase.HANDSHAKE
            if self._phase is TlsPhase.CLEARTEXT:
                return data
        self._feed(data)
        return self._shake_hands()

    def _shake_hands(self) -> bytes:
        """Go on with the handshake; at its end, return what the client has sent with the last of it."""
        try:
            self.ssl_object.do_handshake()
        except ssl.SSLWantReadError:
            self._send_own_bytes()
            return self._conclude(b"")
        except ssl.SSLError as error:
            raise self._fail(error) from error
        self._phase = TlsPhase.OPEN
        self._detour = self._stalled = False
        self.alpn = self.ssl_object.selected_alpn_protocol()
        self.handshake_done = True
        parts: list[bytes] = []
        self._decrypt_rest(parts)
        data = b"".join(parts)
        if self._failure is not None and not data:
            raise self._error()
        callback, self.on_handshake = self.on_handshake, None
        if callback is not None:
            if self._phase is not TlsPhase.OPEN:
                self._make_readable()
            if data:
                self.unread(data)  # it goes where the socket goes
            if not callback():
                raise BlockingIOError
            if data:
                data = self._take_unread()
        return self._conclude(data)

    def _decrypt_large(self, ciphertext: bytes) -> bytes:
        """Decrypt much, a record's worth at a time: the buffer keeps the size that it once had."""
        view = memoryview(ciphertext)
        parts: list[bytes] = []
        for start in range(0, len(view), READ_SIZE):
            self._feed(view[start : start + READ_SIZE])
            self._decrypt_rest(parts)
            if self._phase is not TlsPhase.OPEN:
                break
        return b"".join(parts)

    def _decrypt_rest(self, parts: list[bytes]) -> None:
        """Decrypt what is left of what OpenSSL was given."""
        try:
            while part := self._decrypt(RECORD_SIZE):
                parts.append(part)
            self._move_to(TlsPhase.ENDED)
        except ssl.SSLError as error:
            self._look_at(error)
        self._send_own_bytes()

    def _look_at(self, error: ssl.SSLError) -> None:
        """Why nothing more can be decrypted."""
        if isinstance(error, ssl.SSLZeroReturnError):
            self._move_to(TlsPhase.ENDED)
        elif not isinstance(error, ssl.SSLWantReadError) and self._failure is None:
            self._fail(error)

    def _conclude(self, data: bytes) -> bytes:
        if data:
            if self._phase is not TlsPhase.OPEN:
                self._make_readable()
            return data
        if self._failure is not None:
            raise self._error()
        if self._phase is TlsPhase.ENDED:
            return b""
        raise BlockingIOError

    def _take_unread(self) -> bytes:
        data, self._unread = self._unread, b""
        self._detour = self._phase is not TlsPhase.OPEN
        return data

    def _make_readable(self) -> None:
        """There is an end or an error to be heard of after these bytes: no poller would know."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RD)

    def _move_to(self, phase: TlsPhase) -> None:
        if self._phase is not TlsPhase.FAILED:
            self._phase = phase
        self._detour = True
