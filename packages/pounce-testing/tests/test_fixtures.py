"""The matrix fixture, used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pounce_testing import VARIANTS, Variant, fixtures

if TYPE_CHECKING:
    import pytest

    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope
    from pounce_testing.fixtures import Serve


pytest_plugins = ["pytester"]


async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


def test_the_variant_decides_how_it_is_served(serve: Serve, variant: Variant) -> None:
    server = serve(app, timeout_keep_alive=3)
    assert server.config.worker.timeout_keep_alive == 3
    assert server.config.worker.loop == variant.settings["loop"]
    assert server.config.worker.http == variant.settings["http"]


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
    needy = sum(bool(variant.needs) for variant in VARIANTS)
    result.assert_outcomes(passed=len(VARIANTS) - needy, skipped=needy)
    result.stdout.fnmatch_lines(["*uvloop-h11 needs uvloop, h11, which is not installed*"])


def test_public_names() -> None:
    assert fixtures.__all__ == ["Serve", "serve", "variant"]
