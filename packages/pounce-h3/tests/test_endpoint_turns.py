"""What connections have to do beyond their turn: it waits, within bounds and in its order, until others had theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from endpoint_doubles import FakeQuic, LookingLoop, Stage, initial, path, short

from pounce_h3.endpoint import MOST_FED
from pounce_h3.later import OF_ONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi import DatagramPath


def holding(quic: FakeQuic) -> None:
    quic.held = True


def test_what_comes_meanwhile_waits() -> None:
    stage = Stage()
    quic, other = stage.open(1), stage.open(2)
    quic.on_receive = holding
    stage.receive(short(quic.id, 60))
    before, quic.on_receive = len(quic.received), lambda quic: None
    stage.receive(*[short(quic.id, 60 + size) for size in range(1, 8)], short(other.id, 99))
    assert other.received[-1][0] == [short(other.id, 99)]
    for _ in range(3):
        stage.loop.turn()
    assert (quic.told, len(quic.received)) == (3, before)
    quic.on_tell = lambda quic: setattr(quic, "held", False)
    for _ in range(5):
        stage.loop.turn()
    assert quic.told == 4
    sizes = [len(one) - 60 for datagrams, _ in quic.received[before:] for one in datagrams]
    assert sizes == list(range(1, 8))
    assert not stage.loop.soon
    stage.receive(short(quic.id, 70))
    assert quic.received[-1][0] == [short(quic.id, 70)]


def test_no_more_waits_than_has_room() -> None:
    stage = Stage()
    quic = stage.open()
    quic.on_receive = holding
    stage.receive(short(quic.id))
    before = len(quic.received)
    stage.receive(*[short(quic.id)] * (OF_ONE + 10))
    quic.on_receive = quic.on_tell = lambda quic: setattr(quic, "held", False)
    while stage.loop.turn():
        pass
    assert sum(len(datagrams) for datagrams, _ in quic.received[before:]) == OF_ONE
    assert len(stage.endpoint._later) == 0


def fails(_quic: FakeQuic) -> None:
    raise RuntimeError("on purpose")


@pytest.mark.parametrize("fault", [None, fails])
def test_what_waits_for_a_connection_that_ends(fault: Callable[[FakeQuic], None] | None) -> None:
    stage = Stage()
    quic = stage.open()
    quic.on_receive = holding
    stage.receive(short(quic.id))
    stage.receive(short(quic.id), short(quic.id))
    if fault is None:
        stage.endpoint.give_up()
    else:
        quic.on_tell = fault
    while stage.loop.turn():
        pass
    assert stage.endpoint.connections == 0
    assert len(stage.endpoint._later) == 0
    assert not stage.host.connections


def test_a_connection_that_is_over_is_known_until_everything_is_told() -> None:
    stage = Stage()
    quic = stage.open()

    def over(quic: FakeQuic) -> None:
        quic.held = quic.over = True

    quic.on_receive = over
    stage.receive(short(quic.id))
    stage.loop.turn()
    assert stage.endpoint.connections == 1
    assert not quic.connection.losses
    quic.on_tell = lambda quic: setattr(quic, "held", False)
    while stage.loop.turn():
        pass
    assert stage.endpoint.connections == 0
    assert quic.connection.losses == [None]


# -- many connections ------------------------------------------------------------------------------------------------

TURN = 0.001


@pytest.fixture
def _short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pounce_h3.turn.QUIC_TURN_SECONDS", TURN)


def takes(stage: Stage, seconds: float) -> Callable[..., None]:
    def pass_time(*_: object) -> None:
        stage.loop.now += seconds

    return pass_time


def by(number: int) -> DatagramPath:
    """Where `Stage.open` has it come from."""
    return path(("192.0.2.1", 1024 + number))


def crowd(stage: Stage, count: int, seconds: float) -> list[FakeQuic]:
    """Connections that take so long for whatever they receive, and have received nothing yet."""
    made = [stage.open(number) for number in range(count)]
    for quic in made:
        quic.received.clear()
        quic.on_receive = takes(stage, seconds)
    return made


def at_once(stage: Stage, quics: list[FakeQuic], sizes: range = range(60, 61)) -> None:
    batch = [(short(quic.id, size), by(number)) for size in sizes for number, quic in enumerate(quics)]
    stage.endpoint.receive(batch, stage.loop.now)


def sizes_of(quic: FakeQuic) -> list[int]:
    return [len(one) for datagrams, _ in quic.received for one in datagrams]


@pytest.mark.usefixtures("_short_turns")
def test_a_batch_takes_no_longer_than_a_turn() -> None:
    stage = Stage()
    quics = crowd(stage, 5, 0.6 * TURN)
    at_once(stage, quics)
    assert [len(quic.received) for quic in quics] == [1, 1, 0, 0, 0]
    stage.loop.turn()
    assert [len(quic.received) for quic in quics] == [1, 1, 1, 1, 1]
    assert len(stage.endpoint._later) == 0


@pytest.mark.usefixtures("_short_turns")
@pytest.mark.parametrize("quick", [False, True])
def test_a_batch_goes_on_while_nobody_waits(quick: bool) -> None:
    stage = Stage(loop=LookingLoop())
    quics = crowd(stage, 9, 0.6 * TURN)
    stage.loop.quick = quick
    at_once(stage, quics)
    assert sum(len(quic.received) for quic in quics) == (1 if quick else 7)
    assert stage.loop.looks == (1 if quick else 7)
    while stage.loop.turn():
        pass
    assert [len(quic.received) for quic in quics] == [1] * 9


@pytest.mark.usefixtures("_short_turns")
def test_what_is_put_off_keeps_its_order_and_its_path() -> None:
    stage = Stage()
    first, second = quics = crowd(stage, 2, 2 * TURN)
    at_once(stage, quics, range(60, 66))
    other = path(("192.0.2.9", 9))
    stage.receive(short(second.id, 66), by=other)
    at_once(stage, quics, range(67, 69))
    assert sizes_of(first) == [*range(60, 66), 67, 68]
    assert not second.received
    while stage.loop.turn():
        pass
    assert sizes_of(second) == list(range(60, 69))
    assert [address for datagrams, address in second.received for _ in datagrams] == [
        by(1).client if size != 66 else other.client for size in range(60, 69)
    ]
    assert len(stage.endpoint._later) == 0


@pytest.mark.usefixtures("_short_turns")
def test_what_is_put_off_goes_with_its_connection() -> None:
    stage = Stage()
    _, second = quics = crowd(stage, 2, 2 * TURN)
    at_once(stage, quics)
    assert len(stage.endpoint._later) == 1
    stage.endpoint.give_up()
    while stage.loop.turn():
        pass
    assert not second.received
    assert len(stage.endpoint._later) == 0


@pytest.mark.usefixtures("_short_turns")
def test_nothing_is_kept_for_a_connection_that_has_failed_in_the_same_batch() -> None:
    stage = Stage()
    first, second = quics = crowd(stage, 2, 2 * TURN)
    second.on_receive = fails
    batch = [(short(quic.id), by(number)) for number, quic in enumerate(quics)]
    stage.endpoint.receive([*batch, (short(second.id), path(("192.0.2.9", 9)))], stage.loop.now)
    assert (len(first.received), len(second.received)) == (1, 1)
    assert stage.endpoint.connections == 1
    assert len(stage.endpoint._later) == 0


@pytest.mark.parametrize("quick", [False, True])
def test_a_connection_is_given_some_datagrams_at_once(quick: bool) -> None:
    stage = Stage(loop=LookingLoop())
    (quic,) = quics = crowd(stage, 1, TURN)
    stage.loop.quick = quick
    at_once(stage, quics, range(60, 60 + 40))
    assert [len(datagrams) for datagrams, _ in quic.received] == ([MOST_FED] if quick else [MOST_FED, MOST_FED, 8])
    while stage.loop.turn():
        pass
    assert sizes_of(quic) == list(range(60, 60 + 40))


def test_a_handshake_takes_turns() -> None:
    stage = Stage(loop=LookingLoop())
    stage.engines.on_connect = takes(stage, TURN)
    stage.loop.quick = True
    stage.receive(initial(), initial(size=1201))
    (quic,) = stage.engines.made
    assert not quic.received
    quic.on_receive = takes(stage, TURN)
    stage.loop.turn()
    assert sizes_of(quic) == [1200]
    while stage.loop.turn():
        pass
    assert [len(datagrams) for datagrams, _ in quic.received] == [1, 1]
    assert sizes_of(quic) == [1200, 1201]


# -- sending and timers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quick", [False, True])
def test_sending_takes_turns(quick: bool) -> None:
    stage = Stage(loop=LookingLoop())
    quics = crowd(stage, 3, 0)
    for number, quic in enumerate(quics):
        quic.on_ask = takes(stage, TURN)
        quic.outgoing.append((b"%d" % number, by(number).client))
    stage.loop.quick = quick
    stage.link.sent.clear()
    at_once(stage, quics)
    sent = [[data for data, _ in stage.link.sent]]
    while stage.loop.turn():
        sent.append([data for data, _ in stage.link.sent])
    every = [b"0", b"1", b"2"]
    assert sent == ([[], every[:2], every[:2], every] if quick else [every])


def test_others_come_between_receiving_and_sending() -> None:
    stage = Stage(loop=LookingLoop())
    (quic,) = quics = crowd(stage, 1, TURN)
    quic.outgoing.append((b"answer", by(0).client))
    stage.loop.quick = True
    stage.link.sent.clear()
    at_once(stage, quics)
    assert not stage.link.sent
    stage.loop.turn()
    assert stage.link.sent == [(b"answer", by(0))]


def test_whoever_waits_an_end_is_told_to_everybody() -> None:
    stage = Stage(loop=LookingLoop())
    for quic in crowd(stage, 3, 0):
        quic.on_ask = takes(stage, TURN)
    stage.loop.quick = True
    stage.link.sent.clear()
    stage.endpoint.give_up()
    assert len(stage.link.sent) == 3


def test_timers_take_turns_in_their_order() -> None:
    stage = Stage(loop=LookingLoop())
    quics = crowd(stage, 3, 0)
    begin = stage.loop.now
    for number, quic in enumerate(quics):
        quic.timer = begin + 1 - number * 0.1
        quic.on_expire = takes(stage, TURN)
    at_once(stage, quics)
    stage.loop.quick = True
    stage.loop.now += 2
    expired = []

    def again(quic: FakeQuic) -> None:
        takes(stage, TURN)()
        quic.timer = 0.0  # at once, but not before those who wait already

    quics[2].on_expire = again
    for _ in range(3):
        stage.endpoint.expire(stage.loop.now)
        while stage.loop.turn():
            pass
        expired.append([len(quic.expired) for quic in quics])
        assert stage.link.timer is not None
        assert stage.link.timer <= stage.loop.now
    assert expired == [[0, 0, 1], [0, 1, 1], [1, 1, 1]]
