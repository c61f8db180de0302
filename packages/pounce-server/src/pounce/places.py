"""How a place to listen is written: ``HOST:PORT``, ``[IPV6]:PORT``, ``unix:PATH``, ``fd://NUMBER``, ``systemd://NAME``.

The same texts as gunicorn and hypercorn take, and one more for the sockets that systemd hands over.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = [
    "PLACES_IN_WORDS",
    "FdPlace",
    "Place",
    "ServicePlace",
    "TcpPlace",
    "UnixPlace",
    "is_host_and_port",
    "parse_place",
]

PLACES_IN_WORDS: Final = "HOST:PORT, [IPV6]:PORT, unix:PATH, fd://NUMBER or systemd://NAME"
"""What is allowed, for an error and for the reference."""

# RFC 3986, 3.2.2: an IPv6 address stands in brackets, so that its colons are not that of the port.
_TCP: Final = re.compile(
    r"(?: \[ (?P<v6> [0-9A-Fa-f:.]* : [0-9A-Fa-f:.]* (?:%[^\]\s]+)? ) \] | (?P<host> [^\s:\[\]/@]* ) )"
    r": (?P<port> [0-9]{1,5} )",
    re.ASCII | re.VERBOSE,
)
_FD: Final = re.compile(r"fd://([0-9]{1,9})", re.ASCII)
_UNIX: Final = re.compile(r"unix:(?://(?=.))?([^\0]+)", re.DOTALL)
_SYSTEMD: Final = re.compile(r"systemd://([^\0-\x1f:]*)")


class TcpPlace(NamedTuple):
    """A host, or an empty text for every address, and a port, or 0 for a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class UnixPlace(NamedTuple):
    """A path, or on Linux ``@name`` for an abstract socket."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"


class FdPlace(NamedTuple):
    """A descriptor that was inherited."""

    fd: int

    def __str__(self) -> str:
        return f"file descriptor {self.fd}"


class ServicePlace(NamedTuple):
    """The sockets that systemd hands over under a name (FileDescriptorName=), or all of them for an empty one."""

    name: str

    def __str__(self) -> str:
        return f"systemd://{self.name}"


Place = TcpPlace | UnixPlace | FdPlace | ServicePlace


def parse_place(text: str) -> Place:
    """The place that a text names.

    Raises:
        ValueError: it names none.
    """
    if match := _SYSTEMD.fullmatch(text):
        return ServicePlace(match[1])
    if match := _FD.fullmatch(text):
        return FdPlace(int(match[1]))
    if match := _UNIX.fullmatch(text):
        return UnixPlace(match[1])
    match = _TCP.fullmatch(text)
    if match is None or int(match["port"]) > 65535:
        raise ValueError(PLACES_IN_WORDS)
    return TcpPlace(match["v6"] or match["host"] or "", int(match["port"]))


def is_host_and_port(text: str) -> bool:
    """Whether a text names a host and a port."""
    try:
        return isinstance(parse_place(text), TcpPlace)
    except ValueError:
        return False
