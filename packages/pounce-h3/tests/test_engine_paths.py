"""Engines: Retry, amplification, connection ids, changes of address, keys, sessions and early data."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from quic_identities import write_identity
from quic_pair import CLIENT, LIBRARIES, SERVER, Link, certificates, token_of

from pounce_asgi import Http3Settings
from pounce_h3.certificates import QuicCertificates
from pounce_h3.engine import Engines, QuicEngine, load_library
from pounce_h3.sessions import QuicSessions

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.parametrize("library", LIBRARIES)


def joined(library: str, **options: Any) -> Link:
    link = Link(library, **options)
    link.handshake()
    return link


def test_retry(library: str) -> None:
    link = Link(library)
    first, *_ = link.intercept()
    engines = Engines(link.settings, certificates(library), library=load_library(library))
    original, given = first[6 : 6 + first[5]], link.new_id()
    client_id = first[7 + first[5] : 7 + first[5] + first[6 + first[5]]]
    packet = engines.retry(
        engines.versions[0],
        source_id=given,
        destination_id=client_id,
        original_destination_id=original,
        token=b"the token",
    )
    link.client.receive_datagram(packet, SERVER, link.now)
    link.server = engines.connect(
        link.user,
        original_destination_id=original,
        retry_source_id=given,
        new_connection_id=link.new_id,
        reset_token=token_of,
        now=link.now,
    )
    link.user.quic = link.server
    assert given in link.server.connection_ids
    link.turn()
    link.handshake()
    assert link.user.done == 1


def test_at_most_three_times_what_came(library: str) -> None:
    link = Link(library)
    flight = link.intercept()
    link.server.receive(flight, CLIENT, link.now)
    sent = 0
    while link.server.timer is not None:
        sent += sum(len(each) for each, _ in link.server.datagrams_to_send(link.now))
        assert sent <= 3 * sum(map(len, flight))
        link.now = max(link.now, link.server.timer)
        link.server.expire(link.now)
    assert sent >= 1200


def test_ids_come_and_go(library: str) -> None:
    link = joined(library)
    ids = link.server.connection_ids
    assert link.server.connection_ids is ids
    assert link.client.original_destination_connection_id in ids
    assert len(ids) >= 3
    link.client.change_connection_id()
    link.client.send_ping(1)
    link.turn()
    link.run(seconds=1)
    after = link.server.connection_ids
    assert after != ids
    assert len(ids - after) == 1
    assert len(after) == len(ids)
    if library == "aioquic":
        assert sum(each.startswith(b"id") for each in after) == len(after) - 1
        tokens = {one.cid: one.stateless_reset_token for one in link.client._peer_cid_available}
        assert tokens
        assert all(token == token_of(each) for each, token in tokens.items())


def test_the_token_of_the_first_id(library: str) -> None:
    link = joined(library)
    first = next(each for each in link.server.connection_ids if each.startswith(b"id\0\1"))
    if library == "aioquic":
        assert link.client._peer_cid.stateless_reset_token == token_of(first)
    else:
        assert link.client._tls.remote_transport_parameters.stateless_reset_token == token_of(first)


@pytest.mark.parametrize("new_id", [False, True])
def test_the_client_comes_from_elsewhere(library: str, new_id: bool) -> None:
    link = joined(library)
    link.client.send_stream_data(0, b"before", False)
    link.turn()
    link.run(lambda: 0 in link.user.received)
    link.client_address = ("203.0.113.7", 50_000)
    if new_id:
        link.client.change_connection_id()
    link.client.send_stream_data(0, b" and after", True)
    link.turn()
    link.run(lambda: 0 in link.user.ended)
    assert link.user.received[0] == b"before and after"
    link.run(lambda: link.server.address == link.client_address)
    link.server.send(0, b"a" * 100_000, end=True)
    link.turn()
    link.run(lambda: len(link.got(0)) == 100_000)


def test_an_attacker_does_not_move_the_connection_away(library: str) -> None:
    link = joined(library)
    link.client.send_stream_data(0, b"hello", True)
    (data, _), *_ = link.client.datagrams_to_send(link.now)
    elsewhere = ("203.0.113.66", 6)
    link.server.receive([data], elsewhere, link.now)  # seen first from there, and nobody there answers
    sent = sum(len(each) for each, to in link.server.datagrams_to_send(link.now) if to == elsewhere)
    assert sent <= 3 * len(data)
    link.server.receive([data], CLIENT, link.now)
    link.client.send_stream_data(4, b"again", True)
    link.turn()
    link.run(lambda: 4 in link.user.ended)
    link.run(seconds=10)
    assert link.server.address == CLIENT


@pytest.mark.parametrize("ours", [False, True])
def test_keys_are_updated_by_either(library: str, ours: bool) -> None:
    link = joined(library)
    for round_ in range(3):
        stream_id = round_ * 4
        if not ours:
            if library == "aioquic" or not round_:  # qh3 can do it once
                link.client.request_key_update()
        else:
            link.server.update_keys()
            link.server.update_keys()
        link.client.send_stream_data(stream_id, b"k" * 5000, True)
        link.turn()
        link.run(lambda stream_id=stream_id: stream_id in link.user.ended)  # type: ignore[misc]
        link.server.send(stream_id, b"l" * 5000, end=True)
        link.turn()
        link.run(lambda stream_id=stream_id: len(link.got(stream_id)) == 5000)  # type: ignore[misc]
        link.run(seconds=5)
    assert link.user.end is None


def resumed(library: str, sessions: QuicSessions, tickets: list[Any], **settings: Any) -> Link:
    return Link(
        library,
        settings=Http3Settings(**settings),
        sessions=sessions,
        tickets=tickets,
        client={"session_ticket": tickets[-1]} if tickets else {},
        connect=False,
    )


def begin(link: Link, early: bytes = b"") -> None:
    link.client.connect(SERVER, link.now)
    if early:
        link.client.send_stream_data(0, early, True)
    link.turn()
    link.handshake()


@pytest.mark.parametrize("on", [False, True])
def test_early_data(library: str, on: bool) -> None:
    sessions, tickets = QuicSessions(), []  # type: ignore[var-annotated]
    begin(resumed(library, sessions, tickets, quic_early_data=True))
    assert len(tickets) == 1
    assert len(sessions) == 1
    link = resumed(library, sessions, tickets, quic_early_data=on)  # the client believes that it may
    begin(link, b"GET /")
    (completed,) = link.of("HandshakeCompleted")
    assert completed.session_resumed
    assert completed.early_data_accepted is on
    assert link.user.early == ([0] if on else [])
    if on:
        assert link.user.received[0] == b"GET /"
    assert link.user.done == 1
    replayed = resumed(library, sessions, tickets[:1], quic_early_data=True)
    begin(replayed, b"GET /")  # a ticket is good for one connection
    assert not replayed.of("HandshakeCompleted")[0].session_resumed
    assert not replayed.user.early


def test_tickets_do_not_allow_early_data(library: str) -> None:
    sessions, tickets = QuicSessions(), []  # type: ignore[var-annotated]
    begin(resumed(library, sessions, tickets))
    assert not tickets[0].max_early_data_size
    link = resumed(library, sessions, tickets)
    begin(link)
    assert link.of("HandshakeCompleted")[0].session_resumed


def test_the_certificate_for_the_name(library: str, tmp_path: Path) -> None:
    several = QuicCertificates(
        [
            write_identity(tmp_path, "one", "one.example"),
            write_identity(tmp_path, "two", "two.example", number=1),
            write_identity(tmp_path, "wild", "*.three.example", kind="rsa"),
        ],
        library=load_library(library),
    )
    shown = {}
    for name in ("one.example", "TWO.example", "a.three.example", "b.a.three.example", "other.example"):
        link = joined(library, certificates_=several, client={"server_name": name})
        shown[name] = link.server.tls["server_cert"]
    first, second, third = (
        several.choose(name).certificate for name in ("one.example", "two.example", "x.three.example")
    )
    assert list(shown.values()) == [first, second, third, first, first]
    assert len({first, second, third}) == 3


def test_connections_come_and_go(library: str) -> None:
    made = []
    for _ in range(30):
        link = joined(library, delay=0.001)
        link.client.close(0x100, None, "")
        link.turn()
        link.run(seconds=5)
        assert link.server.over
        made.append(link.server)
    assert {type(each) for each in made} == {QuicEngine}


def test_garbage_in_the_handshake(library: str) -> None:
    link = Link(library)
    data, *rest = link.intercept()
    for cut in (1, 5, 6, 30, 100, 1199):
        fresh = Link(library)
        fresh.server.receive([data[:cut] + os.urandom(1200 - cut)], CLIENT, fresh.now)
        fresh.server.datagrams_to_send(fresh.now)
    link.server.receive([data, data[:1000], data, b"", b"\xff", *rest], CLIENT, link.now)
    link.turn()
    link.handshake()
