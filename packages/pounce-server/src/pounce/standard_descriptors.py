"""Descriptors 0, 1 and 2, which a service manager or a shell may have closed before it started us."""

from __future__ import annotations

import os

__all__ = ["open_standard_descriptors"]


def open_standard_descriptors() -> None:
    """Open the null device on those that are closed.

    The next socket would get the number of a closed one: what a library or a child process writes to its standard error
    would then go to clients, and a worker process would lose its listening socket to its standard input.
    """
    try:
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(descriptor, True)
        os.close(descriptor)
    except OSError:
        return  # no null device, or no descriptors left: what follows will say so
