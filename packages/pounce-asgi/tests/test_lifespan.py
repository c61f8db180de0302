"""Lifespan: the order of things, its time limits and its ways out. Time is virtual."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

import pytest
from lifespan_doubles import Recorder, errors_logged
from virtual_time import turns

from pounce_asgi import Lifespan, LifespanError

Run = Any


@pytest.mark.parametrize("mode", ["auto", "on"])
def test_in_order(run: Run, mode: Any, caplog: pytest.LogCaptureFixture) -> None:
    app = Recorder()

    async def main() -> None:
        lifespan = Lifespan(app, mode=mode)
        assert not lifespan.supported
        await lifespan.startup()
        assert lifespan.supported
        assert lifespan.state == {"pool": "pool"}
        assert app.happened == ["lifespan.startup"]
        await lifespan.shutdown()
        assert app.happened == ["lifespan.startup", "lifespan.shutdown", "exit"]
        await lifespan.shutdown()  # once is enough

    run(main)
    assert app.happened == ["lifespan.startup", "lifespan.shutdown", "exit"]
    assert app.scope["type"] == "lifespan"
    assert app.scope["asgi"] == {"version": "3.0", "spec_version": "2.0"}
    assert not caplog.records


def test_the_callers_state_is_used(run: Run) -> None:
    state: dict[str, Any] = {"before": 1}

    async def main() -> None:
        lifespan = Lifespan(Recorder(), state=state)
        await lifespan.startup()
        await lifespan.shutdown()
        assert lifespan.state is state

    run(main)
    assert state == {"before": 1, "pool": "pool"}


def test_off_never_calls_the_application(run: Run) -> None:
    async def main() -> None:
        app = Recorder()
        lifespan = Lifespan(app, mode="off")
        await lifespan.startup()
        await lifespan.shutdown()
        assert (app.happened, lifespan.supported, lifespan.state) == ([], False, {})

    run(main)


def test_it_starts_once(run: Run) -> None:
    async def main() -> None:
        lifespan = Lifespan(Recorder())
        await lifespan.startup()
        with pytest.raises(RuntimeError, match="once"):
            await lifespan.startup()
        await lifespan.shutdown()

    run(main)


def test_shutdown_without_startup(run: Run) -> None:
    async def main() -> None:
        app = Recorder()
        await Lifespan(app).shutdown()
        assert app.happened == []

    run(main)


@pytest.mark.parametrize("mode", ["auto", "on"])
def test_startup_has_a_time_limit(run: Run, mode: Any, caplog: pytest.LogCaptureFixture) -> None:
    app = Recorder(startup="hang")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        lifespan = Lifespan(app, mode=mode, startup_timeout=12.5)
        begin = loop.time()
        with pytest.raises(LifespanError, match=r"startup took longer than 12\.5 seconds"):
            await lifespan.startup()
        assert 12.5 <= loop.time() - begin < 13
        assert app.happened == ["lifespan.startup", "cancelled", "exit"]
        await lifespan.shutdown()

    run(main)
    (record,) = errors_logged(caplog)
    assert record.exc_info is not None
    assert "in act" in str(caplog.text)  # the traceback shows where it hung


def test_an_error_shows_the_application_alone(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        raise ValueError("no database")

    async def main() -> None:
        with pytest.raises(LifespanError) as caught:
            await Lifespan(app, mode="on").startup()
        trace = "".join(traceback.format_exception(caught.value.__cause__))
        assert "lifespan.py" not in trace.replace("test_lifespan.py", "")
        assert "ValueError: no database" in trace

    run(main)
    assert "in app" in caplog.text
    assert "in _run" not in caplog.text


def test_startup_within_the_limit_is_fine(run: Run) -> None:
    async def main() -> None:
        lifespan = Lifespan(Recorder(startup=12.0, shutdown=4.0), startup_timeout=12.5, shutdown_timeout=4.5)
        await lifespan.startup()
        await lifespan.shutdown()
        assert lifespan.supported

    run(main)


def test_shutdown_has_a_time_limit(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    app = Recorder(shutdown="hang")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        lifespan = Lifespan(app, shutdown_timeout=3)
        await lifespan.startup()
        begin = loop.time()
        with pytest.raises(LifespanError, match="shutdown took longer than 3 seconds"):
            await lifespan.shutdown()
        assert 3 <= loop.time() - begin < 4
        assert app.happened[-2:] == ["cancelled", "exit"]
        await lifespan.shutdown()

    run(main)
    assert len(errors_logged(caplog)) == 1


def test_a_task_that_resists_is_left_behind(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    release = asyncio.Event()

    async def stubborn(scope: Any, receive: Any, send: Any) -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    async def main() -> None:
        loop = asyncio.get_running_loop()
        lifespan = Lifespan(stubborn, startup_timeout=1)
        begin = loop.time()
        with pytest.raises(LifespanError, match="longer than 1 seconds"):
            await lifespan.startup()
        assert loop.time() - begin < 3
        release.set()

    run(main)
    assert "left behind" in caplog.text


def test_cleaning_up_after_the_last_message_is_waited_for(run: Run) -> None:
    app = Recorder(after=2.0)

    async def main() -> None:
        lifespan = Lifespan(app)
        await lifespan.startup()
        await lifespan.shutdown()
        assert app.happened[-1] == "exit"
        assert "cancelled" not in app.happened

    run(main)


@pytest.mark.parametrize("after", ["hang", 3600.0])
def test_staying_after_the_last_message_is_no_failure(run: Run, after: Any, caplog: pytest.LogCaptureFixture) -> None:
    app = Recorder(after=after)

    async def main() -> None:
        lifespan = Lifespan(app)
        await lifespan.startup()
        await lifespan.shutdown()
        assert app.happened[-2:] == ["cancelled", "exit"]

    run(main)
    assert not errors_logged(caplog)


@pytest.mark.parametrize("answer", ["complete", "failed"])
def test_asking_for_a_third_message_ends_it_at_once(run: Run, answer: str) -> None:
    async def loops(scope: Any, receive: Any, send: Any) -> None:
        while True:
            kind = (await receive())["type"]
            await send({"type": f"{kind}.{answer}"})

    async def main() -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        lifespan = Lifespan(loops)
        if answer == "failed":
            with pytest.raises(LifespanError):
                await lifespan.startup()
        else:
            await lifespan.startup()
        await lifespan.shutdown()
        assert loop.time() - begin < 0.1

    run(main)


def test_dying_while_serving_is_told_at_once(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    app = Recorder(serving=RuntimeError("background"))

    async def main() -> None:
        lifespan = Lifespan(app)
        await lifespan.startup()
        await asyncio.sleep(0)
        assert lifespan.supported
        (record,) = errors_logged(caplog)
        assert "while it was serving" in record.getMessage()
        await lifespan.shutdown()

    run(main)
    assert len(errors_logged(caplog)) == 1


def test_returning_after_startup_needs_no_shutdown(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "lifespan.startup.complete"})

    async def main() -> None:
        lifespan = Lifespan(app, mode="on")
        await lifespan.startup()
        await lifespan.shutdown()

    run(main)
    assert not caplog.records


def test_a_cancelled_startup_cancels_the_application(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    app = Recorder(startup="hang")

    async def main() -> None:
        lifespan = Lifespan(app)
        starting = asyncio.ensure_future(lifespan.startup())
        await asyncio.sleep(1)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        await turns()
        assert app.happened == ["lifespan.startup", "cancelled", "exit"]
        await lifespan.shutdown()

    run(main)
    assert not errors_logged(caplog)


def test_a_shutdown_that_was_cancelled_can_be_continued(run: Run) -> None:
    app = Recorder(shutdown=10.0)

    async def main() -> None:
        lifespan = Lifespan(app)
        await lifespan.startup()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await lifespan.shutdown()
        assert "exit" not in app.happened
        await lifespan.shutdown()
        assert app.happened == ["lifespan.startup", "lifespan.shutdown", "exit"]

    run(main)


def test_two_shutdowns_at_the_same_time(run: Run) -> None:
    app = Recorder(shutdown=1.0)

    async def main() -> None:
        lifespan = Lifespan(app)
        await lifespan.startup()
        await asyncio.gather(lifespan.shutdown(), lifespan.shutdown())

    run(main)
    assert app.happened == ["lifespan.startup", "lifespan.shutdown", "exit"]
