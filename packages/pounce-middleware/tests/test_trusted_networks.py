"""Whose word counts."""

from __future__ import annotations

import pytest

from pounce_middleware.trusted_networks import TrustedNetworks

CASES = [
    (("127.0.0.1",), "127.0.0.1", True),
    (("127.0.0.1",), "127.0.0.2", False),
    (("127.0.0.1",), "::ffff:127.0.0.1", True),
    (("127.0.0.1",), "127.0.0.1 ", False),
    (("::ffff:10.0.0.1",), "10.0.0.1", True),
    (("10.0.0.0/8",), "10.255.255.255", True),
    (("10.0.0.0/8",), "11.0.0.0", False),
    (("10.0.0.0/8",), "::ffff:10.1.1.1", True),
    (("0.0.0.0/0",), "2001:db8::1", False),
    (("2001:db8::/32",), "2001:db8:1::1", True),
    (("2001:DB8::1",), "2001:db8:0:0::1", True),
    (("fe80::/10",), "fe80::1%eth0", True),
    (("unix",), None, True),
    (("unix",), "", True),
    (("unix:",), None, True),
    (("127.0.0.1",), None, False),
    (("unix",), "127.0.0.1", False),
    (("unix",), "unix", False),
    ((), "127.0.0.1", False),
    ((" 10.0.0.1 ",), "10.0.0.1", True),
    (("10.0.0.0/8", "unix"), "10.0.0.1", True),
    (("127.0.0.1",), "localhost", False),
    (("127.0.0.1",), "0" * 5000, False),
]


@pytest.mark.parametrize(("members", "host", "trusted"), CASES)
def test_peers(members: tuple[str, ...], host: str | None, trusted: bool) -> None:
    networks = TrustedNetworks(members)
    assert networks.trusts_peer(host) is trusted
    assert networks.lists(host) is trusted


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", None, "anything"])
def test_everybody_connects_but_nobody_is_listed(host: str | None) -> None:
    networks = TrustedNetworks(("*",))
    assert networks.trusts_peer(host)
    assert not networks.lists(host)


@pytest.mark.parametrize(
    "member", ["", "localhost", "10.0.0.0/33", "10.0.0.256", "10.*", "*.example.com", "10.0.0.1:80"]
)
def test_a_mistake_is_not_silent(member: str) -> None:
    with pytest.raises(ValueError, match="is neither an address"):
        TrustedNetworks((member,))


def test_a_network_with_bits_of_a_host() -> None:
    with pytest.raises(ValueError, match=r"is 10\.0\.0\.0/8 meant\?"):
        TrustedNetworks(("10.1.0.0/8",))
