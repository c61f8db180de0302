"""The other processes of a server, asked about datagrams of connections that are not here.

A client that moves to another address, or a worker that is replaced, has datagrams arrive in a process that does not
know their connection. They are sent to all the others; the one that does know handles them and says so, and is sent the
next ones directly. Each process has a UNIX datagram socket in a folder that only their user may enter; who comes and
goes is seen there.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from pounce_workers.net.datagram_frames import Frame, FrameKind, read_frames, write_frame
from pounce_workers.net.datagram_questions import DatagramQuestions

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from pounce_asgi import Datagram
    from pounce_workers.net.datagram_routes import DatagramRoutes
    from pounce_workers.net.poller import Poller

__all__ = ["DatagramPeers", "PeerFolder"]

READS_PER_TURN: Final = 32
"""Messages read in a row."""
LARGEST_MESSAGE: Final = 60_000
"""Bytes: datagrams of one turn travel together, for a receiver's queue may hold ten messages only
(net.unix.max_dgram_qlen)."""
BUFFER: Final = 1024 * 1024
WAITING: Final = 16
"""Messages that wait for a process that is busy; more are dropped, and what was in them is repeated by its client."""
TRY_AGAIN: Final = 0.002
"""Seconds until they are tried again: no poller tells when a receiver of ours has room."""
LOOK_AGAIN: Final = 0.1
"""Seconds for which the folder is not looked at again. A process that is newer has few connections to be asked about,
whose clients would have to move at once."""


class PeerFolder:
    """Where the processes of a server have their sockets. Made by their parent, and removed by it."""

    def __init__(self, path: str) -> None:
        self.path = path
        """Absolute; goes to each process."""

    @classmethod
    def make(cls) -> Self:
        """A new folder that only this user may enter (mode 0700).

        Raises:
            OSError: there is no place for temporary files.
        """
        return cls(tempfile.mkdtemp(prefix="pounce-"))

    def remove(self) -> None:
        """When the processes have ended."""
        shutil.rmtree(self.path, ignore_errors=True)


class DatagramPeers:
    """Owned by the thread of one loop, in a process with one worker."""

    quick = False

    def __init__(self, folder: str) -> None:
        """``folder``: the path of a `PeerFolder`."""
        self._folder = folder
        self._name = str(Path(folder) / f"{os.getpid()}-{secrets.token_hex(4)}")
        self._routes: DatagramRoutes
        self._loop: asyncio.AbstractEventLoop
        self._poller: Poller
        self._sock: socket.socket | None = None
        self._questions = DatagramQuestions()
        self._others: tuple[str, ...] = ()
        self._looked_at = float("-inf")
        self._outgoing: dict[str, list[bytes]] = {}
        """Messages that are not sent yet; the last of each may still grow."""
        self._soon: asyncio.Handle | None = None

    def start(self, routes: DatagramRoutes, *, loop: asyncio.AbstractEventLoop, poller: Poller) -> None:
        """Begin to hear the others. ``routes`` say what is here.

        Raises:
            OSError: the socket cannot be made.
        """
        self._routes, self._loop, self._poller = routes, loop, poller
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                with contextlib.suppress(OSError):  # macOS refuses more than it grants
                    sock.setsockopt(socket.SOL_SOCKET, option, BUFFER)
            sock.bind(self._name)
        except OSError:
            sock.close()
            raise
        self._sock = sock
        poller.watch(sock.fileno(), self)

    def close(self) -> None:
        """Send what waits, and leave. Safe to call again."""
        sock = self._sock
        if sock is not None:
            self._send_all()
            if self._soon is not None:
                self._soon.cancel()
            self._sock = None
            self._poller.forget(sock.fileno())
            sock.close()
            with contextlib.suppress(OSError):
                os.unlink(self._name)  # noqa: PTH108 - a Path of it would be made for this only

    def ask(self, connection_id: bytes, datagrams: Sequence[Datagram]) -> bool:
        """Give these to the process whose connection it is. False: all others have said that it is not theirs."""
        if self._sock is None:
            return False
        now = self._loop.time()
        owner = self._questions.owner(connection_id)
        if owner is not None:
            self._post((owner,), FrameKind.PASS, connection_id, datagrams)
            return True
        others = self._look(now)
        if not others:
            return False
        advice = self._questions.consider(connection_id, others, now)
        self._post(advice.ask, FrameKind.ASK, connection_id, datagrams)
        return not advice.nobodys

    # -- called by the poller ----------------------------------------------------------------------------------------

    def on_readable(self) -> None:
        """Read what the others wrote."""
        for _ in range(READS_PER_TURN):
            if self._sock is None:
                return
            try:
                message, sender = self._sock.recvfrom(LARGEST_MESSAGE * 2)
            except OSError:  # BlockingIOError above all
                return
            with contextlib.suppress(ValueError):
                for frame in read_frames(message):
                    self._handle(frame, sender)

    def deliver(self, data: bytes, /) -> None:
        """Never: messages are handled by `on_readable`."""

    def put_off(self, data: bytes, /) -> None:
        """Never: datagrams are handled as they are read."""

    def on_writable(self) -> None:
        """Never asked for."""

    def on_hang_up(self) -> None:
        """Never: it has no other end."""

    def _handle(self, frame: Frame, sender: str) -> None:
        if frame.kind is FrameKind.MINE:
            self._questions.claimed(frame.connection_id, sender)
        elif frame.kind is FrameKind.NOT_MINE:
            self._questions.denied(frame.connection_id, sender)
        elif frame.path is not None:
            owner = self._routes.owner(frame.connection_id)
            if owner is not None:
                owner.hand_over([(frame.data, frame.path)])
            answer = FrameKind.NOT_MINE if owner is None else FrameKind.MINE
            if owner is None or frame.kind is FrameKind.ASK:
                self._queue(sender, write_frame(Frame(answer, frame.connection_id)))

    # -- sending -----------------------------------------------------------------------------------------------------

    def _look(self, now: float) -> tuple[str, ...]:
        """The sockets of the others."""
        if now - self._looked_at >= LOOK_AGAIN:
            self._looked_at = now
            with contextlib.suppress(OSError), os.scandir(self._folder) as entries:
                self._others = tuple(entry.path for entry in entries if entry.path != self._name)
        return self._others

    def _post(self, names: Sequence[str], kind: FrameKind, connection_id: bytes, datagrams: Sequence[Datagram]) -> None:
        for data, path in datagrams:
            written = write_frame(Frame(kind, connection_id, path, data))
            for name in names:
                self._queue(name, written)

    def _queue(self, name: str, written: bytes) -> None:
        messages = self._outgoing.setdefault(name, [])
        if messages and len(messages[-1]) + len(written) <= LARGEST_MESSAGE:
            messages[-1] += written
        elif len(messages) < WAITING:
            messages.append(written)
        if self._soon is None:
            self._soon = self._loop.call_soon(self._send_all)

    def _send_all(self) -> None:
        self._soon = None
        sock = self._sock
        if sock is None:
            return
        for name in tuple(self._outgoing):
            messages = self._outgoing.pop(name)
            while messages:
                try:
                    sock.sendto(messages[0], name)
                except (BlockingIOError, InterruptedError):
                    self._outgoing[name] = messages
                    break
                except OSError:
                    self._gone(name)
                    break
                messages.pop(0)
        if self._outgoing:
            self._soon = self._loop.call_later(TRY_AGAIN, self._send_all)

    def _gone(self, name: str) -> None:
        """Nobody reads there any more: a process that was killed leaves its socket's file behind."""
        self._questions.lost(name)
        self._others = tuple(other for other in self._others if other != name)
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108 - as above
