"""Blocking applications under an event loop: in threads, within bounds, and told of clients that leave."""

from __future__ import annotations

import asyncio
import contextvars
import io
import os
import pathlib
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any
from wsgiref.validate import validator

import pytest
from exchange_doubles import CHUNKED, GET, HEAD, POST, FakeSink, Head, follow, make_exchange, sink_of
from sync_doubles import App

from pounce_asgi import (
    ClientGone,
    Interface,
    Lifespan,
    LiftSettings,
    ResponseFile,
    SyncRequest,
    SyncResponse,
    lift,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

TIMEOUT = 20.0


def run(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    async def limited() -> Any:
        async with asyncio.timeout(TIMEOUT):
            return await main()

    return asyncio.run(limited())


def lifted(function: Any, **settings: Any) -> Any:
    return lift(App(function), Interface.SYNC, LiftSettings(**settings))


async def finished(exchange: Any) -> FakeSink:
    """Wait for the application's end."""
    if exchange.task is not None:
        await asyncio.wait({exchange.task})
        await asyncio.sleep(0)
    return sink_of(exchange)


def answered(app: Any, head: Head = GET, script: str = "", **options: Any) -> FakeSink:
    async def main() -> FakeSink:
        exchange = make_exchange(app, head, **options)
        exchange.start()
        for step in script:
            await asyncio.sleep(0.001)
            follow(exchange, step)
        return await finished(exchange)

    sink: FakeSink = run(main)
    app.pool.release()
    return sink


def echo(request: SyncRequest) -> SyncResponse:
    return SyncResponse(200, [(b"x-method", request.method.encode())], request.body.read())


def pieces(request: SyncRequest) -> SyncResponse:
    return SyncResponse(body=request.body.chunks())


@pytest.mark.parametrize(
    ("function", "head", "script", "body"),
    [
        (echo, GET, "", b""),
        (echo, CHUNKED, "abcF", b"abc"),
        (pieces, CHUNKED, "abcF", b"abc"),
        (echo, HEAD, "", b""),
        (lambda request: SyncResponse(body=bytearray(b"x")), GET, "", b"x"),
        (lambda request: SyncResponse(headers=(pair for pair in [(b"a", b"b")]), body=[b"x"]), GET, "", b"x"),
    ],
)
def test_requests_are_answered(function: Any, head: Head, script: str, body: bytes) -> None:
    sink = answered(lifted(function), head, script)
    assert sink.head is not None
    assert (sink.head.status, sink.body, sink.ended) == (200, body, True)


def test_the_head_goes_out_with_the_first_piece_and_can_be_replaced_until_then() -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        yield b""
        raise ValueError("before the first piece")

    sink = answered(lift(app, Interface.WSGI))
    assert sink.head is not None
    assert (sink.head.status, sink.was_reset) == (500, False)


def wsgi(environ: Any, start_response: Any) -> Any:
    data = environ["wsgi.input"].read(10)
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    write(b"got ")
    return [data]


def test_wsgi_under_the_validator() -> None:
    sink = answered(lift(validator(wsgi), Interface.WSGI), CHUNKED, "abF")
    assert (sink.body, sink.ended) == (b"got ab", True)


# ---------------------------------------------------------------------------------------------------- where it runs


def test_no_event_loop_is_visible_and_one_can_be_run() -> None:
    seen: list[Any] = []

    async def inner() -> bytes:
        await asyncio.sleep(0)
        return b"from a loop of its own"

    def app(request: SyncRequest) -> SyncResponse:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        seen.append(threading.current_thread())
        return SyncResponse(body=asyncio.run(inner()))

    assert answered(lifted(app)).body == b"from a loop of its own"
    assert seen[0] is not threading.current_thread()
    assert seen[0].daemon


def test_context_variables_are_those_of_the_request_and_stay_there() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")
    seen = []

    def app(request: SyncRequest) -> SyncResponse:
        seen.append(variable.get())
        variable.set("of the thread")
        return SyncResponse()

    application = lifted(app, sync_threads=1)

    async def main() -> None:
        for name in ("first", "second"):
            token = variable.set(name)
            await finished_call(application)
            seen.append(variable.get())
            variable.reset(token)

    run(main)
    application.pool.release()
    assert seen == ["first", "first", "second", "second"]


async def finished_call(application: Any, head: Head = GET, **options: Any) -> FakeSink:
    exchange = make_exchange(application, head, **options)
    exchange.start()
    return await finished(exchange)


def test_several_event_loops_share_it() -> None:
    barrier = threading.Barrier(2, timeout=TIMEOUT)

    def app(request: SyncRequest) -> SyncResponse:
        barrier.wait()  # both are in their handlers at once
        return SyncResponse(body=b"x")

    application = lifted(app)
    bodies: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: bodies.append(run(lambda: finished_call(application)).body)) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
    application.pool.release()
    assert bodies == [b"x", b"x"]


# -------------------------------------------------------------------------------------------- failing, and leaving


def test_an_exception_is_logged_once_with_its_place_and_answered_500(caplog: pytest.LogCaptureFixture) -> None:
    def app(request: SyncRequest) -> SyncResponse:
        raise KeyError("oops")

    sink = answered(lifted(app))
    assert sink.head is not None
    assert sink.head.status == 500
    assert len(caplog.records) == 1
    assert "in app" in caplog.text


def test_an_exception_after_the_head_resets(caplog: pytest.LogCaptureFixture) -> None:
    def generate() -> Any:
        yield b"x"
        raise KeyError("oops")

    sink = answered(lifted(lambda request: SyncResponse(body=generate())))
    assert (sink.body, sink.was_reset) == (b"x", True)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("headers", [[(b"bad name", b"x")], [("text", "x")]], ids=["bad name", "text"])
def test_a_mistake_in_the_response_is_told(headers: Any, caplog: pytest.LogCaptureFixture) -> None:
    sink = answered(lifted(lambda request: SyncResponse(200, headers, b"x")))
    assert sink.head is not None
    assert sink.head.status == 500
    assert "InvalidResponseHeader" in caplog.text


def test_a_mistake_while_it_streams_is_raised_in_the_application() -> None:
    raised = []

    def app(environ: Any, start_response: Any) -> Any:
        write = start_response("200 OK", [("Content-Length", "10")])
        try:
            for _ in range(1000):
                write(bytes(1000))
        except Exception as error:
            raised.append(type(error).__name__)
            raise
        return []

    sink = answered(lift(app, Interface.WSGI))
    assert (raised, sink.was_reset or sink.head is not None) == (["ContentLengthMismatch"], True)


@pytest.mark.parametrize("script", ["G", "aG", "X", "aX"])
def test_a_blocked_reader_is_told_that_the_client_left(script: str, caplog: pytest.LogCaptureFixture) -> None:
    raised = []

    def app(request: SyncRequest) -> SyncResponse:
        try:
            request.body.read()
        except ClientGone as error:
            raised.append(error)
            with pytest.raises(ClientGone):
                request.body.read()
            raise
        raise AssertionError

    answered(lifted(app), POST, script)
    assert len(raised) == 1
    assert not caplog.records


def test_a_blocked_writer_is_told_that_the_client_left(caplog: pytest.LogCaptureFixture) -> None:
    raised = []
    sent = [0]

    def app(environ: Any, start_response: Any) -> Any:
        write = start_response("200 OK", [])
        try:
            while True:
                write(bytes(16384))
                sent[0] += 1
        except OSError as error:
            raised.append(type(error))
            raise

    application = lift(app, Interface.WSGI)

    async def main() -> None:
        sink = FakeSink()
        sink.congested = True
        exchange = make_exchange(application, sink=sink)
        exchange.start()
        while sent[0] < 4:  # noqa: ASYNC110 - it is a thread that counts
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)  # for what must not happen: that it goes on and on
        assert sent[0] == 4  # 64 KiB, of which the first is with the sink that is congested
        assert len(sink.body) == 16384
        exchange.client_gone()
        await finished(exchange)

    run(main)
    application.pool.release()
    assert raised == [ClientGone]
    assert not caplog.records


def test_a_slow_client_holds_the_writer_up_and_lets_it_go_on() -> None:
    def app(environ: Any, start_response: Any) -> Any:
        write = start_response("200 OK", [])
        for number in range(50):
            write(b"%04d" % number * 1024)
        return []

    application = lift(app, Interface.WSGI)

    async def main() -> FakeSink:
        sink = FakeSink()
        sink.congested = True
        exchange = make_exchange(application, sink=sink)
        exchange.start()
        while not sink.ended:
            await asyncio.sleep(0)
            exchange.resume_sending()
        return await finished(exchange)

    sink: FakeSink = run(main)
    application.pool.release()
    assert sink.body == b"".join(b"%04d" % number * 1024 for number in range(50))


def test_a_request_that_is_cancelled_tells_its_thread(caplog: pytest.LogCaptureFixture) -> None:
    running, go_on, ended = threading.Event(), threading.Event(), threading.Event()
    raised = []

    def app(environ: Any, start_response: Any) -> Any:
        write = start_response("200 OK", [])
        running.set()
        assert go_on.wait(TIMEOUT)
        try:
            write(b"x")
        except ClientGone as error:
            raised.append(error)
            raise ValueError("and so on") from error
        finally:
            ended.set()

    application = lift(app, Interface.WSGI)

    async def main() -> None:
        exchange = make_exchange(application)
        exchange.start()
        await asyncio.to_thread(running.wait, TIMEOUT)
        assert exchange.task is not None
        exchange.task.cancel()
        await finished(exchange)
        go_on.set()
        await asyncio.to_thread(ended.wait, TIMEOUT)
        while application.pool._idle == 0:  # noqa: ASYNC110 - a thread's last steps tell nobody
            await asyncio.sleep(0.001)

    run(main)
    application.pool.release()
    assert len(raised) == 1
    assert "given up" in caplog.text


def test_a_thread_that_outlives_the_loop_is_told(caplog: pytest.LogCaptureFixture) -> None:
    running, go_on, raised = threading.Event(), threading.Event(), []
    ended = threading.Event()

    def app(request: SyncRequest) -> SyncResponse:
        running.set()
        assert go_on.wait(TIMEOUT)
        try:
            request.body.read()
        except ClientGone as error:
            raised.append(error)
            raise
        finally:
            ended.set()
        raise AssertionError

    application = lifted(app)

    async def main() -> None:
        make_exchange(application, POST).start()
        await asyncio.to_thread(running.wait, TIMEOUT)

    run(main)  # cancels what is left of it
    go_on.set()
    assert ended.wait(TIMEOUT)
    application.pool.release()
    assert len(raised) == 1


# ---------------------------------------------------------------------------------------------------------- the queue


class Gate:
    """An application that stays in its handler until it is let go."""

    def __init__(self) -> None:
        self.running = threading.Semaphore(0)
        self.release = threading.Semaphore(0)
        self.calls: list[bytes] = []

    def handle(self, request: SyncRequest) -> SyncResponse:
        self.calls.append(request.query_string)
        self.running.release()
        assert self.release.acquire(timeout=TIMEOUT)
        return SyncResponse(body=b"at last")


def start(application: Any, query: bytes) -> Any:
    exchange = make_exchange(application, Head(query_string=query))
    exchange.start()
    return exchange


def test_what_is_too_much_is_503_at_once(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    application = lift(gate, Interface.SYNC, LiftSettings(sync_threads=1, limit_sync_queue=1))

    async def main() -> None:
        first, second, third = (start(application, b"%d" % number) for number in range(3))
        refused = await finished(third)
        assert refused.head is not None
        assert (refused.head.status, refused.values(b"retry-after")) == (503, [b"1"])
        assert refused.body == b"503 Service Unavailable\n"
        gate.release.release(2)
        assert [(await finished(exchange)).body for exchange in (first, second)] == [b"at last", b"at last"]

    run(main)
    application.pool.release()
    assert gate.calls == [b"0", b"1"]
    assert "too many requests" in caplog.text


def test_who_waits_for_too_long_is_503_and_never_runs(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    application = lift(gate, Interface.SYNC, LiftSettings(sync_threads=1, timeout_sync_queue=0.01))

    async def main() -> None:
        first = start(application, b"0")
        await asyncio.to_thread(gate.running.acquire, timeout=TIMEOUT)
        second = await finished(start(application, b"1"))
        assert second.head is not None
        assert (second.head.status, second.values(b"retry-after")) == (503, [b"1"])
        gate.release.release()
        assert (await finished(first)).body == b"at last"  # it ran for longer than any may wait

    run(main)
    application.pool.release()
    assert gate.calls == [b"0"]
    assert "no thread was free within 0.01 seconds" in caplog.text


def test_who_is_cancelled_while_it_waits_never_runs() -> None:
    gate = Gate()
    application = lift(gate, Interface.SYNC, LiftSettings(sync_threads=1))

    async def main() -> None:
        first = start(application, b"0")
        await asyncio.to_thread(gate.running.acquire, timeout=TIMEOUT)
        second = start(application, b"1")
        await asyncio.sleep(0)
        second.task.cancel()
        await finished(second)
        gate.release.release(2)
        await finished(first)

    run(main)
    application.pool.release()
    assert gate.calls == [b"0"]


# --------------------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize("head", [GET, HEAD], ids=["GET", "HEAD"])
def test_files_go_through_the_extension(head: Head, tmp_path: Any) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    file = (tmp_path / "file").open("rb")
    app = lifted(lambda request: SyncResponse(body=ResponseFile(file, 2, 5), close=file.close))
    sink = answered(app, head)
    assert (sink.body, sink.ended, file.closed) == (b"23456" if head is GET else b"", True, True)
    assert sink.values(b"content-length") == [b"5"]


@pytest.mark.parametrize("descriptor", [False, True], ids=["file", "descriptor"])
@pytest.mark.parametrize(
    ("offset", "count", "expected"), [(None, None, b"3456789"), (2, None, b"23456789"), (2, 5, b"23456")]
)
def test_files_are_read_where_the_server_cannot_send_them(
    descriptor: bool, offset: int | None, count: int | None, expected: bytes, tmp_path: Any
) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    file = (tmp_path / "file").open("rb", buffering=0)
    file.seek(3)
    body = ResponseFile(file.fileno() if descriptor else file, offset, count)
    app = lifted(lambda request: SyncResponse(body=body, close=file.close))
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "http_version": "1.1", "headers": []}
    run(lambda: app(scope, receive, send))
    app.pool.release()
    assert b"".join(message.get("body", b"") for message in sent) == expected
    assert [message["type"] for message in sent[:1]] == ["http.response.start"]
    assert file.closed


# ---------------------------------------------------------------------------------------------------------- not HTTP


def test_lifespan_is_answered() -> None:
    application = lifted(echo)

    async def main() -> None:
        lifespan = Lifespan(application, mode="on", startup_timeout=TIMEOUT, shutdown_timeout=TIMEOUT)
        await lifespan.startup()
        await lifespan.shutdown()

    run(main)


def test_websockets_are_refused_before_the_handshake() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    run(lambda: lifted(echo)({"type": "websocket"}, receive, send))
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_what_it_cannot_serve_is_refused() -> None:
    with pytest.raises(ValueError, match="'nonsense'"):
        run(lambda: lifted(echo)({"type": "nonsense"}, None, None))


# --------------------------------------------------------------------------------------------------------- frameworks


def test_flask() -> None:
    flask = pytest.importorskip("flask", reason="Flask is not installed: it was NOT tested")
    app = flask.Flask("main")

    async def view(name: str) -> Any:
        await asyncio.sleep(0)
        return {"name": name, "body": flask.request.get_data(as_text=True), "q": flask.request.args["q"]}

    def stream() -> Any:
        return flask.Response(flask.stream_with_context(iter(["a", flask.request.path])))

    def file() -> Any:
        return flask.send_file(io.BytesIO(b"in memory"), download_name="x.txt")

    def source() -> Any:
        return flask.send_file(__file__)

    app.add_url_rule("/echo/<name>", view_func=view, methods=["POST"])
    for function in (stream, file, source):
        app.add_url_rule(f"/{function.__name__}", view_func=function)

    head = Head(method="POST", raw_path=b"/echo/caf%C3%A9", query_string=b"q=1", has_body=True)
    sink = answered(lift(app, Interface.WSGI), head, "abF")
    assert sink.body == b'{"body":"ab","name":"caf\\u00e9","q":"1"}\n'
    assert answered(lift(app, Interface.WSGI), Head(raw_path=b"/stream")).body == b"a/stream"
    assert answered(lift(app, Interface.WSGI), Head(raw_path=b"/file")).body == b"in memory"
    sink = answered(lift(app, Interface.WSGI), Head(raw_path=b"/source"))
    assert (sink.calls, b"def test_flask" in sink.body) == (["head", "file"], True)
    sink = answered(lift(app, Interface.WSGI), Head(raw_path=b"/none", method="HEAD"))
    assert sink.head is not None
    assert (sink.head.status, sink.body) == (404, b"")


DJANGO = """
import asyncio
from django.conf import settings
settings.configure(
    ALLOWED_HOSTS=["*"], ROOT_URLCONF="__main__", SECRET_KEY="x",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "file:x?mode=memory&cache=shared"}},
)
import django
django.setup()
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import FileResponse, HttpResponse
from django.urls import path
from lifted_django import try_out
def view(request):
    with connection.cursor() as cursor:
        cursor.execute("select 6 * 7")
        (number,) = cursor.fetchone()
    return HttpResponse(f"{number} {request.method} {request.body.decode()}")
async def async_view(request):
    await asyncio.sleep(0)
    return HttpResponse("async")
def file(request):
    return FileResponse(open(__file__, "rb"))
urlpatterns = [path("orm", view), path("async", async_view), path("file", file)]
try_out(get_wsgi_application())
"""

LIFTED_DJANGO = """
from exchange_doubles import Head
from test_lifted_application import answered
from pounce_asgi import Interface, detect, lift
def try_out(app):
    assert detect(app) is Interface.WSGI
    upload = Head(method="POST", raw_path=b"/orm", has_body=True, content_length=2,
                  headers=((b"host", b"h"), (b"content-length", b"2")))
    sink = answered(lift(app, Interface.WSGI), upload, "abF")
    assert (sink.head.status, sink.body) == (200, b"42 POST ab"), sink.head
    sink = answered(lift(app, Interface.WSGI), Head(raw_path=b"/orm"))
    assert sink.body == b"42 GET ", sink.body
    assert answered(lift(app, Interface.WSGI), Head(raw_path=b"/async")).body == b"async"
    sink = answered(lift(app, Interface.WSGI), Head(raw_path=b"/file"))
    assert sink.calls == ["head", "file"] and b"urlpatterns" in sink.body, sink.calls
    print("served")
"""


def test_django(tmp_path: Any) -> None:
    pytest.importorskip("django", reason="Django is not installed: it was NOT tested")
    # In a process of its own: Django's settings are the process's.
    (tmp_path / "main.py").write_text(DJANGO)
    (tmp_path / "lifted_django.py").write_text(LIFTED_DJANGO)
    here = str(pathlib.Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "main.py")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([here, str(tmp_path)])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "served\n"), done.stderr
