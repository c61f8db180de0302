"""Attacks before and within TLS."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from typing import Final

from benchmarks.attacks.attack import Attack, Ports
from benchmarks.attacks.pressure import FLOODS, connect, hold
from benchmarks.servers import HOST

__all__ = ["TLS_ATTACKS", "trusting"]

HELLO: Final = bytes.fromhex("16030100c8010000c40303")
"""The beginning of a ClientHello of 200 bytes (RFC 8446, 4.1.2)."""


def trusting() -> ssl.SSLContext:
    """For clients who trust anybody."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def silent(ports: Ports) -> None:
    """No handshake is begun, or half of one."""
    await asyncio.gather(hold(ports.tls, b"", b"", count=250), hold(ports.tls, HELLO, b"", count=250))


async def slow_handshakes(ports: Ports) -> None:
    """A byte of it every half second."""
    await hold(ports.tls, HELLO, b"\0")


async def handshakes(ports: Ports) -> None:
    """Whole handshakes, each on a connection of its own, without resumption; then it is dropped."""
    context = trusting()

    async def one() -> None:
        while True:
            with contextlib.suppress(OSError):
                _, writer = await connect(ports.tls, tls=context)
                writer.transport.abort()
            await asyncio.sleep(0)

    await asyncio.gather(*[one() for _ in range(FLOODS * 2)])


async def hellos(ports: Ports) -> None:
    """The server's half of a handshake is asked for, which is the costly one, and the rest never follows."""
    context = trusting()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        session.do_handshake()
    hello = outgoing.read()

    async def one() -> None:
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await connect(ports.tls)
                try:
                    writer.write(hello[:11] + os.urandom(32) + hello[43:])  # another random: nothing is remembered
                    await reader.read(1)
                finally:
                    writer.transport.abort()
            await asyncio.sleep(0)

    await asyncio.gather(*[one() for _ in range(FLOODS * 2)])


async def openssl(ports: Ports, command: bytes, *options: str) -> None:
    """The same command of its client again and again, on one connection as long as that lasts."""
    connecting = ("s_client", "-connect", f"{HOST}:{ports.tls}", "-quiet", "-no_ign_eof", *options)

    async def one() -> None:
        while True:
            quiet = asyncio.subprocess.DEVNULL
            process = await asyncio.create_subprocess_exec(
                "openssl", *connecting, stdin=asyncio.subprocess.PIPE, stdout=quiet, stderr=quiet
            )
            assert process.stdin is not None
            try:
                await asyncio.sleep(0.1)
                while process.returncode is None:
                    process.stdin.write(command + b"\n")
                    await process.stdin.drain()
                    await asyncio.sleep(0.0002)  # it reads one command at a time
            except OSError:
                pass
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    await asyncio.gather(*[one() for _ in range(FLOODS)])


async def renegotiations(ports: Ports) -> None:
    """Another handshake within the connection (TLS 1.2; CVE-2011-1473)."""
    await openssl(ports, b"R", "-tls1_2")


async def key_updates(ports: Ports) -> None:
    """New keys, and the same is asked of the server (RFC 8446, 4.6.3)."""
    await openssl(ports, b"K", "-tls1_3")


TLS_ATTACKS: Final = {
    "silent TLS": Attack(run=silent, secure=True),
    "TLS handshakes of bytes": Attack(run=slow_handshakes, secure=True),
    "TLS handshakes": Attack(run=handshakes, secure=True),
    "TLS ClientHellos": Attack(run=hellos, secure=True),
    "TLS renegotiation": Attack(run=renegotiations, secure=True, programs=("openssl",)),
    "TLS key updates": Attack(run=key_updates, secure=True, programs=("openssl",)),
}
