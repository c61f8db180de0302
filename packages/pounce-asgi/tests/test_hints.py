"""Errors of a foreign event loop are known by their words, however deep they are wrapped."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import Any

import pytest

from pounce_asgi.hints import ANOTHER_LOOP, hint_for

HANGS_AFTER = 10.0


class InterfaceError(Exception):
    """As a database driver's, which says what it wants."""


class UnprintableError(RuntimeError):
    def __str__(self) -> str:
        raise ValueError("no words")


async def wait_in(queue: asyncio.Queue[None], seconds: float) -> None:
    await asyncio.wait_for(queue.get(), seconds)


async def wait_for_that_of_another(future: asyncio.Future[None]) -> None:
    await future


def on_another_loop(make: Any, use: Any) -> BaseException:
    """The error of using on one loop what was made on another."""

    async def prepare() -> Any:
        made = make()
        if isinstance(made, asyncio.Queue):  # it belongs to the loop on which somebody waited first
            with pytest.raises(TimeoutError):
                await wait_in(made, 0.001)
        return made

    with asyncio.Runner() as first, concurrent.futures.ThreadPoolExecutor(1) as thread:
        made = first.run(prepare())
        error = thread.submit(asyncio.run, use(made)).exception(HANGS_AFTER)
    assert error is not None
    return error


@pytest.mark.parametrize(
    ("make", "use"),
    [
        (lambda: asyncio.get_running_loop().create_future(), wait_for_that_of_another),
        (asyncio.Queue, lambda queue: wait_in(queue, 5)),
    ],
)
def test_what_asyncio_raises_is_known(make: Any, use: Any) -> None:
    assert hint_for(on_another_loop(make, use)) == ANOTHER_LOOP


async def gather_that_of_another(future: asyncio.Future[None]) -> None:
    await asyncio.gather(future, asyncio.get_running_loop().create_future())


def test_what_gather_raises_is_known() -> None:
    error = on_another_loop(lambda: asyncio.get_running_loop().create_future(), gather_that_of_another)
    assert hint_for(error) == ANOTHER_LOOP


def wrapped(how: str, inner: BaseException) -> BaseException:
    outer = InterfaceError("the pool is broken")
    if how == "cause":
        outer.__cause__ = inner
    elif how == "context":
        outer.__context__ = inner
    else:
        return BaseExceptionGroup("two", [ValueError("x"), BaseExceptionGroup("one", [inner])])
    return outer


OF_ANOTHER = "Task <Task pending> got Future <Future pending> attached to a different loop"


@pytest.mark.parametrize("how", ["cause", "context", "group"])
def test_what_is_wrapped_is_found(how: str) -> None:
    assert hint_for(wrapped(how, wrapped(how, RuntimeError(OF_ANOTHER)))) == ANOTHER_LOOP


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("<asyncio.locks.Lock object at 0x7f [locked]> is bound to a different event loop"),
        ValueError("The future belongs to a different loop than the one specified as the loop argument"),
        RuntimeError("Non-thread-safe operation invoked on an event loop other than the current one"),
        RuntimeError("Timeout context manager should be used inside a task"),
        RuntimeError("Cannot use AsyncMongoClient in different event loop. It uses low-level asyncio APIs"),
        AssertionError("Please create objects with the same loop as running with"),
        InterfaceError("cannot perform operation: got Future <Future pending> attached to a different loop"),
    ],
    ids=lambda error: str(error)[:30],
)
def test_messages_of_libraries(error: Exception) -> None:
    assert hint_for(error) == ANOTHER_LOOP


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("no running event loop"),
        RuntimeError("Event loop is closed"),
        KeyError("attached to a different loop"),  # a key, not words
        OSError("the loop"),
        UnprintableError(),
        asyncio.CancelledError(),
        SystemExit(1),
    ],
    ids=lambda error: type(error).__name__ + str(error.args)[:20],
)
def test_other_errors_say_nothing(error: BaseException) -> None:
    assert hint_for(error) is None


def test_errors_in_a_circle_come_to_an_end() -> None:
    first, second = InterfaceError("first"), InterfaceError("second")
    first.__context__, second.__context__ = second, first
    assert hint_for(first) is None


def test_a_long_chain_is_not_followed_to_its_end() -> None:
    error: BaseException = RuntimeError(OF_ANOTHER)
    for _ in range(100):
        outer = InterfaceError("again")
        outer.__context__ = error
        error = outer
    assert hint_for(error) is None


def test_the_hint_is_one_line_with_every_cure() -> None:
    assert "\n" not in ANOTHER_LOOP
    assert all(cure in ANOTHER_LOOP for cure in ("as state", "--factory", "--worker-kind process"))
