"""Where a server tells of itself: a UNIX socket, or a host and a port."""

from __future__ import annotations

import ipaddress
import re
from typing import Final, NamedTuple, Self

__all__ = ["ServerAddress", "is_loopback"]

# RFC 3986, 3.2.2: an IPv6 address stands in brackets, so that its colons are not that of the port.
_TCP: Final = re.compile(r"(?:\[([0-9A-Fa-f:.%]+)\]|([^\s:\[\]/@]*)):([0-9]{1,5})", re.ASCII)


class ServerAddress(NamedTuple):
    """Either a path, or a host and a port."""

    path: str = ""
    host: str = ""
    """Empty for every address of the machine."""
    port: int = 0

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def of(cls, text: str) -> Self:
        """That which is written ``unix:PATH``, ``HOST:PORT`` or ``[IPV6]:PORT``.

        Raises:
            ValueError: it names none.
        """
        if text.startswith("unix:"):
            path = text.removeprefix("unix:").removeprefix("//")
            if not path or "\0" in path:
                raise ValueError(f"{text!r} has no path")
            return cls(path=path)
        match = _TCP.fullmatch(text)
        if match is None or int(match[3]) > 65535:
            raise ValueError(f"{text!r} is not unix:PATH, HOST:PORT or [IPV6]:PORT")
        return cls(host=match[1] or match[2] or "", port=int(match[3]))


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it: ``localhost`` (RFC 6761, 6.3), or an address that is a loopback one."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
