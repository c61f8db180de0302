"""Applications that block, with every middleware on: Django's ORM, Flask's async views and ``asyncio.run()`` work as
they do without, over every kind of worker.
"""

from __future__ import annotations

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import pytest

from pounce.chain import ORDER
from pounce_testing import Variant
from pounce_testing.fixtures import over
from pounce_testing.matrix import WORKER_KINDS
from tests.frameworks.idioms import form, get, request
from tests.middleware.chain_applications import EVERYTHING_ON, LONG, PROCESS_WIDE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pounce_testing import Response, TestServer
    from pounce_testing.fixtures import Serve

SYNC_APP: Final = "tests.middleware.chain_applications:blocking"
FLASK: Final = "tests.frameworks.apps.flask_app:app"
DJANGO: Final = "tests.middleware.django_applications"
MIB: Final = 1 << 20

# What blocks is asked for by itself: with a middleware around it, it is lifted into an event loop.
KINDS: Final = (*(kind for kind in WORKER_KINDS if not kind.blocking and not kind.needs), Variant(name="blocking"))
every_kind = over(KINDS)


def passed_through_everything(answer: Response) -> None:
    """What each middleware that says something has added, exactly once."""
    names = [name for name, _ in answer.headers]
    for name in (b"x-mark", b"x-seen", b"x-request-id", b"ratelimit", b"x-content-type-options", b"server-timing"):
        assert names.count(name) == 1, name
    assert b'app;desc="application"' in (answer.header(b"server-timing") or b"")


@pytest.fixture
def everything(serve: Serve) -> Callable[..., TestServer]:
    """Serve with all of it."""

    def start(app: str, **settings: Any) -> TestServer:
        server = serve(app, **EVERYTHING_ON, **settings)
        assert all(link.is_on(server.config) or link.name in PROCESS_WIDE for link in ORDER)
        return server

    return start


@every_kind
def test_a_sync_app(everything: Callable[..., TestServer]) -> None:
    with everything(SYNC_APP).connect() as client:
        looped = get(client, "/loop")
        assert (looped.status, looped.body) == (200, b"done")
        passed_through_everything(looped)
        streamed = get(client, "/stream")
        assert streamed.body == b"piece 0\npiece 1\npiece 2\n"
        passed_through_everything(streamed)
        long = get(client, "/long", "Accept-Encoding: gzip\r\n")
        assert long.header(b"content-encoding") == b"gzip"
        assert gzip.decompress(long.body).decode() == LONG
        broken = get(client, "/broken")
        assert broken.status == 500
        assert b"LookupError: this page shows it" in broken.body
        assert b"raise LookupError" in broken.body, "with the source of the application"
        client.send(request("HEAD", "/a"))
        head = client.read_response("HEAD")
        assert (head.body, head.header(b"content-length")) == (b"", b"2")
        assert get(client, "/files/who.py").body.startswith(b'"""Says who')


@every_kind
def test_flask(everything: Callable[..., TestServer]) -> None:
    pytest.importorskip("flask", reason="FLASK IS NOT INSTALLED: it has not been tested")
    with everything(FLASK).connect() as client:
        waited = get(client, "/async")
        assert json.loads(waited.body) == {"in a loop": True}
        passed_through_everything(waited)
        assert get(client, "/loop").body == b"done"
        lines = "".join(f"line {number}\n" for number in range(500))
        assert get(client, "/stream/500").body.decode() == lines
        packed = get(client, "/stream/500", "Accept-Encoding: gzip\r\n")
        assert packed.header(b"content-encoding") == b"gzip"
        assert gzip.decompress(packed.body).decode() == lines
        headers, body = form(bytes(range(256)) * (2 * MIB // 256))
        client.send(request("POST", "/upload", headers, body))
        assert json.loads(client.read_response().body)["size"] == 2 * MIB
        failed = get(client, "/fail")
        assert failed.status == 500
        passed_through_everything(failed)
        assert get(client, "/hello/x").body == b"hello x", "the connection is in step"


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A file with the tables, for this process and for those that it starts."""
    pytest.importorskip("django", reason="DJANGO IS NOT INSTALLED: it has not been tested")
    from tests.middleware import django_applications as django

    file = str(tmp_path / "orders.sqlite3")
    monkeypatch.setenv(django.DATABASE, file)
    before = django.use_database(file)
    django.create_tables()
    yield
    django.use_database(before)


@every_kind
@pytest.mark.parametrize("factory", ["make_wsgi", "make_asgi"])
def test_django(database: None, everything: Callable[..., TestServer], factory: str) -> None:
    server = everything(f"{DJANGO}:{factory}", factory=True)
    with server.connect() as client:
        placed = [get(client, f"/place?name={name}") for name in ("tea", "milk")]
        assert [answer.body for answer in placed] == [b"1", b"2"]
        passed_through_everything(placed[0])
        assert get(client, "/count").body == b"2"
        assert json.loads(get(client, "/names").body) == ["tea", "milk"], "an async view"
        if factory == "make_wsgi":  # as an ASGI application Django warns of streams that are sync
            assert get(client, "/lines").body.decode() == "".join(f"line {number}\n" for number in range(100))

    def ask(_: int) -> int:
        with server.connect() as one:
            return get(one, "/place?name=tea").status

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(ask, range(12))) == {200}
    with server.connect() as client:
        assert get(client, "/count").body == b"14"
