"""Attack for so many seconds, as a process of its own. It says "now" as it begins.

python -m benchmarks.attacks.attacker NAME PORT TLS_PORT QUIC_PORT SECONDS
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import sys

from benchmarks.attacks.attack import Ports
from benchmarks.attacks.catalogue import ATTACKS

__all__ = ["main"]


async def attack(name: str, ports: Ports, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            print("now", flush=True)
            await ATTACKS[name].run(ports)


def main() -> None:
    name, clear, tls, quic, seconds = sys.argv[1:]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # what it has begun is undone
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(attack(name, Ports(clear=int(clear), tls=int(tls), quic=int(quic)), float(seconds)))


if __name__ == "__main__":
    main()
