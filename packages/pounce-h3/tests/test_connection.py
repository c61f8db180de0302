"""Anything that a client may send, in any order: the connection lives on or is closed with a code that there is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from h3_doubles import CONTROL, ENCODER, GET, POST, Conversation, block, converse, data, echo, frame, headers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pounce_h3 import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

CODES = {getattr(errors, name) for name in errors.__all__ if name.isupper() and isinstance(getattr(errors, name), int)}
PIECES = [
    headers(GET),
    headers(POST),
    headers([*POST, (b"content-length", b"3"), (b"priority", b"u=1, i")]),
    headers([(b"x-a", b"b")]),
    headers([]),
    data(b"abc"),
    data(b""),
    data(bytes(3000)),
    frame(1, b"\x02\x00" + block(GET)[2:] + b"\x80"),
    frame(0x21, b"grease"),
    frame(4, b"\x06\x10"),
    frame(7, b"\x08"),
    frame(0xD, b"\x08"),
    frame(0xF0700, b"\x04u=2"),
    frame(5, b"\x08"),
    b"\0",
    b"\2",
    b"\3",
    b"\x21",
    b"\x3f\xe1\x1f",
    b"\x43x-a\x01b",
    b"\x40",
]
STREAMS = [0, 4, 8, 12, CONTROL, ENCODER, 10, 14]

steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("data"),
            st.sampled_from(STREAMS),
            st.one_of(
                st.sampled_from(PIECES), st.binary(max_size=12), st.sampled_from(PIECES).map(lambda one: one[:-1])
            ),
            st.booleans(),
        ),
        st.tuples(st.sampled_from(["reset", "stop", "time", "turn", "drain"]), st.sampled_from(STREAMS)),
    ),
    max_size=25,
)


@pytest.fixture
def silent_logs() -> Iterator[None]:
    """For all the examples of a test: what they do wrong fills no memory."""
    logger = logging.getLogger("pounce")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


@pytest.mark.usefixtures("silent_logs")
@given(steps, st.booleans())
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
def test_whatever_a_client_does(steps: list[tuple[object, ...]], begin: bool) -> None:
    """Each stream is told of its end once. Nothing is raised; nothing is open once the connection is closed; while it
    is not, no request has got lost: each is with the application, answered, reset, or still to be read.
    """

    async def scenario() -> None:
        talk = Conversation(echo, begin=begin)
        connection, quic = talk.connection, talk.quic
        done: set[object] = set()
        for step in steps:
            kind, stream_id = step[0], step[1]
            assert isinstance(stream_id, int)
            if quic.closed is not None:
                break
            if kind == "data" and stream_id not in done and stream_id not in quic.stops:
                assert isinstance(step[2], bytes)
                connection.stream_received(stream_id, step[2], bool(step[3]))
                if step[3]:
                    done.add(stream_id)
            elif kind == "reset" and stream_id not in done and stream_id not in quic.stops:
                done.add(stream_id)
                connection.stream_reset(stream_id, 0x10C)
            elif kind == "stop" and not stream_id & 2:
                connection.sending_stopped(stream_id, 0x10C)
            elif kind == "time":
                await talk.pass_time(4)
            elif kind == "drain":
                connection.last_request()
            else:
                await talk.settle()
        await talk.settle()
        if quic.closed is not None:
            assert quic.closed[0] in CODES
            assert not connection.streams
            assert talk.host.closed
            return
        for stream_id in done:
            assert isinstance(stream_id, int)
            if not stream_id & 2 and stream_id not in connection.engine.readers:
                assert stream_id not in connection.streams, "echo answers whatever is complete"
        await talk.leave()
        assert not connection.streams

    converse(scenario)
