"""The value of a Host field, and of what proxies say in its place (RFC 9110, 7.2; RFC 3986, 3.2.2).

::

    Host     = uri-host [ ":" port ]
    uri-host = IP-literal / IPv4address / reg-name

Of reg-name only what names of hosts are made of is taken: percent-encoded names and sub-delims never name a server,
and have been used to make one part of a system see another host than the next.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from typing import Final, NamedTuple

__all__ = ["HostValue", "parse_host"]

LONGEST: Final = 261
"""Characters: a name of 253 (RFC 1035, 2.3.4), brackets, a colon and five digits, and a dot at the end."""

_HOST: Final = re.compile(
    r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9_](?:[A-Za-z0-9_.-]*)))(?::(?P<port>[0-9]{0,5}))?"
)


class HostValue(NamedTuple):
    """A host and the port beside it."""

    name: str
    """In lower case; an IPv6 address without brackets, in its shortest form."""
    port: int | None

    def __str__(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port is None else f"{name}:{self.port}"


def parse_host(value: str) -> HostValue | None:
    """The parts of such a value, or None when it is none. A dot at the end of a name is left out."""
    match = _HOST.fullmatch(value) if len(value) <= LONGEST else None
    if match is None:
        return None
    port = int(match["port"]) if match["port"] else None
    if port is not None and port > 65535:
        return None
    if match["ipv6"] is None:
        name = match["name"].lower()
        return None if ".." in name else HostValue(name.removesuffix("."), port)
    try:
        return HostValue(str(IPv6Address(match["ipv6"])), port)
    except AddressValueError:
        return None
