"""An exchange whose application blocks: how it starts, reads, fails and is left; its responses as everywhere."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from typing import Any

import pytest
from exchange_doubles import (
    CHUNKED,
    GET,
    HEAD,
    POST,
    TE_TRAILERS,
    FakeSink,
    Head,
    Sender,
    body,
    hint,
    make_exchange,
    path,
    sink_of,
    start,
    trailers,
    zero_copy,
)
from sync_doubles import BlockingSink, MessageHandler, make_sync_exchange, served
from virtual_time import turns

from pounce_asgi import (
    BlockingFuture,
    BodyFraming,
    ClientDisconnected,
    ClientGone,
    IncompleteBody,
    Listeners,
    RequestFailed,
    RequestStarted,
    ResponseCompleted,
    ResponseStarted,
    Subscriber,
)

Run = Any


def echo(request: Any, send: Any) -> None:
    data = request.body.read()
    send(start())
    send(body(data))


# ------------------------------------------------------------------------------------------- the rules are the same


SEQUENCES = {
    "hello": (start(), body(b"hello")),
    "pieces": (start(), body(b"a", more=True), body(b"b", more=True), body(b"c")),
    "length": (start(200, (b"content-length", b"3")), body(b"a", more=True), body(b"bc")),
    "too short": (start(200, (b"content-length", b"3")), body(b"a")),
    "too long": (start(200, (b"content-length", b"3")), body(b"a", more=True), body(b"bcd")),
    "no start": (body(b"a"),),
    "start twice": (start(), start()),
    "not a status": (start(99), body()),
    "not a header": (start(200, (b"bad name", b"x")), body()),
    "204": (start(204), body(b"")),
    "304": (start(304, (b"content-length", b"7")), body(b"")),
    "close": (start(200, (b"connection", b"close")), body(b"x")),
    "hint": (hint(b"</a>; rel=preload"), start(), body(b"x")),
    "trailers": (start(trailers=True), body(b"x"), trailers((b"x-sum", b"1"))),
    "unknown": ({"type": "http.response.nonsense"},),
    "no dictionary": (None,),
    "file": (start(), path(__file__)),
    "file that is not there": (start(), path("/nowhere/at/all")),
    "after the end": (start(), body(b"x"), body(b"y")),
    "unfinished": (start(), body(b"x", more=True)),
    "only a start": (start(),),
    "nothing": (),
}


@pytest.mark.parametrize("catch", [False, True], ids=["raises", "catches"])
@pytest.mark.parametrize("head", [GET, HEAD, TE_TRAILERS], ids=["GET", "HEAD", "TE"])
@pytest.mark.parametrize("messages", SEQUENCES.values(), ids=SEQUENCES.keys())
def test_what_it_answers_is_what_the_asynchronous_exchange_answers(
    run: Run, messages: Any, head: Head, catch: bool
) -> None:
    sender = Sender(*messages, catch=catch)

    async def main() -> FakeSink:
        # An asynchronous application that leaves the loop no turn between its messages, as a blocking one does.
        exchange = make_exchange(sender, head, date_header=False, early_head=False)
        exchange.start()
        await turns()
        return sink_of(exchange)

    expected: FakeSink = run(main)
    handler = MessageHandler(*messages, catch=catch)
    sink = served(handler, head, date_header=False)
    for name in ("calls", "informational", "head", "body", "trailers", "ended", "was_reset"):
        assert getattr(sink, name) == getattr(expected, name), name
    described = {number: (type(error), str(error)) for number, error in handler.raised.items()}
    assert described == {number: (type(error), str(error)) for number, error in sender.raised.items()}


# --------------------------------------------------------------------------------------------------- reading the body


@pytest.mark.parametrize(
    ("head", "script", "body_bytes"),
    [
        (GET, "", b""),
        (CHUNKED, "F", b""),
        (CHUNKED, "abF", b"ab"),
        (CHUNKED, "abcdeF", b"abcde"),
        (Head(method="POST", has_body=True, content_length=2), "abF", b"ab"),
    ],
)
def test_the_body_is_pulled_as_it_is_read(head: Head, script: str, body_bytes: bytes) -> None:
    sink = served(echo, head, script)
    assert (sink.body, sink.ended) == (body_bytes, True)


def test_what_was_fed_before_is_read_without_a_pull() -> None:
    exchange = make_sync_exchange(echo, CHUNKED)
    exchange.feed(b"here")
    exchange.finish_body()
    exchange.start()
    assert sink_of(exchange).body == b"here"


def test_nothing_is_pulled_for_an_application_that_does_not_read() -> None:
    pulled: list[int] = []

    def pull() -> bool:
        pulled.append(1)
        return False

    def answer(request: Any, send: Any) -> None:
        send(start())
        send(body(b"no thanks"))

    exchange = make_sync_exchange(answer, CHUNKED)
    exchange._pull = pull
    exchange.start()
    assert (sink_of(exchange).body, pulled) == (b"no thanks", [])


def test_reading_resumes_the_wire_until_the_body_is_whole() -> None:
    sink = served(echo, CHUNKED, "abF")
    assert sink.resumed == 2


def test_a_continue_is_sent_at_the_first_read_only() -> None:
    head = Head(method="POST", has_body=True, expect_continue=True)
    seen = []

    def app(request: Any, send: Any) -> None:
        seen.append((exchange.awaits_continue(), list(sink.informational)))
        echo(request, send)

    sink = BlockingSink()
    exchange = make_sync_exchange(app, head, "abF", sink=sink)
    exchange.start()
    assert seen == [(True, [])]
    assert sink.informational == [(100, [])]
    assert not exchange.awaits_continue()
    assert sink.body == b"ab"


def test_no_continue_for_an_answer_without_a_read() -> None:
    head = Head(method="POST", has_body=True, expect_continue=True)
    exchange = make_sync_exchange(MessageHandler(start(), body(b"x")), head)
    exchange.start()
    assert sink_of(exchange).informational == []
    assert exchange.awaits_continue()


@pytest.mark.parametrize("script", ["a", "aX", "aG", "aE", "X", "G", ""], ids=lambda script: script or "nothing")
def test_a_body_that_is_cut_off_raises_and_is_not_logged(script: str, caplog: pytest.LogCaptureFixture) -> None:
    raised = []

    def app(request: Any, send: Any) -> None:
        try:
            request.body.read()
        except OSError as error:
            raised.append(error)
            with pytest.raises(ClientGone):
                request.body.read()
            raise

    sink = served(app, POST, script)
    assert [type(error) for error in raised] == [ClientGone]
    assert sink.head is None or sink.head.status in (400, 500)
    if "X" in script or "G" in script or "E" in script:
        assert not caplog.records


def test_a_body_cut_off_after_the_head_resets_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    def app(request: Any, send: Any) -> None:
        send(start())
        send(body(b"so far: ", more=True))
        for piece in request.body.chunks():
            send(body(piece, more=True))

    sink = served(app, CHUNKED, "abX")
    assert (sink.body, sink.was_reset) == (b"so far: ab", True)
    assert not caplog.records


def test_an_application_may_answer_all_the_same_when_the_body_was_cut_off_after_the_head() -> None:
    def app(request: Any, send: Any) -> None:
        send(start())
        send(body(b"x", more=True))
        try:
            request.body.read()
        except ClientGone:
            send(body(b"y"))

    sink = served(app, CHUNKED, "aX")
    assert (sink.body, sink.ended, sink.was_reset) == (b"xy", True, False)


def test_what_a_refusal_answered_stays(caplog: pytest.LogCaptureFixture) -> None:
    sink = served(echo, POST, "aX")
    assert sink.head is not None
    assert (sink.head.status, sink.head.close) == (400, True)
    assert not caplog.records


@pytest.mark.parametrize("script", ["abcF", "F"])
def test_a_body_that_is_too_large_is_413(script: str) -> None:
    head = CHUNKED if script == "abcF" else POST
    called = []

    def app(request: Any, send: Any) -> None:
        called.append(1)
        echo(request, send)

    sink = served(app, head, script, max_request_body=2)
    assert sink.head is not None
    assert sink.head.status == 413
    assert called == ([1] if script == "abcF" else [])


def test_no_body_is_read_once_the_response_is_complete() -> None:
    raised = []

    def app(request: Any, send: Any) -> None:
        send(start())
        send(body(b"x"))
        try:
            request.body.read()
        except ClientGone as error:
            raised.append(str(error))

    served(app, CHUNKED, "abF")
    assert len(raised) == 1
    assert "response is complete" in raised[0]


# ------------------------------------------------------------------------------------------------------------ failing


def test_an_exception_is_logged_and_answered_500(caplog: pytest.LogCaptureFixture) -> None:
    def app(request: Any, send: Any) -> None:
        raise KeyError("oops")

    sink = served(app)
    assert sink.head is not None
    assert (sink.head.status, sink.head.close) == (500, False)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert caplog.records[0].exc_info is not None


def test_an_exception_after_the_head_resets(caplog: pytest.LogCaptureFixture) -> None:
    def app(request: Any, send: Any) -> None:
        send(start())
        send(body(b"x", more=True))
        raise KeyError("oops")

    sink = served(app)
    assert (sink.body, sink.was_reset, sink.ended) == (b"x", True, False)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_what_ends_the_process_passes_through_and_is_answered(kind: type[BaseException]) -> None:
    def app(request: Any, send: Any) -> None:
        raise kind

    exchange = make_sync_exchange(app)
    with pytest.raises(kind):
        exchange.start()
    sink = sink_of(exchange)
    assert sink.head is not None
    assert sink.head.status == 500


class TimeIsUp(BaseException):
    """As libraries have them for time limits, so that no handler of theirs swallows it."""


@pytest.mark.parametrize("kind", [TimeIsUp, GeneratorExit])
def test_any_other_error_is_a_failure_of_this_request_only(
    kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    def app(request: Any, send: Any) -> None:
        raise kind

    sink = served(app)
    assert sink.head is not None
    assert sink.head.status == 500
    assert kind.__name__ in caplog.text


def test_a_cancelled_error_is_a_failure_of_this_request_only(caplog: pytest.LogCaptureFixture) -> None:
    def app(request: Any, send: Any) -> None:
        raise asyncio.CancelledError

    sink = served(app)
    assert sink.head is not None
    assert sink.head.status == 500
    assert "Cancelled" in caplog.text


def test_sending_to_a_client_that_left_raises_and_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    def app(request: Any, send: Any) -> None:
        send(start())
        send(body(b"x", more=True))
        exchange.client_gone()
        send(body(b"y"))

    exchange = make_sync_exchange(app)
    exchange.start()
    assert sink_of(exchange).body == b"x"
    assert not caplog.records


def test_a_write_that_found_the_client_gone_raises() -> None:
    handler = MessageHandler(start(), body(b"x", more=True), body(b"y"), catch=True)

    class GoneSink(BlockingSink):
        def send_body(self, data: bytes, end: bool) -> None:
            exchange.client_gone()
            self.congested = True

        def send_head(self, *args: Any, **options: Any) -> None:
            super().send_head(*args, **options)
            exchange.client_gone()
            self.congested = True

    exchange = make_sync_exchange(handler, sink=GoneSink())
    exchange.start()
    assert [type(error) for error in handler.raised.values()] == [ClientGone, ClientGone]


@pytest.mark.parametrize("news", ["writable", "gone"])
def test_a_congested_sink_is_waited_for(news: str) -> None:
    waited: list[Any] = []

    def wait(future: Any) -> None:
        waited.append(future)
        exchange.sink.congested = False
        if news == "gone":
            exchange.client_gone()
        else:
            exchange.resume_sending()
        assert future.done()

    sink = BlockingSink()
    sink.congested = True
    handler = MessageHandler(start(), body(b"x", more=True), body(b"y"), catch=True)
    exchange = make_sync_exchange(handler, sink=sink, wait=wait)
    exchange.start()
    assert len(waited) == 1
    assert set(handler.raised) == ({1, 2} if news == "gone" else set())
    assert sink.body == (b"x" if news == "gone" else b"xy")


def test_a_congested_sink_without_a_wait_is_a_mistake(caplog: pytest.LogCaptureFixture) -> None:
    sink = BlockingSink()
    sink.congested = True
    served(MessageHandler(start(), body(b"x", more=True), body(b"y")), sink=sink)
    assert sink.was_reset
    assert "no wait() for it" in caplog.text


# -------------------------------------------------------------------------------------------------------------- files


def test_files_are_sent_without_waiting(tmp_path: Any) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"0123456789")
    with file.open("rb") as opened:
        sink = served(MessageHandler(start(), zero_copy(opened, offset=2, count=3, more=True), zero_copy(opened)))
    assert (sink.body, sink.ended, sink.calls) == (b"2340123456789", True, ["head", "file", "file"])


def test_a_file_that_is_sent_later_is_waited_for(tmp_path: Any) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"0123456789")
    future: BlockingFuture[int] = BlockingFuture()

    class LaterSink(BlockingSink):
        def send_file(self, *args: Any, **options: Any) -> Any:
            super().send_file(*args, **options)
            return future

    def wait(waited: Any) -> None:
        assert waited is future
        future.set_result(10)

    sink = LaterSink()
    exchange = make_sync_exchange(MessageHandler(start(), path(str(file))), sink=sink, wait=wait)
    exchange.start()
    assert (sink.body, sink.ended) == (b"0123456789", True)


def test_a_file_that_cannot_be_sent_fails_the_response(tmp_path: Any, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"0123456789")

    class BrokenSink(BlockingSink):
        def send_file(self, *args: Any, **options: Any) -> Any:
            return BlockingFuture.failed(OSError(5, "no disk"))

    sink = BrokenSink()
    served(MessageHandler(start(), path(str(file))), sink=sink)
    assert sink.was_reset
    assert "no disk" in caplog.text


# ----------------------------------------------------------------------------------------------- surroundings, records


def test_the_request_says_what_a_scope_says() -> None:
    seen: list[Any] = []

    def app(request: Any, send: Any) -> None:
        seen.append(request)
        echo(request, send)

    head = Head(raw_path=b"/caf%C3%A9", query_string=b"a=1", headers=((b"host", b"h"), (b"x-a", b"1")))
    served(app, head, root_path="/api", state={"pool": 1}, request_id=True)
    (request,) = seen
    assert (request.method, request.path, request.raw_path) == ("GET", "/api/café", b"/api/caf%C3%A9")
    assert (request.query_string, request.http_version, request.scheme) == (b"a=1", "1.1", "http")
    assert (request.client, request.server) == (("192.0.2.7", 51234), ("192.0.2.1", 8000))
    assert (request.root_path, request.state["pool"]) == ("/api", 1)
    assert len(request.state["request_id"]) == 36
    assert (request.header("X-A"), request.header(b"x-b"), request.header("x-b", b"-")) == (b"1", None, b"-")


def test_context_variables_do_not_leak_between_requests() -> None:
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)
    seen = []

    def app(request: Any, send: Any) -> None:
        seen.append(variable.get())
        variable.set(1)
        echo(request, send)

    served(app)
    served(app)
    assert seen == [0, 0]
    assert variable.get() == 0


def test_asyncio_can_be_run_inside() -> None:
    async def answer() -> bytes:
        await asyncio.sleep(0)
        return b"from a loop"

    sink = served(lambda request, send: MessageHandler(start(), body(asyncio.run(answer())))(request, send))
    assert sink.body == b"from a loop"


RECORDS = {
    "answered": (echo, CHUNKED, "abF", ["RequestStarted", "ResponseStarted", "ResponseCompleted"], (200, 2, False)),
    "raised": (
        MessageHandler(None),  # type: ignore[arg-type]
        GET,
        "",
        ["RequestStarted", "RequestFailed", "ResponseStarted", "ResponseCompleted"],
        (500, 26, False),
    ),
    "left": (echo, CHUNKED, "aG", ["RequestStarted", "ClientDisconnected", "ResponseCompleted"], (499, 0, True)),
    "refused": (echo, CHUNKED, "aX", ["RequestStarted", "ResponseStarted", "ResponseCompleted"], (400, 24, False)),
}


@pytest.mark.parametrize(("handler", "head", "script", "names", "completed"), RECORDS.values(), ids=RECORDS.keys())
def test_listeners_hear_what_they_hear_of_any_exchange(
    handler: Any, head: Head, script: str, names: list[str], completed: tuple[int, int, bool]
) -> None:
    records: list[Any] = []
    kinds = (RequestStarted, ResponseStarted, ResponseCompleted, RequestFailed, ClientDisconnected)
    listeners = Listeners.of(*(Subscriber(records.append, kind) for kind in kinds))
    served(handler, head, script, listeners=listeners)
    assert [type(record).__name__ for record in records] == names
    last = records[-1]
    assert (last.status, last.body_bytes_sent, last.aborted) == completed


def test_giving_up_resets_a_response_that_has_begun() -> None:
    def app(request: Any, send: Any) -> None:
        send(start())
        send(body(b"x", more=True))
        exchange.abandon()
        with pytest.raises(ClientGone):
            send(body(b"y"))

    exchange = make_sync_exchange(app)
    exchange.start()
    assert sink_of(exchange).was_reset


def test_half_closed_clients_still_get_their_answer() -> None:
    exchange = make_sync_exchange(echo, CHUNKED)
    exchange.feed(b"ab")
    exchange.finish_body()
    exchange.half_closed()
    exchange.start()
    assert (sink_of(exchange).body, sink_of(exchange).ended) == (b"ab", True)


def test_a_failure_before_the_start_is_no_call_of_the_application() -> None:
    exchange = make_sync_exchange(echo, CHUNKED)
    exchange.fail_request(IncompleteBody("cut off"))
    assert sink_of(exchange).head is not None
    assert sink_of(exchange).head.framing is BodyFraming.LENGTH  # type: ignore[union-attr]
