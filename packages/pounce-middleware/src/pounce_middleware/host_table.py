"""The hosts that are served, ready to be looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pounce_middleware.host_value import parse_host

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["HostTable"]


class HostTable:
    """Immutable; any number of threads may ask it at once."""

    __slots__ = ("everything", "names", "suffixes")

    def __init__(self, hosts: Iterable[str]) -> None:
        """
        Raises:
            ValueError: one is no host.
        """
        names: set[str] = set()
        suffixes: list[str] = []
        self.everything = False
        for host in hosts:
            below = host.startswith("*.")
            # An IPv6 address may be written with or without its brackets.
            parsed = parse_host(host[2:] if below else host) or parse_host(f"[{host}]")
            if host == "*":
                self.everything = True
            elif parsed is None or parsed.port is not None:
                raise ValueError(f"{host!r} is neither the name of a host, nor *.name, nor *; ports do not count")
            elif below:
                suffixes.append("." + parsed.name)
            else:
                names.add(parsed.name)
        self.names = frozenset(names)
        self.suffixes = tuple(suffixes)

    def serves(self, name: str) -> bool:
        """Whether requests for the host of this name are served."""
        return self.everything or name in self.names or name.endswith(self.suffixes)
