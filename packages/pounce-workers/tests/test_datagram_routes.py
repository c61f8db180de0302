"""The table of connections that the workers of a process share."""

from __future__ import annotations

import random
import threading

from datagram_doubles import FakeMember

from pounce_workers import DatagramRoutes


def test_an_id_is_whose_it_was_first_until_that_one_releases_it() -> None:
    routes = DatagramRoutes()
    one, two = FakeMember(), FakeMember()
    assert routes.owner(b"id") is None
    routes.claim(b"id", one)
    routes.claim(b"id", two)
    routes.release(b"id", two)
    assert routes.owner(b"id") is one
    routes.release(b"id", one)
    routes.release(b"id", one)
    assert routes.owner(b"id") is None


def test_who_leaves_takes_its_connections_along() -> None:
    routes = DatagramRoutes()
    one, two = FakeMember(), FakeMember()
    for member in (one, two):
        routes.take_new(member)
    routes.claim(b"a", one)
    routes.claim(b"b", two)
    routes.leave(one)
    routes.leave(one)
    assert (routes.owner(b"a"), routes.owner(b"b"), len(routes)) == (None, two, 1)
    assert routes.taker(b"whatever") is two


def test_new_connections_are_spread_and_each_has_one_taker() -> None:
    routes = DatagramRoutes()
    members = [FakeMember() for _ in range(3)]
    assert routes.taker(b"x") is None
    for member in members:
        routes.take_new(member)
        routes.take_new(member)
    ids = [b"first%05d" % number for number in range(300)]
    taken = [routes.taker(one) for one in ids]
    assert [routes.taker(one) for one in ids] == taken
    assert all(taken.count(member) > 50 for member in members)
    routes.take_no_more(members[0])
    assert members[0] not in [routes.taker(one) for one in ids]


def test_many_threads_claim_look_and_release_and_nothing_is_mixed_up() -> None:
    """Each id has at most one owner, which is one that claimed it and did not release it; in the end none is left."""
    routes = DatagramRoutes()
    wrong: list[object] = []
    start = threading.Barrier(8)

    def work(number: int) -> None:
        member = FakeMember()
        own = [b"%d-%d" % (number, one) for one in range(200)]
        shared = [b"shared-%d" % one for one in range(20)]
        chance = random.Random(number)
        start.wait()
        routes.take_new(member)
        for _ in range(3):
            for connection_id in own:
                routes.claim(connection_id, member)
                routes.claim(chance.choice(shared), member)
                if routes.owner(connection_id) is not member:
                    wrong.append(connection_id)
                routes.taker(connection_id)
            for connection_id in own[::2]:
                routes.release(connection_id, member)
                if routes.owner(connection_id) is not None:
                    wrong.append(connection_id)
        routes.leave(member)
        if any(routes.owner(connection_id) is member for connection_id in (*own, *shared)):
            wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(routes) == 0
    assert routes.taker(b"x") is None
