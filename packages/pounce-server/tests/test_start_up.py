"""What a start imports: what it needs, and nothing of what is off.

Counted in modules, not in seconds: those say the same on every machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS: Final = ("_settings", ".settings", ".codings", ".compressible_types", ".path_set")
"""How the names of modules end that every start may import of packages whose features are off."""

OFF: Final = ("pounce_middleware", "pounce_compression")

TOLD: Final = """
def tell(**more):
    import json, sys
    print(json.dumps({"modules": sorted(sys.modules), **more}))
"""


class Row(NamedTuple):
    """One process: what it does, what it must not have imported then, and how many modules of ours it may have."""

    name: str
    code: str
    without: tuple[str, ...]
    most: int


EVENT_LOOP: Final = ("asyncio", "ssl", "subprocess", "pounce_workers.serving.worker", "pounce_asgi.http_exchange")
RARE: Final = (
    "pounce.admin_server",
    "pounce.redirect_server",
    "pounce.http3",
    "pounce.code_watch",
    "pounce.port_shares",
    "pounce_asgi.wsgi",
    "pounce_asgi.lifted_application",
    "pounce_workers.serving.async_worker_pool",
    "pounce_workers.serving.inspection",
    "pounce_workers.serving.sync_worker_pool",
    "pounce_workers.net.datagram_socket",
    "configparser",
)

VERSIONS: Final = ("email.message", "email.parser")
"""What `importlib.metadata` needs to tell the version of a package, and nobody else at a start. Itself is imported by
Python 3.14 whenever the caches of imports are emptied.
"""

TABLE: Final = (
    Row(
        "--version",
        "import atexit, sys; sys.argv = ['pounce', '--version']; atexit.register(tell)\n"
        "from pounce.__main__ import main; main()",
        (*EVENT_LOOP, *RARE, "pounce.config", "click", "logging", *VERSIONS),
        5,
    ),
    Row(
        "--help",
        "from pounce.cli import run_command; run_command(['--help']); tell()",
        (*EVENT_LOOP, *RARE, "pounce.server", "logging", "tomllib", *VERSIONS),
        80,
    ),
    Row("import", "import pounce.server; tell()", (*EVENT_LOOP, *RARE, "pounce.process_entry"), 150),
)


def modules_of(code: str, folder: Path) -> dict[str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", TOLD + code], capture_output=True, text=True, timeout=60, check=True, cwd=folder
    )
    told: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return told


def ours(modules: list[str]) -> list[str]:
    return [name for name in modules if name.partition("_")[0].partition(".")[0] == "pounce"]


def of_what_is_off(modules: list[str]) -> list[str]:
    inside = [name for name in modules if name.partition(".")[0] in OFF and not name.endswith(SETTINGS)]
    return [name for name in inside if name not in (*OFF, "pounce_middleware.static", "pounce_middleware.error_page")]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_what_is_not_needed_is_not_imported(row: Row, tmp_path: Path) -> None:
    modules = modules_of(row.code, tmp_path)["modules"]
    assert [name for name in row.without if name in modules] == []
    assert of_what_is_off(modules) == []
    assert len(ours(modules)) <= row.most, ours(modules)


APPLICATION: Final = """
import json, sys

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError
    body = json.dumps(sorted(sys.modules)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
"""

SERVE: Final = """
import json, threading
from pounce.config import ServerConfig
from pounce.server import Server

def main():
    server = Server(ServerConfig.of({"app": "application:app", "port": 0, "access_log": False, **SETTINGS}))
    thread = threading.Thread(target=server.serve_blocking)
    thread.start()
    assert server.wait_until_started(30)
    import sys
    main_process = sorted(sys.modules)
    import urllib.request
    with urllib.request.urlopen(f"http://127.0.0.1:{server.addresses[0].port}/") as answer:
        worker = json.load(answer)
    server.request_stop()
    thread.join(30)
    tell(main_process=main_process, worker=worker)

if __name__ == "__main__":
    main()
"""


def test_a_worker_thread_imports_what_it_serves(tmp_path: Path) -> None:
    (tmp_path / "application.py").write_text(APPLICATION)
    code = SERVE.replace("SETTINGS", "{'worker_kind': 'thread'}")
    told = modules_of(code, tmp_path)
    worker = told["worker"]
    assert [name for name in VERSIONS if name in told["main_process"]] == []  # before the client imports its own
    others = (*RARE, "pounce.process_crew", "pounce_workers.supervision.process_slots")
    assert [name for name in others if name in worker] == []
    assert of_what_is_off(worker) == []
    assert len([name for name in ours(worker) if name.split(".")[1:2] != ["multiplexed"]]) <= 330


def test_worker_processes_and_the_main_one_import_what_each_does(tmp_path: Path) -> None:
    (tmp_path / "application.py").write_text(APPLICATION)
    code = SERVE.replace("SETTINGS", "{'worker_kind': 'process'}")
    told = modules_of(code, tmp_path)
    watches = ("asyncio", *RARE, "pounce.thread_crews", "pounce.worker_factory", "pounce.importer", "application")
    assert [name for name in watches if name in told["main_process"]] == []
    serves = (*RARE, "pounce.server", "pounce.life", "pounce.cli", "click", "pounce_workers.supervision.supervisor")
    assert [name for name in serves if name in told["worker"]] == []
    assert of_what_is_off(told["main_process"] + told["worker"]) == []


EVERYTHING: Final = """
import sys
from pounce.chain import Surroundings, build_chain, import_chain
from pounce.config import ServerConfig
from pounce.shared_limits import SharedLimits

async def app(scope, receive, send): ...

config = ServerConfig.of({
    "app": app, "health_checks": True, "request_id": True, "request_id_header": "x-request-id",
    "forwarded_allow_ips": ("127.0.0.1",), "server_timing": True, "on_request": ("a:b",), "security_headers": True,
    "allowed_hosts": ("example.org",), "rate_limit": "10/s", "compress": True, "static": ("/files=.",),
    "request_queue_limit": 5, "cancel_on_disconnect": True, "request_timeout": 5.0, "debug": True,
    "log_format": "json",
})
import_chain(config)
limits = SharedLimits(config)
before = set(sys.modules)
build_chain(app, Surroundings(config=config, named={"a:b": print}, limits=limits))
tell(late=sorted(name for name in set(sys.modules) - before if name.startswith("pounce")))
"""


def test_what_is_on_is_imported_before_any_worker_makes_its_chain(tmp_path: Path) -> None:
    """Workers make their chains in their threads, where imports would wait for each other."""
    assert modules_of(EVERYTHING, tmp_path)["late"] == []
