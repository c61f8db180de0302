"""Whose word counts: a set of addresses and networks, ``unix`` for clients of a UNIX socket, ``*`` for everybody."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["TrustedNetworks", "parse_address"]

LONGEST_ADDRESS: Final = 64
"""Characters; an IPv6 address has 45, and a zone may follow."""


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """An address, or None when it is none. An IPv4 address that is written as IPv6 (RFC 4291, 2.5.5.2), as sockets for
    both give it, is the IPv4 address; a zone (``%eth0``) does not count.
    """
    if len(text) > LONGEST_ADDRESS:
        return None
    try:
        address = ip_address(text.partition("%")[0] if "%" in text else text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


class TrustedNetworks:
    """Immutable; any number of threads may ask it at once."""

    __slots__ = ("_addresses", "_networks", "everybody", "unix")

    def __init__(self, members: Iterable[str]) -> None:
        """``members`` are addresses, networks (``10.0.0.0/8``), ``unix`` and ``*``.

        Raises:
            ValueError: one of them is none of these; uvicorn takes it for a name that never occurs, and trusts nobody.
        """
        addresses: set[IPv4Address | IPv6Address] = set()
        networks: list[IPv4Network | IPv6Network] = []
        self.everybody = False
        self.unix = False
        for member in map(str.strip, members):
            if member == "*":
                self.everybody = True
            elif member in ("unix", "unix:"):
                self.unix = True
            elif (address := parse_address(member)) is not None:
                addresses.add(address)
            else:
                networks.append(_network(member))
        self._addresses = frozenset(addresses)
        self._networks = tuple(networks)

    def trusts_peer(self, host: str | None) -> bool:
        """Whether what this peer says counts. None and the empty text are clients of a UNIX socket."""
        return self.everybody or self.lists(host)

    def lists(self, host: str | None) -> bool:
        """Whether this very host is a member: ``*`` says nothing about hosts that somebody else only speaks of."""
        if not host:
            return self.unix
        address = parse_address(host)
        return address is not None and self.lists_address(address)

    def lists_address(self, address: IPv4Address | IPv6Address) -> bool:
        """The same for an address of `parse_address`."""
        return address in self._addresses or any(address in network for network in self._networks)


def _network(member: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(member)
    except ValueError:
        pass
    try:
        meant = f"; is {ip_network(member, strict=False)} meant?"
    except ValueError:
        meant = ""
    raise ValueError(f"{member!r} is neither an address, nor a network such as 10.0.0.0/8, nor unix, nor *{meant}")
