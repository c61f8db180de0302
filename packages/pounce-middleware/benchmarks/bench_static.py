"""Static files against nginx on the same machine: processor time per request, in turns.

    python packages/pounce-middleware/benchmarks/bench_static.py [--seconds 3] [--rounds 3] [--save]

Needs nginx and wrk; run it with the Python to measure. Servers take core 0, wrk core 1. Both servers have one worker
and no access log; nginx sends with sendfile and without open_file_cache, as it does by default.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
HOST: Final = "127.0.0.1"
FILES: Final = {"50 KB": (50 * 1024, 32, 2.0), "10 MB": (10 * 1024 * 1024, 4, 1.2), "1 KB": (1024, 32, None)}
"""Name -> bytes, connections, and the share of nginx's processor time that is the bar."""

NGINX: Final = """\
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    server {{ listen {host}:{port} backlog=2048; root {root}; }}
}}
"""

APP: Final = "from pounce_middleware.static import StaticFiles\napp = StaticFiles({root!r})\n"


def free_port() -> int:
    with socket.socket() as one:
        one.bind((HOST, 0))
        port: int = one.getsockname()[1]
        return port


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its children, as far as the kernel counts them."""
    total = 0.0
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(entry.name) == pid or int(fields[1]) == pid:
                total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def running(command: list[str], port: int, folder: Path) -> Iterator[int]:
    """A server on core 0; the process id once it accepts."""
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(["taskset", "-c", "0", *command], cwd=folder, stdout=log, stderr=log)
        try:
            for _ in range(100):
                # An answer, not just a connection: a socket can connect to itself on a port that nobody listens on.
                with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1) as client:
                    client.sendall(b"HEAD / HTTP/1.0\r\n\r\n")
                    if client.recv(5) == b"HTTP/":
                        break
                time.sleep(0.1)
            else:
                raise SystemExit((folder / "server.log").read_text())
            yield server.pid
        finally:
            server.terminate()
            server.wait(20)


def load(url: str, connections: int, seconds: float) -> tuple[int, float]:
    """Requests answered and seconds, by wrk on core 1."""
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        raise SystemExit(output)
    found = re.search(r"(\d+) requests in ([\d.]+)(m?s)", output)
    assert found, output
    return int(found[1]), float(found[2])


def measure(command: list[str], port: int, folder: Path, seconds: float) -> dict[str, float]:
    """Microseconds of processor time per request, by file."""
    figures = {}
    with running(command, port, folder) as pid:
        for name, (size, connections, _) in FILES.items():
            url = f"http://{HOST}:{port}/{size}.bin"
            load(url, connections, 1)
            before = cpu_seconds(pid)
            requests, _ = load(url, connections, seconds)
            figures[name] = (cpu_seconds(pid) - before) / requests * 1e6
    return figures


def commands(folder: Path, root: Path) -> dict[str, tuple[list[str], int]]:
    ports = {"nginx": free_port(), "pounce": free_port()}
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, host=HOST, port=ports["nginx"], root=root))
    (folder / "files_app.py").write_text(APP.format(root=str(root)))
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "nginx"
    pounce = [sys.executable, "-m", "pounce", "files_app:app", "--port", str(ports["pounce"]), "--no-access-log"]
    return {
        "nginx": ([nginx, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")], ports["nginx"]),
        "pounce": (pounce, ports["pounce"]),
    }


def table(turns: dict[str, list[dict[str, float]]]) -> str:
    lines = [
        "| file | nginx us | pounce us | of nginx | at most | least nginx us | least pounce us | of nginx |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, (_, _, bar) in FILES.items():
        cells = []
        for figure in (statistics.median, min):
            nginx, pounce = (figure([turn[name] for turn in turns[server]]) for server in ("nginx", "pounce"))
            cells.append(f"{nginx:.1f} | {pounce:.1f} | {pounce / nginx:.2f}")
        lines.append(f"| {name} | {cells[0]} | {bar or '-'} | {cells[1]} |")
    return "\n".join(lines)


def save(text: str) -> None:
    """Replace the section of this benchmark."""
    begin, end = "<!-- begin static -->", "<!-- end static -->"
    old = RESULTS.read_text() if RESULTS.exists() else "# Results\n"
    section = f"{begin}\n\n{text}\n\n{end}\n"
    if begin in old:
        old = re.sub(f"{begin}.*{end}\n", lambda _: section, old, flags=re.DOTALL)
    else:
        old = f"{old.rstrip()}\n\n{section}"
    RESULTS.write_text(old)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=[*FILES], help="one file")
    parser.add_argument("--save", action="store_true", help="write RESULTS.md")
    options = parser.parse_args()
    for name in {*FILES} - {options.only or name for name in FILES}:
        del FILES[name]
    turns: dict[str, list[dict[str, float]]] = {"nginx": [], "pounce": []}
    with tempfile.TemporaryDirectory() as name:
        folder, root = Path(name), Path(name) / "root"
        root.mkdir()
        folder.chmod(0o755)  # nginx's worker is another user
        for size, _, _ in FILES.values():
            (root / f"{size}.bin").write_bytes(os.urandom(size))
        for _ in range(options.rounds):
            for server, (command, port) in commands(folder, root).items():
                turns[server].append(measure(command, port, folder, options.seconds))
                print(server, json.dumps(turns[server][-1]), flush=True)
    gil = "" if getattr(sys, "_is_gil_enabled", lambda: True)() else ", free-threaded"
    note = (
        f"Processor time (user and system) per request over keep-alive, in microseconds; medians of {options.rounds}"
        f" rounds of {options.seconds:g} s each, and the round that others disturbed least."
        f" Python {platform.python_version()}{gil};"
        f" load average {os.getloadavg()[0]:.1f}; {time.strftime('%Y-%m-%d', time.gmtime())}.\n"
        "`python packages/pounce-middleware/benchmarks/bench_static.py --save`"
    )
    print(text := f"## Static files against nginx\n\n{note}\n\n{table(turns)}")
    if options.save:
        save(text)


if __name__ == "__main__":
    main()
