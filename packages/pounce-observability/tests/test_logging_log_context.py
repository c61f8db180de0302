"""What a message has to do with."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import Any

import pytest

from pounce_observability.logging_setup import RequestIdContext, current_request_id, enter_worker, log_context


def in_a_thread(work: Any) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: contextvars.Context().run(lambda: found.append(work())))
    thread.start()
    thread.join()
    return found[0]


def test_a_worker_is_known_in_its_thread_and_in_what_it_starts() -> None:
    async def seen() -> list[int | None]:
        async def task() -> int | None:
            return log_context.worker_here()

        return [await asyncio.create_task(task()), await asyncio.to_thread(log_context.worker_here)]

    def work() -> list[int | None]:
        enter_worker(2)
        return asyncio.run(seen())

    assert in_a_thread(work) == [2, 2]
    assert in_a_thread(log_context.worker_here) is None


def test_a_worker_that_is_a_process_is_known_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_context, "_process", {})
    in_a_thread(lambda: enter_worker(3, whole_process=True))
    assert in_a_thread(log_context.worker_here) == 3


@pytest.mark.parametrize(
    ("scope", "known"),
    [
        ({"state": {"request_id": "id-1"}}, "id-1"),
        ({"state": {"request_id": 7}}, None),
        ({"state": {}}, None),
        ({}, None),
    ],
)
def test_a_request_is_known_while_its_application_runs(scope: dict[str, Any], known: str | None) -> None:
    seen: list[str | None] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(current_request_id.get())
        await asyncio.sleep(0)
        seen.append(await asyncio.to_thread(current_request_id.get))

    async def serve() -> None:
        call: Any = RequestIdContext(app)
        await call(scope, None, None)
        seen.append(current_request_id.get())

    asyncio.run(serve())
    assert seen == [known, known, None]
