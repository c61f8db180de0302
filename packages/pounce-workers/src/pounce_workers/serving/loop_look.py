"""What is seen of one loop: by its own thread, or from outside where that is held up."""

from __future__ import annotations

import asyncio
import heapq
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pounce_asgi
from pounce_asgi.response_states import COMPLETE
from pounce_workers.serving.connection_sketch import exchanges_of, sketch_connection
from pounce_workers.serving.request_sketch import Look, owner_of, sketch_request
from pounce_workers.serving.task_stacks import Waiting, task_stack

if TYPE_CHECKING:
    from pounce_workers.serving.served_loop import ServedLoop

__all__ = ["Chosen", "Sight", "chosen_on", "connections_on", "count_running", "requests_from_outside", "requests_on"]

_OWN_FOLDERS: Final = (str(Path(__file__).parents[1]), str(Path(pounce_asgi.__file__).parent))


class Sight(NamedTuple):
    """What a look at requests, or at connections, has found. Stacks are frames still."""

    members: list[dict[str, Any]]
    total: int
    others: list[dict[str, Any]]
    """Tasks of the loop that belong to no request."""
    others_total: int = 0


class Chosen(NamedTuple):
    """Requests of one loop that are worth a closer look."""

    running: list[tuple[asyncio.Task[Any], Any]]
    """Tasks and their exchanges, the oldest first."""
    total: int
    """How many tasks of requests there are."""
    starting: list[Any]
    """Exchanges whose application has not let the loop turn yet."""
    sending: list[Any]
    """Those whose application has returned, and whose client has not taken all."""


def connections_on(served: ServedLoop, worker_id: int, limit: int) -> Sight:
    """Its connections; those that are not idle first. In any thread."""
    connections = served.server.wire.connections.copy()  # in one step, whatever its own thread does meanwhile
    shown = heapq.nsmallest(limit, connections, key=lambda one: (one.idle, one.peer.connection_id))
    return Sight([sketch_connection(one, worker_id) for one in shown], len(connections), [])


def count_running(served: ServedLoop) -> int:
    """Requests whose application has not returned. In any thread."""
    return len(served.server.context.running)


def chosen_on(served: ServedLoop, look: Look) -> Chosen:
    """The requests to look at closely. In any thread but the loop's, which has better things to do than to compare ten
    thousand ages.
    """
    running = served.server.context.running.copy()
    pairs = [(task, owner_of(task)) for task in running]
    shown = heapq.nsmallest(look.limit, pairs, key=lambda pair: _began(pair[1]))
    # One that is not waited for yet, or not any more, is among its connections only.
    alone = [one for one in _attached(served) if one.task is None]
    return Chosen(
        shown,
        len(running),
        starting=[one for one in alone if one.state is not COMPLETE],
        sending=[one for one in alone if one.state is COMPLETE],
    )


def requests_on(served: ServedLoop, look: Look, chosen: Chosen) -> Sight:
    """What these requests wait in, the oldest first. In the thread of the loop."""
    members = []
    for task, exchange in chosen.running:
        if not task.done():
            waiting = task_stack(task) if look.stacks else None
            members.append(_sketch(exchange, task, look) | _state("waiting", waiting))
    left = max(look.limit - len(members), 0)
    members += [sketch_request(one, look) | _state("sending", None) for one in chosen.sending[:left]]
    others, others_total = _others(served, look) if look.others else ([], 0)
    gone = len(chosen.running) + min(left, len(chosen.sending)) - len(members)
    return Sight(members, chosen.total + len(chosen.sending) - gone, others, others_total)


def requests_from_outside(served: ServedLoop, look: Look, chosen: Chosen) -> Sight:
    """The same, while its thread is held up by one of them: that is ``running``. Of the others it is not known what
    they wait in, because their thread may go on at any time.
    """
    current = asyncio.current_task(served.loop)
    members = []
    for task, exchange in chosen.running:
        state = "running" if task is current else "waiting"
        members.append(_sketch(exchange, task, look) | _state(state, None))
    starting = [] if current is None or current in served.server.context.running else chosen.starting
    members += [sketch_request(one, look) | _state("running", None) for one in starting]
    return Sight(members[-look.limit :], chosen.total + len(starting), [])


def _attached(served: ServedLoop) -> list[Any]:
    connections = served.server.wire.connections.copy()
    return [one for connection in connections for one in exchanges_of(connection)]


def _began(exchange: Any) -> float:
    report = exchange.report if exchange is not None else None
    began: float = report.started if report is not None else 0.0
    return began


def _sketch(exchange: Any, task: asyncio.Task[Any], look: Look) -> dict[str, Any]:
    known = sketch_request(exchange, look) if exchange is not None else {}
    return known | {"task": task.get_name()}


def _state(state: str, waiting: Waiting | None) -> dict[str, Any]:
    return {
        "state": state,
        "waiting_for": waiting.waits_for if waiting is not None else None,
        "stack": waiting.stack if waiting is not None else None,
    }


def _others(served: ServedLoop, look: Look) -> tuple[list[dict[str, Any]], int]:
    """Tasks that the application has begun besides those of its requests."""
    running = served.server.context.running
    others = [task for task in asyncio.all_tasks(served.loop) - running if not _is_own(task)]
    shown = sorted(others, key=lambda task: task.get_name())[: look.limit]
    found = []
    for task in shown:
        waiting = task_stack(task) if look.stacks else None
        found.append({"task": task.get_name()} | _state("waiting", waiting))
    return found, len(others)


def _is_own(task: asyncio.Task[Any]) -> bool:
    """Whether it is the server's own, such as that of its life."""
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and code.co_filename.startswith(_OWN_FOLDERS)
