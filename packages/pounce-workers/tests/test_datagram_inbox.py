"""Datagrams from other threads."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import TYPE_CHECKING

from datagram_doubles import some_path
from loops import run_on, turns

from pounce_workers.net.datagram_inbox import LARGEST, PORTION, DatagramInbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi import Datagram

    MakeLoop = Callable[[], asyncio.AbstractEventLoop]

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="unset")
PATH = some_path()


def test_what_threads_put_arrives_once_and_in_the_order_of_each(make_loop: MakeLoop) -> None:
    count, each = 6, 500

    async def main() -> None:
        got: list[Datagram] = []
        batches = 0
        all_there = asyncio.Event()

        def deliver(batch: list[Datagram]) -> None:
            nonlocal batches
            batches += 1
            got.extend(batch)
            if len(got) == count * each:
                all_there.set()

        inbox = DatagramInbox(asyncio.get_running_loop(), deliver)
        start = threading.Barrier(count)

        def put(number: int) -> None:
            start.wait()
            for one in range(each):
                inbox.put([(b"%d %d" % (number, one), PATH)])

        threads = [threading.Thread(target=put, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        await all_there.wait()
        for thread in threads:
            thread.join()
        await turns()
        assert len(got) == count * each
        for number in range(count):
            own = [data for data, _ in got if data.startswith(b"%d " % number)]
            assert own == [b"%d %d" % (number, one) for one in range(each)]
        assert batches < count * each

    run_on(make_loop, main)


def test_it_is_bounded_and_a_batch_needs_one_wake_up() -> None:
    calls = 0

    async def main() -> None:
        nonlocal calls
        loop = asyncio.get_running_loop()
        real = loop.call_soon_threadsafe

        def counted(*args: object, **options: object) -> object:
            nonlocal calls
            calls += 1
            return real(*args, **options)  # type: ignore[arg-type]

        loop.call_soon_threadsafe = counted  # type: ignore[method-assign,assignment]
        got: list[Datagram] = []
        inbox = DatagramInbox(loop, got.extend)
        for _ in range(LARGEST // 3 + 10):
            inbox.put([(b"x", PATH)] * 3)
        await turns(LARGEST // PORTION + 10)
        assert (len(got), calls) == (LARGEST, 1)
        inbox.put([(b"later", PATH)])
        await turns()
        assert got[-1][0] == b"later"
        inbox.put([(b"never", PATH)])
        inbox.close()
        inbox.put([(b"never", PATH)])
        await turns()
        assert got[-1][0] == b"later"

    run_on(asyncio.SelectorEventLoop, main)


def test_what_is_delivered_does_not_run_in_the_context_of_who_put_it(make_loop: MakeLoop) -> None:
    async def main() -> None:
        seen: list[str] = []
        inbox = DatagramInbox(asyncio.get_running_loop(), lambda batch: seen.append(VARIABLE.get()))
        VARIABLE.set("of a request")
        inbox.put([(b"x", PATH)])
        await turns()
        assert seen == ["unset"]

    run_on(make_loop, main)


def test_a_loop_that_is_closed_gets_nothing() -> None:
    loop = asyncio.new_event_loop()
    inbox = DatagramInbox(loop, lambda batch: None)
    loop.close()
    inbox.put([(b"x", PATH)])


def test_what_waits_is_delivered_in_portions(make_loop: MakeLoop) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        batches: list[int] = []
        seen: list[int] = []
        done = asyncio.Event()

        def deliver(batch: list[Datagram]) -> None:
            batches.append(len(batch))
            loop.call_soon(seen.append, len(batches))
            if sum(batches) == 3 * PORTION + 1:
                done.set()

        inbox = DatagramInbox(loop, deliver)
        inbox.put([(b"x", PATH)] * (3 * PORTION + 1))
        await done.wait()
        await turns()
        assert batches == [PORTION] * 3 + [1]
        assert seen == [1, 2, 3, 4]  # others had their turn between them

    run_on(make_loop, main)
