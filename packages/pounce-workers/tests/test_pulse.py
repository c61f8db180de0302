"""What a worker shows of itself while it works, and after."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from typing import Any, cast

from http1_driver import answer, echo_path
from transport_doubles import ManualSweeper
from worker_runner import HANGS_AFTER, Inlet, RunningWorker, every_loop

from pounce_workers import ServingSettings, Worker
from pounce_workers.serving.pulse import QUICK, Pulse


class Wire:
    """As much of a wire as is looked at."""

    def __init__(self, *requests: int) -> None:
        self.connections = {_Connection(count) for count in requests}
        self.requests_of_closed = 0


class _Connection:
    def __init__(self, requests: int) -> None:
        self.requests = requests


def test_before_it_starts_there_is_nothing() -> None:
    pulse = Pulse()
    assert (pulse.beat, pulse.load, pulse.requests_served) == (0.0, 0, 0)


def test_it_is_renewed_with_each_tick() -> None:
    pulse, sweeper, wire = Pulse(), ManualSweeper(), Wire(2, 3)
    began = time.monotonic()
    pulse.start(wire, sweeper)  # type: ignore[arg-type]
    first = pulse.beat
    assert began <= first <= time.monotonic()
    assert (pulse.load, pulse.requests_served) == (2, 5)
    one = wire.connections.pop()
    wire.requests_of_closed += one.requests + 4
    assert (pulse.load, pulse.requests_served) == (1, 5)
    sweeper.pass_time(1.0)
    assert pulse.requests_served == 9
    assert pulse.beat >= first
    assert pulse.beat <= time.monotonic()


def test_at_the_end_all_is_counted_and_nothing_is_kept() -> None:
    pulse, wire = Pulse(), Wire()
    pulse.start(wire, ManualSweeper())  # type: ignore[arg-type]
    wire.requests_of_closed = 7
    pulse.stop()
    assert (pulse.load, pulse.requests_served) == (0, 7)
    reference = weakref.ref(wire)
    del wire
    gc.collect()
    assert reference() is None
    pulse.stop()
    assert pulse.requests_served == 7


@every_loop
def test_the_beat_of_a_worker_stands_still_while_its_application_blocks(loop: str) -> None:
    begun, release = threading.Event(), threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        if scope["path"] == "/block":
            begun.set()
            release.wait(HANGS_AFTER)
        await answer(send)

    with RunningWorker(app, loop, options={"tick": 0.02}) as running, running.connect() as client:
        worker = running.worker
        client.get()
        before = worker.beat
        assert before > 0
        _later(lambda: worker.beat > before)
        client.send(b"GET /block HTTP/1.1\r\nHost: x\r\n\r\n")
        assert begun.wait(HANGS_AFTER)
        stopped = worker.beat
        assert not release.wait(0.1)  # five ticks go by
        assert worker.beat == stopped
        release.set()
        assert client.response().status == 200
        _later(lambda: worker.beat > stopped)


@every_loop
def test_the_load_and_the_requests_of_a_worker_add_up(loop: str) -> None:
    with RunningWorker(echo_path, loop, sockets=[], options={"tick": 0.02}) as running:
        inlet = Inlet(running.worker)
        assert running.worker.load == 0
        clients = [inlet.connect()[1] for _ in range(3)]
        assert running.worker.load in (3, 4)  # waiting or taken in, and for a moment one of them is both
        for client in clients:
            for _ in range(4):
                client.get()
        _later(lambda: running.worker.load == 3)
        _later(lambda: running.worker.requests_served == 12)
        clients.pop().socket.close()
        _later(lambda: running.worker.load == 2)
        clients[0].get()
        for client in clients:
            client.socket.close()
    assert (running.worker.load, running.worker.requests_served) == (0, 13)


@every_loop
def test_who_stops_beats_until_its_loop_has_ended(loop: str) -> None:
    """Through a shutdown too, when nobody looks at deadlines any more."""
    beats: list[float] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            return
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                beats.append(running.worker.beat)
                async with asyncio.timeout(HANGS_AFTER):
                    while running.worker.beat == beats[0]:  # noqa: ASYNC110 - nobody tells of a beat
                        await asyncio.sleep(0.01)
                beats.append(running.worker.beat)
            await send({"type": f"{message['type']}.complete"})

    running = RunningWorker(app, loop, options={"tick": 1.0})
    with running:
        pass
    assert beats[1] > beats[0]


def test_a_worker_that_has_ended_leaves_the_loop_of_others_alone() -> None:
    async def main() -> None:
        worker = Worker(cast("Any", echo_path), [], settings=ServingSettings())
        worker.request_stop()
        await worker.serve()
        ended = worker.beat
        await asyncio.sleep(2 * QUICK)
        assert worker.beat == ended

    asyncio.run(main())


def _later(true: Any) -> None:
    """It becomes so, with a tick or when the loop hears of it."""
    end = time.monotonic() + HANGS_AFTER
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)
