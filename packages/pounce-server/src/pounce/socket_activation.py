"""Sockets that systemd opens and hands over when it starts the server (sd_listen_fds(3)).

They are open before the server is and stay open while it is restarted, so that no client is ever refused; and the
server needs no privilege for a port below 1024.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import MutableMapping

__all__ = ["Activation"]

FIRST_DESCRIPTOR: Final = 3
"""SD_LISTEN_FDS_START: after the three standard ones."""

_VARIABLES: Final = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID")

_log = logging.getLogger("pounce.server")


@dataclass(frozen=True, slots=True)
class Activation:
    """The descriptors that were handed over, each with its name (FileDescriptorName=; by default that of the unit)."""

    descriptors: tuple[tuple[int, str], ...] = ()

    @classmethod
    def take(cls, environ: MutableMapping[str, str] | None = None, *, pid: int | None = None) -> Self:
        """What this process was given, which may be nothing.

        For the program that owns the process, once. The variables are removed and the descriptors no longer
        inheritable, so that nothing that the application starts takes them for its own.
        """
        environ = os.environ if environ is None else environ
        owner, count, names, _ = (environ.pop(name, "") for name in _VARIABLES)
        if not (count.isdecimal() and count.isascii()) or not int(count):
            return cls()
        if owner != str(os.getpid() if pid is None else pid):
            _log.warning(
                "The sockets of systemd are for process %s, which this is not, and are left alone; name pounce itself"
                " in ExecStart, or let what is named there exec it",
                owner or "(none)",
            )
            return cls()
        descriptors = range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + int(count))
        named = names.split(":") if names else []
        if len(named) != len(descriptors):
            named = ["unknown"] * len(descriptors)  # as sd_listen_fds_with_names(3) does
        for fd in descriptors:
            os.set_inheritable(fd, False)
        return cls(tuple(zip(descriptors, named, strict=True)))

    def named(self, name: str) -> tuple[int, ...]:
        """The descriptors of a name; all of them for an empty one."""
        return tuple(fd for fd, known in self.descriptors if name in ("", known))
