"""What every web framework does in its own words, as a client sees it: one function each.

Every application in ``tests/frameworks/apps`` answers the same paths, written as its framework wants them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_testing import RawClient, Response, TestServer
    from tests.frameworks.probe import Probe

__all__ = ["IDIOMS", "Idiom", "form", "get", "request"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Idiom:
    """An application under way, and what the test shares with it."""

    server: TestServer
    probe: Probe

    def get(self, path: str, headers: str = "") -> Response:
        """One request on a connection of its own."""
        with self.server.connect() as client:
            return get(client, path, headers)


def request(method: str, path: str, headers: str = "", body: bytes = b"") -> bytes:
    """The bytes of a request; ``headers`` are whole lines."""
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: example.org\r\n{headers}{length}\r\n".encode() + body


def get(client: RawClient, path: str, headers: str = "") -> Response:
    client.send(request("GET", path, headers))
    return client.read_response()


def form(content: bytes) -> tuple[str, bytes]:
    """A form with a field and a file, and the header line that describes it (RFC 7578)."""
    boundary = "4b1d5b3c"
    part = f"--{boundary}\r\nContent-Disposition: form-data; name="
    parts = (
        f'{part}"name"\r\n\r\nM\u00fcller\r\n'.encode(),
        f'{part}"file"; filename="a.bin"\r\nContent-Type: application/octet-stream\r\n\r\n'.encode(),
        content,
        f"\r\n--{boundary}--\r\n".encode(),
    )
    return f"Content-Type: multipart/form-data; boundary={boundary}\r\n", b"".join(parts)


def read_until(client: RawClient, wanted: bytes) -> bytes:
    """What has come up to and with ``wanted``."""
    received = b""
    while wanted not in received:
        piece = client.read_some()
        assert piece, f"the connection ended before {wanted!r}: {received!r}"
        received += piece
    return received


def decoded(response: Response) -> Any:
    assert response.status == 200, response.body
    return json.loads(response.body)


def routing(served: Idiom) -> None:
    with served.server.connect() as client:
        assert decoded(get(client, "/items/7?q=a%20b&q=%C3%BC")) == {"item": 7, "q": ["a b", "\u00fc"]}
        assert get(client, "/items/seven").status in (400, 404, 422)
        assert get(client, "/nowhere").status == 404
        client.send(request("DELETE", "/hello"))
        assert client.read_response().status == 405
        assert get(client, "/hello").body == b"hello"


def streaming(served: Idiom) -> None:
    """The first piece is at the client while the application waits before the second."""
    with served.server.connect() as client:
        client.send(request("GET", "/stream"))
        assert b"two" not in read_until(client, b"one\n")
        served.probe["second"].set()
        assert b"two\n" in read_until(client, b"0\r\n\r\n")
        assert get(client, "/hello").body == b"hello", "the connection is in step"


def server_sent_events(served: Idiom) -> None:
    with served.server.connect() as client:
        client.send(request("GET", "/events", "Accept: text/event-stream\r\n"))
        head = read_until(client, b"data: 1")
        assert b"content-type: text/event-stream" in head.lower()
        assert b"data: 2" not in head
        served.probe["second"].set()
        read_until(client, b"data: 2")


def background_task(served: Idiom) -> None:
    """It goes on after the response and after the client has left, and does not hold up the connection."""
    with served.server.connect() as client:
        response = get(client, "/background")
        assert (response.status, response.body) == (202, b"accepted")
        assert get(client, "/hello").body == b"hello"
        assert not served.probe["done"].is_set
    served.probe["client left"].set()
    served.probe["done"].wait()


def lifespan_state(served: Idiom) -> None:
    assert served.get("/state").body == b"from the lifespan"
    assert not served.probe["shut down"].is_set
    served.server.stop()
    assert served.probe["shut down"].is_set


def threaded_route(served: Idiom) -> None:
    """A route that blocks its thread holds nobody else up."""
    with served.server.connect() as blocked, served.server.connect() as other:
        blocked.send(request("GET", "/threaded"))
        served.probe["entered"].wait()
        assert get(other, "/hello").body == b"hello"
        served.probe["released"].set()
        assert blocked.read_response().body != b"TestServer", "the name of the thread that runs the loop"


def middleware(served: Idiom) -> None:
    served.probe["second"].set()
    for path in ("/hello", "/stream", "/teapot"):
        assert served.get(path).header(b"x-middleware") == b"seen", path


def exception_handler(served: Idiom) -> None:
    with served.server.connect() as client:
        response = get(client, "/teapot")
        assert (response.status, json.loads(response.body)) == (418, {"error": "TeapotError"})
        assert get(client, "/hello").body == b"hello"


def unhandled_exception(served: Idiom) -> None:
    with served.server.connect() as client:
        assert get(client, "/crash").status == 500
        assert get(client, "/hello").body == b"hello", "it costs nobody the connection"


def chunked_upload(served: Idiom) -> None:
    content = bytes(range(256)) * 1024
    chunks = b"".join(b"%x\r\n%s\r\n" % (10_000, content[at : at + 10_000]) for at in range(0, 260_000, 10_000))
    rest = content[260_000:]
    with served.server.connect() as client:
        client.send(request("POST", "/echo", "Transfer-Encoding: chunked\r\n"), chunks)
        client.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(rest), rest))
        assert client.read_response().body == content
        assert get(client, "/hello").body == b"hello"


def form_upload(served: Idiom, content: bytes = b"\x00\r\n--\xff" * 30_000) -> None:
    headers, body = form(content)
    with served.server.connect() as client:
        client.send(request("POST", "/upload", headers, body))
        expected = {"name": "M\u00fcller", "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        assert decoded(client.read_response()) == expected
        assert get(client, "/hello").body == b"hello"


def client_disconnect(served: Idiom) -> None:
    """A stream without end ends with its client, and cleans up."""
    with served.server.connect() as client:
        client.send(request("GET", "/endless"))
        read_until(client, b"tick")
        assert not served.probe["ended"].is_set
    # BaseHTTPMiddleware leaves the generator to a cycle of exceptions, so that it is closed at the next collection.
    served.probe["ended"].wait_collecting()
    assert served.get("/hello").body == b"hello"


def task_group(served: Idiom) -> None:
    assert decoded(served.get("/group")) == [0, 1, 4]


def timeouts(served: Idiom) -> None:
    response = served.get("/timeout")
    assert (response.status, response.body) == (504, b"too late")


def context_variables(served: Idiom) -> None:
    """They reach the endpoint and its threads, and never the next request on the connection."""
    with served.server.connect() as client:
        for headers, expected in (("X-Caller: ann\r\n", "ann"), ("", "nobody"), ("X-Caller: bob\r\n", "bob")):
            assert decoded(get(client, "/context", headers)) == {"loop": expected, "thread": expected}


def dependency_cleanup(served: Idiom) -> None:
    assert served.get("/cleanup").body == b"used"
    served.probe["closed"].wait()
    assert served.probe.happened == ["opened", "used", "closed"]


def dependency_cleanup_after_an_error(served: Idiom) -> None:
    assert served.get("/cleanup?fail=1").status == 418
    served.probe["closed"].wait()
    assert served.probe.happened == ["opened", "used", "closed"]


def cookies(served: Idiom) -> None:
    response = served.get("/cookies", "Cookie: a=b; c=d\r\n")
    assert response.body == b"b"
    fields = [value.partition(b";")[0] for name, value in response.headers if name == b"set-cookie"]
    assert fields == [b"first=1", b"second=2"]


IDIOMS: Final[tuple[Callable[[Idiom], None], ...]] = (
    routing,
    streaming,
    server_sent_events,
    background_task,
    lifespan_state,
    threaded_route,
    middleware,
    exception_handler,
    unhandled_exception,
    chunked_upload,
    form_upload,
    client_disconnect,
    task_group,
    timeouts,
    context_variables,
    dependency_cleanup,
    dependency_cleanup_after_an_error,
    cookies,
)
