"""The first bytes of a connection are the preface of HTTP/2 however they are cut, and bytes behind others never are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from http1_driver import Conversation, both_engines, converse

from pounce_workers.serving.http2_preface import PREFACE, PrefaceWatch

if TYPE_CHECKING:
    from pounce_http1 import RequestHead
    from pounce_workers.serving.http1_connection import Http1Connection

REST = b"\0\0\0\4\0\0\0\0\0"


class Watch(PrefaceWatch):
    """Notes what is HTTP/2."""

    def __init__(self) -> None:
        self.http2: list[bytes] = []

    def begin(self, connection: Http1Connection, head: RequestHead) -> bool:
        return False

    def become_http2(self, connection: Http1Connection, data: bytes) -> None:
        self.http2.append(data)
        cast("Any", connection.transport).deliver = self.http2.append


async def app(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("there was no request")


def cuts(wire: bytes) -> list[tuple[bytes, ...]]:
    return [(wire,), *((wire[:at], wire[at:]) for at in range(1, len(wire))), tuple(bytes([one]) for one in wire)]


def heard(engine: str, pieces: tuple[bytes, ...]) -> tuple[bytes, list[int]]:
    """What went to HTTP/2, and the statuses of HTTP/1.1."""
    result: list[tuple[bytes, list[int]]] = []

    async def scenario() -> None:
        talk = Conversation(app, engine)
        watch = talk.wire.upgrades = Watch()
        transport = cast("Any", talk.transport)
        transport.deliver = talk.connection.data_received
        for piece in pieces:
            if not transport.closing:
                transport.deliver(piece)
        result.append((b"".join(watch.http2), [] if watch.http2 else talk.statuses()))

    converse(scenario)
    return result[0]


@both_engines
def test_it_may_be_cut_anywhere(engine: str) -> None:
    for pieces in cuts(PREFACE + REST):
        assert heard(engine, pieces) == (PREFACE + REST, []), pieces


@both_engines
@pytest.mark.parametrize("before", [b"8", b"\r\n", b"P", b"\r\n\r\n"])
def test_behind_something_else_it_is_none(engine: str, before: bytes) -> None:
    for pieces in cuts(before + PREFACE):
        http2, statuses = heard(engine, pieces)
        assert http2 == b"", pieces
        assert len(statuses) == 1, pieces
        assert statuses[0] >= 400


@both_engines
def test_an_empty_line_before_the_first_request_begins_its_time(engine: str) -> None:
    async def scenario() -> None:
        talk = Conversation(app, engine)
        await talk.send(b"\r\n")
        assert talk.transport.deadline == talk.sweeper.soon + talk.wire.timeout_request_head
        await talk.send(b"GET / HTT")
        assert talk.transport.deadline == talk.sweeper.soon + talk.wire.timeout_request_head

    converse(scenario)
