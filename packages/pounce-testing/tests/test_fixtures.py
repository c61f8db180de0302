"""The matrix fixture, used."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pounce_testing import SHARING_VARIANTS, TestServer, Twins, Variant, fixtures
from pounce_testing.fixtures import everywhere

if TYPE_CHECKING:
    from pathlib import Path

    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope
    from pounce_testing.fixtures import Serve


pytest_plugins = ["pytester"]


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
    kind, pid = body_from(serve(twins)).split()
    assert kind == ("sync" if variant.blocking else "asgi")
    assert (int(pid) != os.getpid()) is variant.processes


def test_a_shared_server_serves_the_same_twice(serve_shared: Serve) -> None:
    first = serve_shared(app, timeout_keep_alive=3)
    assert serve_shared(app, timeout_keep_alive=3) is first
    assert serve_shared(app, timeout_keep_alive=4) is not first
    with first.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.read_response().status == 204


def test_shared_servers_end_with_the_module(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("from pounce_testing.fixtures import running_servers, serve_shared, variant")
    pytester.makepyfile(
        test_first="""
        servers = []

        async def app(scope, receive, send):
            raise NotImplementedError

        def test_it(serve_shared):
            servers.append(serve_shared(app))
            assert not servers[-1].join(0)
        """,
        test_second="""
        from test_first import servers

        def test_it():
            assert servers and all(server.join(0) for server in servers)
        """,
    )
    pytester.runpytest("-p", "no:cacheprovider").assert_outcomes(
        passed=sum(not one.tls for one in SHARING_VARIANTS) + 1
    )


def test_several_servers_in_one_test(serve: Serve) -> None:
    servers = [serve(app) for _ in range(3)]
    assert len({server.port for server in servers}) == 3
    for server in servers:
        with server.connect() as client:
            client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.read_response().status == 204


def test_what_is_not_installed_is_skipped_and_named(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("from pounce_testing.fixtures import serve, variant")
    pytester.makepyfile(
        """
        import importlib.util

        import pytest

        @pytest.fixture(autouse=True)
        def nothing_optional(monkeypatch):
            monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

        def test_it(variant):
            assert not variant.needs
        """
    )
    result = pytester.runpytest("-rs")
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
