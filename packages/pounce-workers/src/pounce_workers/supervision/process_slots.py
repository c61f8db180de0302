"""Workers as processes of their own.

They are started as fresh interpreters, never forked: this process has threads. Not by `multiprocessing` either: its
spawn imports the program's ``__main__`` again, keeps a helper process, and has no way to give a listening socket. Here
a child has inherited sockets and one pipe, and is gone when the pipe is.
"""

from __future__ import annotations

import logging
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi import ConfigError
from pounce_workers.supervision.birth import Certificate
from pounce_workers.supervision.children import Children
from pounce_workers.supervision.control_pipe import ControlPipe
from pounce_workers.supervision.questions import NoAnswer, Questions
from pounce_workers.supervision.slots import SlotExit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pounce_workers.supervision.control_pipe import Message
    from pounce_workers.supervision.questions import Answers
    from pounce_workers.supervision.slots import MoveTo, SlotCallback, SlotKind

__all__ = ["ProcessSlot", "ProcessSlotLauncher"]

logger = logging.getLogger("pounce.supervisor")

ANSWER_TIME: Final = 3.0
"""Seconds for a process to tell its stack. A thread of its own answers, so that more means that it cannot."""
SEND_TIME: Final = 30.0
"""Seconds in which a process must read what it is told at its birth."""
SYS_PATH: Final = "POUNCE_WORKER_SYS_PATH"
_BOOTSTRAP: Final = (
    f"import os, sys; sys.path[:] = os.environ.pop('{SYS_PATH}').split(os.pathsep);"
    " from pounce_workers.supervision.process_main import main; "
)


class ProcessSlot:
    """A worker in a process. See `SlotHandle` for what its members mean."""

    kind: Final[SlotKind] = "process"

    def __init__(
        self,
        launcher: ProcessSlotLauncher,
        worker_id: int,
        *,
        on_ready: SlotCallback,
        on_exit: SlotCallback,
    ) -> None:
        self.worker_id = worker_id
        self.generation = launcher.generation
        self._launcher = launcher
        self._on_ready = on_ready
        self._on_exit = on_exit
        ours, self._theirs = socket.socketpair()
        ours.settimeout(SEND_TIME)
        self.pipe = ControlPipe(ours)
        # Guards the birth: whoever tells it to end either prevents it or reaches it. Reentrant: a signal handler may
        # do so while this thread holds it.
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False
        self._unborn = False
        """It was told to end before it ran any code but Python's and ours."""
        self._failed = ""
        # What follows is written by the thread that reads the pipe, and read by all.
        self._exit: SlotExit | None = None
        self._told_to_end = False
        self._last_beat = time.monotonic()
        self._status: Message = {}
        self._last_words: Message = {}
        self._questions = Questions(self.pipe.send, launcher.answers)
        self._serves = False
        self._word: Any = None

    # -- SlotHandle --------------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int | None:
        """Its process id; None until it is started."""
        process = self._process
        return process.pid if process is not None else None

    @property
    def exit(self) -> SlotExit | None:
        """How it ended; None while it lives."""
        return self._exit

    @property
    def last_beat(self) -> float:
        """When its loop was last known to turn."""
        return self._last_beat

    @property
    def load(self) -> int:
        """Connections that it held a moment ago."""
        return int(self._status.get("load", 0))

    @property
    def requests_served(self) -> int:
        """Requests that it had answered a moment ago."""
        return int(self._status.get("requests", 0))

    @property
    def rss(self) -> int | None:
        """Its resident memory in bytes, a moment ago."""
        rss: int | None = self._status.get("rss")
        return rss

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._exit is None

    def retire(self, move_to: MoveTo | None = None) -> None:  # noqa: ARG002 - connections stay in their process
        """Finish without being in a hurry."""
        self._tell("retire")

    def drain(self) -> None:
        """Finish what is in flight, then end."""
        self._tell("drain")

    def stop_now(self) -> None:
        """End at once."""
        self._tell("stop")

    def kill(self) -> None:
        """Kill the process."""
        with self._lock:
            self._killed = True
            if self._process is not None:
                self._process.kill()

    def stack(self) -> str:
        """What its threads are doing now, or that it does not say."""
        if self._process is None or self._exit is not None:
            return "  (it does not run)"
        try:
            return str(self._questions.ask("stack", {}, ANSWER_TIME))
        except NoAnswer:
            return f"  (process {self.pid} does not answer: it is stopped, or C code holds its interpreter)"

    def ask(self, name: str, arguments: Mapping[str, Any], timeout: float) -> Any:
        """Its answer to a question; waits for it, at most ``timeout`` seconds.

        Raises:
            NoAnswer: there is none.
        """
        if self._process is None or self._exit is not None:
            raise NoAnswer("it does not run")
        if not self._serves:
            raise NoAnswer("it does not serve yet")
        return self._questions.ask(name, arguments, timeout)

    @property
    def word(self) -> Any:
        """What it left behind, for when it is gone; None if nothing."""
        return self._word

    def _tell(self, kind: str) -> None:
        with self._lock:
            self._told_to_end = True
            if self._process is None:
                return
            if self._status:
                self.pipe.send(kind)
            else:  # its interpreter is starting, which can take seconds: the application's code is not even imported
                self._unborn = True
                self._process.kill()

    # -- for the thread that watches it ------------------------------------------------------------------------------

    def spawn(self) -> None:
        """Start the process and give it what it needs."""
        with self._lock, self._theirs:
            if self._killed or self._told_to_end:
                self._failed = "it was told to end before it was started"
                return
            try:
                self._process = self._launcher.spawn(self._theirs)
            except (OSError, ValueError) as error:
                self._failed = f"it could not be started: {error}"
                return
            self._last_beat = time.monotonic()
            self.pipe.send_bytes(self._launcher.certificate(self.worker_id, self._process.pid))

    def receive(self) -> bool:
        """Read from the pipe; False at its end."""
        alive = self.pipe.receive()
        for message in self.pipe.messages():
            self._hear(message)
        return alive

    def reap(self) -> bool:
        """Whether it has ended. If so, its last messages are read and its end is told."""
        process = self._process
        code = process.poll() if process is not None else None
        if process is not None and code is None:
            return False
        if process is not None:
            self.pipe.receive_rest()
            for message in self.pipe.messages():
                self._hear(message)
        self._questions.end()
        self._exit = self._how(code)
        self._on_exit(self)
        return True

    def _how(self, code: int | None) -> SlotExit:
        if code is None:
            return SlotExit(expected=self._told_to_end, error="" if self._told_to_end else self._failed)
        if self._unborn and not self._killed:
            return SlotExit(expected=True)
        told = self._told_to_end or bool(self._last_words.get("told"))
        error = str(self._last_words.get("error", ""))
        if code < 0:
            return SlotExit(expected=False, signal=-code, error=error)
        return SlotExit(expected=told and code == 0, code=code, error=error)

    def _hear(self, message: Message) -> None:
        kind = message["is"]
        if kind == "status":
            self._status = message
            self._last_beat = max(self._last_beat, time.monotonic() - message["beat_age"])
        elif kind == "ready":
            self._serves = True
            self._on_ready(self)
        elif kind == "exit":
            self._last_words = message
        elif kind == "word":
            self._word = message["value"]
        else:
            self._questions.hear(message)


class ProcessSlotLauncher:
    """Starts workers as processes, for one generation."""

    kind: Final[SlotKind] = "process"

    def __init__(
        self,
        entry: str,
        payload: Any,
        sockets: Sequence[socket.socket],
        *,
        generation: int = 1,
        status_period: float = 1.0,
        answers: Answers | None = None,
    ) -> None:
        """``entry`` names what runs a worker, as ``module:function``; it is called with a `Birth`. ``answers`` are for
        what the workers ask.

        ``payload`` is pickled for it. The listening sockets stay open here: whoever made them closes them.

        Raises:
            ConfigError: this program cannot start processes, or the payload cannot be given to one.
        """
        if not sys.executable or getattr(sys, "frozen", False):
            raise ConfigError("worker processes need a Python interpreter to start; use --worker-kind thread")
        try:
            self._payload = pickle.dumps(payload)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"this cannot be given to worker processes: {error}; name the application as module:attribute"
            ) from error
        self._entry = entry
        self._sockets = tuple(sockets)
        self._status_period = status_period
        self.answers: Answers = answers or {}
        self.generation = generation

    def start(self, worker_id: int, *, on_ready: SlotCallback, on_exit: SlotCallback) -> ProcessSlot:
        """Start a worker. A process that cannot be started ends at once, which its exit tells.

        Raises:
            OSError: no descriptors are left for its pipe.
        """
        slot = ProcessSlot(self, worker_id, on_ready=on_ready, on_exit=on_exit)
        _children.add(slot)
        return slot

    def certificate(self, worker_id: int, pid: int) -> bytes:
        """What the process is told first."""
        certificate = Certificate(
            entry=self._entry,
            payload=self._payload,
            worker_id=worker_id,
            generation=self.generation,
            listeners=tuple(_shared(sock, pid) for sock in self._sockets),
            argv=tuple(sys.argv),
            status_period=self._status_period,
        )
        return pickle.dumps(certificate)

    def spawn(self, pipe: socket.socket) -> subprocess.Popen[bytes]:
        """A fresh interpreter that runs as this one does.

        Raises:
            OSError: it cannot be started.
        """
        environ = {**os.environ, SYS_PATH: os.pathsep.join(map(os.fspath, sys.path))}
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        if os.name == "nt":
            return _spawn_on_windows(flags, environ, pipe)
        command = [sys.executable, *flags, "-c", f"{_BOOTSTRAP}main({pipe.fileno()})", "pounce-worker"]
        return subprocess.Popen(  # noqa: S603 - our own interpreter
            command,
            env=environ,
            stdin=subprocess.DEVNULL,
            pass_fds=[pipe.fileno(), *(sock.fileno() for sock in self._sockets)],
        )


_children: Final = Children()
"""One thread for the processes of all launchers: at a reload two generations are there at once."""


if sys.platform == "win32":

    def _shared(sock: socket.socket, pid: int) -> int | bytes:
        return sock.share(pid)

else:

    def _shared(sock: socket.socket, pid: int) -> int | bytes:  # noqa: ARG001 - the descriptor is inherited
        return sock.fileno()


def _spawn_on_windows(flags: list[str], environ: dict[str, str], pipe: socket.socket) -> subprocess.Popen[bytes]:
    """There a socket is given to a process that runs already: the pipe itself through its standard input."""
    executable = sys.executable
    base: str = getattr(sys, "_base_executable", executable)
    if base != executable:
        # In a virtual environment it only starts the real one, and sockets cannot be given to a child's child.
        executable, environ = base, {**environ, "__PYVENV_LAUNCHER__": executable}
    command = [executable, *flags, "-c", f"{_BOOTSTRAP}main(sys.stdin.buffer.read())", "pounce-worker"]
    process = subprocess.Popen(command, env=environ, stdin=subprocess.PIPE)  # noqa: S603 - our own interpreter
    assert process.stdin is not None
    with process.stdin:
        process.stdin.write(pipe.share(process.pid))  # type: ignore[attr-defined,unused-ignore]
    return process
