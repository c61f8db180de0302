"""Attacks with connections alone: those that say nothing, are gone at once, or are never made."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import sys
from typing import Final

from benchmarks.attacks.attack import Attack, Ports
from benchmarks.attacks.pressure import hold
from benchmarks.servers import HOST

__all__ = ["CONNECTION_ATTACKS"]


async def silent(ports: Ports) -> None:
    """Nothing is said."""
    await hold(ports.clear, b"", b"")


async def reset_at_once(ports: Ports) -> None:
    """Connections that are reset at once, by the thousand."""
    linger = struct.pack("ii", 1, 0)
    loop = asyncio.get_running_loop()
    while True:
        for _ in range(50):
            with contextlib.suppress(OSError), socket.socket() as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                sock.setblocking(False)
                await loop.sock_connect(sock, (HOST, ports.clear))
        await asyncio.sleep(0)


# -- half-open ------------------------------------------------------------------------------------------------------


async def ip(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec("ip", *arguments, stderr=asyncio.subprocess.DEVNULL)
    if await process.wait():
        raise OSError(f"ip {' '.join(arguments)}: it cannot be done here")


async def syn_flood(ports: Ports) -> None:
    """First packets of connections, from addresses of which nobody answers, out of a network namespace."""
    name = f"syn{os.getpid() % 100000}"
    here, there = f"10.214.{os.getpid() % 250}.1", f"10.214.{os.getpid() % 250}.2"
    try:
        await ip("netns", "add", name)
        await ip("link", "add", f"{name}a", "type", "veth", "peer", "name", f"{name}b", "netns", name)
        await ip("addr", "add", f"{here}/24", "dev", f"{name}a")
        await ip("link", "set", f"{name}a", "up")
        await ip("-n", name, "addr", "add", f"{there}/24", "dev", f"{name}b")
        await ip("-n", name, "link", "set", f"{name}b", "up")
        flooder = ("netns", "exec", name, sys.executable, "-m", "benchmarks.attacks.syn_flood", here, str(ports.clear))
        process = await asyncio.create_subprocess_exec("ip", *flooder)
        try:
            if await process.wait():
                raise OSError("the packets cannot be sent")
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    finally:
        with contextlib.suppress(OSError):
            await ip("netns", "del", name)


CONNECTION_ATTACKS: Final = {
    "silent connections": Attack(run=silent),
    "connections reset at once": Attack(run=reset_at_once),
    "SYN flood": Attack(run=syn_flood, options=("--host", "0.0.0.0"), programs=("ip",), root=True),
}
