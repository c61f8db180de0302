"""From a client's first datagram until it is there."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from endpoint_doubles import FakeQuic, Stage, initial, path
from far_end import LIBRARIES, FarEnd
from fixed_clock import run
from h3_doubles import hello
from link import Conditions, Network
from quic_clients import Http3Client

from pounce_h3 import ConnectionEnd

END = ConnectionEnd(0x128, "no certificate is good enough", False, True)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("handshake_done", ("handshake",)),
        ("stream_received", ("received", 0, b"a request", True)),
        ("stream_reset", ("reset", 0, 0x10C)),
        ("sending_stopped", ("stopped", 0, 0x10C)),
    ],
)
def test_a_client_comes_with_its_handshake_or_its_early_data_and_once(how: str, told: tuple[Any, ...]) -> None:
    stage = Stage()
    stage.receive(initial())
    (quic,) = stage.engines.made
    assert stage.endpoint.connections == 1
    assert stage.host.came == 0
    quic.on_receive = lambda quic: getattr(quic.user, how)(*told[1:])
    stage.receive(initial())
    assert stage.host.came == 1
    quic.on_receive = lambda quic: quic.complete()
    stage.receive(initial())
    assert stage.host.came == 1
    (connection,) = stage.host.connections
    assert connection is quic.connection is quic.user.transport.connection
    assert connection.told == [told, ("handshake",)]
    quic.user.backlog_fell(0)
    quic.user.connection_ended(END)
    assert connection.told[2:] == [("fell", 0), ("ended", END)]


@pytest.mark.parametrize("how", ["told", "over", "late", "failed", "drained", "given up"])
def test_a_client_that_never_came_ends_without_a_word(how: str, caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(handshake_timeout=3)
    stage.receive(initial())
    (quic,) = stage.engines.made

    def fail(_: FakeQuic) -> None:
        raise ArithmeticError("a flaw")

    quic.on_receive = {
        "told": lambda quic: quic.user.connection_ended(END),
        "over": lambda quic: setattr(quic, "over", True),
        "failed": fail,
    }.get(how, quic.on_receive)
    stage.receive(initial())
    if how == "late":
        stage.endpoint.expire(stage.loop.now + 3)
    elif how == "drained":
        stage.endpoint.begin_drain()
    elif how == "given up":
        stage.endpoint.give_up()
    stage.loop.turn()
    quic.over = True
    quic.user.transport.want_flush()
    stage.loop.turn()
    assert stage.endpoint.connections == stage.endpoint.open_handshakes == stage.host.came == 0
    assert not stage.link.claimed
    assert [data for data, _ in stage.link.sent] == [b"CONNECTION_CLOSE"] * (how in ("drained", "given up"))
    assert ("a flaw" in caplog.text) == (how == "failed")


def test_clients_that_are_not_there_take_no_place() -> None:
    stage = Stage(retry="never")
    for number in range(50):
        stage.receive(initial(b"spoof%05d" % number), by=path(("203.0.113.7", number)))
    assert stage.endpoint.connections == stage.endpoint.open_handshakes == 50
    assert stage.host.came == 0
    assert stage.open().connection.peer.connection_id == 1


# -- with engines ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("early", [False, True], ids=["handshake", "early data"])
def test_a_client_that_finds_no_place_is_told_so(library: str, early: bool) -> None:
    async def scenario() -> None:
        network = Network(Conditions(delay=0.01))
        far = FarEnd(network, hello, library=library, quic_early_data=early)
        first = Http3Client(network, library)
        assert (await first.ask("/")).status == 200
        assert first.tickets
        far.host.refusal = "the server has too many connections"
        client = Http3Client(network, library, ticket=first.tickets[0])
        if not early:
            await client.connected()
        answer = await client.ask("/")
        assert answer.status == 503
        assert b"too many connections" in answer.body
        assert client.early is early
        assert far.host.came == 2
        # Early data is answered before the end of the handshake is here.
        assert [connection.peer.tls is None for connection in far.host.connections] == [False, early]
        await asyncio.sleep(0.1)
        assert [connection.peer.tls is None for connection in far.host.connections] == [False, False]
        await asyncio.gather(first.closed(), client.closed())
        await far.emptied()
        await far.stopped()

    run(scenario())


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_drain_ends_those_that_have_not_come(library: str) -> None:
    async def scenario() -> None:
        network = Network(Conditions(delay=0.01))
        far = FarEnd(network, hello, library=library)
        client = Http3Client(network, library)
        await asyncio.sleep(0.025)  # its last word of the handshake is on the way
        assert (far.host.came, far.endpoint.connections) == (0, 1)
        far.endpoint.begin_drain()
        await client.ended.wait()
        await far.emptied()
        assert far.host.came == 0
        await far.stopped()

    run(scenario())
