"""A connection over a plain socket: TCP or UNIX.

Bytes are sent at once; only what the socket does not take is kept and watched for. Pausing costs no system call until
bytes really arrive. How it ends is in `pounce_workers.net.transport_ending`. Hot path: `on_readable` and `write`.
"""

from __future__ import annotations

import contextvars
from functools import partial
from time import monotonic
from typing import IO, TYPE_CHECKING, Final

from pounce_asgi import ClientGone
from pounce_asgi.fairness import TURN_SECONDS, call_behind
from pounce_workers.net.deadlines import NEVER
from pounce_workers.net.descriptor_wait import wait_readable
from pounce_workers.net.send_queue import FileRange, SendQueue
from pounce_workers.net.transport_ending import TransportEnding
from pounce_workers.net.unacknowledged import unacknowledged
from pounce_workers.net.unsent_bound import lift_bound

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Callable, Sequence

    from pounce_asgi import ConnectionProtocol, TLSExtension
    from pounce_workers.net.deadlines import DeadlineSweeper
    from pounce_workers.net.poller import Poller
    from pounce_workers.net.send_queue import QueuedItem

__all__ = ["SocketTransport"]

READ_SIZE: Final = 16384
"""Bytes asked for at first. More than most requests, and small enough that allocating it costs next to nothing."""
LARGE_READ_SIZE: Final = 81920
"""Bytes asked for after a full read: an upload. A body of 64 KiB comes in one piece with its head; larger reads were
slower (64 KiB POST: 52 us a request, 64 with 256 KiB), because so much memory comes from the system each time."""
FIRST_AT_ONCE: Final = 2048
"""Bytes that are handled as soon as a connection is made: more than most requests. What is larger takes longer, and to
make the connection took a while already."""
HIGH_WATER: Final = 65536
"""Bytes that may wait for a slow client before the application's send() waits too."""
LOW_WATER: Final = 16384
"""Bytes at which it goes on: few enough to be worth a wake-up, enough to keep the socket busy meanwhile."""
JOIN_LIMIT: Final = 16384
"""Pieces that are smaller together are joined: copying them costs less than describing them to the kernel."""
MOST_PARTS: Final = 1024
"""IOV_MAX of Linux and macOS: more of them in one call are refused (EMSGSIZE)."""
UNBOUNDED: Final = 1 << 62


class SocketTransport(TransportEnding):
    """The `pounce_asgi.contracts.Transport` of a worker. Owned by its loop's thread."""

    __slots__ = (
        "_read_size",
        "_readable",
        "_reads",
        "_recv",
        "_send",
        "_unacknowledged",
        "_writable",
        "_write_stall",
        "local",
        "peer",
        "quick",
        "scheme",
        "tls",
    )

    def __init__(
        self,
        sock: socket.socket,
        *,
        loop: asyncio.AbstractEventLoop,
        poller: Poller,
        sweeper: DeadlineSweeper,
        peer: tuple[str, int] | None,
        local: tuple[str, int | None] | None,
        write_stall: float,
    ) -> None:
        """``sock`` is connected and non-blocking; ``write_stall`` is in seconds."""
        super().__init__(sock, loop=loop, poller=poller, sweeper=sweeper)
        self._recv: Callable[[int], bytes] = sock.recv
        self._send = sock.send
        self._read_size = READ_SIZE
        self._reads = False
        """The client has read so much that there was room again."""
        # What the poller is watching for, which may lag behind what we want.
        self._readable = self._writable = False
        self._unacknowledged = 0
        self._write_stall = write_stall
        self.peer = peer
        self.local = local
        self.scheme = "http"
        self.tls: TLSExtension | None = None
        self.quick = False

    def start(self, factory: Callable[[SocketTransport], ConnectionProtocol]) -> None:
        """Make the protocol and begin to read."""
        try:
            self.protocol = factory(self)
        except BaseException:
            self._sock.close()
            raise
        self.deliver = self.protocol.data_received
        if not self._lost:  # it may have been given away again
            self._sweeper.add(self)
        # A client has often sent its request by the time it is accepted. A connection that is answered and closed at
        # once is then never registered with the kernel.
        data = self.on_readable()
        if data is not None:
            try:
                if len(data) > FIRST_AT_ONCE:
                    self.put_off(data)
                else:
                    self.deliver(data)
            except BaseException:
                self.on_hang_up()
                raise
        # Closing is not the end: the rest of an answer may wait, or the client be given time to read it.
        if not self._lost and not self._watched:
            self._watched = self._readable = True
            self._poller.watch(self._sock.fileno(), self)
            if self._paused or self._writable:
                self._poller.change(self._sock.fileno(), readable=not self._paused, writable=self._writable)
                self._readable = not self._paused

    # -- called by the poller ----------------------------------------------------------------------------------------

    def on_readable(self) -> bytes | None:
        """Read once. The end of the stream is handled here; bytes are for `deliver`."""
        if self._paused or self._lost:
            self._stop_watching_for_reading()
            return None
        try:
            data = self._recv(self._read_size)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError as error:
            self._lose(error)
            return None
        if data:
            if len(data) == self._read_size:
                self._read_size = LARGE_READ_SIZE
            return data
        # At its end the socket stays readable for ever.
        self._paused = True
        self._stop_watching_for_reading()
        self.protocol.eof_received()
        return None

    def put_off(self, data: bytes, /) -> None:
        """Others come before what was read."""
        self.quick = False  # until it is known
        self._recv = _not_yet  # what comes later must not overtake it
        call_behind(self._loop, partial(self._deliver_late, data), contextvars.copy_context())

    def _deliver_late(self, data: bytes) -> None:
        self._recv = self._sock.recv
        began = monotonic()
        try:
            self.deliver(data)
        except BaseException:
            self.on_hang_up()  # whatever state it is in now, nobody must wait for it
            raise
        self.quick = monotonic() - began <= TURN_SECONDS

    def on_writable(self) -> None:
        """There is room: send more of what waits."""
        if self._lost or self._queue is None:
            return
        if not self._reads:
            self._reads = True
            lift_bound(self._sock.setsockopt)
        try:
            self._flush(self._queue)
        except OSError as error:
            self._lose(error, reset=True)  # a file may have failed: the client must be able to tell
            return
        if self.closing and not self._queue:
            self._finish_close()
        elif self.congested and self._queue.size <= LOW_WATER:
            self.congested = False
            self._go_on()

    def _go_on(self) -> None:
        """Who is woken may send a lot: one after the other, and others before them."""
        call_behind(self._loop, self._tell_of_room, contextvars.copy_context())

    def _tell_of_room(self) -> None:
        self.protocol.writable()  # of whoever has it then

    def on_hang_up(self) -> None:
        """Both directions are over while we were not reading."""
        self._lose(ConnectionResetError("the connection was reset by the client"))

    def expire(self, now: float) -> None:
        """Called once a tick: act on deadlines that have passed."""
        # A slow client is no dead one, although the kernel says that there is room only when much of its buffer is
        # free: its buffer may hold megabytes.
        if self._write_deadline != NEVER and unacknowledged(self._sock) < self._unacknowledged:
            self._expect_progress()
        if self._write_deadline <= now:
            self._lose(TimeoutError("the client read nothing of its response for too long"), reset=True)
        elif self.deadline <= now:
            self.deadline = NEVER
            self.protocol.deadline_expired()

    # -- called by the protocol --------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send what the socket takes now and keep the rest."""
        if self.closing:
            return
        if self._queue:
            self._keep(data, 0)
            return
        try:
            sent = self._send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self._lose_soon(error)
            return
        if sent != len(data):
            self._keep(data, sent)

    def write_parts(self, parts: Sequence[bytes]) -> None:
        """Send several pieces in one system call."""
        if self._queue or self.closing or sum(map(len, parts)) <= JOIN_LIMIT or not hasattr(self._sock, "sendmsg"):
            self.write(b"".join(parts))
            return
        if len(parts) > MOST_PARTS:
            parts = [*parts[: MOST_PARTS - 1], b"".join(parts[MOST_PARTS - 1 :])]
        try:
            sent = self._sock.sendmsg(parts)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self._lose_soon(error)
            return
        for part in parts:
            if sent < len(part):
                self._keep(part, sent)
            sent = max(sent - len(part), 0)

    def sendfile(self, file: IO[bytes] | int, offset: int | None, count: int | None) -> asyncio.Future[int]:
        """Send a range of a regular file after what was written; the result is the number of bytes sent."""
        done: asyncio.Future[int] = self._loop.create_future()
        if self.closing:
            done.set_exception(ClientGone("the client has disconnected"))
            return done
        descriptor = file if isinstance(file, int) else file.fileno()
        self.send_item(FileRange(descriptor, offset, UNBOUNDED if count is None else count, done))
        return done

    def send_item(self, item: QueuedItem) -> None:
        """Send something other than bytes after what was written."""
        queue = self._open_queue()
        waiting = bool(queue)
        queue.append_item(item)
        if not waiting:
            try:
                self._flush(queue)
            except OSError as error:
                self._lose_soon(error, reset=True)

    def pause_reading(self) -> None:
        """Stop reading. The kernel is told only if bytes arrive meanwhile."""
        self._paused = True

    def resume_reading(self) -> None:
        """Read again."""
        if self._paused and not self._lost:
            self._paused = False
            if self._watched and not self._readable:
                self._readable = True
                self._poller.change(self._sock.fileno(), readable=True, writable=self._writable)

    @property
    def sock(self) -> socket.socket:
        """What its bytes go through; for what only that knows."""
        return self._sock

    @property
    def sending(self) -> bool:
        """Something waits to be sent."""
        return bool(self._queue)

    @property
    def fd(self) -> int:
        """The socket's descriptor; -1 when it is closed."""
        return self._sock.fileno()

    @property
    def behind(self) -> bool:
        """Something was read that comes after others."""
        return self._recv is _not_yet

    def readable(self) -> bool:
        """Whether the client has sent something, or its end, that nobody has looked at yet."""
        return self.behind or wait_readable(self._sock.fileno(), 0)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _open_queue(self) -> SendQueue:
        if self._queue is None:
            self._queue = SendQueue()
        return self._queue

    def _flush(self, queue: SendQueue) -> None:
        """Send what the socket takes of what waits; watch for room as long as something is left."""
        try:
            progress = queue.send_some(self._sock)
        except (BlockingIOError, InterruptedError):
            progress = 0
        if not queue:
            self._write_deadline = NEVER
            self._watch_writing(False)
        else:
            if progress or self._write_deadline == NEVER:
                self._expect_progress()
            self._watch_writing(True)

    def _keep(self, data: bytes, start: int) -> None:
        queue = self._open_queue()
        if not queue:
            self._expect_progress()
            self._watch_writing(True)
        queue.append(data, start)
        if queue.size > HIGH_WATER:
            self.congested = True

    def _expect_progress(self) -> None:
        self._write_deadline = self._sweeper.soon + self._write_stall
        self._unacknowledged = unacknowledged(self._sock)

    def _watch_writing(self, wanted: bool) -> None:
        if self._writable == wanted:
            return
        self._writable = wanted
        if self._watched:
            self._poller.change(self._sock.fileno(), readable=self._readable, writable=wanted)

    def _stop_watching_for_reading(self) -> None:
        if self._watched and self._readable:
            self._readable = False
            self._poller.change(self._sock.fileno(), readable=False, writable=self._writable)


def _not_yet(_size: int) -> bytes:
    raise BlockingIOError
