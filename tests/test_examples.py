"""The examples run as they are, each with the command that it names."""

from __future__ import annotations

import ast
import importlib
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from examples import file_download, hello, server_sent_events, upload_echo
from pounce_testing import TestServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope
    from pounce_testing.fixtures import Serve

EXAMPLES: Final = sorted((Path(__file__).resolve().parent.parent / "examples").glob("*.py"))
CONFIGURES_PROCESS: Final = frozenset({"django_wsgi"})
"""Not to be imported here, where other tests have a Django of their own: it is served by processes, below."""
NEEDS: Final = {"flask_app": ("flask",), "django_wsgi": ("django",), "fastapi_app": ("fastapi",)}


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=20, trust_env=False) as made:
        yield made


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_names_the_command_that_serves_it(file: Path) -> None:
    for package in NEEDS.get(file.stem, ()):
        pytest.importorskip(package, reason=f"{package.upper()} IS NOT INSTALLED: the example has not been looked at")
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    assert text is not None
    assert re.search(rf"``pounce examples\.{file.stem}:app``", text)
    if file.stem not in CONFIGURES_PROCESS:
        assert callable(importlib.import_module(f"examples.{file.stem}").app)


def test_hello(serve: Serve, client: httpx.Client) -> None:
    response = client.get(serve(hello.app).url)
    assert (response.status_code, response.text) == (200, "Hello, world!")
    assert response.headers["content-type"] == "text/plain"


def test_file_download(serve: Serve, client: httpx.Client) -> None:
    response = client.get(serve(file_download.app).url)
    assert response.content == Path(file_download.__file__).read_bytes()
    assert response.headers["content-disposition"] == 'attachment; filename="file_download.py"'


def test_file_download_without_the_extension(serve: Serve, client: httpx.Client) -> None:
    async def plain(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        assert scope["type"] == "http"
        await file_download.app({**scope, "extensions": {}}, receive, send)

    assert client.get(serve(plain).url).content == Path(file_download.__file__).read_bytes()


def test_upload_echo(serve: Serve, client: httpx.Client) -> None:
    content = bytes(range(256)) * 4000
    response = client.put(serve(upload_echo.app).url, content=content, headers={"content-type": "image/x-noise"})
    assert response.content == content
    assert response.headers["content-type"] == "image/x-noise"


def test_server_sent_events(serve: Serve, client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_sent_events, "INTERVAL_SECONDS", 0.01)
    ended = threading.Event()

    async def watched(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        assert scope["type"] == "http"
        try:
            await server_sent_events.app(scope, receive, send)
        finally:
            if scope["path"] == "/events":
                ended.set()

    server = serve(watched)
    assert "EventSource" in client.get(server.url).text
    with client.stream("GET", f"{server.url}/events") as response:
        assert response.headers["content-type"] == "text/event-stream"
        lines = response.iter_lines()
        assert [next(lines) for _ in range(6)] == ["id: 1", "data: 1", "", "id: 2", "data: 2", ""]
    assert ended.wait(20), "it ends when its client has gone"


def test_fastapi(serve: Serve, client: httpx.Client) -> None:
    fastapi_app = pytest.importorskip(
        "examples.fastapi_app", reason="FASTAPI IS NOT INSTALLED: its example has not run"
    )
    url = serve(fastapi_app.app, lifespan="on").url
    assert client.get(url).json() == {"hello": "world"}
    assert client.get(f"{url}/items/7").json() == {"id": 7, "name": "tea"}
    assert client.get(f"{url}/items/8").status_code == 404
    assert client.post(f"{url}/items", json={"id": 8, "name": "milk"}).status_code == 201
    assert client.get(f"{url}/items/8").json() == {"id": 8, "name": "milk"}
    assert client.post(f"{url}/items", json={"id": 0, "name": ""}).status_code == 422
    assert "thread" in client.get(f"{url}/thread").json()
    assert client.get(f"{url}/openapi.json").json()["info"]["title"] == "A shelf"


WSGI_WAYS: Final[tuple[dict[str, Any], ...]] = ({}, {"workers": 2, "worker_kind": "process"}, {"worker_mode": "async"})


@pytest.mark.parametrize("way", WSGI_WAYS, ids=("pool", "processes", "loop"))
def test_flask(way: dict[str, Any], client: httpx.Client) -> None:
    pytest.importorskip("flask", reason="FLASK IS NOT INSTALLED: its example has not run")
    with TestServer("examples.flask_app:app", **way) as server:
        assert client.get(f"{server.url}/hello/world").text == "Hello, world!"
        assert client.get(f"{server.url}/later").json() == {"hello": "later"}
        assert client.get(f"{server.url}/countdown").text == "3\n2\n1\ndone\n"
        content = iter([b"x" * 100_000] * 10)
        assert client.post(f"{server.url}/size", content=content).json() == {"bytes": 1_000_000}


def test_django_wsgi(client: httpx.Client) -> None:
    """In a process of its own, because Django has one configuration in a process."""
    pytest.importorskip("django", reason="DJANGO IS NOT INSTALLED: its example has not run")
    with TestServer("examples.django_wsgi:app", workers=2, worker_kind="process") as server:
        assert client.get(server.url).text == "Hello, world!"
        assert client.get(f"{server.url}/later?name=you").json() == {"hello": "you"}
