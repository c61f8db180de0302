"""The first code of ours that a worker process runs: from an inherited pipe to the call of its entry.

It is reached by ``python -c`` and not through the program's own ``__main__``, which is never imported again: a script
that starts a server without a guard is run once.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import pickle
import signal
import socket
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi import PounceError
from pounce_workers.supervision.birth import Birth, Certificate, begin_birth
from pounce_workers.supervision.control_pipe import ControlPipe

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["main"]

logger = logging.getLogger("pounce.worker")

LINGER: Final = 1.0
"""Seconds for what the interpreter does at its exit, joining threads above all, before it is ended."""
PR_SET_PDEATHSIG: Final = 1


def main(control: int | bytes) -> None:
    """Be a worker process. ``control``: the descriptor of the pipe, or what ``socket.share`` made of it."""
    _die_with_parent()
    begin_birth()
    pipe = ControlPipe(_adopted(control))
    raw = pipe.receive_bytes()
    if raw is None:
        sys.exit(1)  # the parent ended first
    certificate: Certificate = pickle.loads(raw)  # noqa: S301 - from the parent, through a pipe nobody else has
    sys.argv[:] = certificate.argv
    code, error, told = _live(certificate, pipe)
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    pipe.send("exit", error=error, told=told)
    threading.Thread(target=_end_after, args=(LINGER, code), name="pounce-exit", daemon=True).start()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it is on its way out, and its exit code is to tell how it served
    sys.exit(code)


def _live(certificate: Certificate, pipe: ControlPipe) -> tuple[int, str, bool]:
    """Run the entry; the exit code, the error if there was one, and whether it was told to end."""
    birth: Birth | None = None
    try:
        payload = pickle.loads(certificate.payload)  # noqa: S301 - as above
        birth = Birth(certificate, payload, [_adopted(each) for each in certificate.listeners], pipe)
        _handle_signals(birth)
        birth.keep_ends()
        birth.start_listening()
        _entry(certificate.entry)(birth)
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        return code, "" if code == 0 else f"SystemExit: {leaving.code}", birth is not None and birth.told_to_end
    except PounceError as error:
        return 1, str(error), birth is not None and birth.told_to_end  # its message is all there is to say
    except BaseException as error:
        logger.critical("Worker %d failed", certificate.worker_id, exc_info=error)
        text = "".join(traceback.format_exception_only(error)).strip()
        return 1, text, birth is not None and birth.told_to_end
    return 0, "", birth.told_to_end


def _entry(reference: str) -> Callable[[Birth], object]:
    module, _, name = reference.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    entry: Callable[[Birth], object] = found
    return entry


def _adopted(shared: int | bytes) -> socket.socket:
    if isinstance(shared, int):
        os.set_inheritable(shared, False)  # what the application starts must not hold our sockets open
        return socket.socket(fileno=shared)
    adopted: socket.socket = socket.fromshare(shared)  # type: ignore[attr-defined,unused-ignore]
    return adopted


def _handle_signals(birth: Birth) -> None:
    """The parent decides when to stop. A terminal sends SIGINT and SIGHUP, a service manager SIGTERM, to it as well.

    Handlers that do nothing instead of SIG_IGN, which programs that the application starts would inherit.
    """
    signal.signal(signal.SIGTERM, birth.on_terminate)
    ignored = [getattr(signal, name) for name in ("SIGINT", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    for number in ignored:
        signal.signal(number, lambda *_: None)
    if sys.platform != "win32":
        # The thread that started us had them blocked, for the time until here.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


def _die_with_parent() -> None:
    """On Linux the kernel ends us with the parent, even when C code holds the interpreter; elsewhere the pipe must do.

    If the parent was gone before, the pipe has ended, and nothing is read from it.
    """
    if sys.platform == "linux":
        with contextlib.suppress(ImportError, OSError, AttributeError):
            import ctypes  # some builds of Python have none

            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _end_after(seconds: float, code: int) -> None:
    time.sleep(seconds)
    held = [
        thread.name for thread in threading.enumerate() if not thread.daemon and thread is not threading.main_thread()
    ]
    logger.warning("Threads that hold the exit are left behind: %s", ", ".join(held) or "none of Python's")
    logging.shutdown()
    os._exit(code)
