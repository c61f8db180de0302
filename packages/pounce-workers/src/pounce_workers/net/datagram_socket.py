"""One UDP socket as one event loop uses it: read in batches, written at once.

Nothing that goes wrong with it is anybody's error: a datagram may always be lost, and QUIC repeats it. Hot path.
"""

from __future__ import annotations

import errno
from collections import deque
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi import DatagramPath
from pounce_asgi.fairness import QUIC_TURN_SECONDS, TURN_SECONDS
from pounce_workers.net.acceptor import local_address, peer_address
from pounce_workers.net.datagram_ancillary import (
    LARGEST_CUT,
    MOST_CUTS,
    PACKET_INFO_SPACE,
    ask_for_packet_info,
    can_cut,
    cutting,
    leaving_from,
    read_packet_info,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from pounce_asgi import Datagram
    from pounce_workers.net.poller import Poller

__all__ = ["DatagramSocket", "DatagramSockets"]

READS_PER_TURN: Final = 64
"""Datagrams read in a row before others get their turn, where little is made of them. Where that takes longer than a
turn, or others wait meanwhile who would be done at once, they are fewer, down to a single one: a packet that ends a
handshake costs a hundred times what one does that is dropped."""
READ_SIZE: Final = 2048
"""Bytes: more than any datagram over Ethernet. Reading so many into a new object is the fastest way there is: 1.3 us;
1.5 to 2.3 into a buffer that is used again, for its bytes must be copied."""
PATHS: Final = 4096
"""Paths that are remembered. Their objects are made once, so that they are compared by identity."""
WAITING: Final = 256
"""Datagrams that wait for a socket that takes none now. What comes after them is dropped, as a router would."""

_WILDCARDS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound


@dataclass(frozen=True, slots=True)
class DatagramSockets:
    """The sockets of one slot. Owned by the server; used by the slot's worker, and by two of them during a reload."""

    sockets: Sequence[socket.socket]
    """One for each address, in the same order in every slot."""
    reads: bool = True
    """Whether the slot's worker reads them."""
    spreads: bool = True
    """Each slot gets a share of the clients. False: who reads gives the others theirs."""

    def close(self) -> None:
        """At the end of the server."""
        for sock in self.sockets:
            sock.close()


class DatagramSocket:
    """Owned by its loop's thread. The socket itself is the server's: others may use it too, and it stays open."""

    quick = False

    def __init__(
        self,
        sock: socket.socket,
        place: int,
        poller: Poller,
        deliver: Callable[[list[Datagram]], None],
        *,
        quick_wait: Callable[[], bool] = lambda: False,
    ) -> None:
        """``sock`` is bound and non-blocking; ``place`` is its number among those of the worker. ``quick_wait``: see
        `ServingLoop`; without it turns are as long as they are.
        """
        self._sock = sock
        self._fd = sock.fileno()
        self._place = place
        self._poller = poller
        self._deliver = deliver
        self._quick_wait = quick_wait
        name = local_address(sock)
        assert name is not None
        host, port = name
        assert port is not None
        self._local = (host, port)
        # Asked of the system only where the answer is not known.
        self._recvmsg = sock.recvmsg if host in _WILDCARDS and ask_for_packet_info(sock) else None
        self._cuts = can_cut(sock)
        self._paths: dict[Any, DatagramPath] = {}
        self._waiting: deque[tuple[Sequence[bytes], DatagramPath]] = deque()
        self._reading = self._writing = self._watched = False
        self._most = READS_PER_TURN // 4
        """Datagrams that are read in a row now."""

    def start_reading(self) -> None:
        """Begin to read."""
        self._watch(reading=True, writing=self._writing)

    def stop_reading(self) -> None:
        """Leave what comes to others who read the socket. Sending goes on."""
        self._watch(reading=False, writing=self._writing)

    def close(self) -> None:
        """Have no more to do with the socket, which stays open."""
        self._waiting.clear()
        self._watch(reading=False, writing=False)

    # -- called by the poller ----------------------------------------------------------------------------------------

    def on_readable(self) -> None:
        """Read what has come, up to a bound: as many as fit into a turn if they are like the last ones."""
        if not self._reading:
            return
        began = monotonic()
        batch = self._read_with_info() if self._recvmsg is not None else self._read()
        if not batch:
            return
        self._deliver(batch)
        took = monotonic() - began
        most, count = self._most, len(batch)
        if took > TURN_SECONDS and self._quick_wait():
            self._most = max(int(min(most, count) * TURN_SECONDS / took), 1)
        elif took > QUIC_TURN_SECONDS:
            self._most = max(min(most, count) // 2, 1)
        elif took * 2 < QUIC_TURN_SECONDS and count == most:
            self._most = min(most * 2, READS_PER_TURN)

    def deliver(self, data: bytes, /) -> None:
        """Never: datagrams are handed on by `on_readable`."""

    def put_off(self, data: bytes, /) -> None:
        """Never: datagrams are handled as they are read."""

    def on_writable(self) -> None:
        """There is room."""
        waiting = self._waiting
        while waiting:
            run, path = waiting[0]
            if not self._sent(run, path):
                return
            waiting.popleft()
        self._watch(reading=self._reading, writing=False)

    def on_hang_up(self) -> None:
        """An error of something that was sent before; reading tells it."""
        self.on_readable()

    def _read(self) -> list[Datagram]:
        batch: list[Datagram] = []
        receive = self._sock.recvfrom
        paths = self._paths
        for _ in range(self._most):
            try:
                data, address = receive(READ_SIZE)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                continue  # what became of something that was sent (ICMP); each is told once
            path = paths.get(address)
            if path is None:
                path = self._remember(address, address, self._local, b"")
            batch.append((data, path))
        return batch

    def _read_with_info(self) -> list[Datagram]:
        batch: list[Datagram] = []
        receive = self._sock.recvmsg
        paths = self._paths
        for _ in range(self._most):
            try:
                data, control, _, address = receive(READ_SIZE, PACKET_INFO_SPACE)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                continue
            key = (address, control[0][2] if control else b"")
            path = paths.get(key)
            if path is None:
                info = read_packet_info(control)
                local = self._local if info is None else peer_address((info[0], self._local[1]))
                assert local is not None
                path = self._remember(key, address, local, b"" if info is None else info[1])
            batch.append((data, path))
        return batch

    def _remember(self, key: Any, address: Any, local: tuple[str, int], source: bytes) -> DatagramPath:
        client = peer_address(address)
        assert client is not None
        if len(self._paths) >= PATHS:
            self._paths.clear()  # those in use are made anew with their next datagram
        path = self._paths[key] = DatagramPath(client, local, tuple(address), source, self._place)
        return path

    # -- sending -----------------------------------------------------------------------------------------------------

    def send(self, datagrams: Sequence[Datagram]) -> None:
        """Send these, in order. Those of one size that follow each other on one path go in one call."""
        begin, count = 0, len(datagrams)
        while begin < count:
            data, path = datagrams[begin]
            end = begin + 1
            if self._cuts and end < count:
                end = _end_of_run(datagrams, begin)
            run = (data,) if end == begin + 1 else [one for one, _ in datagrams[begin:end]]
            if self._waiting or not self._sent(run, path):
                self._keep(run, path)
            begin = end

    def _sent(self, run: Sequence[bytes], path: DatagramPath) -> bool:
        """Whether the system took them, or will never."""
        try:
            if len(run) > 1:
                control = [cutting(len(run[0]))]
                if path.source:
                    control.append(leaving_from(path.source))
                self._sock.sendmsg(run, control, 0, path.remote)
            elif path.source:
                self._sock.sendmsg(run, (leaving_from(path.source),), 0, path.remote)
            else:
                self._sock.sendto(run[0], path.remote)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            if len(run) > 1:
                # The way there may have no means to cut (udp(7): EIO, EINVAL): one by one they may go.
                self._cuts = self._cuts and error.errno != errno.EIO
                for data in run:
                    self._sent((data,), path)
        return True

    def _keep(self, run: Sequence[bytes], path: DatagramPath) -> None:
        if len(self._waiting) < WAITING:
            self._waiting.append((run, path))
            self._watch(reading=self._reading, writing=True)

    def _watch(self, *, reading: bool, writing: bool) -> None:
        if (reading, writing) == (self._reading, self._writing):
            return
        self._reading, self._writing = reading, writing
        if not (reading or writing):
            self._watched = False
            self._poller.forget(self._fd)
            return
        if not self._watched:
            self._watched = True
            self._poller.watch(self._fd, self)
            if reading and not writing:
                return
        self._poller.change(self._fd, readable=reading, writable=writing)


def _end_of_run(datagrams: Sequence[Datagram], begin: int) -> int:
    """Where those end that can go in one call: of one path and size, the last of them perhaps smaller."""
    data, path = datagrams[begin]
    size = len(data)
    most = min(len(datagrams), begin + min(MOST_CUTS, LARGEST_CUT // max(size, 1)))
    end = begin + 1
    while end < most:
        data, other = datagrams[end]
        if other is not path or len(data) > size:
            break
        end += 1
        if len(data) < size:
            break
    return end
