"""The contract of a wire protocol: what every `ConnectionProtocol` does with its transport and its application."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Final

from pounce_testing.contract.wire_applications import FLOOD_PIECES, FLOOD_SIZE, WireApplication
from pounce_testing.memory.transport import MemoryTransport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from pounce_asgi import ConnectionProtocol
    from pounce_testing.contract.wire_client import WireClient

    Connect = Callable[[MemoryTransport], ConnectionProtocol]
    Scenario = Callable[["Conversation"], Awaitable[None]]

__all__ = ["Conversation", "WireContract"]

SECONDS: Final = 10.0
"""Longest time that anything may take which has to happen at once."""
NEVER: Final = float("inf")


class Conversation:
    """A client, a connection, and the application behind it. Owned by the loop of one test."""

    def __init__(self, connect: Connect, client: WireClient, app: WireApplication) -> None:
        self.client = client
        self.app = app
        self.transport = MemoryTransport()
        self.transport.start(connect(self.transport))
        self.reads = True
        """The client takes what comes."""
        self._finished = False

    @property
    def protocol(self) -> ConnectionProtocol:
        """What serves the connection now: one may have given way to another."""
        protocol: ConnectionProtocol = self.transport.protocol
        return protocol

    def send(self, data: bytes) -> None:
        """The client sends."""
        if data:
            self.transport.client_sends(data)

    def ask(self, method: str, path: str, body: bytes = b"") -> None:
        """The client sends a whole request."""
        self.send(self.client.request(method, path, (), body))

    def finish_sending(self) -> None:
        """The client says that it sends no more; it still reads."""
        self._finished = True
        self.transport.client_finishes()

    async def until(self, what: Callable[[], bool]) -> None:
        """Let everything happen until this is true.

        Raises:
            AssertionError: it does not become true.
        """
        deadline = time.monotonic() + SECONDS
        while not what():
            assert time.monotonic() < deadline, "it does not happen"
            self._read()
            await asyncio.sleep(0)

    async def settle(self) -> None:
        """Let happen what happens by itself."""
        for _ in range(50):
            self._read()
            await asyncio.sleep(0)

    def _read(self) -> None:
        if not self.reads:
            return
        try:
            data = self.transport.client_read()
        except ConnectionResetError:
            self.reads = False
            self._reply(b"")
            return
        if data:
            self._reply(data)
        elif self.transport.finished:
            self.reads = False
            self._reply(b"")

    def _reply(self, data: bytes) -> None:
        reply = self.client.receive(data)
        if reply and not self.transport.closing and not self._finished:
            self.transport.client_sends(reply)

    def answered(self, count: int = 1) -> bool:
        """Whether so many answers are complete."""
        return sum(answer.complete for answer in self.client.answers) >= count


class WireContract:
    """Derive a test class from it, and say how a connection is made and who the client is."""

    @abstractmethod
    def serve(self, app: Any) -> AbstractAsyncContextManager[Connect]:
        """Serve this ASGI application in the running loop: gives what makes a connection on a transport. The lifespan
        is off; limits and timeouts are the usual ones.
        """

    @abstractmethod
    def new_client(self) -> WireClient:
        """A client of this wire."""

    def let_time_pass(self, talk: Conversation) -> None:
        """More than a client may take for anything. Override it for a wire that keeps deadlines of its own."""
        assert talk.transport.deadline < NEVER, "an idle connection has no deadline"
        talk.transport.expire(talk.transport.deadline)

    def run(self, scenario: Scenario) -> None:
        """Play it on a fresh connection. What the loop would only have logged fails the test."""
        unforeseen: list[dict[str, Any]] = []

        async def main() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: unforeseen.append(context))
            app = WireApplication()
            async with self.serve(app) as connect:
                conversation = Conversation(connect, self.new_client(), app)
                conversation.send(conversation.client.opening())
                await conversation.settle()
                await scenario(conversation)
                conversation.transport.client_leaves(reset=True)
                await conversation.until(lambda: conversation.transport.lost)

        asyncio.run(main())
        assert not unforeseen, unforeseen

    def test_a_request_is_answered(self) -> None:
        """With what it asks for in the scope."""

        async def scenario(talk: Conversation) -> None:
            talk.send(talk.client.request("GET", "/a%20b?q=1", [("x-sent", "by client")]))
            await talk.until(talk.answered)
            (answer,) = talk.client.answers
            assert (answer.status, answer.body) == (200, b"hello")
            (scope,) = talk.app.scopes
            assert (scope["method"], scope["path"], scope["raw_path"]) == ("GET", "/a b", b"/a%20b")
            assert scope["query_string"] == b"q=1"
            assert (b"x-sent", b"by client") in list(scope["headers"])
            assert (b"host", b"x") in list(scope["headers"])
            assert tuple(scope["client"]) == talk.transport.peer

        self.run(scenario)

    def test_bytes_may_come_one_by_one(self) -> None:
        """A socket cuts as it likes."""

        async def scenario(talk: Conversation) -> None:
            for byte in talk.client.request("POST", "/echo", (), b"body"):
                talk.send(bytes([byte]))
                await asyncio.sleep(0)
            await talk.until(talk.answered)
            assert talk.client.answers[0].body == b"body"

        self.run(scenario)

    def test_requests_follow_each_other(self) -> None:
        """On one connection."""

        async def scenario(talk: Conversation) -> None:
            for number in range(1, 4):
                talk.ask("POST", "/echo", b"body %d" % number)
                await talk.until(lambda number=number: talk.answered(number))  # type: ignore[misc]
                assert talk.client.answers[-1].body == b"body %d" % number
            assert not talk.transport.closing

        self.run(scenario)

    def test_a_head_has_no_body(self) -> None:
        """RFC 9110, 9.3.2."""

        async def scenario(talk: Conversation) -> None:
            talk.ask("HEAD", "/")
            await talk.until(talk.answered)
            assert (talk.client.answers[0].status, talk.client.answers[0].body) == (200, b"")
            talk.ask("GET", "/")
            await talk.until(lambda: talk.answered(2))
            assert talk.client.answers[1].body == b"hello"

        self.run(scenario)

    def test_a_piece_of_an_answer_leaves_at_once(self) -> None:
        """Who streams is heard before the end."""

        async def scenario(talk: Conversation) -> None:
            talk.ask("GET", "/stream")
            await talk.until(lambda: bool(talk.client.answers) and talk.client.answers[0].body == b"first")
            assert not talk.client.answers[0].complete
            talk.app.gate.set()
            await talk.until(talk.answered)
            assert talk.client.answers[0].body == b"first second"

        self.run(scenario)

    def test_a_slow_client_holds_the_application_back(self) -> None:
        """What waits for it is bounded; when it reads again, the application goes on."""

        async def scenario(talk: Conversation) -> None:
            talk.reads = False
            talk.ask("GET", "/flood")
            await talk.until(lambda: talk.app.sent > 0 or talk.transport.waiting > 0)
            await talk.settle()
            assert talk.app.sent < FLOOD_PIECES // 2
            assert talk.transport.waiting < FLOOD_PIECES // 2 * FLOOD_SIZE
            talk.reads = True
            await talk.until(talk.answered)
            assert len(talk.client.answers[0].body) == FLOOD_PIECES * FLOOD_SIZE

        self.run(scenario)

    def test_an_application_hears_of_a_client_that_leaves(self) -> None:
        """By ``http.disconnect``."""

        async def scenario(talk: Conversation) -> None:
            talk.ask("GET", "/leave")
            await talk.until(lambda: bool(talk.client.answers))
            talk.transport.client_leaves(reset=True)
            await talk.until(talk.app.disconnected.is_set)

        self.run(scenario)

    def test_a_connection_on_which_no_request_can_follow_ends(self) -> None:
        """Whose client has said that it sends no more, and waits for nothing."""

        async def scenario(talk: Conversation) -> None:
            talk.ask("GET", "/")
            await talk.until(talk.answered)
            talk.finish_sending()
            await talk.until(lambda: talk.transport.closing)

        self.run(scenario)

    def test_it_knows_when_it_is_idle(self) -> None:
        """An idle connection may be closed without loss."""

        async def scenario(talk: Conversation) -> None:
            await talk.until(lambda: talk.protocol.idle)
            talk.ask("GET", "/gate")
            await talk.until(lambda: bool(talk.app.scopes))
            await talk.settle()
            assert not talk.protocol.idle
            talk.app.gate.set()
            await talk.until(talk.answered)
            await talk.until(lambda: talk.protocol.idle)

        self.run(scenario)

    def test_an_idle_connection_ends_when_the_server_stops(self) -> None:
        """``begin_drain()``."""

        async def scenario(talk: Conversation) -> None:
            talk.protocol.begin_drain()
            await talk.until(lambda: talk.transport.closing)

        self.run(scenario)

    def test_an_answer_is_finished_when_the_server_stops(self) -> None:
        """And the connection ends after it."""

        async def scenario(talk: Conversation) -> None:
            talk.ask("GET", "/gate")
            await talk.until(lambda: bool(talk.app.scopes))
            talk.protocol.begin_drain()
            await talk.settle()
            assert not talk.transport.closing
            talk.app.gate.set()
            await talk.until(talk.answered)
            assert talk.client.answers[0].body == b"opened"
            await talk.until(lambda: talk.transport.closing)

        self.run(scenario)

    def test_an_idle_connection_has_a_deadline(self) -> None:
        """It ends when that has passed."""

        async def scenario(talk: Conversation) -> None:
            self.let_time_pass(talk)
            await talk.settle()
            assert talk.transport.closing

        self.run(scenario)

    def test_an_application_that_fails_is_answered_for(self) -> None:
        """With 500."""

        async def scenario(talk: Conversation) -> None:
            talk.ask("GET", "/fail")
            await talk.until(talk.answered)
            assert talk.client.answers[0].status == 500

        self.run(scenario)

    def test_an_answer_that_breaks_off_is_visibly_not_whole(self) -> None:
        """Nobody may take half for all."""

        async def scenario(talk: Conversation) -> None:
            talk.ask("GET", "/fail-late")
            await talk.until(lambda: talk.client.broken)
            assert not talk.answered()

        self.run(scenario)

    def test_what_is_no_request_never_reaches_the_application(self) -> None:
        """The connection ends."""

        async def scenario(talk: Conversation) -> None:
            talk.send(talk.client.rubbish())
            await talk.until(lambda: talk.transport.closing)
            assert talk.app.scopes == []

        self.run(scenario)
