"""The serving loop: asyncio's features on it, what may not leave its selector, and that no wake-up is lost."""

from __future__ import annotations

import asyncio
import contextvars
import errno
import gc
import os
import signal
import sys
import sysconfig
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from loops import LOOPS, OURS, run_on
from watchers import Watcher, socket_pair

from pounce_workers import ServingLoop, new_event_loop
from pounce_workers.net.loop import poller_of
from pounce_workers.net.poller import LoopPoller
from pounce_workers.net.selector import ServingSelector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
FAR = 10.0
"""Seconds to a timer that would hide a lost wake-up."""


@pytest.fixture(params=OURS)
def make_loop(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    return OURS[request.param]


@pytest.fixture
def serving() -> Iterator[ServingLoop]:
    loop = ServingLoop()
    yield loop
    loop.close()


def test_the_private_members_of_asyncio_that_it_leans_on_exist(serving: ServingLoop) -> None:
    assert len(serving._ready) == 0
    handle = serving.call_soon(lambda: None)
    assert list(serving._ready) == [handle]
    timer = serving.call_later(FAR, lambda: None)
    assert serving._scheduled[0] is timer
    assert timer._when == timer.when()  # type: ignore[attr-defined]
    assert serving.time() == pytest.approx(time.monotonic(), abs=1)  # timers and the selector read the same clock
    assert not serving._stopping
    serving.stop()
    assert serving._stopping
    serving.run_forever()
    assert list(serving._ready) == []
    timer.cancel()


def test_a_loop_that_cannot_be_made_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise OSError(errno.EMFILE, "no descriptors")

    closed: list[ServingSelector] = []
    monkeypatch.setattr(asyncio.SelectorEventLoop, "_make_self_pipe", refuse)
    monkeypatch.setattr(ServingSelector, "close", _noting(closed, ServingSelector.close))
    with pytest.raises(OSError, match="no descriptors"):
        ServingLoop()
    gc.collect()  # what a loop says when it is collected would fail the test
    assert len(closed) == 1


def _noting(closed: list[ServingSelector], close: Callable[[ServingSelector], None]) -> Any:
    def closing(selector: ServingSelector) -> None:
        closed.append(selector)
        close(selector)

    return closing


def test_the_kinds_of_loops() -> None:
    for kind in ("auto", "asyncio"):
        loop = new_event_loop(kind)
        assert isinstance(loop, ServingLoop)
        assert poller_of(loop) is loop.serving_selector
        loop.close()
    if "uvloop" in LOOPS:
        loop = new_event_loop("uvloop")
        assert type(loop).__module__ == "uvloop"
        assert isinstance(poller_of(loop), LoopPoller)
        loop.close()


# -- asyncio's features ----------------------------------------------------------------------------------------------


async def _timers() -> None:
    loop = asyncio.get_running_loop()
    called: list[object] = []
    done = asyncio.Event()
    for number, delay in enumerate((0.03, 0.01, 0.02)):
        loop.call_later(delay, called.append, number)
    loop.call_later(0.015, called.append, "never").cancel()
    loop.call_later(0.04, done.set)
    began = time.monotonic()
    await done.wait()
    assert called == [1, 2, 0]
    assert time.monotonic() - began >= 0.039


async def _readers_and_writers() -> None:
    loop = asyncio.get_running_loop()
    with socket_pair() as (ours, theirs):
        read, written = asyncio.Event(), asyncio.Event()
        loop.add_reader(ours, read.set)
        loop.add_writer(ours, written.set)
        await written.wait()
        assert not read.is_set()
        theirs.send(b"x")
        await read.wait()
        assert loop.remove_reader(ours)
        assert loop.remove_writer(ours)
        assert not loop.remove_reader(ours)


async def _sockets() -> None:
    loop = asyncio.get_running_loop()
    with socket_pair() as (ours, theirs):
        data = os.urandom(1 << 20)
        sending = asyncio.ensure_future(loop.sock_sendall(ours, data))
        received = b""
        while len(received) < len(data):
            received += await loop.sock_recv(theirs, 1 << 16)
        await sending
        assert received == data


async def _streams() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"hello\n")
    assert await reader.read() == b"HELLO\n"
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()


async def _executor() -> None:
    loop = asyncio.get_running_loop()
    assert await loop.run_in_executor(None, threading.get_ident) != threading.get_ident()
    assert await asyncio.gather(*(asyncio.to_thread(pow, 2, n) for n in range(50))) == [2**n for n in range(50)]


async def _subprocess() -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-S",
        "-c",
        "print(input()[::-1])",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await child.communicate(b"pounce\n")
    assert (out.strip(), child.returncode) == (b"ecnuop", 0)


async def _signals() -> None:
    loop = asyncio.get_running_loop()
    for _ in range(20):
        got = asyncio.Event()
        loop.add_signal_handler(signal.SIGUSR1, got.set)
        os.kill(os.getpid(), signal.SIGUSR1)
        await got.wait()
    loop.remove_signal_handler(signal.SIGUSR1)


async def _contexts() -> None:
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)
    done = asyncio.get_running_loop().create_future()
    variable.set(1)
    asyncio.get_running_loop().call_soon(lambda: done.set_result(variable.get()))
    variable.set(2)
    assert await done == 1


async def _timeouts_and_groups() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()
    with pytest.raises(ExceptionGroup) as caught:
        await _group_of_which_one_fails()
    assert caught.value.subgroup(ZeroDivisionError)


async def _group_of_which_one_fails() -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.Event().wait())
        group.create_task(fail())


FEATURES = [
    _timers,
    _readers_and_writers,
    _sockets,
    _streams,
    _executor,
    _subprocess,
    _signals,
    _contexts,
    _timeouts_and_groups,
]


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.__name__.strip("_"))
def test_asyncio_on_it(make_loop: Callable[[], asyncio.AbstractEventLoop], feature: Any) -> None:
    run_on(make_loop, feature)


def test_stop_and_go_on(serving: ServingLoop) -> None:
    """``stop()`` ends the turn also when HTTP never ceases to be ready, and the loop can run again."""
    calls: list[int] = []
    with socket_pair() as (ours, theirs):

        def never_read() -> None:
            calls.append(1)
            if len(calls) % 100 == 0:
                serving.stop()

        serving.serving_selector.watch(ours.fileno(), Watcher(never_read))
        theirs.send(b"x")
        serving.run_forever()
        assert len(calls) == 100
        serving.run_forever()
        assert len(calls) == 200
        serving.serving_selector.forget(ours.fileno())


def test_http_that_never_rests_leaves_room_for_all_else(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """A watcher that is always ready; timers, callbacks of it and asyncio's own descriptors get their turn."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        poller = poller_of(loop)
        happened: set[str] = set()
        done = asyncio.Event()

        def note(what: str) -> None:
            happened.add(what)
            if len(happened) == 4:
                done.set()

        with socket_pair() as (ours, theirs), socket_pair() as (own, other):

            def always_ready() -> None:
                loop.call_soon(note, "callback")
                loop.call_later(0.001, note, "timer of the watcher")

            poller.watch(ours.fileno(), Watcher(always_ready))
            loop.call_later(0.005, note, "timer")
            loop.add_reader(own, note, "reader")
            theirs.send(b"x")
            other.send(b"x")
            await done.wait()
            poller.forget(ours.fileno())
            loop.remove_reader(own)

    run_on(make_loop, main)


# -- nothing may leave select() --------------------------------------------------------------------------------------


def _raising(error: BaseException) -> Watcher:
    def fail() -> None:
        raise error

    return Watcher(fail)


@pytest.mark.parametrize("error", [RuntimeError("x"), asyncio.CancelledError(), GeneratorExit(), OSError(9, "x")])
def test_what_a_watcher_raises_goes_to_the_exception_handler(serving: ServingLoop, error: BaseException) -> None:
    """Two watchers of one batch: the second is called all the same, and the loop goes on."""
    reported: list[dict[str, Any]] = []
    serving.set_exception_handler(lambda _, context: reported.append(context))
    with socket_pair() as (ours, theirs), socket_pair() as (other, others):
        good = Watcher(lambda: serving.call_later(0.001, serving.stop))
        bad = _raising(error)
        serving.serving_selector.watch(ours.fileno(), bad)
        serving.serving_selector.watch(other.fileno(), good)
        theirs.send(b"x")
        others.send(b"x")
        serving.run_forever()
        assert good.calls
        assert bad.calls
        assert reported[0]["exception"] is error
        for sock in (ours, other):
            serving.serving_selector.forget(sock.fileno())


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_what_ends_the_process_ends_the_loop_from_a_callback(serving: ServingLoop, kind: type[BaseException]) -> None:
    error = kind("enough")
    with socket_pair() as (ours, theirs), socket_pair() as (other, others):
        good = Watcher()
        serving.serving_selector.watch(ours.fileno(), _raising(error))
        serving.serving_selector.watch(other.fileno(), good)
        theirs.send(b"x")
        others.send(b"x")
        selected: list[Any] = []
        select = serving.serving_selector.select

        def watched_select(timeout: float | None = None) -> Any:
            selected.append(select(timeout))  # an exception that left it would not be noted
            return selected[-1]

        serving.serving_selector.select = watched_select  # type: ignore[method-assign]
        with pytest.raises(kind) as caught:
            serving.run_forever()
        assert caught.value is error
        assert selected
        assert good.calls
        for sock in (ours, other):
            serving.serving_selector.forget(sock.fileno())


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_not_even_from_the_exception_handler(serving: ServingLoop, kind: type[BaseException]) -> None:
    """An application's handler may end the process too; asyncio lets that pass, and it must not pass select()."""

    def handler(_loop: asyncio.AbstractEventLoop, _context: dict[str, Any]) -> None:
        raise kind("from the handler")

    serving.set_exception_handler(handler)
    with socket_pair() as (ours, theirs):
        serving.serving_selector.watch(ours.fileno(), _raising(RuntimeError("x")))
        theirs.send(b"x")
        assert serving.serving_selector.select(0) == []
        with pytest.raises(kind, match="from the handler"):
            serving.run_forever()
        serving.serving_selector.forget(ours.fileno())
