"""The UDP sockets of a server."""

from __future__ import annotations

import contextlib
import socket
import sys

import pytest
from datagram_doubles import client

from pounce_workers import DatagramSockets, bind_udp

SPREADS = sys.platform == "linux"


def _close(slots: tuple[DatagramSockets, ...]) -> None:
    for slot in slots:
        slot.close()


def test_every_slot_has_sockets_of_its_own_on_the_same_addresses() -> None:
    slots = bind_udp([("127.0.0.1", 0), ("localhost", 0)], slots=3)
    try:
        names = {tuple(sock.getsockname() for sock in slot.sockets) for slot in slots}
        assert len(names) == 1
        (addresses,) = names
        assert len({name[1] for name in addresses}) == 1
        assert addresses[0][1] != 0
        assert [slot.reads for slot in slots] == [True, SPREADS, SPREADS]
        assert all(not sock.getblocking() for slot in slots for sock in slot.sockets)
    finally:
        _close(slots)


@pytest.mark.skipif(not SPREADS, reason="only Linux spreads datagrams over sockets that share a port")
def test_a_client_meets_the_same_socket_each_time_and_many_clients_meet_all() -> None:
    slots = bind_udp([("127.0.0.1", 0)], slots=3)
    address = slots[0].sockets[0].getsockname()
    clients = [client(address) for _ in range(60)]
    try:
        met: dict[int, set[bytes]] = {}
        for number, one in enumerate(clients):
            for _ in range(3):
                one.send(b"%d" % number)
        for slot, sockets in enumerate(slots):
            sockets.sockets[0].settimeout(0.2)
            with contextlib.suppress(TimeoutError):
                while True:
                    met.setdefault(slot, set()).add(sockets.sockets[0].recv(100))
        assert sum(len(those) for those in met.values()) == 60  # nobody met two
        assert all(met[slot] for slot in range(3))
    finally:
        _close(slots)
        for one in clients:
            one.close()


def test_a_port_that_another_server_has_is_in_use_even_if_it_shares_it() -> None:
    first = bind_udp([("127.0.0.1", 0)], slots=2)
    try:
        port = first[0].sockets[0].getsockname()[1]
        with pytest.raises(OSError, match=r"(?i)in use") as caught:
            bind_udp([("127.0.0.1", port)], slots=2)
        assert caught.value.filename == f"127.0.0.1:{port}"
    finally:
        _close(first)


def test_an_address_that_this_machine_lacks_is_named_and_nothing_stays_bound() -> None:
    with pytest.raises(OSError, match=r"(?i)assign") as caught:
        bind_udp([("127.0.0.1", 0), ("203.0.113.77", 4433)], slots=1)
    assert caught.value.filename == "203.0.113.77:4433"


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_the_wildcard_takes_both_families_unless_ipv4_is_bound_beside_it() -> None:
    both = bind_udp([("", 0)], slots=1)
    try:
        assert [sock.family for sock in both[0].sockets] == [socket.AF_INET6]
        assert not both[0].sockets[0].getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    finally:
        _close(both)
    beside = bind_udp([("::", 0), ("0.0.0.0", 0)], slots=2)
    try:
        for slot in beside:
            assert [sock.family for sock in slot.sockets] == [socket.AF_INET6, socket.AF_INET]
            assert slot.sockets[0].getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    finally:
        _close(beside)
