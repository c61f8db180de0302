"""The selector that serves HTTP itself.

asyncio's loop waits in ``selector.select()``. Here the HTTP sockets are watched by the same epoll set, but when one is
ready its transport is called there and then, and asyncio never hears of it: no handle, no queue, no turn of the loop.
asyncio's own descriptors are returned to it as usual. Hot path.

Five promises:

- nothing raised by a watcher leaves ``select()``;
- an event that was collected for a descriptor reaches the watcher that had it then or nobody, even when the descriptor
  was closed and given to another connection within the same batch;
- as long as HTTP is all there is to do, ``select()`` goes on by itself; it returns when the loop has a callback ready,
  a timer due, or was told to stop;
- what takes long comes after what does not, and has a turn of `TURN_SECONDS` between two looks at the sockets: large
  reads, those of whom it is not known yet or whose last one took long, writing to who was slow, and what connections
  put behind. While somebody waits behind, such reads wait behind them;
- while those take longer than a turn, who is quick and was not in the batch is served between two of them. Not in a
  crowd of `MAX_EVENTS`: the kernel puts whom it has told of at the end of its row, and some would never be told of.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from pounce_asgi.fairness import TURN_SECONDS
from pounce_workers.net.asyncio_descriptors import NOTHING, AsyncioDescriptors
from pounce_workers.net.deadlines import NEVER
from pounce_workers.net.readiness import HANG_UP, READ, WRITE, Readiness, register_exclusively

if TYPE_CHECKING:
    import selectors
    from collections.abc import Callable
    from contextvars import Context

    from pounce_workers.net.loop import ServingLoop
    from pounce_workers.net.poller import Watcher
    from pounce_workers.net.watched_turn import WatchedTurn

__all__ = ["ServingSelector"]

READ_AHEAD: Final = 32
"""Sockets read before the first of them is answered. Going to the kernel and back leaves the processor's caches and
predictors cold; reading in a row saves about 6 % of a small request. Bounded, because what was read is held."""

LARGE: Final = 16384
"""Bytes of a read that somebody with a small request need not wait for."""
MOST_BEHIND: Final = 256
"""With so many who wait, large reads are not put off any more: what was read is held."""
LONGEST_BEHIND: Final = 4 * TURN_SECONDS
"""Seconds, for each 32 sockets that were ready. Clocks go on while the system runs another process, and then say that
others had long."""
WOKEN_COST: Final = 2 * TURN_SECONDS
"""What a task that was woken counts for. It runs when `select()` has returned, and one that sends takes as long for the
bytes that it may send in a row."""

MAX_EVENTS: Final = 256
"""Descriptors taken from the kernel at once: enough to share the cost of the call, few enough to be fair to timers."""


class ServingSelector(AsyncioDescriptors):
    """A selector for `ServingLoop`, and the `Poller` of its transports. Used by the loop's thread only.

    What other threads may touch is ``may_sleep``, under ``sleep_lock``, and ``turn``, which they set only while it is
    None; the loop's thread alone takes it away.
    """

    def __init__(self, readiness: Readiness | None = None) -> None:
        super().__init__(readiness)
        self._poll = self._readiness.poll
        self._watchers: dict[int, Watcher] = {}
        self._loop: ServingLoop | None = None
        self._first_writer = 0
        self._found = 0
        """How many were ready at the last look."""
        self._batch: list[tuple[int, int]] | None = []
        """Those, as long as nobody has looked aside."""
        self._served: set[int] = set()
        """Descriptors that were ready at the last look, or have been served between since then."""
        self._crowd = False
        """So many are ready that nobody looks aside."""
        self._pause = 0.0
        """When to look for others between two parts of what takes long."""
        self._behind: deque[tuple[Callable[[], object], Context]] = deque()
        self.may_sleep = False
        """The loop is, or is about to be, asleep in the kernel: who adds a callback must wake it."""
        # Reentrant: a signal handler may call call_soon_threadsafe() while this thread holds it.
        self.sleep_lock = threading.RLock()
        self.turn: WatchedTurn | None = None
        """Somebody wants to know when the next turn begins and ends. Nobody does in nearly every turn, so that one
        costs two looks at this."""

    def attach(self, loop: ServingLoop) -> None:
        """Serve this loop: look at its queues before sleeping, hand it what watchers raise."""
        self._loop = loop

    # -- for transports ----------------------------------------------------------------------------------------------

    def watch(self, fd: int, watcher: Watcher) -> None:
        """Begin to watch a descriptor, for reading."""
        self._readiness.register(fd, READ)
        self._watchers[fd] = watcher

    def watch_exclusively(self, fd: int, watcher: Watcher) -> None:
        """Begin to watch a listening socket that other processes watch too: one of them is woken for a connection, not
        all, where the system can do that. `change` is not for such a socket.
        """
        register_exclusively(self._readiness, fd)
        self._watchers[fd] = watcher

    def change(self, fd: int, *, readable: bool, writable: bool) -> None:
        """Watch for something else."""
        self._readiness.modify(fd, (READ if readable else 0) | (WRITE if writable else 0))

    def forget(self, fd: int) -> None:
        """Stop watching; before the descriptor is closed."""
        del self._watchers[fd]
        self._readiness.unregister(fd)

    def call_behind(self, callback: Callable[[], object], context: Context) -> None:
        """Call it when all whose sockets are ready have been served, as many as fit into a turn after each look."""
        self._behind.append((callback, context))

    def others_wait(self) -> bool:
        """Whether more than one was ready at the last look, or anybody is behind."""
        return self._found > 1 or bool(self._behind)

    def quick_wait(self) -> bool:
        """Whether anybody is quick and has become ready since the last look. Whoever takes long may ask, not more often
        than once in a turn.
        """
        return bool(self._quick_ones())

    # -- for asyncio -------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of the kernel's object. Watchers must have been forgotten."""
        super().close()
        self._watchers.clear()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Serve HTTP until asyncio has something to do; then return what is ready of asyncio's own descriptors."""
        loop = self._loop
        poll = self._poll
        if loop is None:
            # Below zero the kernel would wait for ever, and `selectors` not at all.
            return self._collect(poll(None if timeout is None else max(timeout, 0), MAX_EVENTS))
        ready = loop._ready
        behind = self._behind
        while True:
            turn = self.turn
            if turn is not None:
                self.turn = None
                turn.ended = time.monotonic()
            if behind:
                timeout = 0
            if timeout is None or timeout > 0:
                with self.sleep_lock:
                    self.may_sleep = True
                    # A callback added before the flag was up sent no wake-up. It is in the queue now, or its thread
                    # waits for the lock and will see the flag: the lock is the barrier that makes one of both true.
                    if ready:
                        timeout = 0
                events = poll(timeout, MAX_EVENTS)
                self.may_sleep = False
            else:
                events = poll(0, MAX_EVENTS)
            if self.turn is not None:
                self.turn.began = time.monotonic()
            if behind:
                began = time.monotonic()
                collected = self._collect(events)
                self._serve_behind(time.monotonic() - began)
            elif events:
                collected = self._collect(events)
            else:
                self._found = 0
                return NOTHING
            if collected or ready or loop._stopping:
                return collected
            scheduled = loop._scheduled
            if scheduled:
                timeout = scheduled[0]._when - time.monotonic()  # type: ignore[attr-defined]
                if timeout <= 0:
                    return NOTHING
            else:
                timeout = None

    def _collect(self, events: list[tuple[int, int]]) -> list[tuple[selectors.SelectorKey, int]]:
        """Call the watchers of a batch; return the rest of it, which is asyncio's."""
        find = self._watchers.get
        # Who watches what is settled before anybody is called: a call may close any descriptor of this batch, and the
        # kernel gives its number to the next one that is opened. A watcher that was closed ignores its event.
        settled = [find(fd) for fd, _ in events]
        self._found = len(events)
        self._batch = events
        self._crowd = len(events) == MAX_EVENTS
        self._pause = time.monotonic() + TURN_SECONDS if len(events) > 1 or self._behind else NEVER
        own = self.ready_keys(events, settled) if None in settled else None
        received: list[tuple[Watcher, bytes]] = []
        large: list[tuple[Watcher, int, bytes | None]] = []
        slow: list[tuple[Watcher, int, bytes | None]] = []
        for watcher, (_, mask) in zip(settled, events, strict=True):
            if watcher is None:
                continue
            if mask != READ or not watcher.quick:
                slow.append((watcher, mask, None))
                continue
            try:
                data = watcher.on_readable()
            except BaseException as error:  # noqa: BLE001 - nothing may leave select(), see the module's promise
                self._report(error)
                continue
            if data is None:
                continue
            if len(data) >= LARGE:
                large.append((watcher, mask, data))
            else:
                received.append((watcher, data))
            if len(received) + len(large) == READ_AHEAD:
                self._deliver(received)
                self._serve_slow(large)
                received.clear()
                large.clear()
        self._deliver(received)
        if large or slow:
            self._serve_slow(large + slow)
        return NOTHING if own is None else self.still(own)

    def _deliver(self, received: list[tuple[Watcher, bytes]]) -> None:
        """Hand on what was read. Each answer is written before the next application is called."""
        began = time.monotonic() if len(received) > 1 else NEVER  # nobody waits for a single one
        for watcher, data in received:
            try:
                watcher.deliver(data)
            except BaseException as error:  # noqa: BLE001 - nothing may leave select(), see the module's promise
                self._failed(watcher, error)
            if began != NEVER:
                ended = time.monotonic()
                if ended - began > TURN_SECONDS:
                    watcher.quick = False
                began = ended

    def _failed(self, watcher: Watcher, error: BaseException) -> None:
        self._report(error)
        try:
            watcher.on_hang_up()  # whatever state it is in now, nobody must wait for it
        except BaseException as further:  # noqa: BLE001 - the same
            self._report(further)

    def _serve_slow(self, slow: list[tuple[Watcher, int, bytes | None]]) -> None:
        """Serve what takes longer, or may, after everything that does not. Bytes are handed on for as long as others
        should wait, and behind those who wait already.
        """
        behind = self._behind
        writers: list[Watcher] = []
        began = time.monotonic()
        end_of_turn = began if behind else began + TURN_SECONDS
        first = True
        for watcher, mask, read in slow:
            if began >= self._pause:
                end_of_turn -= began
                began = self._look_aside()
                end_of_turn += began
            try:
                data = _call(watcher, mask, writers) if read is None else read
            except BaseException as error:  # noqa: BLE001 - nothing may leave select(), see the module's promise
                self._report(error)
                data = None
            if data is None:
                began = time.monotonic()
            elif (behind or not first) and began >= end_of_turn and (len(data) < LARGE or len(behind) < MOST_BEHIND):
                self._put_off(watcher, data)
                began = time.monotonic()
            else:
                first = False
                self._deliver([(watcher, data)])
                ended = time.monotonic()
                watcher.quick = ended - began <= TURN_SECONDS
                began = ended
        if writers:
            self._serve_writers(writers)

    def _serve_writers(self, writers: list[Watcher]) -> None:
        """Let them send, for as long as others should wait. The kernel speaks of the rest again."""
        end_of_turn = time.monotonic() + TURN_SECONDS
        first = self._first_writer
        for place in range(len(writers)):
            try:
                writers[(first + place) % len(writers)].on_writable()
            except BaseException as error:  # noqa: BLE001 - nothing may leave select(), see the module's promise
                self._report(error)
            if time.monotonic() >= end_of_turn:
                self._first_writer = first + place + 1
                return

    def _serve_behind(self, others: float) -> None:
        """Give those who wait longest their turn: as long as ``others``, in seconds, had before them, within bounds."""
        longest = LONGEST_BEHIND * max(1, self._found / READ_AHEAD)
        now = time.monotonic()
        end_of_turn = now + min(max(others, TURN_SECONDS), longest)
        behind = self._behind
        ready = self._loop._ready if self._loop is not None else ()
        for _ in range(len(behind)):
            if now >= self._pause:
                end_of_turn -= now
                now = self._look_aside()
                end_of_turn += now
            callback, context = behind.popleft()
            woken = len(ready)
            try:
                context.run(callback)
            except BaseException as error:  # noqa: BLE001 - nothing may leave select(), see the module's promise
                self._report(error)
            end_of_turn -= (len(ready) - woken) * WOKEN_COST
            now = time.monotonic()
            if now >= end_of_turn:
                return

    def _look_aside(self) -> float:
        """Serve those who are quick and have become ready since the last look, in no more than a turn; the time then.

        Each once between two looks, so that who is in the batch, or behind, is served whatever comes.
        """
        others = self._quick_ones()
        now = time.monotonic()
        end_of_turn = now + TURN_SECONDS
        for fd, watcher in others:
            self._served.add(fd)
            began = now
            self._serve_between(watcher)
            now = time.monotonic()
            if now - began > TURN_SECONDS:
                watcher.quick = False
            if now >= end_of_turn:
                break
        self._pause = NEVER if self._crowd else now + TURN_SECONDS
        return now

    def _quick_ones(self) -> list[tuple[int, Watcher]]:
        """Those who are quick and have become ready since the last look."""
        if self._crowd:
            return []
        if self._batch is not None:
            self._served = {fd for fd, _ in self._batch}
            self._batch = None
        served = self._served
        find = self._watchers.get
        events = self._poll(0, MAX_EVENTS)
        self._crowd = len(events) == MAX_EVENTS
        return [
            (fd, watcher)
            for fd, mask in events
            if mask == READ and fd not in served and (watcher := find(fd)) is not None and watcher.quick
        ]

    def _serve_between(self, watcher: Watcher) -> None:
        try:
            data = watcher.on_readable()
        except BaseException as error:  # noqa: BLE001 - nothing may leave select(), see the module's promise
            self._report(error)
            return
        if data is None:
            return
        if len(data) < LARGE:
            self._deliver([(watcher, data)])
        else:
            self._put_off(watcher, data)

    def _put_off(self, watcher: Watcher, data: bytes) -> None:
        try:
            watcher.put_off(data)
        except BaseException as error:  # noqa: BLE001 - nothing may leave select(), see the module's promise
            self._failed(watcher, error)

    def _report(self, error: BaseException) -> None:
        if self._loop is None:
            raise error
        self._loop.report(error)


def _call(watcher: Watcher, mask: int, writers: list[Watcher]) -> bytes | None:
    """Read, if there is something to; who can write is noted."""
    if mask & WRITE:
        writers.append(watcher)
    if mask & READ:
        return watcher.on_readable()
    if mask & HANG_UP:
        watcher.on_hang_up()
    return None
