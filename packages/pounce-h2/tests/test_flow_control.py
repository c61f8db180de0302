"""Windows in both directions: who waits for whom, and who must not (RFC 9113, 5.2 and 6.9)."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import pytest
from h2.settings import SettingCodes
from h2_doubles import GET, POST, Conversation, converse, echo, hello, read_body, turns

if TYPE_CHECKING:
    from pathlib import Path

BIG = bytes(range(256)) * 4096  # 1 MiB


class Sender:
    """Answers with pieces, and counts those whose ``send()`` has returned."""

    def __init__(self, pieces: int, size: int = 32_768) -> None:
        self.pieces = pieces
        self.size = size
        self.sent = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(self.pieces):
            await send({"type": "http.response.body", "body": bytes(self.size), "more_body": True})
            self.sent += 1
        await send({"type": "http.response.body"})


class Reader:
    """Reads a body when it is told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] != "/wait":
            await echo(scope, receive, send)
            return
        await self.go.wait()
        body = await read_body(receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"%d" % len(body)})


def test_a_response_of_any_size_arrives() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": BIG})

    async def scenario() -> None:
        answer = await Conversation(app).ask()
        assert answer.body == BIG
        assert answer.ended

    converse(scenario)


def test_send_waits_for_the_window_of_the_stream() -> None:
    async def scenario() -> None:
        app = Sender(10)
        talk = Conversation(app)
        talk.credit = False
        stream = talk.begin(GET)
        await talk.talk()
        assert len(talk.answer(stream).body) == 65_535
        assert app.sent == 1
        talk.client.increment_flow_control_window(1_000_000, stream)
        await talk.talk()
        assert app.sent == 1, "the window of the connection is closed"
        talk.client.increment_flow_control_window(1_000_000)
        await talk.talk()
        assert app.sent == 10
        assert len(talk.answer(stream).body) == 327_680
        assert talk.answer(stream).ended

    converse(scenario)


def test_settings_open_the_windows_of_streams() -> None:
    async def scenario() -> None:
        talk = Conversation(Sender(3), client_settings={SettingCodes.INITIAL_WINDOW_SIZE: 0})
        talk.credit = False
        stream = talk.begin(GET)
        await talk.talk()
        assert talk.answer(stream).status == 200
        assert talk.answer(stream).body == b""
        talk.client.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 65_535})
        await talk.talk()
        assert len(talk.answer(stream).body) == 65_535

    converse(scenario)


def test_a_stream_that_may_not_send_holds_up_nobody() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await (Sender(4) if scope["path"] == "/big" else hello)(scope, receive, send)

    async def scenario() -> None:
        talk = Conversation(app, client_settings={SettingCodes.INITIAL_WINDOW_SIZE: 100})
        talk.credit = False
        big = talk.begin([*GET[:2], (b":path", b"/big"), GET[3]])
        await talk.talk()
        small = await talk.ask()
        assert small.body == b"hello /"
        assert len(talk.answer(big).body) == 100

    converse(scenario)


def test_credit_is_returned_as_the_application_reads() -> None:
    async def scenario() -> None:
        app = Reader()
        talk = Conversation(app, h2_stream_window=100_000)
        await talk.talk()
        stream = talk.begin([*POST[:2], (b":path", b"/wait"), GET[3]], end=False)
        await talk.upload(stream, bytes(100_000), end=False)
        await talk.talk()
        assert talk.client.local_flow_control_window(stream) == 0
        app.go.set()
        await talk.talk()
        assert talk.client.local_flow_control_window(stream) >= 50_000
        await talk.upload(stream, bytes(500_000))
        await talk.talk()
        assert talk.answer(stream).body == b"600000"

    converse(scenario)


def test_bodies_that_nobody_reads_do_not_hold_up_others() -> None:
    async def scenario() -> None:
        app = Reader()
        talk = Conversation(app)
        await talk.talk()
        idle = [talk.begin([*POST[:2], (b":path", b"/wait"), GET[3]], end=False) for _ in range(4)]
        for stream in idle:
            await talk.upload(stream, bytes(262_144), end=False)
        await talk.talk()
        assert [talk.client.local_flow_control_window(stream) for stream in idle] == [0] * 4
        answer = await talk.ask(body=BIG)
        assert answer.body == BIG
        app.go.set()
        for stream in idle:
            await talk.upload(stream, b"")
        await talk.talk()
        assert [talk.answer(stream).body for stream in idle] == [b"262144"] * 4
        assert talk.connection._unread == 0
        assert talk.connection._owed == 0

    converse(scenario)


def test_padding_and_unwanted_bytes_are_credited() -> None:
    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        await hello(scope, receive, send)
        await asyncio.sleep(0)

    async def scenario() -> None:
        talk = Conversation(refuse)
        await talk.talk()
        for _ in range(100):
            stream = talk.begin(POST, end=False)
            for _ in range(2):
                talk.client.send_data(stream, bytes(10_000), pad_length=255)
            await talk.talk()
            assert talk.answer(stream).status == 200
        window = talk.connection.engine._h2._inbound_flow_control_window_manager  # type: ignore[attr-defined]
        assert window.current_window_size > 500_000

    converse(scenario)


def test_a_full_socket_stops_the_streams() -> None:
    async def scenario() -> None:
        app = Sender(100)
        talk = Conversation(app)
        talk.client.increment_flow_control_window(2**30)
        talk.transport.room = 0
        stream = talk.begin(GET)
        talk.client.increment_flow_control_window(2**30, stream)
        await talk.send(talk.client.data_to_send())
        assert talk.transport.congested
        assert app.sent <= 6
        assert len(talk.transport.written) < 300_000
        talk.transport.room = float("inf")
        talk.transport.congested = False
        talk.connection.writable()
        await talk.talk()
        assert len(talk.answer(stream).body) == 100 * 32_768

    converse(scenario)


def test_one_write_for_all_streams_of_a_turn() -> None:
    async def scenario() -> None:
        talk = Conversation()
        await talk.talk()
        before = talk.transport.writes
        for _ in range(10):
            talk.begin(GET)
        await talk.send(talk.client.data_to_send())
        assert talk.transport.writes <= before + 2

    converse(scenario)


@pytest.mark.parametrize("count", [0, 1, 16_384, 1_000_000])
def test_files(tmp_path: Path, count: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(BIG)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"<", "more_body": True})
        with path.open("rb") as file:
            message = {"type": "http.response.zerocopysend", "file": file, "offset": 10, "count": count}
            await send({**message, "more_body": True})
        await send({"type": "http.response.body", "body": b">"})

    async def scenario() -> None:
        answer = await Conversation(app).ask()
        assert answer.body == b"<" + BIG[10 : 10 + count] + b">"
        assert answer.ended

    converse(scenario)


def test_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(BIG)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.pathsend", "path": str(path)})

    async def scenario() -> None:
        answer = await Conversation(app).ask()
        assert dict(answer.fields)[b"content-length"] == b"1048576"
        assert answer.body == BIG
        assert answer.ended

    converse(scenario)


def test_a_file_that_became_shorter_ends_in_a_reset(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(BIG)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.pathsend", "path": str(path)})

    async def scenario() -> None:
        talk = Conversation(app)
        talk.credit = False
        stream = talk.begin(GET)
        await talk.talk()
        os.truncate(path, 100_000)
        talk.credit = True
        talk.client.increment_flow_control_window(2**30)
        talk.client.increment_flow_control_window(2**30, stream)
        await talk.talk()
        assert len(talk.answer(stream).body) == 100_000
        assert talk.answer(stream).reset == 2
        assert not talk.answer(stream).ended

    converse(scenario)


def test_a_client_that_leaves_fails_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(BIG)
    ended = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            await send({"type": "http.response.pathsend", "path": str(path)})
        except OSError as error:
            ended.append(error)

    async def scenario() -> None:
        talk = Conversation(app)
        talk.credit = False
        stream = talk.begin(GET)
        await talk.talk()
        talk.client.reset_stream(stream, 8)
        await talk.talk()
        await turns()
        assert len(ended) == 1

    converse(scenario)
