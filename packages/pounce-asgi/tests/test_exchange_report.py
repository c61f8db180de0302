"""What an exchange tells listeners: which records, in which order, with what in them; and request ids."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any

import pytest
from exchange_doubles import (
    CHUNKED,
    GET,
    PEER,
    FakeSink,
    Head,
    Message,
    Sender,
    body,
    follow,
    make_exchange,
    sink_of,
    start,
)
from virtual_time import turns

from pounce_asgi import (
    ClientDisconnected,
    Listeners,
    RequestFailed,
    RequestStarted,
    ResponseCompleted,
    ResponseStarted,
    Subscriber,
)

Run = Any
ALL: Any = (RequestStarted, ResponseStarted, ResponseCompleted, ClientDisconnected, RequestFailed)


async def waits(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await receive()


def then_raise(*messages: Message) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)
        raise RuntimeError

    return app


async def streams(scope: Any, receive: Any, send: Any) -> None:
    await send(start(206))
    await send(body(b"abc", True))
    await waits(scope, receive, send)


async def streams_until_it_is_told(scope: Any, receive: Any, send: Any) -> None:
    await streams(scope, receive, send)
    await send(body(b"def", True))


# What: request, application, then (as in ``follow``; C cancels, A abandons) -> names of the records; of the completed
# one: status, bytes, aborted.
CASES: dict[str, tuple[Head, Any, str, list[str], tuple[int, int | None, bool]]] = {
    "answered": (
        GET,
        Sender(start(201), body(b"hello")),
        "",
        ["RequestStarted", "ResponseStarted", "ResponseCompleted"],
        (201, 5, False),
    ),
    "in pieces": (
        GET,
        Sender(start(), body(b"he", True), body(b"llo")),
        "",
        ["RequestStarted", "ResponseStarted", "ResponseCompleted"],
        (200, 5, False),
    ),
    "HEAD": (
        Head(method="HEAD"),
        Sender(start(), body(b"hello")),
        "",
        ["RequestStarted", "ResponseStarted", "ResponseCompleted"],
        (200, 0, False),
    ),
    "no answer": (
        GET,
        Sender(),
        "",
        ["RequestStarted", "RequestFailed", "ResponseStarted", "ResponseCompleted"],
        (500, None, False),
    ),
    "fails before the head": (
        GET,
        then_raise(start()),
        "",
        ["RequestStarted", "RequestFailed", "ResponseStarted", "ResponseCompleted"],
        (500, None, False),
    ),
    "fails after the head": (
        GET,
        then_raise(start(), body(b"abc", True)),
        "",
        ["RequestStarted", "ResponseStarted", "RequestFailed", "ResponseCompleted"],
        (200, 3, True),
    ),
    "fails after the end": (
        GET,
        then_raise(start(), body(b"abc")),
        "",
        ["RequestStarted", "ResponseStarted", "ResponseCompleted", "RequestFailed"],
        (200, 3, False),
    ),
    "client leaves before the head": (
        GET,
        waits,
        "G",
        ["RequestStarted", "ClientDisconnected", "ResponseCompleted"],
        (499, 0, True),
    ),
    "client leaves after the head": (
        GET,
        streams,
        "G",
        ["RequestStarted", "ResponseStarted", "ClientDisconnected", "ResponseCompleted"],
        (206, 3, True),
    ),
    "client leaves, the application sends on": (
        GET,
        streams_until_it_is_told,
        "G",
        ["RequestStarted", "ResponseStarted", "ClientDisconnected", "ResponseCompleted"],
        (206, 3, True),
    ),
    "client leaves after the end": (
        GET,
        Sender(start(), body(b"hello")),
        "G",
        ["RequestStarted", "ResponseStarted", "ResponseCompleted"],
        (200, 5, False),
    ),
    "request given up": (
        CHUNKED,
        waits,
        "X",
        ["RequestStarted", "ResponseStarted", "ResponseCompleted"],
        (400, None, False),
    ),
    "abandoned": (
        GET,
        streams,
        "A",
        ["RequestStarted", "ResponseStarted", "ResponseCompleted"],
        (206, 3, True),
    ),
    "cancelled": (
        GET,
        streams,
        "C",
        ["RequestStarted", "ResponseStarted", "ResponseCompleted"],
        (206, 3, True),
    ),
    "cancelled before the head": (
        GET,
        waits,
        "C",
        ["RequestStarted", "ResponseStarted", "ResponseCompleted"],
        (500, None, False),
    ),
    "announced too large": (
        Head(method="POST", has_body=True, content_length=101),
        waits,
        "",
        ["RequestStarted", "ResponseStarted", "ResponseCompleted"],
        (413, None, False),
    ),
}


async def happen(head: Head, app: Any, then: str, **options: Any) -> tuple[list[Any], FakeSink]:
    records: list[Any] = []
    listeners = Listeners.of(Subscriber(records.append, *ALL))
    exchange = make_exchange(app, head, listeners=listeners, max_request_body=100, **options)
    exchange.start()
    await turns()
    for step in then:
        if step == "C":
            (task,) = exchange.context.running
            task.cancel()
        elif step == "A":
            exchange.abandon()
        else:
            follow(exchange, step)
        await turns()
    return records, sink_of(exchange)


@pytest.mark.parametrize(("head", "app", "then", "names", "completed"), CASES.values(), ids=CASES)
def test_records(run: Run, head: Head, app: Any, then: str, names: list[str], completed: Any) -> None:
    before, before_wall = time.monotonic(), time.time()
    records, sink = run(lambda: happen(head, app, then))
    after, after_wall = time.monotonic(), time.time()
    assert [type(record).__name__ for record in records] == names
    for record in records:
        assert before <= record.monotonic <= after
        assert before_wall <= record.wall <= after_wall
        assert (record.worker_id, record.connection_id, record.request_id) == (3, PEER.connection_id, None)
    assert [record.monotonic for record in records] == sorted(record.monotonic for record in records)
    (last,) = (record for record in records if isinstance(record, ResponseCompleted))
    status, size, aborted = completed  # no size: that of the server's own answer
    assert (last.status, last.aborted) == (status, aborted)
    assert last.body_bytes_sent == len(sink.body) == (len(sink.body) if size is None else size)
    assert (last.client, last.method, last.http_version) == (PEER.client, head.method, "1.1")
    assert last.started == records[0].monotonic
    assert last.duration == pytest.approx(last.monotonic - last.started)


def test_what_the_records_say(run: Run) -> None:
    head = Head(method="PUT", raw_path=b"/a%20b", query_string=b"q", http_version="1.0")
    records, _ = run(lambda: happen(head, then_raise(start(), body(b"abc", True)), ""))
    started, responded, failed, completed = records
    for record in (started, completed):
        assert (record.method, record.raw_path, record.query_string) == ("PUT", b"/a%20b", b"q")
        assert record.http_version == "1.0"
        assert record.request_headers is head.headers
    assert responded.status == 200
    assert responded.duration >= 0
    assert (failed.method, failed.raw_path, failed.response_started) == ("PUT", b"/a%20b", True)
    assert isinstance(failed.error, RuntimeError)


@pytest.mark.parametrize(("app", "begun"), [(waits, False), (streams, True)])
def test_whether_the_response_had_begun_when_the_client_left(run: Run, app: Any, begun: bool) -> None:
    records, _ = run(lambda: happen(GET, app, "G"))
    (left,) = (record for record in records if isinstance(record, ClientDisconnected))
    assert left.response_started is begun


def test_a_last_piece_that_finds_the_client_gone_is_told_once(run: Run) -> None:
    """The transport may learn of the loss from the very write that would have completed the response."""
    exchange: Any = None

    class Breaking(FakeSink):
        def send_body(self, data: bytes, end: bool) -> None:
            super().send_body(data, end=end)
            exchange.client_gone()

    async def main() -> list[Any]:
        nonlocal exchange
        records: list[Any] = []
        listeners = Listeners.of(Subscriber(records.append, *ALL))
        app = Sender(start(), body(b"a", True), body(b"b"))
        exchange = make_exchange(app, listeners=listeners, sink=Breaking())
        exchange.start()
        await turns()
        return records

    records = run(main)
    assert [type(record).__name__ for record in records] == [
        "RequestStarted",
        "ResponseStarted",
        "ClientDisconnected",
        "ResponseCompleted",
    ]
    assert records[-1].aborted


@pytest.mark.parametrize("wanted", ALL)
@pytest.mark.parametrize("case", ["answered", "fails after the head", "client leaves after the head"])
def test_only_what_is_listened_to_is_made(run: Run, wanted: Any, case: str) -> None:
    head, app, then, names, _ = CASES[case]
    heard: list[Any] = []

    async def main() -> None:
        exchange = make_exchange(app, head, listeners=Listeners.of(Subscriber(heard.append, wanted)))
        exchange.start()
        await turns()
        follow(exchange, then)
        await turns()

    run(main)
    assert [type(record).__name__ for record in heard] == [name for name in names if name == wanted.__name__]


def test_without_listeners_no_time_is_taken(run: Run) -> None:
    async def main() -> None:
        exchange = make_exchange(Sender(start(), body(b"hello")))
        exchange.start()
        await turns()
        assert exchange.report is None
        assert sink_of(exchange).ended

    run(main)


@pytest.mark.parametrize("record", ALL)
def test_a_listener_that_raises_harms_no_request(run: Run, record: Any, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("listener")

    async def main() -> FakeSink:
        exchange = make_exchange(Sender(start(), body(b"hello")), listeners=Listeners.of(Subscriber(broken, record)))
        exchange.start()
        await turns()
        return sink_of(exchange)

    sink = run(main)
    assert (sink.body, sink.ended) == (b"hello", True)
    assert all("listener" in message.getMessage() for message in caplog.records)


# -------------------------------------------------------------------------------------------------------- request ids


def test_request_ids(run: Run) -> None:
    ids: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        ids.append(scope["state"]["request_id"])
        await Sender(start(), body(b"x"))(scope, receive, send)

    state: dict[str, Any] = {"pool": 1}
    one, _ = run(lambda: happen(GET, app, "", request_id=True, state=state))
    two, _ = run(lambda: happen(GET, app, "", request_id=True, state=state))
    assert ids[0] != ids[1]
    assert [uuid.UUID(text).version for text in ids] == [7, 7]
    assert {record.request_id for record in one} == {ids[0]}
    assert {record.request_id for record in two} == {ids[1]}
    assert state == {"pool": 1}


def test_request_ids_without_listeners(run: Run) -> None:
    ids: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        ids.append(scope["state"].get("request_id"))
        await Sender(start(), body(b"x"))(scope, receive, send)

    async def main() -> None:
        for switched_on in (True, False):
            make_exchange(app, request_id=switched_on).start()
            await turns()

    run(main)
    assert len(ids[0]) == 36
    assert ids[1] is None


def test_a_slow_answer_has_a_duration(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(2)
        await Sender(start(), body(b"x"))(scope, receive, send)

    async def main() -> list[Any]:
        monkeypatch.setattr(time, "monotonic", asyncio.get_running_loop().time)
        records: list[Any] = []
        make_exchange(app, listeners=Listeners.of(Subscriber(records.append, ResponseCompleted))).start()
        await asyncio.sleep(3)
        return records

    (completed,) = run(main)
    assert completed.duration == pytest.approx(2, abs=0.01)


def test_every_record_tells_the_protocol_and_the_stream(run: Run) -> None:
    heard: list[Any] = []

    async def fails(scope: Any, receive: Any, send: Any) -> None:
        await send(start())
        await receive()
        raise RuntimeError

    async def main() -> None:
        exchange = make_exchange(fails, listeners=Listeners.of(Subscriber(heard.append, *ALL)))
        exchange.context.protocol = "h2"
        exchange.start()
        await turns()
        left = make_exchange(waits, listeners=Listeners.of(Subscriber(heard.append, *ALL)))
        left.context.protocol = "h2"
        left.start()
        left.client_gone()
        await turns()

    run(main)
    assert {type(record) for record in heard} == set(ALL)
    assert {(record.stream_id, record.protocol) for record in heard} == {(FakeSink.stream_id, "h2")}
