"""Lifespan: applications that fail, and those that do not know the protocol."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from lifespan_doubles import Recorder, errors_logged

from pounce_asgi import Lifespan, LifespanError, UnexpectedMessage

Run = Any


def failing(message: str | None, then: BaseException | None = None, *, during: str = "startup") -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if during == "shutdown":
            await send({"type": "lifespan.startup.complete"})
            await receive()
        failed = {"type": f"lifespan.{during}.failed"}
        await send(failed if message is None else failed | {"message": message})
        if then is not None:
            raise then

    return app


async def returns(scope: Any, receive: Any, send: Any) -> None:
    return


async def speaks_http(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200})


async def shuts_down_first(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "lifespan.shutdown.complete"})


def not_even_a_coroutine(scope: Any, receive: Any, send: Any) -> Any:
    raise TypeError("lifespan?")


UNSUPPORTING = [
    pytest.param(Recorder(startup=AssertionError("scope")), "AssertionError: scope", id="raises"),
    pytest.param(Recorder(startup=asyncio.CancelledError()), "CancelledError", id="cancels itself"),
    pytest.param(returns, "returned without", id="returns"),
    pytest.param(speaks_http, "UnexpectedMessage", id="speaks http"),
    pytest.param(shuts_down_first, "UnexpectedMessage", id="wrong message"),
    pytest.param(not_even_a_coroutine, "TypeError: lifespan", id="raises when called"),
]


@pytest.mark.parametrize(("app", "why"), UNSUPPORTING)
def test_auto_goes_on_without_it(run: Run, app: Any, why: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pounce.lifespan")

    async def main() -> None:
        lifespan = Lifespan(app, mode="auto")
        await lifespan.startup()
        assert not lifespan.supported
        await lifespan.shutdown()

    run(main)
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    if isinstance(app, Recorder):  # it has asked for its startup, so it knows the protocol: what it raised is told
        assert why in record.getMessage()
    else:
        assert record.getMessage() == "No lifespan in the application"


@pytest.mark.parametrize(("app", "why"), UNSUPPORTING)
def test_what_an_application_without_lifespan_raised_is_for_debugging(
    run: Run, app: Any, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "pounce.lifespan")
    run(Lifespan(app, mode="auto").startup)
    raised = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert [f"{type(one).__name__}: {one}".startswith(why) for one in raised] == ([] if app is returns else [True])


def test_one_worker_of_several_says_that_there_is_none(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pounce.lifespan")
    run(Lifespan(speaks_http, mode="auto", quiet=True).startup)
    assert not caplog.records
    run(Lifespan(Recorder(startup=ValueError("no database")), mode="auto", quiet=True).startup)
    assert "no database" in caplog.text


@pytest.mark.parametrize(("app", "why"), UNSUPPORTING)
def test_on_is_strict(run: Run, app: Any, why: str, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        lifespan = Lifespan(app, mode="on")
        with pytest.raises(LifespanError) as caught:
            await lifespan.startup()
        (record,) = errors_logged(caplog)
        if app is returns:
            assert caught.value.__cause__ is None
        else:
            assert record.exc_info is not None
            assert record.exc_info[1] is caught.value.__cause__
        await lifespan.shutdown()

    run(main)
    assert len(errors_logged(caplog)) == 1


@pytest.mark.parametrize("mode", ["auto", "on"])
@pytest.mark.parametrize("during", ["startup", "shutdown"])
@pytest.mark.parametrize(
    ("message", "then", "traceback"),
    [
        ("no database", None, False),
        (None, None, False),
        ("", RuntimeError("no database"), True),
        ("no database", RuntimeError("refused"), True),
        ("Traceback: RuntimeError: refused", RuntimeError("refused"), False),  # Starlette: told already
    ],
)
def test_failed_is_a_failure_in_every_mode(
    run: Run,
    mode: Any,
    during: str,
    message: str | None,
    then: BaseException | None,
    traceback: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        lifespan = Lifespan(failing(message, then, during=during), mode=mode)
        if during == "shutdown":
            await lifespan.startup()
        with pytest.raises(LifespanError, match=f"application {during} failed") as caught:
            await (lifespan.shutdown() if during == "shutdown" else lifespan.startup())
        assert caught.value.__cause__ is then
        await lifespan.shutdown()

    run(main)
    (record,) = errors_logged(caplog)
    assert (message or "") in record.getMessage()
    assert bool(record.exc_info) is traceback


@pytest.mark.parametrize("mode", ["auto", "on"])
def test_exit_during_startup_is_a_failure(run: Run, mode: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        lifespan = Lifespan(Recorder(startup=SystemExit("no DATABASE_URL")), mode=mode)
        with pytest.raises(LifespanError, match=r"asked to exit.*no DATABASE_URL") as caught:
            await lifespan.startup()
        assert isinstance(caught.value.__cause__, SystemExit)

    run(main)
    assert len(errors_logged(caplog)) == 1


def test_keyboard_interrupt_passes(run: Run) -> None:
    async def main() -> None:
        await Lifespan(Recorder(startup=KeyboardInterrupt())).startup()

    with pytest.raises(KeyboardInterrupt):
        run(main)


def test_an_error_in_shutdown(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    error = RuntimeError("pool")

    async def main() -> None:
        lifespan = Lifespan(Recorder(shutdown=error))
        await lifespan.startup()
        with pytest.raises(LifespanError, match="shutdown failed") as caught:
            await lifespan.shutdown()
        assert caught.value.__cause__ is error
        await lifespan.shutdown()  # told once

    run(main)
    (record,) = errors_logged(caplog)
    assert record.exc_info is not None
    assert record.exc_info[1] is error


@pytest.mark.parametrize(
    ("prefix", "wrong"),
    [
        ([], "lifespan.startup.done"),
        (["lifespan.startup.complete"], "lifespan.startup.complete"),
        (["lifespan.startup.complete"], "lifespan.startup.failed"),
        (["lifespan.startup.complete"], "lifespan.shutdown.complete"),
    ],
)
def test_a_message_out_of_order_raises_in_the_application(run: Run, prefix: list[str], wrong: str) -> None:
    raised: list[BaseException] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for kind in prefix:
            await send({"type": kind})
        try:
            await send({"type": wrong})
        except UnexpectedMessage as error:
            raised.append(error)

    async def main() -> None:
        lifespan = Lifespan(app)
        await lifespan.startup()
        await lifespan.shutdown()

    run(main)
    assert wrong in str(raised[0])


def test_what_is_sent_after_the_end_is_ignored(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    async def main() -> None:
        lifespan = Lifespan(app)
        await lifespan.startup()
        await lifespan.shutdown()

    run(main)
    assert not errors_logged(caplog)
