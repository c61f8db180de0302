"""Connections on their way from any thread into a loop: none is lost, and neither is the news that there is room."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import TYPE_CHECKING, Any

import pytest
from loops import HANGS_AFTER, run_on, turns

from pounce_workers.net import intake
from pounce_workers.net.intake import HAND_OVERS, Intake

if TYPE_CHECKING:
    from collections.abc import Callable

    MakeLoop = Callable[[], asyncio.AbstractEventLoop]

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="unset")


class Door:
    """An intake whose connections are numbers. ``put()`` is for any thread."""

    def __init__(self) -> None:
        self.intake = Intake()
        self.taken: list[Any] = []
        self.peers: list[Any] = []
        self.news_of_room = 0
        self.intake.on_room = self._room

    def _room(self) -> None:
        self.news_of_room += 1

    def open(self) -> None:
        self.intake.open(asyncio.get_running_loop(), self.take)

    def take(self, sock: Any, peer: Any, local: Any) -> None:
        self.taken.append(sock)
        self.peers.append((peer, local))

    def put(self, number: Any) -> bool:
        return self.intake.put(number, ("192.0.2.7", 1), ("192.0.2.1", 80))


def test_what_is_put_is_taken_in_the_loops_thread_and_in_order(make_loop: MakeLoop) -> None:
    door = Door()

    async def main() -> None:
        door.open()
        assert await asyncio.to_thread(lambda: [door.put(number) for number in range(10)]) == [True] * 10
        await turns()
        assert door.taken == list(range(10))
        assert set(door.peers) == {(("192.0.2.7", 1), ("192.0.2.1", 80))}
        assert door.news_of_room == 0

    run_on(make_loop, main)


def test_it_is_bounded_and_tells_once_when_there_is_room(make_loop: MakeLoop) -> None:
    door = Door()

    async def main() -> None:
        door.open()
        assert [door.put(number) for number in range(HAND_OVERS + 3)] == [True] * HAND_OVERS + [False] * 3
        assert len(door.intake) == HAND_OVERS
        assert not door.taken
        await turns()
        assert door.taken == list(range(HAND_OVERS))
        assert (len(door.intake), door.news_of_room) == (0, 1)
        assert door.put("next")
        await turns()
        assert (door.taken[-1], door.news_of_room) == ("next", 1)

    run_on(make_loop, main)


def test_before_it_is_open_and_after_it_is_closed_it_takes_nothing(make_loop: MakeLoop) -> None:
    door = Door()

    async def main() -> None:
        assert not door.put("too early")
        assert door.news_of_room == 0
        door.open()
        assert door.news_of_room == 1
        for number in range(HAND_OVERS):
            assert door.put(number)
        assert not door.put("one too many")
        door.intake.close()
        assert door.taken == list(range(HAND_OVERS))
        assert door.news_of_room == 2  # it may go elsewhere
        assert not door.put("too late")
        door.intake.close()
        await turns()
        assert door.taken == list(range(HAND_OVERS))

    run_on(make_loop, main)


def test_after_the_end_of_its_loop_it_takes_nothing() -> None:
    door = Door()

    async def main() -> None:
        door.open()

    asyncio.run(main())
    assert not door.put("nobody is there")
    assert len(door.intake) == 0


def test_the_loop_is_woken_once_for_all_that_wait() -> None:
    door = Door()
    calls: list[Any] = []

    class Loop(asyncio.SelectorEventLoop):
        def call_soon_threadsafe(self, callback: Any, *args: Any, context: Any = None) -> Any:  # type: ignore[override]
            calls.append(callback)
            return super().call_soon_threadsafe(callback, *args, context=context)

    async def main() -> None:
        door.open()
        for times in (1, 2):
            for number in range(100):
                assert door.put(number)
            await turns()
            assert (len(calls), len(door.taken)) == (times, times * 100)

    run_on(Loop, main)


def test_who_comes_while_others_are_taken_in_waits_for_the_next_turn(make_loop: MakeLoop) -> None:
    door = Door()
    waiting: list[int] = []

    def take(number: Any, *_: Any) -> None:
        door.take(number, None, None)
        waiting.append(len(door.intake))
        if number < 4:
            assert door.put(number + 10)

    async def main() -> None:
        door.intake.open(asyncio.get_running_loop(), take)
        for number in range(4):
            assert door.put(number)
        turned: list[int] = []
        while len(door.taken) < 8:
            await turns(1)
            turned.append(len(door.taken))
        assert 4 in turned
        assert door.taken == [0, 1, 2, 3, 10, 11, 12, 13]
        # Each is counted until it is taken: a worker that is taking many in is not the least loaded.
        assert waiting == [4, 4, 4, 4, 4, 3, 2, 1]

    run_on(make_loop, main)


@pytest.mark.parametrize("closing", [False, True])
def test_one_that_fails_takes_no_other_with_it(closing: bool) -> None:
    door = Door()
    told: list[Any] = []

    def take(number: Any, *_: Any) -> None:
        door.take(number, None, None)
        if number == 1:
            raise ValueError("its own")

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
        door.intake.open(asyncio.get_running_loop(), take)
        for number in range(4):
            assert door.put(number)
        if closing:
            door.intake.close()
        await turns()

    asyncio.run(main())
    assert door.taken == [0, 1, 2, 3]
    assert [str(error) for error in told] == ["its own"]


def test_one_that_ends_the_process_leaves_the_others_to_the_end(make_loop: MakeLoop) -> None:
    door = Door()

    def take(number: Any, *_: Any) -> None:
        door.take(number, None, None)
        if number == 1:
            raise SystemExit(3)

    loop = make_loop()
    try:

        async def main() -> None:
            door.intake.open(asyncio.get_running_loop(), take)
            for number in range(HAND_OVERS):
                assert door.put(number)
            assert not door.put("no room")

        main_task = loop.create_task(main())
        with pytest.raises(SystemExit):
            loop.run_until_complete(asyncio.wait_for(asyncio.gather(main_task, _for_ever(loop)), HANGS_AFTER))
        assert door.news_of_room == 1
        if isinstance(loop, asyncio.SelectorEventLoop):  # uvloop finishes its turn before it ends
            assert door.taken == [0, 1]
            assert len(door.intake) == HAND_OVERS - 2
        door.intake.close()
        assert door.taken == list(range(HAND_OVERS))
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0, loop))
    finally:
        loop.close()


async def _for_ever(loop: asyncio.AbstractEventLoop) -> None:
    await loop.create_future()


def test_connections_are_taken_in_in_the_context_of_who_opened(make_loop: MakeLoop) -> None:
    seen: list[str] = []
    door = Door()

    async def main() -> None:
        VARIABLE.set("the worker's")
        door.intake.open(asyncio.get_running_loop(), lambda *_: seen.append(VARIABLE.get()))

        def put() -> None:
            VARIABLE.set("another thread's")
            door.put(0)

        thread = threading.Thread(target=put)
        thread.start()
        thread.join()
        await turns()

    run_on(make_loop, main)
    assert seen == ["the worker's"]


@pytest.mark.parametrize("room", [1, 3, HAND_OVERS])
def test_nothing_is_lost_between_threads(make_loop: MakeLoop, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several threads put as fast as they can; who is told that there is no room waits for the news of it."""
    monkeypatch.setattr(intake, "HAND_OVERS", room)
    door = Door()
    # With little room each connection takes turns of several threads, which a busy machine may not have to give.
    threads, each = 4, 20 if room < HAND_OVERS else 500
    told = threading.Condition()
    rooms = 0

    def on_room() -> None:
        nonlocal rooms
        with told:
            rooms += 1
            told.notify_all()

    def put_all(thread: int) -> None:
        for number in range(each):
            while True:
                with told:
                    known = rooms
                if door.put((thread, number)):
                    break
                with told:
                    while rooms == known:  # room that was made since we looked is told of as well
                        assert told.wait(HANGS_AFTER), "the news of room was lost"

    async def main() -> None:
        door.intake.on_room = on_room
        door.open()
        await asyncio.gather(*(asyncio.to_thread(put_all, thread) for thread in range(threads)))
        await turns()
        door.intake.close()

    run_on(make_loop, main)
    for thread in range(threads):
        assert [number for whose, number in door.taken if whose == thread] == list(range(each))
    assert len(door.taken) == threads * each


def test_nothing_is_lost_when_it_closes_under_those_who_put(make_loop: MakeLoop) -> None:
    """Each is taken in, or stays with the one who was told so."""
    door = Door()
    begun = threading.Semaphore(0)
    kept: list[Any] = []

    def put_all(thread: int) -> int:
        number = 0
        while True:
            if door.put((thread, number)):
                number += 1
                if number == 50:
                    begun.release()
            elif not door.intake._open:
                kept.append((thread, number))
                return number

    async def main() -> None:
        door.open()
        putting = [asyncio.ensure_future(asyncio.to_thread(put_all, thread)) for thread in range(3)]
        await asyncio.to_thread(begun.acquire, timeout=HANGS_AFTER)
        door.intake.close()
        counts = await asyncio.gather(*putting)
        await turns()
        assert sum(counts) == len(door.taken)
        assert len(kept) == 3
        assert len(door.intake) == 0

    run_on(make_loop, main)
    assert not set(kept) & set(door.taken)
    assert len(set(door.taken)) == len(door.taken)
