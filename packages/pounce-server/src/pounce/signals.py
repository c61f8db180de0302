"""SIGINT, SIGTERM, SIGHUP and SIGUSR1 while a server runs.

The first asks for a graceful stop, the second for one at once. If the third or a later one is SIGINT, the process ends
on the spot: a person does not want to wait. Further SIGTERMs say nothing new, however many a service manager sends; it
has SIGKILL. SIGHUP asks for new code to be served, and SIGUSR1 for the files of the logs to be opened anew, each time.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING, Final

from pounce_observability.logging_setup import flush_logs

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator
    from types import FrameType

__all__ = ["ServerSignals", "handled_signals"]

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def handled_signals(
    on_stop: Callable[[], None],
    on_reload: Callable[[], None] | None = None,
    on_reopen: Callable[[], None] | None = None,
    *,
    last: bool = False,
) -> Iterator[ServerSignals | None]:
    """Call ``on_stop`` for the first two signals that stop, ``on_reload`` for each SIGHUP and ``on_reopen`` for each
    SIGUSR1, in the main thread.

    In another thread it does nothing and gives None, because only the main one may set handlers. What was set before
    comes back at the end; where this is the ``last`` that the process does, they are ignored from then on, so that one
    which comes late does not change how it ends.
    """
    if threading.current_thread() is not threading.main_thread():
        yield None
        return
    signals = ServerSignals(on_stop, on_reload, on_reopen)
    try:
        yield signals
    finally:
        if last:
            signals.ignore()
        else:
            signals.restore()


class ServerSignals:
    """The handlers, and the means by which they wake a loop. Owned by the main thread."""

    def __init__(
        self,
        on_stop: Callable[[], None],
        on_reload: Callable[[], None] | None = None,
        on_reopen: Callable[[], None] | None = None,
    ) -> None:
        self._on_stop = on_stop
        asked: dict[str, Callable[[], None] | None] = {"SIGHUP": on_reload, "SIGUSR1": on_reopen}
        self._asks = {
            getattr(signal, name): handler for name, handler in asked.items() if handler and hasattr(signal, name)
        }
        self._received = 0
        self._wakes = contextlib.ExitStack()
        self._undo = contextlib.ExitStack()
        for number in STOP_SIGNALS:
            before = signal.signal(number, self._handle)
            self._undo.callback(signal.signal, number, signal.SIG_DFL if before is None else before)
        for number in self._asks:
            before = signal.signal(number, self._handle_ask)
            self._undo.callback(signal.signal, number, signal.SIG_DFL if before is None else before)

    def wake(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have each signal wake the loop; called in the loop's thread.

        Python runs a handler between two instructions of the main thread. A signal that comes after the last of them
        and before the loop waits, or is delivered to another thread, would be seen only when something else wakes it.
        """
        reader, writer = socket.socketpair()
        reader.setblocking(False)
        writer.setblocking(False)
        self._wakes.callback(reader.close)
        self._wakes.callback(writer.close)
        before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        if before != -1:  # uvloop brings its own, and a program may have one: then it is theirs to wake the loop
            signal.set_wakeup_fd(before)
            return
        loop.add_reader(reader, _drain, reader)
        self._wakes.callback(_forget, loop, reader)
        self._wakes.callback(signal.set_wakeup_fd, -1)

    def restore(self) -> None:
        """Bring back what was set before."""
        self._wakes.close()
        self._undo.close()

    def ignore(self) -> None:
        """Hear nothing any more. The system ignores them: handlers of Python's would be gone before the process is."""
        for number in (*STOP_SIGNALS, *self._asks):
            signal.signal(number, signal.SIG_IGN)
        self._wakes.close()

    def _handle_ask(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the system's signature
        self._asks[signal.Signals(number)]()

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature is the system's
        self._received += 1
        if self._received <= 2:
            self._on_stop()
        elif number == signal.SIGINT:
            self._end()

    def _end(self) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            # Not through logging: the handler may have interrupted it in the middle of a line.
            os.write(sys.stderr.fileno(), b"stopped by a third signal, without finishing\n")
        with contextlib.suppress(RuntimeError):
            flush_logs()
        os._exit(1)


def _drain(reader: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        while reader.recv(4096):
            pass


def _forget(loop: asyncio.AbstractEventLoop, reader: socket.socket) -> None:
    if not loop.is_closed():
        loop.remove_reader(reader)
