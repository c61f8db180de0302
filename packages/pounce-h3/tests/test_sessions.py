"""Sessions: bounded, and each good once."""

from __future__ import annotations

import threading

import pytest

from pounce_h3.sessions import QuicSessions


def test_a_ticket_is_good_once() -> None:
    sessions = QuicSessions()
    sessions.add(b"name", "ticket")
    assert sessions.take(b"other") is None
    assert sessions.take(b"name") == "ticket"
    assert sessions.take(b"name") is None


def test_the_oldest_goes() -> None:
    sessions = QuicSessions(3)
    for number in range(5):
        sessions.add(bytes([number]), number)
    assert len(sessions) == 3
    assert [sessions.take(bytes([number])) for number in range(5)] == [None, None, 2, 3, 4]


def test_none_are_kept() -> None:
    sessions = QuicSessions(0)
    sessions.add(b"name", "ticket")
    assert sessions.take(b"name") is None
    with pytest.raises(ValueError, match="most: -1"):
        QuicSessions(-1)


def test_only_one_of_many_gets_it() -> None:
    sessions, got = QuicSessions(50), []
    start = threading.Barrier(4)

    def work(worker: int) -> None:
        start.wait()
        for number in range(300):
            sessions.add(b"%d" % number, (worker, number))
            ticket = sessions.take(b"%d" % (number * 7 % 300))
            if ticket is not None:
                got.append(ticket)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == len(set(got))
    assert len(sessions) <= 50
