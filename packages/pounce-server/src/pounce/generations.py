"""Generations of the application's code in this process: one import of it, and what starts threads that serve it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from pounce_asgi import LifespanError
from pounce_workers import ThreadSlot, ThreadSlotLauncher

from .code_subscriptions import end_subscriptions

if TYPE_CHECKING:
    import queue
    from collections.abc import Callable

    from pounce_workers import SlotHandle, SlotLauncher, WorkerLike

    from .fresh_import import ImportedCode
    from .worker_factory import WorkerFactory

__all__ = ["HereSlotLauncher", "ThreadGeneration"]


class HereSlotLauncher(ThreadSlotLauncher):
    """Starts workers as threads, but the very first in the thread that waits for it: the main one of the process, where
    an application may set signal handlers.
    """

    def __init__(
        self, make: Callable[[int, Callable[[], None]], WorkerLike], here: queue.SimpleQueue[Callable[[], None] | None]
    ) -> None:
        """``here``: what is put into it is called by the thread that waits."""
        super().__init__(make, generation=1)
        self._here: queue.SimpleQueue[Callable[[], None] | None] | None = here
        self.slot_here: ThreadSlot | None = None
        """The worker in the thread that waits."""

    def new_slot(
        self, worker_id: int, *, on_ready: Callable[[SlotHandle], None], on_exit: Callable[[SlotHandle], None]
    ) -> ThreadSlot:
        """The slot, not started."""
        slot = super().new_slot(worker_id, on_ready=on_ready, on_exit=on_exit)
        here, self._here = self._here, None
        if here is not None:
            self.slot_here = slot
            slot.start_with(here.put)
        return slot


class ThreadGeneration:
    """Served by threads of this process."""

    def __init__(self, code: ImportedCode, factory: WorkerFactory, launcher: SlotLauncher) -> None:
        self.factory = factory
        self.launcher: Final = launcher
        self.ended = False
        """Nothing of it is left to shut down."""
        self._code = code

    def undo(self) -> None:
        """It never served."""
        self._close()
        end_subscriptions(self._code, undone=True)
        self._code.undo()

    def release(self) -> None:
        """Its last worker has ended."""
        self._close()
        end_subscriptions(self._code)
        self._code.release()

    def _close(self) -> None:
        self.ended = True
        with contextlib.suppress(LifespanError):  # logged where it happened, and nobody is left to tell
            self.factory.close()
