"""Who serves in which slot, and what is to be done about it.

A state machine without threads, clocks or sockets: it is told what happened and what time it is, and acts on the
handles. Its rules:

- In each slot one worker serves. While it is recycled, its successor starts beside it; the old one is told to retire
  when the successor is ready, and never before. A successor that fails costs nothing but another try.
- A worker that dies is replaced after a back-off of its own slot. When the budget of a slot is spent everything stops.
- Worker threads start one after another, because they share the application object; processes start side by side.
- Until all have been ready once, a death is not retried: what fails at the start is for a person to mend.
- Who leaves is given its time and then killed (`Departure`).
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pounce_workers.supervision.departures import Departure
from pounce_workers.supervision.recycling import Quota
from pounce_workers.supervision.restarts import BUDGET, LONGEST_DELAY, Restarts
from pounce_workers.supervision.slots import SlotExit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pounce_workers.settings import WorkerSettings
    from pounce_workers.supervision.slots import MoveTo, SlotCallback, SlotHandle, SlotLauncher

__all__ = ["Roster", "RosterEvents"]

logger = logging.getLogger("pounce.supervisor")

LOOK_AGAIN: Final = 1.0
"""Seconds between two looks at every worker, when nothing else is due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterEvents:
    """Whom the roster and its workers tell. All must return soon."""

    on_ready: SlotCallback
    on_exit: SlotCallback
    """Given to every worker at its birth; they lead to `Roster.ready` and `Roster.exited`."""
    on_stalled: SlotCallback
    """The loop of this worker does not turn: report it, then call `Roster.reported`."""
    on_serving: Callable[[tuple[SlotHandle, ...]], None]
    """These take new connections from now on. Called before those that take none any more are told to go."""
    move_to: MoveTo | None = None
    """Takes the idle connections of worker threads that retire."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Member:
    """A worker in its slot."""

    handle: SlotHandle
    quota: Quota
    born: float
    ready_at: float | None = None
    stalled: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class _Post:
    """A slot: who serves in it and who is about to."""

    worker_id: int
    start_at: float | None = None
    """When the next worker is to be started; None when none is wanted."""
    incumbent: _Member | None = None
    successor: _Member | None = None
    restarts: Restarts = field(default_factory=Restarts)

    def members(self) -> Iterator[_Member]:
        """Those that have not been told to go."""
        for member in (self.incumbent, self.successor):
            if member is not None:
                yield member


class Roster:
    """The workers of a server. Everything in one thread."""

    def __init__(
        self,
        launcher: SlotLauncher,
        count: int,
        *,
        settings: WorkerSettings,
        shutdown_timeout: float,
        events: RosterEvents,
        chance: random.Random | None = None,
    ) -> None:
        """``shutdown_timeout``: seconds that the application's own shutdown may take."""
        self._launcher = launcher
        self._settings = settings
        self._shutdown_timeout = shutdown_timeout
        self._events = events
        self._chance = chance or random.Random()  # noqa: S311 - it spreads recyclings, nothing depends on it
        self._posts = [_Post(worker_id=worker_id) for worker_id in range(count)]
        self._leaving: dict[SlotHandle, Departure] = {}
        self._serving: tuple[SlotHandle, ...] = ()
        self._stops = 0
        self.started = False
        """All have been ready at once."""
        self.failure: SlotExit | None = None
        """The end of the worker for which the server stops."""
        self.failure_message = ""

    # -- what it is ----------------------------------------------------------------------------------------------------

    @property
    def handles(self) -> tuple[SlotHandle, ...]:
        """Every worker that has not ended, those that leave included."""
        return (*(member.handle for post in self._posts for member in post.members()), *self._leaving)

    @property
    def serving(self) -> tuple[SlotHandle, ...]:
        """Those that take new connections."""
        return self._serving

    @property
    def stopping(self) -> bool:
        """It was told to stop, or gave up."""
        return self._stops > 0 or self.failure is not None

    @property
    def finished(self) -> bool:
        """It was stopped and all have ended."""
        return self.stopping and not self.handles

    # -- what happens --------------------------------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """Start a worker in every slot."""
        for post in self._posts:
            post.start_at = now
        self._start_due(now)

    def ready(self, handle: SlotHandle, now: float) -> None:
        """A worker serves."""
        for post in self._posts:
            for member in post.members():
                if member.handle is handle and member.ready_at is None:
                    member.ready_at = now
                    member.stalled = False  # it took its time to start
                    self._joined(post, member, now)
                    return

    def exited(self, handle: SlotHandle, now: float) -> None:
        """A worker has ended."""
        departure = self._leaving.pop(handle, None)
        if departure is not None:
            how = handle.exit
            said = departure.killed or str(how) == str(self.failure)
            if how is not None and not how.expected and not said:
                logger.warning("%s %s while it was leaving", _name(handle), how)
                if self.stopping and self.failure is None:
                    # Nothing comes after it that could make up for it: a shutdown that failed is how the server ends.
                    self.failure, self.failure_message = how, f"{_name(handle)} {how} while it was leaving"
            return
        for post in self._posts:
            for member in post.members():
                if member.handle is handle:
                    self._died(post, member, handle.exit or SlotExit(expected=False), now)
                    return

    def reported(self, handle: SlotHandle, now: float) -> None:
        """A stalled worker has been reported. A process that served and still stalls is killed, to be replaced.

        One that never served is still starting, however long its imports may take.
        """
        for post in self._posts:
            for member in post.members():
                if member.handle is not handle or member.ready_at is None:
                    continue
                if handle.kind == "process" and self._stalls(member, now):
                    self._leave(handle).kill(now)
                    how = SlotExit(expected=False, error="its event loop did not turn")
                    self._died(post, member, how, now)
                return

    def adopt(self, launcher: SlotLauncher, handles: Sequence[SlotHandle], now: float) -> None:
        """Let a new generation serve: its workers, all ready, take over from those that are here, which retire."""
        if self.stopping:
            for handle in handles:
                self._leave(handle).drain(now)
            return
        old = [member for post in self._posts for member in post.members()]
        self._launcher = launcher
        self._posts = [
            _Post(worker_id=handle.worker_id, incumbent=self._member(handle, now, ready_at=now)) for handle in handles
        ]
        self.started = True
        self._announce()
        for member in old:
            departure = self._leave(member.handle)
            if member.ready_at is None:
                departure.drain(now)
            else:
                departure.retire(self._events.move_to, now)

    def tick(self, now: float) -> float:
        """Do what is due; returns when to be called again at the latest."""
        for handle in self.handles:
            if not handle.is_alive():
                self.exited(handle, now)
        for handle, departure in tuple(self._leaving.items()):
            departure.tick(now)
            if departure.lost:
                del self._leaving[handle]
        if not self.stopping:
            self._watch_beats(now)
            self._recycle(now)
            self._start_due(now)
        due = [post.start_at for post in self._posts if post.start_at is not None and post.start_at > now]
        due += [departure.due for departure in self._leaving.values()]
        return min([now + LOOK_AGAIN, *due])

    def stop(self, now: float) -> None:
        """Stop: gracefully at the first call, at once at the second; those after it say nothing new."""
        self._stops += 1
        self._end(now)
        if self._stops == 2:
            for departure in self._leaving.values():
                departure.stop_now(now)

    def kill(self, now: float) -> None:
        """Stop, and give nobody any time."""
        self._stops = max(self._stops, 2)
        self._end(now)
        for departure in self._leaving.values():
            departure.kill(now)

    def _end(self, now: float) -> None:
        """Everybody leaves, within the time that the settings allow."""
        for post in self._posts:
            post.start_at = None
            for member in tuple(post.members()):
                self._leave(member.handle)
            post.incumbent = post.successor = None
        self._announce()
        for departure in self._leaving.values():
            departure.drain(now)

    # -- births and deaths ---------------------------------------------------------------------------------------------

    def _start_due(self, now: float) -> None:
        for post in self._posts:
            if post.start_at is None or post.start_at > now or post.successor is not None:
                continue
            if self._launcher.kind == "thread" and self._is_starting():
                return  # its turn comes when that one is ready
            post.start_at = None
            self._launch(post, now)

    def _is_starting(self) -> bool:
        return any(member.ready_at is None for post in self._posts for member in post.members())

    def _launch(self, post: _Post, now: float) -> None:
        events, kind = self._events, self._launcher.kind
        try:
            handle = self._launcher.start(post.worker_id, on_ready=events.on_ready, on_exit=events.on_exit)
        except (OSError, RuntimeError) as error:  # no more processes or threads are allowed
            how = SlotExit(expected=False, error=f"it could not be started: {error}", exception=error)
            follows = self._failed(post, None, how, now)
            if self.started:
                logger.error("worker %d (%s) could not be started: %s; %s", post.worker_id, kind, error, follows)
            return
        member = self._member(handle, now)
        if post.incumbent is None:
            post.incumbent = member
        else:
            post.successor = member

    def _member(self, handle: SlotHandle, now: float, *, ready_at: float | None = None) -> _Member:
        return _Member(handle=handle, quota=Quota.draw(self._settings, self._chance), born=now, ready_at=ready_at)

    def _joined(self, post: _Post, member: _Member, now: float) -> None:
        old = None
        if member is post.successor:
            old, post.incumbent, post.successor = post.incumbent, member, None
        self._announce()
        if old is not None:
            self._leave(old.handle).retire(self._events.move_to, now)
        if not self.started and all(p.incumbent and p.incumbent.ready_at is not None for p in self._posts):
            self.started = True
        self._start_due(now)

    def _died(self, post: _Post, member: _Member, how: SlotExit, now: float) -> None:
        if member is post.successor:
            post.successor = None
        else:
            # A successor that is starting already takes the place.
            post.incumbent, post.successor = post.successor, None
        follows = self._failed(post, member, how, now)
        if how.expected:
            logger.info("%s ended, which nobody here asked for; %s", _name(member.handle), follows)
        elif self.started or _ends_process(how):  # else it is why the server does not start, and told so
            logger.error("%s %s; %s", _name(member.handle), how, follows)
        self._announce()
        self._start_due(now)

    def _failed(self, post: _Post, member: _Member | None, how: SlotExit, now: float) -> str:
        """What follows, which is begun, in words."""
        delay = post.restarts.died(how, now, ready_at=member.ready_at if member is not None else None)
        if not self.started or _ends_process(how):
            # In a thread the latter two are the application's wish that this process end, as anywhere in Python.
            self._give_up(how, f"worker {post.worker_id} {how}", now)
            return "the server stops"
        if post.incumbent is not None:
            if post.incumbent.ready_at is None:
                return "its successor starts already"
            # The old one serves on, so there is no hurry, and no need to stop.
            post.start_at = now + LONGEST_DELAY
            return f"the old one serves on, and the next try is in {LONGEST_DELAY:g} s"
        if delay is None:
            message = f"worker {post.worker_id} does not stay up; its last ends: {post.restarts.summary()}"
            self._give_up(how, message, now)
            return "it does not stay up, so the server stops"
        post.start_at = now + delay
        left = post.restarts.left
        threat = f"; after {left} more such {'end' if left == 1 else 'ends'} soon the server stops"
        return f"it is replaced in {delay:g} s{threat if left < BUDGET - 1 else ''}"

    def _give_up(self, how: SlotExit, message: str, now: float) -> None:
        if not self.stopping:
            self.failure, self.failure_message = how, message
            self._end(now)

    # -- departures ----------------------------------------------------------------------------------------------------

    def _leave(self, handle: SlotHandle) -> Departure:
        departure = Departure(handle, graceful=self._settings.graceful_timeout, shutdown=self._shutdown_timeout)
        self._leaving[handle] = departure
        return departure

    def _recycle(self, now: float) -> None:
        """Have at most one successor made at a time: starting costs time and memory, and all may have had enough."""
        if any(post.successor is not None or post.start_at is not None for post in self._posts):
            return
        for post in self._posts:
            member = post.incumbent
            if member is None or member.ready_at is None:
                continue
            reason = member.quota.used_up(member.handle, now - member.ready_at)
            if reason is not None:
                logger.info("%s is replaced: %s", _name(member.handle), reason)
                post.start_at = now
                return

    # -- heartbeats ----------------------------------------------------------------------------------------------------

    def _stalls(self, member: _Member, now: float) -> bool:
        return now - max(member.handle.last_beat, member.born) > self._settings.worker_stall_timeout

    def _watch_beats(self, now: float) -> None:
        for post in self._posts:
            for member in post.members():
                stalls = self._stalls(member, now)
                if stalls and not member.stalled:
                    member.stalled = True
                    self._events.on_stalled(member.handle)
                    self._announce()
                elif member.stalled and not stalls:
                    member.stalled = False
                    logger.warning("The event loop of %s turns again", _name(member.handle))
                    self._announce()

    def _announce(self) -> None:
        """Tell who serves, if that has changed. Who stalls gets no new connections, unless all do."""
        ready = [post.incumbent for post in self._posts if post.incumbent and post.incumbent.ready_at is not None]
        able = [member.handle for member in ready if not member.stalled]
        serving = tuple(able or [member.handle for member in ready])
        if serving != self._serving:
            self._serving = serving
            self._events.on_serving(serving)


def _ends_process(how: SlotExit) -> bool:
    return isinstance(how.exception, (SystemExit, KeyboardInterrupt))


def _name(handle: SlotHandle) -> str:
    return f"worker {handle.worker_id} ({handle.kind})"
