"""`LoopPoller`, and our selector as a poller: the same behaviour on every loop."""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING

import pytest
from loops import LOOPS, run_on
from watchers import Watcher, socket_pair, tcp_pair

from pounce_workers.net.loop import poller_of

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST: contextvars.ContextVar[str] = contextvars.ContextVar("request", default="none")


@pytest.fixture(params=LOOPS)
def make_loop(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    return LOOPS[request.param]


async def _called(watcher: Watcher, what: str) -> None:
    while what not in watcher.calls:
        watcher.news.clear()
        await watcher.news.wait()


async def _quiet(watcher: Watcher) -> None:
    """The loop looks at its descriptors several times, and the watcher is not called."""
    watcher.calls.clear()
    for _ in range(5):
        await asyncio.sleep(0)
    assert watcher.calls == []


def test_a_watcher_from_beginning_to_end(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def main() -> None:
        poller = poller_of(asyncio.get_running_loop())
        with socket_pair() as (ours, theirs):
            fd = ours.fileno()
            watcher = Watcher(lambda: ours.recv(100))
            poller.watch(fd, watcher)
            await _quiet(watcher)
            theirs.send(b"x")
            await _called(watcher, "readable")
            poller.change(fd, readable=True, writable=True)
            await _called(watcher, "writable")
            poller.change(fd, readable=False, writable=False)
            theirs.send(b"x")
            await _quiet(watcher)
            poller.change(fd, readable=False, writable=True)
            await _called(watcher, "writable")
            assert "readable" not in watcher.calls
            poller.change(fd, readable=True, writable=False)
            await _called(watcher, "readable")
            poller.forget(fd)
            theirs.send(b"x")
            await _quiet(watcher)

    run_on(make_loop, main)


@pytest.mark.parametrize(("readable", "writable"), [(True, False), (False, True), (True, True), (False, False)])
def test_forget_in_every_state(
    make_loop: Callable[[], asyncio.AbstractEventLoop], readable: bool, writable: bool
) -> None:
    async def main() -> None:
        poller = poller_of(asyncio.get_running_loop())
        with socket_pair() as (ours, theirs):
            first, second = Watcher(), Watcher(lambda: ours.recv(100))
            poller.watch(ours.fileno(), first)
            poller.change(ours.fileno(), readable=readable, writable=writable)
            poller.change(ours.fileno(), readable=readable, writable=writable)
            poller.forget(ours.fileno())
            poller.watch(ours.fileno(), second)
            theirs.send(b"x")
            await _called(second, "readable")
            assert first.calls == []
            poller.forget(ours.fileno())

    run_on(make_loop, main)


def test_a_watcher_that_forgets_itself_while_it_is_called(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def main() -> None:
        poller = poller_of(asyncio.get_running_loop())
        with socket_pair() as (ours, theirs):
            watcher = Watcher(lambda: poller.forget(ours.fileno()))
            poller.watch(ours.fileno(), watcher)
            theirs.send(b"x")
            await _called(watcher, "readable")
            await _quiet(watcher)

    run_on(make_loop, main)


def test_a_watcher_is_called_in_no_applications_context(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """A request that pauses or resumes reading does so within its own context; the next request must not get it."""
    seen: list[str] = []

    async def main() -> None:
        poller = poller_of(asyncio.get_running_loop())
        with socket_pair() as (ours, theirs):
            watcher = Watcher(lambda: seen.append(REQUEST.get() + ours.recv(100).decode()))
            poller.watch(ours.fileno(), watcher)

            async def application() -> None:
                REQUEST.set("first request")
                poller.change(ours.fileno(), readable=False, writable=False)
                poller.change(ours.fileno(), readable=True, writable=False)

            await asyncio.create_task(application())
            theirs.send(b"!")
            await _called(watcher, "readable")
            poller.forget(ours.fileno())

    run_on(make_loop, main)
    assert seen == ["none!"]


def test_a_reset_behind_unread_bytes(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """All bytes and then the end are reported. uvloop calls once for a descriptor that failed, and never again."""

    async def main() -> None:
        poller = poller_of(asyncio.get_running_loop())
        ours, theirs = tcp_pair()

        class Reader(Watcher):
            data = b""

            def on_readable(self) -> bytes | None:
                try:
                    data = ours.recv(5)
                except BlockingIOError:
                    return None
                except ConnectionError:
                    data = b""
                if not data:
                    self._note("end")
                    poller.change(ours.fileno(), readable=False, writable=False)
                    return None
                return data

            def deliver(self, data: bytes, /) -> None:
                self.data += data

        with ours, theirs:
            watcher = Reader()
            poller.watch(ours.fileno(), watcher)
            theirs.send(b"0123456789abc")
            theirs.close()
            ours.send(b"nobody is there: this comes back as a reset")
            await _called(watcher, "end")
            assert watcher.data == b"0123456789abc"
            poller.forget(ours.fileno())

    run_on(make_loop, main)


@pytest.mark.parametrize("kind", [k for k in LOOPS if not k.startswith("serving")])
def test_one_that_always_has_bytes_leaves_others_their_turn(kind: str) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        poller = poller_of(loop)
        with socket_pair() as (ours, theirs):

            class Endless(Watcher):
                def on_readable(self) -> bytes:
                    return b"x"

            watcher = Endless()
            poller.watch(ours.fileno(), watcher)
            theirs.send(b"x")
            await _called(watcher, "deliver")
            await asyncio.sleep(0.01)
            poller.forget(ours.fileno())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            count = len(watcher.calls)
            await asyncio.sleep(0)
            assert len(watcher.calls) == count  # nor is it read after it was forgotten

    run_on(LOOPS[kind], main)
