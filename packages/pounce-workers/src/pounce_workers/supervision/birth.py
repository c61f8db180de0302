"""What a worker process is given at its birth, and how it hears from its parent afterwards."""

from __future__ import annotations

import _thread
import contextlib
import logging
import os
import signal
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pounce_workers.net.descriptor_wait import wait_readable, wait_writable
from pounce_workers.supervision.memory import resident_memory
from pounce_workers.supervision.questions import Questions

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping, Sequence
    from types import FrameType

    from pounce_workers.supervision.control_pipe import ControlPipe, Message
    from pounce_workers.supervision.questions import Answer
    from pounce_workers.supervision.slots import WorkerLike

__all__ = ["Birth", "Certificate", "begin_birth", "is_being_born"]

logger = logging.getLogger("pounce.worker")

QUICK: Final = 0.25
"""Seconds between two reports once it is to end: then it is watched closely."""

ORPHAN_GRACE: Final = 1.0
"""Seconds for the application's shutdown when the parent is gone. Nobody is left who could end a process that hangs."""

_being_born = threading.Event()


def begin_birth() -> None:
    """This is a worker process from now on, and does not serve yet."""
    _being_born.set()


def is_being_born() -> bool:
    """Whether this is a worker process that does not serve yet: it imports the application, or is about to."""
    return _being_born.is_set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What the parent writes first into the pipe, pickled."""

    entry: str
    """``module:function``; it is called with a `Birth` and returns when the worker has ended."""
    payload: bytes
    """Pickled; for the entry."""
    worker_id: int
    generation: int
    listeners: tuple[int | bytes, ...]
    """Inherited descriptors; on Windows what ``socket.share`` gave."""
    argv: tuple[str, ...]
    status_period: float
    """Seconds between two reports to the parent."""


class Birth:
    """A worker process as its entry sees it.

    The entry makes a worker with `ready` as its ``on_started``, calls `attach` with it and runs it, all in the main
    thread. A thread of this object's carries what the parent says to the worker, and how it is to the parent.
    """

    def __init__(
        self, certificate: Certificate, payload: Any, sockets: Sequence[socket.socket], pipe: ControlPipe
    ) -> None:
        self.payload = payload
        """What was given to the launcher."""
        self.sockets = list(sockets)
        """Listening sockets, shared with the other processes."""
        self.worker_id = certificate.worker_id
        self.generation = certificate.generation
        self.told_to_end = False
        self.answers: dict[str, Answer] = {"stack": lambda _: _stacks()}
        """What the parent may ask; the entry adds to it."""
        self._questions = Questions(pipe.send, self.answers)
        self._born = time.monotonic()
        self._period = certificate.status_period
        self._pipe = pipe
        # Guards what follows. Reentrant: a signal handler may run while the main thread holds it.
        self._lock = threading.RLock()
        self._worker: WorkerLike | None = None
        self._stops_sent = 0
        self._served = False
        self._end_lost = False
        """What was raised to end it went nowhere. Set by the main thread, taken by the one that listens."""
        self._others_hook = sys.unraisablehook
        self._own_hook = self._unraisable  # one object, to be told from others

    # -- for the entry -----------------------------------------------------------------------------------------------

    def attach(self, worker: WorkerLike) -> None:
        """Let this worker hear what the parent says.

        Raises:
            SystemExit: it has said already that the process is to end.
        """
        with self._lock:
            self._worker = worker
            told = self.told_to_end
        _being_born.clear()
        if sys.unraisablehook is self._own_hook:
            sys.unraisablehook = self._others_hook
        if told:  # what was raised in the main thread was caught by the application, whose import it interrupted
            raise SystemExit(0)

    def served(self) -> None:
        """The worker has ended; what is left to do has no event loop that could turn."""
        self._served = True

    def ready(self) -> None:
        """Tell the parent that the worker serves."""
        self._send_status()
        self._pipe.send("ready")

    def leave_word(self, value: object) -> None:
        """Tell the parent something to keep, JSON, when this process is gone. The last is what counts."""
        self._pipe.send("word", value=value)

    def ask(self, name: str, arguments: Mapping[str, Any], timeout: float) -> Any:
        """The parent's answer to a question; waits for it, at most ``timeout`` seconds. In any thread.

        Raises:
            NoAnswer: there is none.
        """
        return self._questions.ask(name, arguments, timeout)

    # -- ends --------------------------------------------------------------------------------------------------------

    def stop(self, times: int) -> None:
        """Stop: gracefully for 1, at once for 2. The parent and a signal may both say it: it counts once.

        Before there is a worker nothing is in flight, and the main thread is told to leave whatever it does.
        """
        with self._lock:
            self.told_to_end = True
            worker = self._worker
            while worker is not None and self._stops_sent < times:
                self._stops_sent += 1
                worker.request_stop()
        if worker is None:
            _interrupt_main_thread()

    def on_terminate(self, _signal: int, _frame: FrameType | None) -> None:
        """SIGTERM, from whoever sent it: drain."""
        self.told_to_end = True
        if self._worker is None:
            raise SystemExit(0)
        self.stop(1)

    def keep_ends(self) -> None:
        """From now on, and until it serves, an end that is lost comes again.

        What `on_terminate` raises in a callback of the garbage collector or in a ``__del__``, or what else Python calls
        where nothing can be raised, is told on stderr, and that is all: the import would go on, for minutes perhaps.
        """
        self._others_hook = sys.unraisablehook
        sys.unraisablehook = self._own_hook

    def _unraisable(self, lost: sys.UnraisableHookArgs) -> None:
        if self.told_to_end and self._worker is None and isinstance(lost.exc_value, SystemExit):
            self._end_lost = True  # a signal now would be handled in here, where nothing can be raised either
        else:
            self._others_hook(lost)

    # -- the pipe ----------------------------------------------------------------------------------------------------

    def start_listening(self) -> None:
        """Begin to hear the parent."""
        threading.Thread(target=self._listen, name="pounce-control", daemon=True).start()

    def _listen(self) -> None:
        next_status = time.monotonic()
        while True:
            # First those that came in one piece with the certificate: the socket will not tell of them again.
            for message in self._pipe.messages():
                self._obey(message)
            now = time.monotonic()
            if now >= next_status:
                if self._end_lost:
                    self._end_lost = False
                    _interrupt_main_thread()
                self._send_status()
                next_status = now + (min(self._period, QUICK) if self.told_to_end else self._period)
            if not wait_readable(self._pipe.fileno(), next_status - time.monotonic()):
                continue
            if not self._pipe.receive():
                self._orphaned()
                return

    def _obey(self, message: Message) -> None:
        kind = message["is"]
        if self._questions.hear(message):
            return
        if kind == "retire" and self._worker is not None:
            self.told_to_end = True
            self._worker.retire()
        elif kind in ("drain", "retire"):
            self.stop(1)
        elif kind == "stop":
            self.stop(2)

    def _orphaned(self) -> None:
        """The parent is gone, and with it whoever could end this process."""
        self._questions.end()
        if not self.told_to_end:
            logger.error("The server's main process is gone; worker %d ends", self.worker_id)
        self.stop(2)
        time.sleep(ORPHAN_GRACE)
        os._exit(1)

    def _send_status(self) -> None:
        worker = self._worker
        # A busy parent reads later, and a stopped one not at all: then the next status will do.
        if not wait_writable(self._pipe.fileno(), 0):
            return
        now = time.monotonic()
        beat = now if self._served else max(self._born, worker.beat if worker is not None else 0.0)
        self._pipe.send(
            "status",
            beat_age=now - beat,
            load=worker.load if worker is not None else 0,
            requests=worker.requests_served if worker is not None else 0,
            rss=resident_memory(),
        )


def _interrupt_main_thread() -> None:
    """Run the handler of SIGTERM in the main thread, waking it if it sleeps."""
    main = threading.main_thread().ident
    with contextlib.suppress(OSError, ValueError):
        if main is not None and hasattr(signal, "pthread_kill"):
            signal.pthread_kill(main, signal.SIGTERM)
        else:
            _thread.interrupt_main(signal.SIGTERM)


_OURS: Final = ("pounce-control", "pounce-answer")
"""Threads that only talk to the parent."""


def _stacks() -> str:
    """The stacks of all threads but those, the main thread's first."""
    frames = sys._current_frames()
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    main = threading.main_thread().ident
    parts = []
    for ident in sorted(frames, key=lambda ident: ident != main):
        if not names.get(ident, "").startswith(_OURS):
            stack = "".join(traceback.format_stack(frames[ident]))
            parts.append(f"  Thread {names.get(ident, ident)}:\n{stack}")
    return "".join(parts).rstrip()
