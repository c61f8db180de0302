"""The lifespan that is run once, on a loop and in a thread of its own."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from typing import Any

import pytest

from pounce_asgi import ExchangeSettings, LifespanError
from pounce_asgi.server_lifespan import ServerLifespan

HANGS_AFTER = 10.0
VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")


class App:
    """An application that keeps what happened to it, and where."""

    def __init__(self, startup: Any = None, shutdown: Any = None) -> None:
        self.acts = {"startup": startup, "shutdown": shutdown}
        self.happened: list[str] = []
        self.threads: set[str] = set()
        self.entered = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        for phase in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{phase}"
            self.threads.add(threading.current_thread().name)
            self.happened.append(phase)
            self.entered.set()
            try:
                await self.act(phase, scope)
            except asyncio.CancelledError:
                self.happened.append("cancelled")
                raise
            await send({"type": f"lifespan.{phase}.complete"})

    async def act(self, phase: str, scope: Any) -> None:
        scope["state"]["pool"] = "pool"
        what = self.acts[phase]
        if isinstance(what, BaseException):
            raise what
        if what == "hang":
            await asyncio.get_running_loop().create_future()


def test_once_from_startup_to_shutdown() -> None:
    app = App()
    lifespan = ServerLifespan(app)
    assert lifespan.startup()
    assert app.happened == ["startup"]
    assert lifespan.state == {"pool": "pool"}
    lifespan.shutdown()
    lifespan.shutdown()
    assert app.happened == ["startup", "shutdown"]
    assert app.threads == {"pounce-lifespan"}
    assert "pounce-lifespan" not in {one.name for one in threading.enumerate()}


def test_its_loop_turns_while_the_server_serves() -> None:
    turned = threading.Event()
    ended = threading.Event()

    async def background() -> None:
        turned.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    class WithTask(App):
        async def act(self, phase: str, scope: Any) -> None:
            if phase == "startup":
                self.task = asyncio.get_running_loop().create_task(background())
            else:
                assert not ended.is_set(), "what the lifespan started is cancelled last"

    lifespan = ServerLifespan(WithTask())
    assert lifespan.startup()
    assert turned.wait(HANGS_AFTER)
    assert not ended.is_set()
    lifespan.shutdown()
    assert ended.is_set()


def test_it_begins_with_a_fresh_context() -> None:
    seen = []

    class Looks(App):
        async def act(self, phase: str, scope: Any) -> None:
            seen.append(VARIABLE.get())

    def start() -> None:
        VARIABLE.set("of the thread that starts it")
        lifespan = ServerLifespan(Looks())
        lifespan.startup()
        lifespan.shutdown()

    contextvars.copy_context().run(start)
    assert seen == ["none", "none"]


@pytest.mark.parametrize("mode", ["auto", "off"])
def test_an_application_without_lifespan_is_served_all_the_same(mode: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise NotImplementedError

    lifespan = ServerLifespan(app, mode=mode)
    assert lifespan.startup()
    lifespan.shutdown()


def test_a_startup_that_fails() -> None:
    cause = ValueError("no database")
    lifespan = ServerLifespan(App(startup=cause), mode="on")
    with pytest.raises(LifespanError, match="startup failed") as caught:
        lifespan.startup()
    assert caught.value.__cause__ is cause
    lifespan.shutdown()


def test_a_startup_that_takes_too_long() -> None:
    app = App(startup="hang")
    lifespan = ServerLifespan(app, startup_timeout=0.01)
    with pytest.raises(LifespanError, match=r"took longer than 0\.01 seconds"):
        lifespan.startup()
    lifespan.shutdown()
    assert app.happened == ["startup", "cancelled"]


def test_a_shutdown_that_fails() -> None:
    lifespan = ServerLifespan(App(shutdown=ValueError("cannot close")))
    assert lifespan.startup()
    with pytest.raises(LifespanError, match="shutdown failed"):
        lifespan.shutdown()


def test_a_stop_during_the_startup_does_not_wait_for_it() -> None:
    app = App(startup="hang")
    lifespan = ServerLifespan(app)

    def cancel() -> None:
        app.entered.wait(HANGS_AFTER)
        lifespan.cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    assert not lifespan.startup()
    lifespan.shutdown()
    canceller.join()
    assert app.happened == ["startup", "cancelled"]


def test_a_stop_before_the_startup() -> None:
    app = App()
    lifespan = ServerLifespan(app)
    lifespan.cancel()
    assert not lifespan.startup()
    lifespan.shutdown()
    assert app.happened == []


def test_a_stop_without_a_startup() -> None:
    ServerLifespan(App()).shutdown()


def test_an_application_that_ends_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    class Ends(App):
        async def act(self, phase: str, scope: Any) -> None:
            self.loop = asyncio.get_running_loop()

        def end(self) -> None:
            raise SystemExit(3)

    app = Ends()
    lifespan = ServerLifespan(app)
    assert lifespan.startup()
    app.loop.call_soon_threadsafe(app.end)
    with pytest.raises(LifespanError, match="SystemExit"):
        lifespan.shutdown()
    lifespan.shutdown()
    assert app.happened == ["startup", "shutdown"]
    assert [one.getMessage() for one in caplog.records if one.levelno == logging.ERROR] == [
        "The lifespan's event loop ended early"
    ]


def test_the_loop_is_made_where_it_runs() -> None:
    made = []

    def make() -> asyncio.AbstractEventLoop:
        made.append(threading.current_thread().name)
        return asyncio.SelectorEventLoop()

    lifespan = ServerLifespan(App(), loop_factory=make)
    assert lifespan.startup()
    lifespan.shutdown()
    assert made == ["pounce-lifespan"]


def test_the_setting_knows_two_scopes() -> None:
    assert ExchangeSettings().lifespan_scope == "worker"
    with pytest.raises(ValueError, match="lifespan_scope: 'thread' is not one of worker, server"):
        ExchangeSettings(lifespan_scope="thread")  # type: ignore[arg-type]
