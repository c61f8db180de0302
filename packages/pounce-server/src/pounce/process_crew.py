"""Workers that are processes, each of which imports the application: this one never does."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from pounce_workers import ProcessSlotLauncher

from .crew import Crew
from .process_payload import ENTRY, ProcessPayload

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from pounce_workers import Answers, Generation, SlotHandle

    from .config import ServerConfig
    from .crew import CrewCallbacks
    from .http3 import Http3Ports
    from .port_shares import PortShares

__all__ = ["ProcessCrew", "ProcessGeneration"]

STATUS_PERIOD: Final = 1.0
"""Seconds between two reports of a worker process on how it is, at most."""


class ProcessCrew(Crew):
    """Processes that accept on shared sockets."""

    def __init__(
        self,
        config: ServerConfig,
        sockets: Sequence[socket.socket],
        tell: CrewCallbacks,
        *,
        sets_up_logging: bool,
        cpus: Sequence[int],
        shares: PortShares | None = None,
        http3: Http3Ports | None = None,
        answers: Answers | None = None,
    ) -> None:
        """``sets_up_logging``: this program's logging is ours, and so is that of its children. ``answers`` are for what
        these ask. With ``shares`` each
        accepts on its own of them, instead of all on ``sockets``.
        """
        super().__init__(config, shares.sockets if shares is not None else sockets, tell)
        self._answers = answers or {}
        self._inherited = (*self.sockets, *(http3.sockets if http3 is not None else ()))
        self._payload = ProcessPayload(
            # What was bound is inherited: the children do not look at the places.
            config=dataclasses.replace(config),
            workers=config.workers,
            sets_up_logging=sets_up_logging,
            cpus=tuple(cpus),
            places=shares.places if shares is not None else (),
            http3=http3.payload(len(self.sockets)) if http3 is not None else None,
        )

    def first_generation(self) -> Generation:
        """The one to begin with."""
        return ProcessGeneration(self._payload, self._inherited, 1, self._answers)

    def prepare(self, number: int) -> Generation:
        """Fresh processes import the application by themselves."""
        return ProcessGeneration(self._payload, self._inherited, number, self._answers)

    def serving(self, handles: tuple[SlotHandle, ...]) -> None:
        """They accept by themselves."""
        self.close_at_the_end(handles)

    def ended(self) -> None:
        """Nothing of theirs is left here."""


class ProcessGeneration:
    """Served by processes, each of which imports the application."""

    def __init__(
        self, payload: ProcessPayload, sockets: Sequence[socket.socket], number: int, answers: Answers | None = None
    ) -> None:
        """``answers`` are for what the processes ask.

        Raises:
            ConfigError: processes cannot be started here, or the configuration cannot be given to them.
        """
        # Who is to be known as stalled soon has to be heard of more often.
        period = min(STATUS_PERIOD, payload.config.worker.worker_stall_timeout / 4)
        self.launcher: Final = ProcessSlotLauncher(
            ENTRY, payload, sockets, generation=number, status_period=period, answers=answers
        )

    def undo(self) -> None:
        """Nothing of it is in this process."""

    def release(self) -> None:
        """Nothing of it is in this process."""
