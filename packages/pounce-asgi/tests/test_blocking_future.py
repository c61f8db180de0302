"""A future that can be awaited without an event loop."""

from __future__ import annotations

from typing import Any

import pytest

from pounce_asgi import BlockingFuture


async def result_of(future: Any) -> Any:
    return await future


def test_one_that_is_done_suspends_nothing() -> None:
    coroutine = result_of(BlockingFuture.settled(7))
    with pytest.raises(StopIteration) as stopped:
        coroutine.send(None)
    assert stopped.value.value == 7


def test_one_that_failed_raises() -> None:
    with pytest.raises(OSError, match="no disk"):
        result_of(BlockingFuture.failed(OSError("no disk"))).send(None)


def test_one_that_is_not_done_is_given_to_who_drives() -> None:
    future: BlockingFuture[int] = BlockingFuture()
    coroutine = result_of(future)
    assert coroutine.send(None) is future
    future.set_result(7)
    with pytest.raises(StopIteration) as stopped:
        coroutine.send(None)
    assert stopped.value.value == 7


def test_callbacks_of_one_that_is_done_are_called_at_once() -> None:
    seen: list[Any] = []
    BlockingFuture.settled(7).add_done_callback(lambda future: seen.append(future.result()))
    assert seen == [7]
