"""A TLS connection whose records the kernel may encrypt, so that it can send files by itself (Linux: kernel TLS).

OpenSSL hands its keys to the kernel only where it has the socket itself, which costs a system call more for each
request, and a second descriptor for each connection. So this is for those who serve files and have asked for it
(``ssl.OP_ENABLE_KTLS``); without it, and for all else, there is `pounce_workers.net.tls_socket`, whose surface this one
has. Where the kernel does not take over (no ``tls`` module, another cipher, an older OpenSSL), files are read,
encrypted and sent here.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import TYPE_CHECKING, Final

from pounce_workers.net.tls_errors import HandshakeError, TlsError, reason_of
from pounce_workers.net.tls_phase import TlsPhase

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KtlsSocket"]

SOL_TLS: Final = 282
TLS_TX: Final = 1
CRYPTO_INFO: Final = 4
"""Linux, uapi/linux/tls.h: the version and the cipher that the kernel sends with, 2 bytes each."""
RECORD_SIZE: Final = 16384
"""Plaintext of the largest record (RFC 8446, 5.1)."""
SEND_TURN: Final = 262144
"""Plaintext taken in one call, after which others have their turn."""


class KtlsSocket:
    """The server's side of one TLS connection. Owned by one thread at a time; may go from one to another."""

    __slots__ = (
        "_context",
        "_failure",
        "_partial",
        "_phase",
        "_resets",
        "_said_goodbye",
        "_sock",
        "_unread",
        "alpn",
        "fileno",
        "handshake_done",
        "moved",
        "on_handshake",
        "on_stuck",
        "sends_files",
        "ssl_object",
    )

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        """``sock`` is connected and non-blocking, and belongs to this object from now on."""
        self._sock = sock
        self._context = context
        self._phase = TlsPhase.GREETING
        self._failure: str | None = None
        self._partial = False  # a record has been sent in part
        self._resets = False
        self._said_goodbye = False
        self._unread = b""
        self.moved = False
        """It has been a connection of this worker already."""
        self.ssl_object: ssl.SSLSocket | None = None
        self.fileno = sock.fileno
        self.alpn: str | None = None
        self.handshake_done = False
        self.sends_files = False
        """The kernel encrypts what is sent, files too."""
        self.on_handshake: Callable[[], bool] | None = None
        self.on_stuck: Callable[[], None] | None = None

    # -- what a transport uses of a socket ---------------------------------------------------------------------------

    def recv(self, size: int) -> bytes:
        """Read one record, or go on with the handshake; see `TlsSocket.recv`."""
        if self._unread:
            data, self._unread = self._unread, b""
            return data
        if self._phase is TlsPhase.ENDED:
            return b""
        if self._failure is not None:
            raise self._error()
        if self._phase is TlsPhase.GREETING:
            self._greet()
        if self._phase is TlsPhase.CLEARTEXT or self.ssl_object is None:
            return self._sock.recv(size)
        if self._phase is TlsPhase.HANDSHAKE:
            self._shake_hands()
            raise BlockingIOError
        data = self._read(self.ssl_object)
        while data and (hidden := self.ssl_object.pending()):
            data += self.ssl_object.recv(hidden)
        return data

    def send(self, data: bytes | memoryview) -> int:
        """Encrypt and send; see `TlsSocket.send`."""
        if self._failure is not None:
            raise self._error()
        if self._said_goodbye:
            raise BrokenPipeError("nothing can be sent after a close_notify")
        if self._phase is TlsPhase.HANDSHAKE:
            self._shake_hands()  # which may have waited for room
        if not data:
            return 0
        if self.ssl_object is None or self._phase is TlsPhase.CLEARTEXT:
            return self._sock.send(data)
        view = memoryview(data)
        taken = 0
        while taken < min(len(view), SEND_TURN):
            try:
                taken += self.ssl_object.send(view[taken : taken + RECORD_SIZE])
            except ssl.SSLWantWriteError:
                self._partial = True
                if not taken:
                    raise BlockingIOError from None
                return taken
            except ssl.SSLError as error:
                raise self._fail(error) from error
            self._partial = False
        return taken

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
        if self.ssl_object is not None:
            self.ssl_object.close()
        self._sock.close()

    # -- for whoever gives it away -----------------------------------------------------------------------------------

    def unread(self, data: bytes) -> None:
        """Put bytes back, before all others: the next `recv` returns them. No poller knows of them."""
        self._unread = data + self._unread

    @property
    def rewound(self) -> bool:
        """There are bytes that were put back."""
        return bool(self._unread)

    @property
    def cleartext(self) -> bool:
        """The client speaks HTTP without TLS. Bytes go in and out as they are, for an answer that says so."""
        return self._phase is TlsPhase.CLEARTEXT

    # -- inside ------------------------------------------------------------------------------------------------------

    def _greet(self) -> None:
        """Look at the first byte: a ClientHello begins with 22, a request with the letter of a method."""
        first = self._sock.recv(1, socket.MSG_PEEK)
        if b"A" <= first <= b"Z":
            self._phase = TlsPhase.CLEARTEXT
        elif first:
            self._phase = TlsPhase.HANDSHAKE
            self._sock.getpeername()  # raises where the client has reset the connection meanwhile
            # On a descriptor of its own: an SSLSocket takes the one that it is given, loses it when it cannot be made,
            # and goes on in the clear after a shutdown. Pollers know the connection by ours.
            self.ssl_object = self._context.wrap_socket(
                self._sock.dup(), server_side=True, do_handshake_on_connect=False
            )

    def _shake_hands(self) -> None:
        """Go on with the handshake."""
        assert self.ssl_object is not None
        try:
            self.ssl_object.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLWantWriteError:
            self._wait_for_room()
            raise BlockingIOError from None
        except ssl.SSLError as error:
            raise self._fail(error) from error
        self._phase = TlsPhase.OPEN
        self.handshake_done = True
        self.alpn = self.ssl_object.selected_alpn_protocol()
        with contextlib.suppress(OSError):  # the kernel has not taken over
            self.sends_files = bool(any(self._sock.getsockopt(SOL_TLS, TLS_TX, CRYPTO_INFO)))
        callback, self.on_handshake = self.on_handshake, None
        if callback is not None:
            callback()

    def _read(self, connection: ssl.SSLSocket) -> bytes:
        try:
            data = connection.recv(RECORD_SIZE)
        except ssl.SSLWantReadError:
            raise BlockingIOError from None
        except ssl.SSLWantWriteError:
            self._wait_for_room()
            raise BlockingIOError from None
        except ssl.SSLZeroReturnError:
            data = b""
        except ssl.SSLError as error:
            raise self._fail(error) from error
        if not data:
            self._phase = TlsPhase.ENDED
        return data

    def _wait_for_room(self) -> None:
        if self.on_stuck is not None:
            self.on_stuck()

    def _fail(self, error: ssl.SSLError) -> TlsError:
        self._failure = reason_of(error)
        return self._error()

    def _error(self) -> TlsError:
        if self.handshake_done:
            return TlsError(f"the TLS connection failed: {self._failure}")
        return HandshakeError(f"the TLS handshake failed: {self._failure}")

    def _say_goodbye(self) -> None:
        if self._said_goodbye or not self.handshake_done or self.ssl_object is None:
            return
        self._said_goodbye = True
        self.on_stuck = None
        if self._resets or self._failure is not None or self._partial:
            return
        with contextlib.suppress(OSError, ValueError):  # it wants the client's goodbye too, and will not wait for it
            self.ssl_object.unwrap()
            self._phase = TlsPhase.ENDED  # it was there already: from here on, an SSLSocket goes on in the clear
