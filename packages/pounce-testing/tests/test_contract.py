"""What is ours keeps its contracts, and what does not keep them is seen."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

import pounce
from pounce.unbound import unbound
from pounce_http1 import RequestReader
from pounce_testing import TestServer, Twins
from pounce_testing.cases import CASES, as_json
from pounce_testing.contract import Http1EngineContract, Http1WireClient, WireClient, WireContract, WorkerContract
from pounce_testing.contract.http2_wire_client import Http2WireClient
from pounce_testing.matrix import WORKER_KINDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from pounce_http1 import Limits
    from pounce_http1.testing import Case, Difference, Engine
    from pounce_testing.contract.wire import Conversation


class FastEngine(Http1EngineContract):
    """The parser of the server."""

    def make_engine(self, limits: Limits) -> Engine:
        return RequestReader(limits)


class H11Engine(Http1EngineContract):
    """The other one, which differs here and there."""

    def make_engine(self, limits: Limits) -> Engine:
        from pounce_http1.h11_engine import H11RequestReader

        return H11RequestReader(limits)

    def expected(self, case: Case) -> Case | Difference:
        return case.h11 or case


# All of them are run where the engines are.
@pytest.mark.parametrize("case", CASES[::12], ids=lambda case: case.name)
@pytest.mark.parametrize("contract", [FastEngine, H11Engine])
def test_both_engines_keep_the_contract(contract: type[Http1EngineContract], case: Case) -> None:
    contract().test_case(case)


class OnUnboundServer(WireContract):
    """A wire of the server, on a transport without a socket."""

    @contextlib.asynccontextmanager
    async def serve(self, app: Any) -> AsyncIterator[Any]:
        config = pounce.ServerConfig.of({"app": app, "lifespan": "off", "access_log": False, "graceful_timeout": 1})
        async with unbound(config) as server:
            yield server.connect


class TestHttp1Wire(OnUnboundServer):
    def new_client(self) -> WireClient:
        return Http1WireClient()


class TestHttp2Wire(OnUnboundServer):
    def new_client(self) -> WireClient:
        return Http2WireClient()

    def let_time_pass(self, talk: Conversation) -> None:
        talk.protocol.expire(float("inf"))  # type: ignore[attr-defined]  # it has several deadlines, of its own


class OnTestServer(WorkerContract):
    """A kind of workers of the server."""

    kind = ""
    settings: ClassVar[dict[str, Any]] = {}

    @contextlib.contextmanager
    def serve(self, app: Twins) -> Iterator[TestServer]:
        variant = next(one for one in WORKER_KINDS if one.name == self.kind)
        with TestServer(variant.application(app), **{**variant.settings, **self.settings}) as server:
            yield server


class TestAsyncio(OnTestServer):
    kind = "asyncio"


class TestThreads(OnTestServer):
    kind = "threads"


class TestBlocking(OnTestServer):
    kind = "blocking"


class TestProcesses(OnTestServer):
    kind = "processes"
    settings: ClassVar = {"workers": 1}  # a process takes a second to start


def test_a_parser_that_breaks_the_contract_is_seen() -> None:
    class Reader(RequestReader):
        def receive_data(self, data: bytes) -> None:
            super().receive_data(data.replace(b"X-A : ", b"X-A: "))

    class Lenient(Http1EngineContract):
        def make_engine(self, limits: Limits) -> Engine:
            return Reader(limits)

    (case,) = [case for case in CASES if case.name == "field/space-before-colon"]
    with pytest.raises(AssertionError, match=r"RFC 9112, 5\.1"):
        Lenient().test_case(case)


def test_a_wire_that_breaks_the_contract_is_seen() -> None:
    class Forgetful(OnUnboundServer):
        """Its connections never end by themselves."""

        def new_client(self) -> WireClient:
            return Http1WireClient()

        @contextlib.asynccontextmanager
        async def serve(self, app: Any) -> AsyncIterator[Any]:
            async with super().serve(app) as connect:

                def spoilt(transport: Any) -> Any:
                    protocol = connect(transport)
                    transport.deadline = float("inf")
                    return protocol

                yield spoilt

    Forgetful().test_a_request_is_answered()
    with pytest.raises(AssertionError):
        Forgetful().test_an_idle_connection_has_a_deadline()


def test_a_wire_that_does_not_hear_the_end_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pounce_testing.contract.wire.SECONDS", 0.1)

    class Deaf(TestHttp1Wire):
        @contextlib.asynccontextmanager
        async def serve(self, app: Any) -> AsyncIterator[Any]:
            async with super().serve(app) as connect:

                def spoilt(transport: Any) -> Any:
                    protocol = connect(transport)
                    return SimpleNamespace(
                        data_received=protocol.data_received,
                        eof_received=lambda: None,
                        writable=protocol.writable,
                        connection_lost=protocol.connection_lost,
                    )

                yield spoilt

    with pytest.raises(AssertionError, match="it does not happen"):
        Deaf().test_a_connection_on_which_no_request_can_follow_ends()


def test_the_table_as_json() -> None:
    program = [sys.executable, "-m", "pounce_testing.cases"]
    table = json.loads(subprocess.run(program, capture_output=True, check=True).stdout)
    assert table == [as_json(case) for case in CASES]
    assert len(table) >= 300
    assert {row["status"] for row in table} >= {None, 400, 414, 431, 501, 505}
