"""Bodies from files: pathsend and zerocopysend."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from exchange_doubles import (
    GET,
    HEAD,
    TE_TRAILERS,
    FakeSink,
    Head,
    Message,
    Sender,
    answered,
    body,
    make_exchange,
    start,
    trailers,
    zero_copy,
)
from exchange_doubles import path as path_message
from virtual_time import turns

from pounce_asgi import BodyFraming, ClientGone, ContentLengthMismatch, InvalidMessage, UnexpectedMessage

Run = Any
DATA = bytes(range(256)) * 40  # longer than the buffer of a file object
CL = (b"content-length", b"%d" % len(DATA))
NONE, LENGTH, DELIMITED = BodyFraming.NONE, BodyFraming.LENGTH, BodyFraming.DELIMITED


@pytest.fixture
def file(tmp_path: Any) -> Any:
    (tmp_path / "data").write_bytes(DATA)
    with (tmp_path / "data").open("rb") as opened:
        yield opened


def framing_of(sink: FakeSink) -> BodyFraming:
    assert sink.head is not None
    return sink.head.framing


@pytest.mark.parametrize(
    ("head", "announced", "framing", "length", "data"),
    [
        (GET, (), LENGTH, [CL[1]], DATA),
        (GET, (CL,), LENGTH, [CL[1]], DATA),
        (HEAD, (), NONE, [CL[1]], b""),
        (HEAD, (CL,), NONE, [CL[1]], b""),
    ],
)
@pytest.mark.parametrize("extension", ["path", "zero copy"])
def test_a_whole_file(
    run: Run, file: Any, extension: str, head: Head, announced: Any, framing: BodyFraming, length: Any, data: bytes
) -> None:
    message = path_message(file.name) if extension == "path" else zero_copy(file)
    app = Sender(start(200, *announced), message)
    sink: FakeSink = run(lambda: answered(app, head))
    assert not app.raised
    assert (framing_of(sink), sink.values(b"content-length"), sink.body, sink.ended) == (framing, length, data, True)


def test_an_empty_file(run: Run, tmp_path: Any) -> None:
    (tmp_path / "empty").touch()
    sink: FakeSink = run(lambda: answered(Sender(start(), path_message(str(tmp_path / "empty")))))
    assert (sink.values(b"content-length"), sink.body, sink.ended) == ([b"0"], b"", True)


def test_a_path_object(run: Run, file: Any, tmp_path: Any) -> None:
    sink: FakeSink = run(lambda: answered(Sender(start(), path_message(tmp_path / "data"))))
    assert sink.body == DATA


def test_with_trailers(run: Run, file: Any) -> None:
    app = Sender(start(trailers=True), path_message(file.name), trailers((b"x-a", b"b")))
    sink: FakeSink = run(lambda: answered(app, TE_TRAILERS))
    assert (sink.calls, sink.body, framing_of(sink)) == (["head", "file", "trailers"], DATA, DELIMITED)


def test_no_body_for_304(run: Run, file: Any) -> None:
    sink: FakeSink = run(lambda: answered(Sender(start(304), path_message(file.name))))
    assert (sink.calls, sink.ended) == (["head"], True)


RANGES = [
    ({"offset": 0, "count": 4}, DATA[:4]),
    ({"offset": 10, "count": 4}, DATA[10:14]),
    ({"offset": 10}, DATA[10:]),
    ({"count": 4}, DATA[:4]),
    ({"offset": 5, "count": 0}, b""),
    ({"offset": len(DATA)}, b""),
    ({"offset": None, "count": None}, DATA),
]


@pytest.mark.parametrize(("keys", "data"), RANGES)
@pytest.mark.parametrize("as_descriptor", [False, True])
def test_ranges(run: Run, file: Any, keys: dict[str, Any], data: bytes, as_descriptor: bool) -> None:
    app = Sender(start(), zero_copy(file.fileno() if as_descriptor else file, **keys))
    sink: FakeSink = run(lambda: answered(app))
    assert (sink.body, sink.values(b"content-length"), sink.ended) == (data, [b"%d" % len(data)], True)


def test_pieces_of_files_and_bytes_mixed(run: Run, file: Any) -> None:
    app = Sender(
        start(),
        zero_copy(file, True, offset=0, count=3),
        body(b"-", True),
        zero_copy(file, True, offset=5, count=2),
        body(b"", True),
        zero_copy(file, offset=9, count=1),
    )
    sink: FakeSink = run(lambda: answered(app))
    assert not app.raised
    assert (sink.body, framing_of(sink), sink.ended) == (DATA[:3] + b"-" + DATA[5:7] + DATA[9:10], DELIMITED, True)


@pytest.mark.parametrize("as_descriptor", [False, True])
def test_without_offset_it_goes_on_where_it_stopped(run: Run, file: Any, as_descriptor: bool) -> None:
    one = file.fileno() if as_descriptor else file
    app = Sender(start(), zero_copy(one, True, count=3), zero_copy(one, True, count=4), zero_copy(one, count=2))
    sink: FakeSink = run(lambda: answered(app))
    assert sink.body == DATA[:9]
    assert (os.lseek(file.fileno(), 0, os.SEEK_CUR) if as_descriptor else file.tell()) == 9


def test_a_buffered_file_is_read_from_where_the_application_stands(run: Run, file: Any) -> None:
    assert file.read(4) == DATA[:4]  # the buffer, and so the descriptor, is thousands of bytes further
    sink: FakeSink = run(lambda: answered(Sender(start(), zero_copy(file, count=8))))
    assert sink.body == DATA[4:12]
    assert file.read(3) == DATA[12:15]


def test_with_an_offset_the_position_stays(run: Run, file: Any) -> None:
    file.seek(7)
    run(lambda: answered(Sender(start(), zero_copy(file, offset=1, count=2))))
    assert file.tell() == 7


def test_the_application_closes_its_file(run: Run, file: Any) -> None:
    run(lambda: answered(Sender(start(), zero_copy(file))))
    assert not file.closed


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")
def test_a_fifo_without_a_writer_is_refused_at_once(run: Run, tmp_path: Any) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    sender = Sender(start(), path_message(str(path)))
    sink = run(lambda: answered(sender))
    assert sink.head.status == 500
    assert isinstance(sender.raised[1], InvalidMessage)


INVALID: dict[str, tuple[Message, type[Exception]]] = {
    "no path": ({"type": "http.response.pathsend"}, InvalidMessage),
    "path as bytes": (path_message(b"/etc/hostname"), InvalidMessage),
    "path that is not there": (path_message("/nonexistent/file"), FileNotFoundError),
    "a folder": (path_message("/"), IsADirectoryError),
    "no file": ({"type": "http.response.zerocopysend"}, InvalidMessage),
    "file as text": (zero_copy("/etc/hostname"), InvalidMessage),
    "bad descriptor": (zero_copy(-1), OSError),
}


@pytest.mark.parametrize(("message", "error"), INVALID.values(), ids=INVALID)
def test_what_cannot_be_sent_is_a_500(run: Run, message: Message, error: type[Exception]) -> None:
    app = Sender(start(), message)
    sink: FakeSink = run(lambda: answered(app))
    assert isinstance(app.raised[1], error)
    assert sink.head is not None
    assert (sink.head.status, sink.ended) == (500, True)


@pytest.mark.parametrize(
    "keys", [{"offset": -1}, {"count": -1}, {"offset": "0"}, {"count": 1.5}, {"offset": len(DATA) - 1, "count": 2}]
)
def test_wrong_ranges(run: Run, file: Any, keys: dict[str, Any]) -> None:
    app = Sender(start(), zero_copy(file, **keys))
    sink: FakeSink = run(lambda: answered(app))
    assert isinstance(app.raised[1], InvalidMessage)
    assert sink.head is not None
    assert sink.head.status == 500


def test_a_pipe_is_refused(run: Run) -> None:
    reading, writing = os.pipe()
    try:
        app = Sender(start(), zero_copy(reading))
        run(lambda: answered(app))
        assert isinstance(app.raised[1], (InvalidMessage, OSError))
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize("extension", ["path", "zero copy"])
@pytest.mark.parametrize("announced", [b"1", b"%d" % (len(DATA) + 1)])
def test_a_file_of_another_length_than_announced(run: Run, file: Any, extension: str, announced: bytes) -> None:
    message = path_message(file.name) if extension == "path" else zero_copy(file)
    app = Sender(start(200, (b"content-length", announced)), message)
    sink: FakeSink = run(lambda: answered(app))
    assert isinstance(app.raised[1], ContentLengthMismatch)
    assert sink.head is not None
    assert (sink.head.status, sink.head.close) == (500, True)


def test_a_path_cannot_follow_body_bytes(run: Run, file: Any) -> None:
    app = Sender(start(), body(b"x", True), path_message(file.name))
    sink: FakeSink = run(lambda: answered(app))
    assert isinstance(app.raised[2], UnexpectedMessage)
    assert sink.was_reset


def test_a_file_that_becomes_shorter_ends_the_connection(run: Run, file: Any) -> None:
    app = Sender(start(), zero_copy(file))

    async def main() -> FakeSink:
        async def shorter(data: bytes) -> int:
            return len(data) - 1

        sink = FakeSink()
        sink.file_result = shorter
        make_file_end(sink)
        await answered(app, sink=sink)
        return sink

    sink = run(main)
    assert isinstance(app.raised[1], ContentLengthMismatch)
    assert sink.was_reset


def make_file_end(sink: FakeSink) -> None:
    """The wire has not ended the response by itself: it cannot know how much of the file will be there."""
    original = sink.send_file

    def send_file(file: Any, offset: Any, count: Any, *, end: bool) -> Any:
        future = original(file, offset, count, end=end)
        sink.ended = False
        return future

    sink.send_file = send_file  # type: ignore[method-assign]


def test_a_client_that_leaves_during_the_file_is_no_error(
    run: Run, file: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = Sender(start(), zero_copy(file))

    async def main() -> None:
        exchange: Any = None

        async def broken(data: bytes) -> int:
            exchange.client_gone()
            raise BrokenPipeError("gone")

        sink = FakeSink()
        sink.file_result = broken
        exchange = make_exchange(app, sink=sink)
        exchange.start()
        await turns()

    run(main)
    assert isinstance(app.raised[1], ClientGone)
    assert isinstance(app.raised[1].__cause__, BrokenPipeError)
    assert not caplog.records


def test_a_client_that_has_left_before_the_connection_says_so_is_no_error(
    run: Run, file: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The first bytes of the file meet a reset: the future has failed before anybody is told of the loss."""
    app = Sender(start(), zero_copy(file))

    async def main() -> None:
        sink = FakeSink()

        def send_file(_file: Any, _offset: Any, _count: Any, *, end: bool) -> Any:
            done = asyncio.get_running_loop().create_future()
            done.set_exception(ClientGone("the client has disconnected"))
            return done

        sink.send_file = send_file  # type: ignore[assignment]
        exchange = make_exchange(app, sink=sink)
        exchange.start()
        await turns()
        exchange.client_gone()  # as the connection does afterwards
        await turns()

    run(main)
    assert isinstance(app.raised[1], ClientGone)
    assert not caplog.records


def test_a_file_that_cannot_be_read_is_an_error(run: Run, file: Any, caplog: pytest.LogCaptureFixture) -> None:
    app = Sender(start(), zero_copy(file))

    async def main() -> FakeSink:
        async def unreadable(data: bytes) -> int:
            raise OSError(5, "Input/output error")

        sink = FakeSink()
        sink.file_result = unreadable
        make_file_end(sink)
        return await answered(app, sink=sink)

    assert run(main).was_reset
    assert len(caplog.records) == 1


def test_send_returns_when_the_file_is_sent(run: Run, file: Any) -> None:
    async def main() -> None:
        release = asyncio.Event()

        async def slow(data: bytes) -> int:
            await release.wait()
            return len(data)

        returned: list[bool] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send(start())
            await send(zero_copy(file))
            returned.append(True)

        sink = FakeSink()
        sink.file_result = slow
        make_exchange(app, sink=sink).start()
        await turns()
        assert not returned
        release.set()
        await turns()
        assert returned

    run(main)
