"""Idioms of Django's own: the ORM on SQLite in async and sync views, transactions, sessions, streams, signals."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped, untyped-decorator"

from __future__ import annotations

import asyncio
import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from pounce_testing import TestServer
from tests.frameworks.apps import django_app
from tests.frameworks.idioms import form, get, read_until, request
from tests.frameworks.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Views = Callable[..., contextlib.AbstractContextManager[TestServer]]

django_app.configure()

from django.core.asgi import get_asgi_application  # noqa: E402 - below here, Django has to be set up
from django.core.signals import request_finished  # noqa: E402
from django.db import connection, connections, transaction  # noqa: E402
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse  # noqa: E402
from django.test import override_settings  # noqa: E402
from django.urls import path  # noqa: E402

from tests.frameworks.apps.django_orders import Order  # noqa: E402

SYNC_STREAM = "ignore:StreamingHttpResponse must consume synchronous iterators"


@pytest.fixture
def views() -> Views:
    """Serve views, each at the path of its name, with Django's own middleware for sessions."""

    class URLs:
        urlpatterns: Any

    @contextlib.contextmanager
    def serve(*functions: Callable[..., Any]) -> Iterator[TestServer]:
        urls = URLs()
        urls.urlpatterns = [path(function.__name__, function) for function in functions]
        settings = {
            "ROOT_URLCONF": urls,
            "MIDDLEWARE": ["django.contrib.sessions.middleware.SessionMiddleware"],
            "SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies",
        }
        with override_settings(**settings), TestServer(get_asgi_application(), lifespan="off") as server:
            yield server

    return serve


@pytest.fixture
def database(tmp_path: Path) -> Iterator[None]:
    """A file, because each thread has a connection of its own."""
    old = connections.settings["default"]["NAME"]
    for known in (connections.settings["default"], connection.settings_dict):
        known["NAME"] = str(tmp_path / "orders.sqlite3")
    with connection.schema_editor() as editor:
        editor.create_model(Order)
    connection.close()
    yield
    connection.close()
    for known in (connections.settings["default"], connection.settings_dict):
        known["NAME"] = old


def test_the_orm_from_both_kinds_of_views(views: Views, database: None) -> None:
    async def place(request: HttpRequest) -> HttpResponse:
        order = await Order.objects.acreate(name=request.GET["name"])
        return HttpResponse(str(order.pk))

    def names(request: HttpRequest) -> HttpResponse:
        return JsonResponse(list(Order.objects.order_by("pk").values_list("name", flat=True)), safe=False)

    async def names_async(request: HttpRequest) -> HttpResponse:
        return JsonResponse([order.name async for order in Order.objects.order_by("pk")], safe=False)

    with views(place, names, names_async) as server, server.connect() as client:
        assert [get(client, f"/place?name={name}").body for name in ("tea", "milk")] == [b"1", b"2"]
        assert json.loads(get(client, "/names").body) == ["tea", "milk"]
        assert json.loads(get(client, "/names_async").body) == ["tea", "milk"]


def test_a_transaction_is_rolled_back(views: Views, database: None) -> None:
    @transaction.atomic
    def fail(request: HttpRequest) -> HttpResponse:
        Order.objects.create(name="never")
        raise ValueError("after the insert")

    def count(request: HttpRequest) -> HttpResponse:
        return HttpResponse(str(Order.objects.count()))

    with views(fail, count) as server, server.connect() as client:
        assert get(client, "/fail").status == 500
        assert get(client, "/count").body == b"0"


def test_writers_side_by_side(views: Views, database: None) -> None:
    def place(request: HttpRequest) -> HttpResponse:
        Order.objects.create(name="tea")
        return HttpResponse("")

    def count(request: HttpRequest) -> HttpResponse:
        return HttpResponse(str(Order.objects.count()))

    def ask(server: TestServer) -> int:
        with server.connect() as client:
            return get(client, "/place").status

    with views(place, count) as server, ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, [server] * 24)) == {200}
        with server.connect() as client:
            assert get(client, "/count").body == b"24"


def test_sessions(views: Views) -> None:
    async def count(request: HttpRequest) -> HttpResponse:
        number = await request.session.aget("count", 0) + 1
        await request.session.aset("count", number)
        return HttpResponse(str(number))

    with views(count) as server, server.connect() as client:
        cookie = ""
        for expected in (b"1", b"2"):
            response = get(client, "/count", cookie)
            assert response.body == expected
            cookie = f"Cookie: {(response.header(b'set-cookie') or b'').partition(b';')[0].decode()}\r\n"


@pytest.mark.filterwarnings(SYNC_STREAM)
def test_sync_streams_and_files(views: Views, tmp_path: Path) -> None:
    content = bytes(range(256)) * 4096
    (tmp_path / "a.bin").write_bytes(content)

    def lines(request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(f"line {number}\n" for number in range(100))

    def file(request: HttpRequest) -> FileResponse:
        return FileResponse((tmp_path / "a.bin").open("rb"))

    with views(lines, file) as server, server.connect() as client:
        assert get(client, "/lines").body.decode() == "".join(f"line {number}\n" for number in range(100))
        response = get(client, "/file")
        assert (response.body, response.header(b"content-length")) == (content, b"%d" % len(content))


def test_an_async_view_is_cancelled_when_its_client_leaves(views: Views) -> None:
    probe = Probe()

    async def wait(request: HttpRequest) -> HttpResponse:
        probe["entered"].set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            probe["cancelled"].set()
            raise
        raise AssertionError("unreachable")

    with views(wait) as server:
        with server.connect() as client:
            client.send(request("GET", "/wait"))
            probe["entered"].wait()
        probe["cancelled"].wait()


def test_an_async_stream_that_waits_is_cancelled_too(views: Views) -> None:
    probe = Probe()

    async def wait(request: HttpRequest) -> StreamingHttpResponse:
        async def pieces() -> Any:
            yield "first"
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                probe["cancelled"].set()
                raise

        return StreamingHttpResponse(pieces())

    with views(wait) as server:
        with server.connect() as client:
            client.send(request("GET", "/wait"))
            read_until(client, b"first")
        probe["cancelled"].wait()


def test_a_large_file_goes_to_disk_and_signals_tell_the_end(views: Views) -> None:
    probe = Probe()

    def upload(request: HttpRequest) -> HttpResponse:
        file = request.FILES["file"]
        return JsonResponse({"kind": type(file).__name__, "size": file.size})

    def finished(**_: Any) -> None:
        probe["finished"].set()

    request_finished.connect(finished)
    try:
        headers, body = form(b"x" * 4_000_000)
        with views(upload) as server, server.connect() as client:
            client.send(request("POST", "/upload", headers, body))
            found = json.loads(client.read_response().body)
            assert found == {"kind": "TemporaryUploadedFile", "size": 4_000_000}
            probe["finished"].wait()
    finally:
        request_finished.disconnect(finished)
