"""Django as a WSGI application: the ORM on SQLite, async views, streams and files."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import pytest

from pounce_testing import TestServer
from tests.frameworks.apps import django_app
from tests.frameworks.idioms import get

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

django_app.configure()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - below here, Django has to be set up
from django.db import connection, connections  # noqa: E402
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse  # noqa: E402
from django.test import override_settings  # noqa: E402
from django.urls import path  # noqa: E402

from tests.frameworks.apps.django_orders import Order  # noqa: E402

KINDS: Final[dict[str, dict[str, Any]]] = {
    "pool": {},
    "threads": {"workers": 2, "worker_kind": "thread"},
    "loop": {"worker_mode": "async"},
}
CONTENT: Final = bytes(range(256)) * 4096


def place(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(Order.objects.create(name=request.GET["name"]).pk))


def count(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(Order.objects.count()))


async def names(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return JsonResponse([order.name async for order in Order.objects.order_by("pk")], safe=False)


def lines(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(f"line {number}\n" for number in range(100))


def fail(request: HttpRequest) -> HttpResponse:
    raise ValueError("as the test wants it")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "a.bin"
    made.write_bytes(CONTENT)
    return made


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path: Path, file: Path) -> Iterator[TestServer]:
    """A database in a file, because each thread has a connection of its own."""

    def download(request: HttpRequest) -> FileResponse:
        return FileResponse(file.open("rb"))

    class URLs:
        urlpatterns = [path(view.__name__, view) for view in (place, count, names, lines, fail, download)]  # noqa: RUF012

    known = (connections.settings["default"], connection.settings_dict)
    old = known[0]["NAME"]
    for each in known:
        each["NAME"] = str(tmp_path / "orders.sqlite3")
    with connection.schema_editor() as editor:
        editor.create_model(Order)
    connection.close()
    with (
        override_settings(ROOT_URLCONF=URLs, MIDDLEWARE=[]),
        TestServer(get_wsgi_application(), **KINDS[request.param]) as started,
    ):
        yield started
    connection.close()
    for each in known:
        each["NAME"] = old


def test_the_orm_from_both_kinds_of_views(server: TestServer) -> None:
    with server.connect() as client:
        assert [get(client, f"/place?name={name}").body for name in ("tea", "milk")] == [b"1", b"2"]
        assert get(client, "/count").body == b"2"
        assert json.loads(get(client, "/names").body) == ["tea", "milk"]


def test_writers_side_by_side(server: TestServer) -> None:
    def ask(_: int) -> int:
        with server.connect() as client:
            return get(client, "/place?name=tea").status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(24))) == {200}
    with server.connect() as client:
        assert get(client, "/count").body == b"24"


def test_streams_files_and_errors(server: TestServer) -> None:
    with server.connect() as client:
        assert get(client, "/lines").body.decode() == "".join(f"line {number}\n" for number in range(100))
        response = get(client, "/download")
        assert (response.body, response.header(b"content-length")) == (CONTENT, b"%d" % len(CONTENT))
        assert get(client, "/fail").status == 500
        assert get(client, "/count").body == b"0"
