"""An endpoint: grouping, sending, timers, ends. All with engines that do as they are told."""

from __future__ import annotations

import gc
import time
import weakref
from typing import Any

import pytest
from endpoint_doubles import FakeQuic, Stage, initial, path, short

# -- receiving and sending ---------------------------------------------------------------------------------------------


def test_a_batch_is_handed_on_by_connection_and_sent_for_once() -> None:
    stage = Stage()
    one, two = stage.open(1), stage.open(2)
    for quic in (one, two):
        quic.received.clear()
        quic.asked = 0
        quic.on_receive = lambda quic: quic.outgoing.append((b"answer of %s" % quic.id, quic.address))
    stage.link.sends = 0
    paths = [path(("192.0.2.1", 1025)), path(("192.0.2.1", 1026))]
    batch = [
        (short(one.id, 60), paths[0]),
        (short(two.id, 61), paths[1]),
        (short(one.id, 62), paths[0]),
        (short(two.id, 63), paths[1]),
    ]
    stage.endpoint.receive(batch, stage.loop.now)
    assert one.received == [([short(one.id, 60), short(one.id, 62)], paths[0].client)]
    assert two.received == [([short(two.id, 61), short(two.id, 63)], paths[1].client)]
    assert (one.asked, two.asked, stage.link.sends) == (1, 1, 1)
    assert stage.link.sent == [(b"answer of %s" % one.id, paths[0]), (b"answer of %s" % two.id, paths[1])]


def test_datagrams_of_a_first_flight_go_to_one_connection() -> None:
    stage = Stage()
    stage.receive(initial(b"original"), initial(b"original", size=1201), initial(b"original", kind=1))
    (quic,) = stage.engines.made
    assert [len(one) for datagrams, _ in quic.received for one in datagrams] == [1200, 1201, 1200]


def test_ids_are_claimed_as_they_come_and_go() -> None:
    stage = Stage()
    quic = stage.open()
    assert stage.link.claimed == quic.connection_ids
    quic.on_receive = lambda quic: setattr(quic, "connection_ids", frozenset({b"another1", b"another2"}))
    stage.receive(short(quic.id))
    assert stage.link.claimed == {b"another1", b"another2"}
    quic.received.clear()
    stage.receive(short(b"another2"))
    assert len(quic.received) == 1
    stage.receive(short(quic.id))  # it is nobody's any more
    assert len(quic.received) == 1


def test_answers_take_the_path_by_which_the_client_came() -> None:
    stage = Stage()
    quic = stage.open()
    home, roaming = path(("192.0.2.1", 1024)), path(("203.0.113.5", 9), "198.51.100.77")
    quic.received.clear()
    # Both within one batch: the engine is told what came from where.
    batch = [(short(quic.id, 70), home), (short(quic.id, 71), roaming), (short(quic.id, 72), home)]
    quic.outgoing = [(b"probe", roaming.client), (b"data", home.client), (b"lost", ("never seen", 1))]
    stage.endpoint.receive(batch, stage.loop.now)
    assert quic.received == [
        ([short(quic.id, 70)], home.client),
        ([short(quic.id, 71)], roaming.client),
        ([short(quic.id, 72)], home.client),
    ]
    assert stage.link.sent == [(b"probe", roaming), (b"data", home)]


def test_few_of_many_addresses_are_remembered_and_always_the_present_one() -> None:
    stage = Stage()
    quic = stage.open()
    home = path(("192.0.2.1", 1024))
    quic.on_receive = lambda quic: setattr(quic, "address", home.client)  # the others are not proven
    for number in range(50):
        stage.receive(short(quic.id), by=path(("203.0.113.5", number)))
    quic.outgoing = [(b"data", home.client), (b"late", ("203.0.113.5", 0))]
    quic.user.transport.want_flush()
    stage.loop.turn()
    assert stage.link.sent == [(b"data", home)]


def test_a_flush_outside_of_a_call_comes_once_in_the_same_turn() -> None:
    stage = Stage()
    quics = [stage.open(number) for number in range(3)]
    stage.link.sends = 0
    for quic in quics:
        quic.asked = 0
        quic.outgoing = [(b"x", ("192.0.2.1", 1024 + quics.index(quic)))] * 2
        quic.user.transport.want_flush()
        quic.user.transport.want_flush()
    assert stage.loop.turn() == 1
    assert [quic.asked for quic in quics] == [1, 1, 1]
    assert (stage.link.sends, len(stage.link.sent)) == (1, 6)


def test_what_is_wanted_while_sending_comes_in_the_next_turn() -> None:
    stage = Stage()
    quic = stage.open()

    class Refilling(FakeQuic):
        def datagrams_to_send(self, now: float) -> Any:
            self.user.transport.want_flush()
            return super().datagrams_to_send(now)

    quic.__class__ = Refilling
    quic.asked = 0
    stage.receive(short(quic.id))
    assert quic.asked == 1
    assert stage.loop.turn() == 1
    assert quic.asked == 2


def test_a_refusal_reaches_the_connection() -> None:
    stage = Stage()
    stage.host.refusal = "the server has too many connections"
    quic = stage.open()
    assert quic.connection.refusal == "the server has too many connections"


def test_tls_is_known_after_the_handshake() -> None:
    stage = Stage()
    stage.receive(initial())
    quic = stage.engines.made[0]
    transport = quic.user.transport
    assert transport.tls is None
    quic.on_receive = FakeQuic.complete
    stage.receive(short(quic.id))
    assert transport.tls == quic.connection.peer.tls == {"tls_version": 0x0304}


# -- timers ------------------------------------------------------------------------------------------------------------


def test_a_lost_tail_is_sent_again_without_the_client_speaking_first() -> None:
    stage = Stage()
    quic = stage.open()
    quic.outgoing = [(b"tail", ("192.0.2.1", 1024))]
    quic.timer = stage.loop.now + 0.3
    quic.user.transport.want_flush()
    stage.loop.turn()
    assert stage.link.sent == [(b"tail", path(("192.0.2.1", 1024)))]
    assert stage.link.timer == stage.endpoint.next_timer == stage.loop.now + 0.3
    quic.on_expire = lambda quic: quic.outgoing.append((b"tail", ("192.0.2.1", 1024)))
    stage.loop.now += 0.3
    stage.endpoint.expire(stage.loop.now)
    assert [data for data, _ in stage.link.sent] == [b"tail", b"tail"]
    assert quic.expired == [stage.loop.now]


def test_only_what_is_due_expires_and_the_next_is_set() -> None:
    stage = Stage()
    quics = [stage.open(number) for number in range(20)]
    for number, quic in enumerate(quics):
        quic.timer = stage.loop.now + number
        quic.user.transport.want_flush()
    stage.loop.turn()
    stage.endpoint.expire(stage.loop.now + 4.5)
    assert [len(quic.expired) for quic in quics] == [1] * 5 + [0] * 15
    assert stage.link.timer == stage.loop.now + 5


def test_a_handshake_has_its_time_whatever_the_engine_thinks() -> None:
    stage = Stage(handshake_timeout=3)
    stage.receive(initial())
    quic = stage.engines.made[0]
    quic.timer = stage.loop.now + 60
    stage.receive(initial())
    assert stage.link.timer == stage.loop.now + 3
    quic.complete()
    stage.receive(initial())
    assert stage.endpoint.next_timer == stage.loop.now + 60


# -- ends --------------------------------------------------------------------------------------------------------------


def test_a_connection_that_ends_is_told_once_and_kept_until_its_engine_is_over() -> None:
    stage = Stage()
    quic = stage.open()
    quic.on_receive = lambda quic: quic.user.transport.lost(None)
    stage.receive(short(quic.id))
    assert quic.connection.losses == []  # not within the engine's call
    stage.loop.turn()
    assert quic.connection.losses == [None]
    assert stage.endpoint.connections == 1
    stage.receive(short(quic.id))  # its last words may have to be repeated
    assert len(quic.received) == 4
    quic.over = True
    stage.receive(short(quic.id))
    assert stage.endpoint.connections == 0
    assert not stage.link.claimed
    assert stage.loop.turn() == 0
    assert quic.connection.losses == [None]


def test_an_engine_that_is_over_without_a_word_ends_its_connection() -> None:
    stage = Stage()
    quic = stage.open()
    quic.on_expire = lambda quic: setattr(quic, "over", True)
    quic.timer = stage.loop.now + 75
    stage.receive(short(quic.id))
    stage.endpoint.expire(stage.loop.now + 75)
    stage.loop.turn()
    assert quic.connection.losses == [None]
    assert stage.endpoint.connections == 0
    assert stage.endpoint.next_timer is None


@pytest.mark.parametrize("how", ["close", "abort"])
def test_a_connection_that_is_ended_here_sends_its_close(how: str) -> None:
    stage = Stage()
    quic = stage.open()
    transport = quic.user.transport
    getattr(transport, how)()
    getattr(transport, how)()
    assert transport.closing
    stage.loop.turn()
    assert [code for code, _ in quic.closes] == [0x100]
    assert [data for data, _ in stage.link.sent] == [b"CONNECTION_CLOSE"]
    stage.loop.turn()
    (error,) = quic.connection.losses
    assert (error is None) == (how == "close")


@pytest.mark.parametrize("where", ["receive", "expire", "datagrams_to_send"])
def test_an_engine_that_fails_takes_nobody_along(where: str, caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    bad, good = stage.open(1), stage.open(2)
    good.received.clear()

    def fail(*_: Any, **__: Any) -> None:
        raise ArithmeticError("a flaw")

    bad.timer = good.timer = stage.loop.now + 1
    bad.user.transport.want_flush()
    good.user.transport.want_flush()
    stage.loop.turn()
    setattr(bad, where, fail)
    stage.receive(short(bad.id), short(good.id))
    stage.endpoint.expire(stage.loop.now + 1)
    stage.loop.turn()
    assert len(good.received) == len(good.expired) == 1
    assert isinstance(bad.connection.losses[0], ConnectionAbortedError)
    assert stage.endpoint.connections == 1
    assert stage.link.claimed == good.connection_ids
    assert "a flaw" in caplog.text


def test_an_end_of_the_process_leaves_answers_sent() -> None:
    stage = Stage()
    quic = stage.open()

    def answer_and_exit(quic: FakeQuic) -> None:
        quic.outgoing.append((b"goodbye", quic.address))
        raise SystemExit

    quic.on_receive = answer_and_exit
    with pytest.raises(SystemExit):
        stage.receive(short(quic.id))
    assert [data for data, _ in stage.link.sent] == [b"goodbye"]


def test_an_engine_that_cannot_be_made_leaves_nothing(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()

    def fail(*_: Any, **__: Any) -> None:
        raise ArithmeticError("a flaw")

    stage.engines.connect = fail  # type: ignore[method-assign,assignment]
    stage.receive(initial())
    assert stage.endpoint.connections == stage.endpoint.open_handshakes == 0
    assert not stage.host.connections
    assert not stage.link.claimed
    assert "a flaw" in caplog.text


# -- draining ----------------------------------------------------------------------------------------------------------


def test_a_drained_endpoint_begins_nothing_and_goes_on_with_what_it_has() -> None:
    stage = Stage(retry="always")
    stage.endpoint.begin_drain()
    stage.receive(initial())
    assert not stage.engines.made
    assert not stage.link.sent  # not even a Retry
    assert stage.link.passed == [(b"original", True)]  # another worker may want it

    stage = Stage()
    quic = stage.open()
    stage.endpoint.begin_drain()
    stage.receive(short(quic.id))
    assert len(quic.received) == 3
    assert not quic.closes


def test_giving_up_tells_each_client_once_and_lets_go_of_everything() -> None:
    stage = Stage()
    quics = [stage.open(number) for number in range(5)]
    stage.receive(initial(b"half open"))
    stage.link.sent.clear()
    quics[0].user.transport.abort()  # by the worker, just before
    stage.endpoint.give_up()
    assert [data for data, _ in stage.link.sent] == [b"CONNECTION_CLOSE"] * 6
    assert stage.endpoint.connections == 0
    assert stage.link.timer is None
    assert not stage.link.claimed
    stage.loop.turn()
    assert not stage.host.connections
    assert all(len(quic.connection.losses) == 1 for quic in quics)
    stage.receive(short(quics[0].id), initial(b"too late"))
    assert len(stage.engines.made) == 6


# -- cost and memory ---------------------------------------------------------------------------------------------------


def test_nothing_is_left_of_a_thousand_connections_that_came_and_went() -> None:
    stage = Stage(retry="never")
    gone: list[Any] = []
    for number in range(1000):
        quic = stage.open(number)
        quic.timer = stage.loop.now + 75
        stage.receive(short(quic.id), by=path(("192.0.2.1", 1024 + number)))
        gone.extend(weakref.ref(one) for one in (quic, quic.user, quic.connection, quic.user.transport))
        stage.end(quic)
    del quic
    stage.engines.made.clear()
    gc.collect()
    assert [one() for one in gone if one() is not None] == []
    assert stage.endpoint.connections == 0
    assert stage.endpoint.next_timer is None
    assert len(stage.endpoint._timers) < 200
    assert not stage.link.claimed


def test_a_datagram_costs_the_same_among_ten_connections_and_five_thousand() -> None:
    """Counted in calls of engines, of which all but one are left alone; and timed, as far as a busy machine allows."""
    costs = []
    for count in (10, 5000):
        stage = Stage(retry="never")
        quics = [stage.open(number) for number in range(count)]
        for number, quic in enumerate(quics):
            quic.timer = stage.loop.now + 1000 + number
            quic.user.transport.want_flush()
        stage.loop.turn()
        for quic in quics:
            quic.asked = 0
        chosen = quics[count // 2]
        batch = [(short(chosen.id), chosen.user.transport.path)]
        best = float("inf")
        for _ in range(20):
            began = time.perf_counter()
            for _ in range(50):
                stage.endpoint.receive(batch, stage.loop.now)
            best = min(best, time.perf_counter() - began)
        assert sum(quic.asked for quic in quics) == chosen.asked == 1000
        costs.append(best)
    assert costs[1] < 5 * costs[0]
