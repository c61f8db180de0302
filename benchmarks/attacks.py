"""What an ordinary client notices of an attack on the same server, and what that costs the server.

    python -m benchmarks.attacks                                  every attack, about six minutes
    python -m benchmarks.attacks --rounds 1 --only "slow heads" "HTTP/2 PING"
    python -m benchmarks.attacks --idle 10000                     memory of an idle connection

One worker. The good client asks on one connection kept open, a request every few milliseconds, before each attack and
during it, in a process of its own, which the system prefers to the attackers': who is measured is the server. Each
round gives a pair; the table has the medians. Where slowhttptest is installed its three ways are tried, too.

What a client waits for on a machine where server, attackers and others share the cores says little of the server. So
the processor time is looked at that the server has used between a request and its answer, for whomever: its "work".
What the work is more than in calm, the client would have waited longer had the server had a core for itself; that is
what the verdict is about.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.attack_clients import ATTACKS, Ports
from benchmarks.certificate import make_certificate
from benchmarks.machine import describe_machine
from benchmarks.process_tree import cpu_seconds, pss_bytes
from benchmarks.servers import HOST, find_program

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Figures", "main", "table"]

ROOT: Final = Path(__file__).resolve().parent.parent
PAUSE: Final = 0.004
"""Seconds between an answer and the next request of the good client."""
WARM_UP: Final = 2.0
"""Seconds that an attack has before anything is measured."""
MOST: Final = 3.0
"""So many times its calm p99 may the good client's be."""
MOST_IDLE: Final = 6 * 1024
START_SECONDS: Final = 30.0

SLOWHTTPTEST: Final = {
    "slowhttptest -H": ("-H", "-i", "1"),
    "slowhttptest -B": ("-B", "-i", "1", "-s", "8192", "-t", "POST"),
    "slowhttptest -X": ("-X", "-w", "1", "-y", "1", "-n", "1", "-z", "1"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What the good client has seen, in seconds."""

    median: float
    p99: float
    answers: int
    work: float
    """p99 of the processor time of the server between a request and its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Medians over the rounds of one attack."""

    name: str
    calm: float
    """p99 before it, in seconds."""
    attacked: float
    """p99 during it, on this machine as it was."""
    calm_work: float
    work: float
    """p99 of the work during it."""
    core: float
    """Part of a core that the server used during it."""
    grown: float
    """Bytes by which the server was larger after it than before."""

    @property
    def times(self) -> float:
        """The p99 during it with a core for the server, as a multiple of the calm one."""
        return (self.calm + max(self.work - self.calm_work, 0.0)) / self.calm


# -- the server -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The servers: one in the clear, one with TLS and HTTP/3."""

    ports: Ports
    clear: subprocess.Popen[bytes]
    secure: subprocess.Popen[bytes]

    @property
    def pids(self) -> tuple[int, int]:
        return self.clear.pid, self.secure.pid


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        return port


@contextlib.contextmanager
def attacked_servers(folder: Path) -> Iterator[Target]:
    """Both, with their defaults but for the log, and a limit by key that nobody reaches."""
    certificate = make_certificate(folder)
    ports = Ports(clear=free_port(), tls=free_port(), quic=free_port())
    command = [sys.executable, "-m", "pounce", "benchmarks.attack_app:app", "--workers", "1", "--no-access-log"]
    tls = ["--ssl-certfile", str(certificate.certificate), "--ssl-keyfile", str(certificate.key)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("POUNCE_")}
    with (folder / "log").open("wb") as log, contextlib.ExitStack() as stack:

        def start(*options: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen([*command, *options], cwd=ROOT, env=environ, stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        limit = ("--rate-limit", "1000000/s", "--rate-limit-key", "x-key")
        clear = start("--port", str(ports.clear), *limit)
        secure = start("--port", str(ports.tls), "--quic-bind", f"{HOST}:{ports.quic}", *tls)
        wait_for(ports.clear)
        wait_for(ports.tls)
        yield Target(ports=ports, clear=clear, secure=secure)


def wait_for(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection((HOST, port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


# -- the good client ------------------------------------------------------------------------------------------------


def ask_for(port: int, seconds: float, pid: int) -> Turn:
    """Ask on one connection for so long, in this process. ``pid``: of the server."""
    times, works = [], []
    clock = (~pid << 3) | 2  # of that process: clock_getcpuclockid(3)
    with socket.create_connection((HOST, port), 30) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            worked, began = time.clock_gettime(clock), time.perf_counter()
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while not answer.endswith(b"\r\n\r\nok"):
                data = sock.recv(65536)
                if not data:
                    raise ConnectionError("the good client lost its connection")
                answer += data
            times.append(time.perf_counter() - began)
            works.append(time.clock_gettime(clock) - worked)
            time.sleep(PAUSE)
    times.sort()
    works.sort()
    last = int(len(times) * 0.99)
    return Turn(median=statistics.median(times), p99=times[last], answers=len(times), work=works[last])


def good_client(port: int, seconds: float, pid: int, *, tls: bool = False) -> Turn:
    """As `ask_for`, in a process of its own."""
    asked = (str(port), str(seconds), str(pid), "tls" if tls else "clear")
    command = [sys.executable, "-m", "benchmarks.attacks", "--good", *asked]
    told = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=seconds + 60)
    return Turn(**json.loads(told.stdout))


# -- attacks --------------------------------------------------------------------------------------------------------


def attackers(name: str, ports: Ports, seconds: float) -> list[str]:
    """The command."""
    if name in SLOWHTTPTEST:
        url = f"http://{HOST}:{ports.clear}{'/large' if name.endswith('X') else '/'}"
        rate = ("-c", "500", "-r", "400", "-p", "5", "-l", str(int(seconds) + 1))
        return ["slowhttptest", *SLOWHTTPTEST[name], *rate, "-u", url]
    where = (str(ports.clear), str(ports.tls), str(ports.quic))
    return [sys.executable, "-m", "benchmarks.attack_clients", name, *where, str(seconds)]


def is_secure(name: str) -> bool:
    """Whether the server with TLS and HTTP/3 is the one that is attacked."""
    return name.startswith(("QUIC", "HTTP/3")) or name.endswith("TLS")


def attack(name: str, seconds: float, rounds: int) -> Figures:
    """Calm and attacked in turn, against a server of its own."""
    pairs, cores = [], []
    with tempfile.TemporaryDirectory() as folder, attacked_servers(Path(folder)) as target:
        pid = target.pids[is_secure(name)]
        port = target.ports.tls if is_secure(name) else target.ports.clear

        def ask() -> Turn:
            return good_client(port, seconds, pid, tls=is_secure(name))

        ask()  # warm
        before = pss_bytes(pid)
        for _ in range(rounds):
            calm = ask()
            process = subprocess.Popen(
                ["nice", "-n", "9", *attackers(name, target.ports, seconds + WARM_UP + 1.5)],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                time.sleep(WARM_UP)
                used, began = cpu_seconds(pid), time.monotonic()
                attacked = ask()
                cores.append((cpu_seconds(pid) - used) / (time.monotonic() - began))
            finally:
                process.kill()
                process.wait()
            pairs.append((calm, attacked))
            time.sleep(0.3)
        grown = pss_bytes(pid) - before
    return Figures(
        name=name,
        calm=statistics.median(one.p99 for one, _ in pairs),
        attacked=statistics.median(other.p99 for _, other in pairs),
        calm_work=statistics.median(one.work for one, _ in pairs),
        work=statistics.median(other.work for _, other in pairs),
        core=statistics.median(cores),
        grown=grown,
    )


def table(figures: Sequence[Figures]) -> str:
    """In Markdown."""
    lines = [
        "| attack | p99 calm | p99 during it | work calm | work during it | times | share of a core | grown by |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {one.name} | {one.calm * 1000:.2f} ms | {one.attacked * 1000:.2f} ms | {one.calm_work * 1000:.2f} ms"
        f" | {one.work * 1000:.2f} ms | {one.times:.1f}"
        f"{'' if one.times <= MOST else ' **above 3**'} | {one.core:.0%} | {one.grown / 2**20:.1f} MiB |"
        for one in figures
    ]
    return "\n".join(lines)


# -- idle connections -----------------------------------------------------------------------------------------------


def idle(count: int) -> float:
    """Bytes of the server for each connection that has had an answer and waits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, count + 1000)), hard))
    with tempfile.TemporaryDirectory() as folder, attacked_servers(Path(folder)) as target:
        pid = target.clear.pid
        connections: list[socket.socket] = []
        marks = []
        for most in (count // 10, count):  # what the first of them cost belongs to the server
            while len(connections) < most:
                sock = socket.create_connection((HOST, target.ports.clear), 30)
                sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                sock.recv(1000)
                connections.append(sock)
            time.sleep(0.5)
            marks.append(pss_bytes(pid))
        calm = good_client(target.ports.clear, 1.0, pid)
        for sock in connections:
            sock.close()
    each = (marks[1] - marks[0]) / (count - count // 10)
    print(f"{count:,} idle connections: {each:,.0f} bytes each, at most {MOST_IDLE:,}; p99 {calm.p99 * 1000:.2f} ms")
    return each


def _ask_for_tls(port: int, seconds: float, pid: int) -> Turn:
    import ssl

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    plain = socket.create_connection

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        return context.wrap_socket(plain(address, timeout))

    socket.create_connection = connect  # type: ignore[assignment]
    return ask_for(port, seconds, pid)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--only", nargs="*", default=None, metavar="ATTACK")
    parser.add_argument("--idle", type=int, default=None, metavar="CONNECTIONS")
    parser.add_argument("--good", nargs=4, default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.good:
        port, seconds, pid, wire = given.good
        print(json.dumps(asdict((_ask_for_tls if wire == "tls" else ask_for)(int(port), float(seconds), int(pid)))))
        return 0
    print(describe_machine())
    if given.idle:
        return int(idle(given.idle) > MOST_IDLE)
    known = [*ATTACKS, *(SLOWHTTPTEST if find_program("slowhttptest") else ())]
    figures = []
    for name in given.only or known:
        figures.append(attack(name, given.seconds, given.rounds))
        print(table(figures[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
    print(table(figures))
    return int(any(one.times > MOST for one in figures))


if __name__ == "__main__":
    sys.exit(main())
