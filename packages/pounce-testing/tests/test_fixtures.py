"""The matrix fixture, used."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pounce_testing import SHARING_VARIANTS, TestServer, Twins, Variant, fixtures
from pounce_testing.fixtures import everywhere, over

if TYPE_CHECKING:
    from pathlib import Path

    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope
    from pounce_testing.fixtures import Serve


pytest_plugins = ["pytester"]

one_way = over(SHARING_VARIANTS[:1])


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """One without the plugins that are installed here, which take a second to load."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:cacheprovider")
    return pytester


async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


def test_the_variant_decides_how_it_is_served(serve: Serve, variant: Variant) -> None:
    server = serve(app, timeout_keep_alive=3)
    assert server.config.worker.timeout_keep_alive == 3
    assert server.config.worker.loop == variant.settings.get("loop", "auto")
    assert server.config.workers == variant.settings.get("workers", 1)
    assert server.config.worker.http == variant.settings["http"]


TWINS = """
import os
from pounce_asgi import SyncResponse

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"asgi %d" % os.getpid()})

class Twin:
    def handle(self, request):
        return SyncResponse(body=b"sync %d" % os.getpid())

twin = Twin()
"""


@pytest.fixture
def twins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Twins:
    (tmp_path / "twins_of_the_test.py").write_text(TWINS)
    monkeypatch.syspath_prepend(tmp_path)
    return Twins(asgi="twins_of_the_test:app", sync="twins_of_the_test:twin")


def body_from(server: TestServer) -> str:
    with server.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        return client.read_response().body.decode()


@everywhere
def test_twins_are_served_by_every_kind_of_worker(serve: Serve, twins: Twins, variant: Variant) -> None:
    fewer = {"workers": 1} if variant.processes else {}  # each takes a second to start
    kind, pid = body_from(serve(twins, **fewer)).split()
    assert kind == ("sync" if variant.blocking else "asgi")
    assert (int(pid) != os.getpid()) is variant.processes


@one_way
def test_a_shared_server_serves_the_same_twice(serve_shared: Serve) -> None:
    first = serve_shared(app, timeout_keep_alive=3)
    assert serve_shared(app, timeout_keep_alive=3) is first
    assert serve_shared(app, timeout_keep_alive=4) is not first
    with first.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.read_response().status == 204


SHARED = """
servers = []

async def app(scope, receive, send):
    raise NotImplementedError

def test_it(serve_shared):
    servers.append(serve_shared(app))
    assert not servers[-1].join(0)

def test_next(serve_shared):
    assert serve_shared(app) is servers[-1]
    assert [server.join(0) for server in servers] == [True] * (len(servers) - 1) + [False]
"""


def test_shared_servers_end_with_the_module_and_those_of_other_ways_when_they_are_too_many(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixtures, "RUNNING", 1)
    project.makeconftest("from pounce_testing.fixtures import running_servers, serve_shared, variant")
    project.makepyfile(
        test_first=SHARED,
        test_second="""
        from test_first import servers

        def test_it():
            assert len(servers) == 2 and all(server.join(0) for server in servers)
        """,
    )
    # All tests of a module in one way, then those in the next: else the server of the first would not be there still.
    result = project.runpytest("-v", "-k", "asyncio-http1 or threads-http1 or second")
    result.stdout.fnmatch_lines(
        ["*it[[]asyncio-http1]*", "*next[[]asyncio-http1]*", "*it[[]threads*", "*next[[]threads*"]
    )
    result.assert_outcomes(passed=5, deselected=8)


def test_many_servers_stop_some_at_a_time_and_all_of_them() -> None:
    class Server:
        def __init__(self, number: int) -> None:
            self.number = number
            self.asked = False

        def request_stop(self) -> None:
            self.asked = True

        def wait_stopped(self) -> None:
            assert self.asked
            stopping.append(sum(server.asked for server in servers))
            if self.number == 3:
                raise ZeroDivisionError

    servers = [Server(number) for number in range(20)]
    stopping: list[int] = []
    with pytest.raises(ZeroDivisionError):
        fixtures._stop_all(dict(enumerate(servers)))  # type: ignore[arg-type]
    assert len(stopping) == 20
    assert stopping[:5] == [4] * 4 + [12], "the rest of 20, then 8 more"


@one_way
def test_several_servers_in_one_test(serve: Serve) -> None:
    servers = [serve(app) for _ in range(3)]
    assert len({server.port for server in servers}) == 3
    for server in servers:
        with server.connect() as client:
            client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.read_response().status == 204


def test_what_is_not_installed_is_skipped_and_named(project: pytest.Pytester) -> None:
    project.makeconftest("from pounce_testing.fixtures import serve, variant")
    project.makepyfile(
        """
        import importlib.util

        import pytest

        @pytest.fixture(autouse=True, scope="module")
        def nothing_optional():
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(importlib.util, "find_spec", lambda name: None)
                yield

        def test_it(variant):
            assert not variant.needs
        """
    )
    result = project.runpytest("-rs")
    clear = [variant for variant in SHARING_VARIANTS if not variant.tls]
    needy = sum(bool(variant.needs) for variant in clear)
    result.assert_outcomes(passed=len(clear) - needy, skipped=needy)
    result.stdout.fnmatch_lines(["*uvloop-http1 needs uvloop, which is not installed*"])


def test_public_names() -> None:
    assert fixtures.__all__ == [
        "Serve",
        "everywhere",
        "in_the_clear",
        "installed",
        "over",
        "running_servers",
        "serve",
        "serve_shared",
        "variant",
        "where_bodies_are_not_gathered",
    ]
