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

__all__ = ["Sight", "connections_on", "count_running", "requests_from_outside", "requests_on"]

_OWN_FOLDERS: Final = (str(Path(__file__).parents[1]), str(Path(pounce_asgi.__file__).parent))


class Sight(NamedTuple):
    """What a look at requests, or at connections, has found. Stacks are frames still."""

    members: list[dict[str, Any]]
    total: int
    others: list[dict[str, Any]]
    """Tasks of the loop that belong to no request."""
    others_total: int = 0


def connections_on(served: ServedLoop, worker_id: int, limit: int) -> Sight:
    """Its connections; those that are not idle first. In any thread."""
    connections = served.server.wire.connections.copy()  # in one step, whatever its own thread does meanwhile
    shown = heapq.nsmallest(limit, connections, key=lambda one: (one.idle, one.peer.connection_id))
    return Sight([sketch_connection(one, worker_id) for one in shown], len(connections), [])


def count_running(served: ServedLoop) -> int:
    """Requests whose application has not returned. In any thread."""
    return len(served.server.context.running)


def requests_on(served: ServedLoop, look: Look) -> Sight:
    """Its requests in flight, the oldest first, and what each waits in. In the thread of the loop."""
    running = set(served.server.context.running)
    pairs = [(task, owner_of(task)) for task in running]
    shown = heapq.nsmallest(look.limit, pairs, key=lambda pair: _began(pair[1]))
    members = []
    for task, exchange in shown:
        waiting = task_stack(task) if look.stacks else None
        members.append(_sketch(exchange, task, look) | _state("waiting", waiting))
    sending = [one for one in _attached(served) if one.task is None and one.state is COMPLETE]
    left = max(look.limit - len(members), 0)
    members += [sketch_request(one, look) | _state("sending", None) for one in sending[:left]]
    others, others_total = _others(served, running, look) if look.others else ([], 0)
    return Sight(members, len(running) + len(sending), others, others_total)


def requests_from_outside(served: ServedLoop, look: Look) -> Sight:
    """The same, while its thread is held up by one of them: that is ``running``. Of the others it is not known what
    they wait in, because their thread may go on at any time.
    """
    running = served.server.context.running.copy()
    current = asyncio.current_task(served.loop)
    members = []
    for task in list(running)[: look.limit]:
        state = "running" if task is current else "waiting"
        members.append(_sketch(owner_of(task), task, look) | _state(state, None))
    # One that was never waited for yet is among its connections only.
    starting = [one for one in _attached(served) if one.task is None and one.state is not COMPLETE]
    if current is None or current in running:
        starting = []
    members += [sketch_request(one, look) | _state("running", None) for one in starting]
    return Sight(members[: look.limit], len(running) + len(starting), [])


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


def _others(served: ServedLoop, running: set[asyncio.Task[Any]], look: Look) -> tuple[list[dict[str, Any]], int]:
    """Tasks that the application has begun besides those of its requests."""
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
