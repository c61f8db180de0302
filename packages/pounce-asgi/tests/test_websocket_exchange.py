"""The life of a WebSocket as its application sees it: which message when, what it leads to, and every end."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest
from virtual_time import turns
from websocket_exchange_doubles import (
    ACCEPT,
    CLOSE,
    CONNECT,
    EXTENDED_CONNECT,
    HANDSHAKE,
    Parts,
    Steps,
    denial_body,
    denial_start,
    disconnect,
    received,
    send,
)

from pounce_asgi import (
    ClientGone,
    InvalidMessage,
    InvalidResponseHeader,
    Listeners,
    RequestTimeout,
    UnexpectedMessage,
)
from pounce_asgi.websocket_table import WEBSOCKET_HANDLERS

if TYPE_CHECKING:
    from exchange_doubles import Head

Run = Any
eager = pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")


def started(app: Any) -> Any:
    """A test's main: the application is called and runs as far as it comes."""

    async def main() -> None:
        await Parts(app).start()

    return main


# -- the table ---------------------------------------------------------------------------------------------------------

MESSAGES = {
    "accept": ACCEPT,
    "send": send("x"),
    "close": CLOSE,
    "denial start": denial_start(),
    "denial body": denial_body(b"no"),
    "unknown": {"type": "http.response.start", "status": 200},
}
WAYS: dict[str, tuple[list[Any], set[str]]] = {
    "CONNECTING": ([], {"accept", "close", "denial start"}),
    "OPEN": ([ACCEPT], {"send", "close"}),
    "DENYING": ([denial_start()], {"denial body"}),
    "DENYING, complete": ([denial_start(), denial_body()], {"denial body"}),
    "CLOSED": ([ACCEPT, CLOSE], set()),
    "CLOSED, refused": ([CLOSE], set()),
}
"""How an application comes into each state, and what it may send there."""


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("way", WAYS)
def test_every_message_in_every_state(run: Run, way: str, message: str) -> None:
    steps, legal = WAYS[way]
    app = Steps(*steps, MESSAGES[message])
    run(started(app))
    if message in legal:
        assert not app.raised
    else:
        assert [type(error) for error in app.raised] == [UnexpectedMessage]
        assert MESSAGES[message]["type"] in str(app.raised[0])


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("way", ["CONNECTING", "OPEN", "DENYING"])
def test_every_message_after_the_client_has_left(run: Run, way: str, message: str) -> None:
    async def main() -> None:
        app = Steps(*WAYS[way][0], None, None, MESSAGES[message])
        parts = await Parts(app).start()
        parts.exchange.client_gone()
        await turns()
        assert app.received == [CONNECT, disconnect()]
        expected = ClientGone if message != "unknown" else UnexpectedMessage
        if way == "DENYING" and message != "denial body":
            expected = UnexpectedMessage
        assert [type(error) for error in app.raised] == [expected]
        assert expected is UnexpectedMessage or isinstance(app.raised[0], OSError)

    run(main)


def test_the_table_names_every_state() -> None:
    assert {str(state) for state in WEBSOCKET_HANDLERS} == {"CONNECTING", "OPEN", "DENYING", "CLOSED", "GONE"}


@pytest.mark.parametrize("message", [None, 5, {}, {"type": 5}, [], "websocket.accept"])
def test_what_is_no_message(run: Run, message: Any) -> None:
    app = Steps(ACCEPT, message if message is not None else {"type": None})
    run(started(app))
    assert [type(error) for error in app.raised] == [InvalidMessage]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((ACCEPT, ACCEPT), "websocket.accept came twice"),
        ((send("x"),), "before websocket.accept"),
        ((ACCEPT, CLOSE, send("x")), "had closed"),
    ],
)
def test_mistakes_are_explained(run: Run, steps: Any, words: str) -> None:
    app = Steps(*steps)
    run(started(app))
    assert words in str(app.raised[0])


INVALID: dict[str, tuple[Any, type[Exception]]] = {
    "neither": ({"type": "websocket.send"}, InvalidMessage),
    "both None": ({"type": "websocket.send", "text": None, "bytes": None}, InvalidMessage),
    "both": ({"type": "websocket.send", "text": "a", "bytes": b"a"}, InvalidMessage),
    "text as bytes": ({"type": "websocket.send", "text": b"a"}, InvalidMessage),
    "bytes as text": ({"type": "websocket.send", "bytes": "a"}, InvalidMessage),
    "a surrogate": (send("\ud800"), InvalidMessage),
    **{f"code {code}": ({**CLOSE, "code": code}, InvalidMessage) for code in (0, 999, 1005, 1006, 1015, 5000, "1000")},
    "a reason that is no string": ({**CLOSE, "reason": b"x"}, InvalidMessage),
    "a reason with a surrogate": ({**CLOSE, "reason": "\ud800"}, InvalidMessage),
}


@pytest.mark.parametrize("name", INVALID)
def test_messages_that_are_not_valid(run: Run, name: str) -> None:
    message, error = INVALID[name]

    async def main() -> None:
        app = Steps(ACCEPT, message, send("still open"))
        parts = await Parts(app).start()
        assert [type(one) for one in app.raised] == [error]
        assert parts.socket.sent == ["still open"]

    run(main)


# -- accepting ---------------------------------------------------------------------------------------------------------


@eager
def test_an_application_that_accepts_at_once_has_accepted_when_start_returns(run: Run) -> None:
    async def main() -> None:
        parts = Parts(Steps(None, ACCEPT, send("hello")))
        parts.exchange.start()
        assert parts.socket.sent == ["hello"]

    run(main)


def test_subprotocol_and_fields(run: Run) -> None:
    async def main() -> None:
        headers = [(b"X-One", b"1"), [bytearray(b"x-two"), b"2"], (b"Date", b"x"), (b"connection", b"close")]
        app = Steps({**ACCEPT, "subprotocol": "b", "headers": headers})
        parts = await Parts(app, subprotocols=("a", "b")).start()
        assert not app.raised
        assert parts.socket.accepted == ("b", [(b"x-one", b"1"), (b"x-two", b"2")])
        for accept in (ACCEPT, {**ACCEPT, "subprotocol": None, "headers": None}):
            parts = await Parts(Steps(accept), subprotocols=("a",)).start()
            assert parts.socket.accepted == (None, [])

    run(main)


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"subprotocol": "c"}, InvalidMessage),
        ({"subprotocol": b"a"}, InvalidMessage),
        ({"headers": [(b"a b", b"x")]}, InvalidResponseHeader),
        ({"headers": [(b"x", b"a\r\nb: c")]}, InvalidResponseHeader),
        ({"headers": [("x", "y")]}, InvalidResponseHeader),
        ({"headers": [(b"Sec-WebSocket-Accept", b"x")]}, InvalidResponseHeader),
        ({"headers": [(b"sec-websocket-protocol", b"a")]}, InvalidResponseHeader),
    ],
)
def test_what_cannot_be_accepted_with(run: Run, more: Any, error: type[Exception]) -> None:
    async def main() -> None:
        app = Steps({**ACCEPT, **more}, catch=False)
        parts = await Parts(app, subprotocols=("a",)).start()
        assert [type(one) for one in app.raised] == [error]
        assert parts.carrier.head is not None
        assert parts.carrier.head.status == 500

    run(main)


# -- refusing ----------------------------------------------------------------------------------------------------------


def test_a_close_before_it_is_accepted_is_a_403(run: Run) -> None:
    async def main() -> None:
        app = Steps(None, {**CLOSE, "code": 4000, "reason": "no"}, None)
        parts = await Parts(app).start()
        assert parts.carrier.head is not None
        assert (parts.carrier.head.status, parts.carrier.head.close) == (403, True)
        assert parts.carrier.ended
        assert app.received == [CONNECT, disconnect()]
        assert parts.socket.accepted is None

    run(main)


@pytest.mark.parametrize("fails", [True, False])
def test_an_application_that_fails_before_it_answers_is_a_500(
    run: Run, fails: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if fails:
            raise ValueError("mine")

    async def main() -> None:
        parts = await Parts(app).start()
        assert parts.carrier.head is not None
        assert parts.carrier.head.status == 500

    run(main)
    (record,) = caplog.records
    assert record.exc_info
    assert "GET /chat" in record.getMessage()


def test_a_denial_is_a_response_of_the_applications_own(run: Run) -> None:
    async def main() -> None:
        app = Steps(
            None, denial_start(429, (b"retry-after", b"5")), denial_body(b"too ", more=True), denial_body(b"many"), None
        )
        parts = await Parts(app).start()
        assert not app.raised
        assert parts.carrier.head is not None
        assert parts.carrier.head.status == 429
        assert parts.carrier.values(b"retry-after") == [b"5"]
        assert parts.carrier.body == b"too many"
        assert parts.carrier.ended
        assert app.received == [CONNECT, disconnect()]

    run(main)


def test_a_denial_without_a_body_follows_the_rules_of_any_response(run: Run) -> None:
    async def main() -> None:
        parts = await Parts(Steps(denial_start(401), denial_body(b"denied"), stay=False)).start()
        assert parts.carrier.values(b"content-length") == [b"6"]
        parts = await Parts(Steps(denial_start(401), denial_body(b"part", more=True), catch=False, stay=False)).start()
        assert parts.carrier.was_reset
        parts = await Parts(Steps(denial_start(401), stay=False)).start()
        assert parts.carrier.head is not None
        assert parts.carrier.head.status == 500

    run(main)


def test_the_head_of_a_denial_does_not_wait_for_its_body(run: Run) -> None:
    async def main() -> None:
        parts = await Parts(Steps(denial_start(401))).start()
        assert parts.carrier.head is not None
        assert parts.exchange.denial is not None
        assert parts.exchange.denial.head_on_wire

    run(main)


def test_a_denial_that_fails_is_a_500(run: Run) -> None:
    async def main() -> None:
        parts = await Parts(Steps(denial_start("401"), catch=False)).start()
        assert parts.carrier.head is not None
        assert parts.carrier.head.status == 500

    run(main)


def test_a_denial_waits_for_a_client_that_reads_slowly(run: Run) -> None:
    async def main() -> None:
        app = Steps(denial_start(), denial_body(b"a", more=True), denial_body(b"b", more=True))
        parts = Parts(app)
        parts.carrier.congested = True
        await parts.start()
        assert parts.carrier.body == b"a"
        parts.carrier.congested = False
        parts.exchange.resume_sending()
        await turns()
        assert parts.carrier.body == b"ab"

    run(main)


@pytest.mark.parametrize(("head", "refused"), [(HANDSHAKE, False), (EXTENDED_CONNECT, True)])
def test_a_denial_must_not_look_like_an_acceptance(run: Run, head: Head, refused: bool) -> None:
    async def main() -> None:
        app = Steps(denial_start(200), denial_body(b"no"))
        parts = await Parts(app, head).start()
        assert (parts.carrier.head is None) is refused
        assert bool(app.raised) is refused

    run(main)


# -- messages ----------------------------------------------------------------------------------------------------------


def test_connect_comes_first_whenever_it_is_asked_for(run: Run) -> None:
    async def main() -> None:
        app = Steps(ACCEPT, None, None, None)
        parts = Parts(app)
        parts.exchange.start()
        await turns(2)
        parts.exchange.message_received(received("a"), 1)
        parts.exchange.message_received(received(b"b"), 1)
        await turns()
        assert app.received == [CONNECT, received("a"), received(b"b")]

    run(main)


def test_what_is_sent(run: Run) -> None:
    async def main() -> None:
        app = Steps(
            ACCEPT,
            send("ä"),
            send(b"b"),
            send(bytearray(b"c")),
            send(memoryview(b"d")),
            {"type": "websocket.send", "text": "", "bytes": None},
            {"type": "websocket.send", "text": None, "bytes": b""},
        )
        parts = await Parts(app).start()
        assert not app.raised
        assert parts.socket.sent == ["ä", b"b", b"c", b"d", "", b""]
        assert parts.exchange.sent == 5

    run(main)


def test_several_receive_and_none_is_lost(run: Run) -> None:
    async def main() -> None:
        taken: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send(ACCEPT)

            async def reader() -> None:
                while (message := await receive())["type"] != "websocket.disconnect":
                    taken.append(message["text"])

            tasks = [asyncio.ensure_future(reader()) for _ in range(3)]
            await turns(2)
            victim = asyncio.ensure_future(receive())
            await turns(2)
            victim.cancel()
            await asyncio.gather(*tasks)

        parts = Parts(app)
        await parts.start()
        for i in range(20):
            parts.exchange.message_received(received(f"{i}"), 1)
            if i % 3 == 0:
                await turns(1)
        parts.exchange.client_gone()
        await turns()
        assert sorted(taken, key=int) == [f"{i}" for i in range(20)]

    run(main)


def test_a_receive_that_is_given_up_takes_nothing(run: Run) -> None:
    async def main() -> None:
        got: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send(ACCEPT)
            try:
                async with asyncio.timeout(5):
                    await receive()
            except TimeoutError:
                got.append(await receive())

        parts = Parts(app)
        await parts.start()
        await asyncio.sleep(6)
        parts.exchange.message_received(received("kept"), 4)
        await turns()
        assert got == [received("kept")]

    run(main)


def test_the_queue_is_full_and_has_room_again(run: Run) -> None:
    async def main() -> None:
        go = asyncio.Semaphore(0)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send(ACCEPT)
            while True:
                await go.acquire()
                await receive()

        parts = await Parts(app, max_queue=4).start()
        exchange = parts.exchange
        assert [exchange.message_received(received("x"), 1) for _ in range(5)] == [False, False, False, True, True]
        for taken, resumed in ((1, 0), (2, 0), (3, 1), (4, 1), (5, 1)):
            go.release()
            await turns()
            assert (parts.socket.resumed, len(exchange.messages)) == (resumed, 5 - taken)
        assert exchange.message_received(received(b"x" * 2_000_000), 2_000_000)
        go.release()
        await turns()
        assert parts.socket.resumed == 2

    run(main)


def test_send_waits_for_a_client_that_reads_slowly(run: Run) -> None:
    async def main() -> None:
        app = Steps(ACCEPT, send("1"), send("2"))
        parts = Parts(app)
        parts.carrier.congested = True
        await parts.start()
        assert parts.socket.sent == []
        parts.exchange.resume_sending()
        await turns()
        assert parts.socket.sent == ["1"]
        parts.carrier.congested = False
        parts.exchange.resume_sending()
        await turns()
        assert parts.socket.sent == ["1", "2"]

    run(main)


# -- ends --------------------------------------------------------------------------------------------------------------


def test_what_waits_is_delivered_before_the_disconnect(run: Run) -> None:
    async def main() -> None:
        for way in ("closing", "gone"):
            go = asyncio.Event()
            got: list[Any] = []

            async def app(scope: Any, receive: Any, send: Any) -> None:
                await receive()
                await send(ACCEPT)
                await go.wait()  # noqa: B023 - it ends before the next round
                while not got or got[-1]["type"] != "websocket.disconnect":  # noqa: B023
                    got.append(await receive())  # noqa: B023
                got.append(await receive())  # noqa: B023

            parts = await Parts(app).start()
            parts.exchange.message_received(received("1"), 1)
            parts.exchange.message_received(received("2"), 1)
            if way == "closing":
                assert parts.exchange.client_closing(1001, "bye") is False
                assert parts.socket.closed is None
            else:
                parts.exchange.client_gone()
            assert parts.exchange.message_received(received("late"), 1) is False
            go.set()
            await turns()
            end = disconnect(1001, "bye") if way == "closing" else disconnect()
            assert got == [received("1"), received("2"), end, end]
            assert parts.socket.closed == ((1001, "bye") if way == "closing" else None)

    run(main)


def test_a_goodbye_of_the_client_is_answered_at_once_where_nothing_waits(run: Run) -> None:
    async def main() -> None:
        app = Steps(ACCEPT, None, None, send("late"))
        parts = await Parts(app).start()
        assert parts.exchange.client_closing(1000, "") is True
        await turns()
        assert app.received == [CONNECT, disconnect(1000)]
        assert [type(error) for error in app.raised] == [ClientGone]

    run(main)


@pytest.mark.parametrize(("fails", "code"), [(False, 1000), (True, 1011)])
def test_the_end_of_the_application_is_a_goodbye(
    run: Run, fails: bool, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(ACCEPT)
        await asyncio.sleep(1)
        if fails:
            raise ValueError("mine")

    async def main() -> None:
        parts = await Parts(app).start()
        await asyncio.sleep(2)
        assert parts.socket.closed == (code, "")
        assert not parts.context.running

    run(main)
    assert len(caplog.records) == fails


def test_an_application_that_leaves_without_taking_what_waits(run: Run) -> None:
    async def main() -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send(ACCEPT)
            await asyncio.sleep(1)

        parts = await Parts(app).start()
        parts.exchange.message_received(received("unread"), 6)
        assert parts.exchange.client_closing(1001, "") is False
        await asyncio.sleep(2)
        assert parts.socket.closed is not None

    run(main)


def test_errors_about_a_client_that_left_are_quiet_and_others_are_not(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        for error in (ClientGone("passed through"), ConnectionError("its own"), ValueError("about it")):

            async def app(scope: Any, receive: Any, send: Any) -> None:
                await send(ACCEPT)
                await receive()
                await receive()
                raise error  # noqa: B023 - it ends before the next round

            parts = await Parts(app).start()
            parts.exchange.client_gone()
            await turns()
            assert not parts.context.running

    run(main)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert not any(record.exc_info for record in caplog.records)


def test_a_client_that_half_closes_before_it_is_answered(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            assert [await receive(), await receive()] == [CONNECT, disconnect()]

        parts = await Parts(app).start()
        parts.exchange.half_closed()
        await turns()
        assert parts.carrier.head is not None
        assert parts.carrier.head.status == 403

    run(main)
    assert not caplog.records


def test_a_client_that_half_closes_while_it_is_denied(run: Run) -> None:
    async def main() -> None:
        app = Steps(denial_start(), denial_body(b"a", more=True), None, None, denial_body(b"b"))
        parts = await Parts(app).start()
        parts.exchange.half_closed()
        await turns()
        assert app.received == [CONNECT, disconnect()]
        assert parts.carrier.body == b"ab"

    run(main)


def test_a_request_that_fails(run: Run) -> None:
    async def main() -> None:
        app = Steps(None, None, ACCEPT)
        parts = await Parts(app).start()
        parts.exchange.fail_request(RequestTimeout("late"))
        await turns()
        assert parts.carrier.head is not None
        assert parts.carrier.head.status == 408
        assert app.received == [CONNECT, disconnect()]
        assert len(app.raised) == 1
        parts = await Parts(Steps(denial_start(), denial_body(b"a", more=True))).start()
        parts.exchange.fail_request(RequestTimeout("late"))
        assert parts.carrier.head is not None
        assert parts.carrier.head.status == 401

    run(main)


@pytest.mark.parametrize("way", ["CONNECTING", "OPEN", "DENYING"])
def test_an_abandoned_one_is_reset(run: Run, way: str) -> None:
    async def main() -> None:
        app = Steps(*WAYS[way][0], None, None)
        parts = await Parts(app).start()
        parts.exchange.abandon()
        await turns()
        assert parts.carrier.was_reset
        assert [one["type"] for one in app.received] == ["websocket.connect", "websocket.disconnect"]

    run(main)


@pytest.mark.parametrize(("accepted", "words"), [(True, "was open"), (False, "before it had answered")])
def test_a_cancelled_application(run: Run, accepted: bool, words: str, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        parts = await Parts(Steps(*[ACCEPT] * accepted)).start()
        (task,) = parts.context.running
        task.cancel()
        await turns()
        if accepted:
            assert parts.socket.closed == (1011, "")
        else:
            assert parts.carrier.head is not None
            assert parts.carrier.head.status == 500

    run(main)
    (record,) = caplog.records
    assert words in record.getMessage()


def test_an_end_of_the_process_passes_through(run: Run) -> None:
    def app(scope: Any, receive: Any, send: Any) -> Any:
        raise SystemExit(3)

    async def main() -> None:
        parts = Parts(app)
        with pytest.raises(SystemExit):
            parts.exchange.start()
        assert parts.carrier.head is not None
        assert parts.carrier.head.status == 500

    run(main)


def test_an_application_that_is_no_coroutine_function(run: Run) -> None:
    class Awaited:
        def __await__(self) -> Any:
            yield from asyncio.sleep(0).__await__()

    def raises(scope: Any, receive: Any, send: Any) -> Any:
        raise ValueError("mine")

    async def main() -> None:
        for app in (lambda *_: Awaited(), raises):
            parts = await Parts(app).start()
            assert parts.carrier.head is not None
            assert parts.carrier.head.status == 500

    run(main)


# -- records -----------------------------------------------------------------------------------------------------------


class Records:
    """Keeps the records of a WebSocket by their names."""

    def __init__(self) -> None:
        self.records: list[Any] = []
        names = ("request_started", "response_started", "response_completed", "client_disconnected", "request_failed")
        self.listeners = Listeners(**dict.fromkeys(names, self.records.append))

    @property
    def names(self) -> list[str]:
        return [type(one).__name__ for one in self.records]

    @property
    def completed(self) -> Any:
        (record,) = (one for one in self.records if type(one).__name__ == "ResponseCompleted")
        return record


ENDS: dict[str, tuple[list[Any], str, list[str], int, bool]] = {
    "closed by the application": ([ACCEPT, send("abc"), CLOSE], "", [], 101, False),
    "closed by the client": ([ACCEPT, send("abc")], "closing", [], 101, False),
    "vanished": ([ACCEPT, send("abc")], "gone", ["ClientDisconnected"], 101, True),
    "restart": ([ACCEPT, send("abc")], "drain", [], 101, False),
    "given up": ([ACCEPT, send("abc")], "abandon", [], 101, True),
    "refused": ([CLOSE], "", [], 403, False),
    "denied": ([denial_start(401), denial_body(b"abc")], "", [], 401, False),
    "vanished early": ([], "gone", ["ClientDisconnected"], 499, True),
    "vanished, denied": ([denial_start(), denial_body(b"abc", more=True)], "gone", ["ClientDisconnected"], 401, True),
}


@pytest.mark.parametrize("end", ENDS)
def test_records_begin_and_end_once(run: Run, end: str) -> None:
    steps, what, more, status, aborted = ENDS[end]
    records = Records()

    async def main() -> None:
        parts = await Parts(Steps(*steps, None, None), listeners=records.listeners).start()
        exchange = parts.exchange
        match what:
            case "closing":
                exchange.client_closing(1000, "")
            case "gone":
                exchange.client_gone()
            case "drain":
                exchange.disconnected(1012, "")
            case "abandon":
                exchange.abandon()
        await turns()
        exchange.client_gone()
        await turns()

    run(main)
    started = ["ResponseStarted"] if status != 499 else []
    assert records.names == ["RequestStarted", *started, *more, "ResponseCompleted"]
    completed = records.completed
    assert (completed.status, completed.aborted) == (status, aborted)
    if status in (101, 401):
        assert completed.body_bytes_sent == 3
    assert (completed.method, completed.raw_path) == ("GET", b"/chat")


@pytest.mark.parametrize(("accepted", "status"), [(True, 101), (False, 500)])
def test_records_of_an_application_that_fails(run: Run, accepted: bool, status: int) -> None:
    records = Records()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if accepted:
            await send(ACCEPT)
        raise ValueError("mine")

    async def main() -> None:
        parts = await Parts(app, listeners=records.listeners).start()
        parts.exchange.client_gone()

    run(main)
    assert sorted(records.names) == ["RequestFailed", "RequestStarted", "ResponseCompleted", "ResponseStarted"]
    assert (records.completed.status, records.completed.aborted) == (status, accepted)


def test_the_status_over_http2_is_200_and_ids_are_given(run: Run) -> None:
    records = Records()
    app = Steps(ACCEPT, CLOSE)

    async def main() -> None:
        await Parts(app, EXTENDED_CONNECT, listeners=records.listeners, request_id=True).start()

    run(main)
    assert records.completed.status == 200
    assert records.completed.request_id == app.scope["state"]["request_id"]
