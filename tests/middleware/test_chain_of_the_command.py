"""The chain as the command makes it: what the banner and the access log say, variables, what ends the start, reload."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Final

import pytest

from pounce_testing import RawClient, Response
from tests.end_to_end.process import ServerProcess, run_to_end
from tests.under_load.running import RunningServer, wait_until

ROOT: Final = Path(__file__).parents[2]
APP: Final = ("tests.middleware.chain_applications:tell", "--port", "0")
FAILING: Final = "tests.middleware.chain_applications:Recording"
COULD_NOT: Final = f"middleware: {FAILING} could not be made: there is no file '' to record to"
THREADS: Final = ("--workers", "2", "--worker-kind", "thread")
PROCESSES: Final = ("--workers", "2", "--worker-kind", "process")

without_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")


def get(client: RawClient, path: str, lines: str = "") -> Response:
    client.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode())
    return client.read_response()


@without_signals
def test_banner_access_log_and_variables() -> None:
    """Clients are whom a trusted proxy names, and questions about health are no requests."""
    variables = {"FORWARDED_ALLOW_IPS": "127.0.0.1", "WEB_CONCURRENCY": "2"}
    flags = ("--health-checks", "--compress", "--security-headers", "--rate-limit", "2/h", "--worker-kind", "thread")
    with ServerProcess(ROOT, *APP, *flags, environ=variables) as server, server.connect() as client:
        proxied = "X-Forwarded-For: 192.0.2.7\r\n"
        answers = [get(client, f"/{number}", proxied) for number in range(3)]
        assert get(client, "/healthz").status == get(client, "/readyz").status == 200
        assert get(client, "/last").status == 200
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[-1].header(b"x-content-type-options") == b"nosniff"
    log = server.log
    switched_on = next(line for line in log.splitlines() if "switched on:" in line)
    assert switched_on.endswith("health, proxy headers, security headers, rate limit, compression")
    assert "workers:     2 threads" in log
    assert '"GET /0 HTTP/1.1" 200' in log
    requests = [line.split()[0] for line in log.splitlines() if " HTTP/1.1" in line]
    assert requests == ["192.0.2.7"] * 3 + ["127.0.0.1"]


@without_signals
def test_health_is_logged_when_asked_for_and_flags_go_before_variables() -> None:
    variables = {"FORWARDED_ALLOW_IPS": "127.0.0.1", "WEB_CONCURRENCY": "3"}
    flags = ("--health-checks", "--health-access-log", "--workers", "1", "--no-proxy-headers", "--debug")
    with ServerProcess(ROOT, *APP, *flags, environ=variables) as server, server.connect() as client:
        assert get(client, "/readyz", "X-Forwarded-For: 192.0.2.7\r\n").status == 200
        assert b"this page shows it" in get(client, "/broken").body
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
    assert "127.0.0.1 - - [" in server.log
    assert '"GET /readyz HTTP/1.1" 200' in server.log
    assert "192.0.2.7" not in server.log
    assert "switched on: access log, lifespan auto, health, error pages\n" in server.log
    assert "workers:     1 " in server.log


@without_signals
def test_nothing_is_switched_on_by_itself() -> None:
    with ServerProcess(ROOT, *APP, "--no-access-log", "--lifespan", "off") as server, server.connect() as client:
        assert get(client, "/healthz").header(b"x-mark") is None
        broken = get(client, "/broken", "Accept: text/html\r\n")
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
    assert "switched on: nothing\n" in server.log
    assert b"LookupError" not in broken.body


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--middleware", FAILING), COULD_NOT),
        (("--middleware", FAILING, *PROCESSES), COULD_NOT),
        (("--middleware", "tests.middleware:Nothing"), "middleware: tests.middleware has no attribute 'Nothing'"),
        (("--on-request", "tests.nothing:hook"), "on_request: there is no module 'tests.nothing' in "),
        (("--static", "/a=no-folder"), "static: '/a=no-folder': 'no-folder' is not a directory"),
    ],
    ids=["raises", "raises in processes", "is not there", "no module", "no folder"],
)
def test_what_cannot_be_made_ends_the_start(flags: tuple[str, ...], told: str) -> None:
    ended = run_to_end(ROOT, *APP, *flags)
    output = ended.stdout + ended.stderr
    assert ended.returncode in (1, 2)
    naming = [line for line in output.splitlines() if told in line]
    assert len(naming) == 1, output
    assert naming[0].startswith("ERROR:"), output
    assert "Listening" not in output


# -- reload ----------------------------------------------------------------------------------------------------------

CODE: Final = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})
"""
MIDDLEWARE: Final = """
class Marking:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def marked(message):
            if message["type"] == "http.response.start":
                message["headers"] = [(b"x-mark", b"MARK")]
            await send(message)

        await self.app(scope, receive, marked)
"""


@without_signals
@pytest.mark.parametrize("kind", [(), THREADS], ids=["solo", "threads"])
def test_a_reload_keeps_limits_and_loads_middleware_afresh(tmp_path: Path, kind: tuple[str, ...]) -> None:
    """Whoever had used up the limit is still limited."""
    (tmp_path / "app.py").write_text(CODE)
    (tmp_path / "own.py").write_text(MIDDLEWARE.replace("MARK", "first"))
    limits = ("--rate-limit", "2/h", "--rate-limit-key", "x-client", "--middleware", "own:Marking")

    def ask(client_name: str) -> Response:
        with RawClient("127.0.0.1", server.port) as client:
            return get(client, "/", f"X-Client: {client_name}\r\n")

    with RunningServer(tmp_path, *limits, *kind) as server:
        assert [ask("one").status for _ in range(3)] == [200, 200, 429]
        assert ask("two").header(b"x-mark") == b"first"
        (tmp_path / "own.py").write_text(MIDDLEWARE.replace("MARK", "the second"))
        server.reload(2)
        wait_until(lambda: ask("three").status == 200, "a new client is served")
        assert ask("four").header(b"x-mark") == b"the second"
        assert ask("one").status == 429, "as before the reload"
        assert [ask("two").status for _ in range(2)] == [200, 429]
        assert server.stop() == 0
