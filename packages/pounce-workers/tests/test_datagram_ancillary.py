"""What goes beside datagrams."""

from __future__ import annotations

import socket
import sys

import pytest

from pounce_workers.net.datagram_ancillary import ask_for_packet_info, can_cut, leaving_from, read_packet_info

LINUX = sys.platform == "linux"


@pytest.mark.skipif(not LINUX, reason="the numbers are Linux's")
@pytest.mark.parametrize(
    ("control", "address", "interface_kept"),
    [
        ((0, 8, b"\x05\0\0\0" + bytes((127, 0, 0, 9)) + bytes((127, 0, 0, 9))), "127.0.0.9", False),
        ((0, 8, b"\x05\0\0\0" + bytes(4) + bytes((127, 0, 0, 9))), "127.0.0.9", False),
        ((41, 50, socket.inet_pton(socket.AF_INET6, "2001:db8::1") + b"\x05\0\0\0"), "2001:db8::1", False),
        ((41, 50, socket.inet_pton(socket.AF_INET6, "fe80::1") + b"\x05\0\0\0"), "fe80::1", True),
        ((41, 50, socket.inet_pton(socket.AF_INET6, "::ffff:192.0.2.1") + b"\x05\0\0\0"), "::ffff:192.0.2.1", False),
    ],
)
def test_the_address_that_was_reached_is_read_and_said_again(
    control: tuple[int, int, bytes], address: str, interface_kept: bool
) -> None:
    info = read_packet_info([(1, 1, b"something else"), control])
    assert info is not None
    assert info[0] == address
    level, kind, content = leaving_from(info[1])
    assert (level, kind, len(content)) == (control[0], control[1], len(control[2]))
    assert (b"\x05" in content) == interface_kept


@pytest.mark.parametrize("control", [[], [(0, 8, b"short")], [(41, 50, b"short")], [(7, 7, b"x" * 20)]])
def test_what_says_nothing_is_nothing(control: list[tuple[int, int, bytes]]) -> None:
    assert read_packet_info(control) is None


@pytest.mark.skipif(not LINUX, reason="elsewhere it depends")
def test_linux_tells_and_cuts() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        assert ask_for_packet_info(sock)
        assert can_cut(sock)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        assert not can_cut(sock)
