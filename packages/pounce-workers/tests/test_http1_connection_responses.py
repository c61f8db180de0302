"""Responses over HTTP/1.1: framing, streaming, trailers, hints, files, slow clients."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from http1_driver import Conversation, Scope, answer, both_engines, converse, get, post
from loops import turns

if TYPE_CHECKING:
    import pathlib

pytestmark = both_engines

CONTENT = b"0123456789" * 1000


def sends(*messages: dict[str, Any], status: int = 200, **start: Any) -> Any:
    """An application that sends these after the start of its response."""

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, **start})
        for message in messages:
            await send(message)

    return app


def piece(data: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


# -- framing ---------------------------------------------------------------------------------------------------------

LARGE = b"x" * 50_000
PIECES = {
    "one": [piece(b"abc", more=False)],
    "none": [piece(b"", more=False)],
    "several": [piece(b"a"), piece(b"bc", more=False)],
    "empty last": [piece(b"abc"), piece(b"", more=False)],
    "empty first": [piece(b""), piece(b"abc", more=False)],
    "empty amid": [piece(b"a"), piece(b""), piece(b"bc"), piece(b"", more=False)],
    "only empty": [piece(b""), piece(b""), piece(b"", more=False)],
    "large": [piece(LARGE), piece(LARGE), piece(LARGE, more=False)],
    "large, then nothing": [piece(LARGE), piece(b"", more=False)],
}


@pytest.mark.parametrize("pieces", PIECES)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("declared", [False, True])
@pytest.mark.parametrize("status", [200, 204, 304])
def test_framing(engine: str, pieces: str, version: str, method: str, declared: bool, status: int) -> None:
    async def scenario() -> None:
        messages = PIECES[pieces]
        body = b"".join(message["body"] for message in messages)
        headers = [(b"content-length", b"%d" % len(body))] if declared else []
        it = Conversation(sends(*messages, status=status, headers=headers), engine)
        await it.send(get("/", "Connection: keep-alive", version=version).replace(b"GET", method.encode()))
        (response,) = it.responses(method)
        bodyless = method == "HEAD" or status in (204, 304)
        assert response.body == (b"" if bodyless else body)
        chunked = response.get(b"transfer-encoding") is not None
        known = declared or len(messages) == 1
        assert chunked == (version == "1.1" and not known and not bodyless)
        # Without a length HTTP/1.0 has only the end of the connection to end a body.
        ends = version == "1.0" and not known and not bodyless
        assert it.ended == ("closed" if ends else "open")
        assert response.closes == ends

    converse(scenario)


def test_a_small_answer_is_one_write(engine: str) -> None:
    async def scenario() -> None:
        for messages in (PIECES["one"], [piece(b"x" * 10_000, more=False)], [piece(LARGE, more=False)]):
            it = Conversation(sends(*messages), engine)
            await it.send(get())
            assert len(it.transport.writes) == 1
        streamed = Conversation(sends(*PIECES["several"]), engine)
        await streamed.send(get())
        assert len(streamed.transport.writes) == 2

    converse(scenario)


def test_a_piece_is_on_the_wire_when_send_returned(engine: str) -> None:
    async def scenario() -> None:
        seen: list[bytes] = []

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200})
            await send(piece(b"first"))
            seen.append(it.transport.written)
            await send(piece(b"", more=False))

        it = Conversation(app, engine)
        await it.send(get())
        assert seen[0].endswith(b"5\r\nfirst\r\n")

    converse(scenario)


def test_the_head_goes_alone_when_the_application_waits(engine: str) -> None:
    async def scenario() -> None:
        gate = asyncio.Event()

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200})
            await gate.wait()
            await send(piece(b"event"))
            await send(piece(b"", more=False))

        it = Conversation(app, engine)
        await it.send(get())
        assert it.transport.written.endswith(b"\r\n\r\n")
        gate.set()
        await turns()
        assert it.responses()[0].body == b"event"
        assert it.ended == "open"

    converse(scenario)


# -- trailers and hints ----------------------------------------------------------------------------------------------

TRAILERS = {"type": "http.response.trailers", "headers": [(b"checksum", b"abc")], "more_trailers": False}


@pytest.mark.parametrize(
    ("version", "lines", "expected"),
    [
        ("1.1", ("TE: trailers",), [(b"checksum", b"abc")]),
        ("1.1", (), []),
        ("1.0", ("TE: trailers", "Connection: keep-alive"), []),
    ],
)
@pytest.mark.parametrize("streams", [False, True])
def test_trailers(engine: str, version: str, lines: tuple[str, ...], expected: list[Any], streams: bool) -> None:
    async def scenario() -> None:
        messages = PIECES["several" if streams else "one"]
        it = Conversation(sends(*messages, TRAILERS, trailers=True), engine)
        await it.send(get("/", *lines, version=version))
        (response,) = it.responses()
        assert response.body == b"abc"
        assert response.trailers == expected
        assert not it.context.running

    converse(scenario)


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_early_hints(engine: str, version: str) -> None:
    async def scenario() -> None:
        hint = {"type": "http.response.early_hint", "links": [b"</style.css>; rel=preload"]}
        it = Conversation(sends(hint, hint, *PIECES["one"]), engine)
        await it.send(get("/", version=version))
        assert it.statuses() == ([103, 103, 200] if version == "1.1" else [200])
        if version == "1.1":
            assert it.responses()[0].headers == [(b"link", b"</style.css>; rel=preload")]

    converse(scenario)


# -- files -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    made = tmp_path / "file"
    made.write_bytes(CONTENT)
    return made


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("declared", [True, False])
def test_a_path(engine: str, path: pathlib.Path, version: str, declared: bool) -> None:
    async def scenario() -> None:
        headers = [(b"content-length", b"%d" % len(CONTENT))] if declared else []
        it = Conversation(sends({"type": "http.response.pathsend", "path": str(path)}, headers=headers), engine)
        await it.send(get("/", "Connection: keep-alive", version=version) * 2)
        assert [response.body for response in it.responses()] == [CONTENT] * 2
        assert it.ended == "open"

    converse(scenario)


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("last", ["bytes", "file"])
def test_pieces_of_files_and_bytes(engine: str, path: pathlib.Path, version: str, last: str) -> None:
    async def scenario() -> None:
        with path.open("rb") as file:

            def part(offset: int, count: int, more: bool = True) -> dict[str, Any]:
                kind = "http.response.zerocopysend"
                return {"type": kind, "file": file, "offset": offset, "count": count, "more_body": more}

            messages = [piece(b"<"), part(0, 5), part(5, 0), piece(b"|"), part(8, 3)]
            messages.append(piece(b">", more=False) if last == "bytes" else part(0, 1, more=False))
            it = Conversation(sends(*messages), engine)
            await it.send(get("/", version=version))
            assert it.responses()[0].body == b"<01234|890" + (b">" if last == "bytes" else b"0")
            assert it.ended == ("open" if version == "1.1" else "closed")

    converse(scenario)


@pytest.mark.parametrize("ahead", [b"", get("/next")])
@pytest.mark.parametrize("later", [False, True])
def test_a_file_that_becomes_shorter_is_followed_by_nothing(
    engine: str, path: pathlib.Path, ahead: bytes, later: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """The length is promised: what came next would be taken for the rest of the file."""

    async def scenario() -> None:
        async def app(scope: Scope, receive: Any, send: Any) -> None:
            if scope["path"] == "/next":
                await answer(send, b"NEXT")
                return
            await sends({"type": "http.response.pathsend", "path": str(path)})(scope, receive, send)

        it = Conversation(app, engine)
        it.transport.file_result = 400
        it.transport.hold_files = later
        await it.send(get() + ahead)
        if later:
            it.transport.files[0].set_result(400)
            await turns()
        assert it.ended == "aborted"
        assert b"NEXT" not in it.transport.written
        assert it.transport.written.endswith(CONTENT[:400])

    converse(scenario)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("ahead", [b"", get("/next")])
def test_the_next_request_waits_for_the_file(engine: str, path: pathlib.Path, ahead: bytes) -> None:
    async def scenario() -> None:
        it = Conversation(sends({"type": "http.response.pathsend", "path": str(path)}), engine)
        it.transport.hold_files = True
        await it.send(get() + ahead)
        if not ahead:
            await it.send(get("/next"))
        assert len(it.transport.files) == 1
        it.transport.files[0].set_result(len(CONTENT))
        await turns()
        assert len(it.transport.files) == 2
        it.transport.files[1].set_result(len(CONTENT))
        await turns()
        assert it.statuses() == [200, 200]

    converse(scenario)


# -- slow clients ----------------------------------------------------------------------------------------------------


def test_send_waits_for_a_slow_client(engine: str) -> None:
    async def scenario() -> None:
        sent: list[int] = []

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200})
            for number in range(10):
                await send(piece(LARGE))
                sent.append(number)
            await send(piece(b"", more=False))

        it = Conversation(app, engine)
        it.transport.room = 0
        await it.send(get())
        assert sent == [0]
        for room in range(1, 4):
            await it.take(room * 100_000)
        assert 0 < len(sent) < 10
        await it.take()
        assert it.responses()[0].body == LARGE * 10
        assert it.ended == "open"

    converse(scenario)


@pytest.mark.parametrize("ending", ["", "close", "leave"])
def test_the_last_piece_holds_up_the_next_request_and_not_the_application(engine: str, ending: str) -> None:
    async def scenario() -> None:
        returned: list[str] = []

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            await asyncio.sleep(0)
            await answer(send, LARGE * 3)
            returned.append(scope["path"])

        it = Conversation(app, engine)
        it.transport.room = 0
        await it.send(get("/1", f"Connection: {ending if ending == 'close' else 'keep-alive'}") + get("/2"))
        assert returned == ["/1"]
        assert not it.context.running
        if ending == "leave":
            it.transport.leave()
            await turns()
            assert not it.wire.connections
            return
        await it.take()
        if ending == "close":
            assert it.ended == "lingering"
            assert it.statuses() == [200]
        else:
            assert returned == ["/1", "/2"]
            assert it.statuses() == [200, 200]

    converse(scenario)


def test_a_slow_client_that_leaves(engine: str) -> None:
    async def scenario() -> None:
        errors: list[str] = []

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200})
            try:
                while True:
                    await send(piece(LARGE))
            except OSError as error:
                errors.append(type(error).__name__)
                raise

        it = Conversation(app, engine)
        it.transport.room = 0
        await it.send(get())
        it.transport.leave()
        await turns()
        assert errors == ["ClientGone"]
        assert not it.context.running

    converse(scenario)


def test_the_body_of_the_next_request_while_this_one_is_answered_slowly(engine: str) -> None:
    async def scenario() -> None:
        async def app(scope: Scope, receive: Any, send: Any) -> None:
            await answer(send, LARGE * 3)

        it = Conversation(app, engine)
        it.transport.room = 0
        await it.send(get(), post(b"body"), get())
        assert len(it.transport.writes) == 1
        for _ in range(3):
            await it.take(len(it.transport.written))
        await it.take()
        assert it.statuses() == [200] * 3
        assert it.ended == "open"

    converse(scenario)
