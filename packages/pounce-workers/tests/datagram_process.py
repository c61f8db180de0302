"""A process of a server with nothing but its UDP side, for the tests of routes between processes.

``python datagram_process.py FOLDER DESCRIPTOR``: echoes, as `EchoEndpoint` does, until its standard input ends. Lines
there are commands: ``stop`` leaves reading to others, ``report`` prints what it has.
"""

from __future__ import annotations

import asyncio
import json
import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from datagram_doubles import EchoEndpoint

from pounce_workers import DatagramRoutes, DatagramSockets, ServingLoop
from pounce_workers.net.datagram_peers import DatagramPeers
from pounce_workers.net.datagram_service import DatagramService
from pounce_workers.net.loop import poller_of


async def main(folder: str, descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket(fileno=descriptor) as sock:
        service = DatagramService(
            DatagramSockets([sock]), DatagramRoutes(), loop=loop, poller=poller_of(loop), peers=DatagramPeers(folder)
        )
        endpoint = EchoEndpoint(service)
        service.start(endpoint)
        print("ready", flush=True)
        while command := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
            if command == "stop":
                service.stop_reading()
            report = {"ids": len(endpoint.ids), "strays": len(endpoint.strays), "forwarded": endpoint.forwarded}
            print(json.dumps(report), flush=True)
        endpoint.give_up()
        service.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=ServingLoop) as runner:
        runner.run(main(sys.argv[1], int(sys.argv[2])))
