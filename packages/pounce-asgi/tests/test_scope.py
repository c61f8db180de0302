"""The http scope: every field of the specification, and nothing shared between two requests."""

from __future__ import annotations

from typing import Any

import pytest
from exchange_doubles import GET, PEER, Head, answered, make_exchange
from virtual_time import turns

from pounce_asgi import Peer

Run = Any


async def scope_of(head: Head = GET, **options: Any) -> Any:
    """The scope that an application gets."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    await answered(app, head, **options)
    return seen[0]


def test_every_field(run: Run) -> None:
    head = Head(
        method="PATCH",
        raw_path=b"/caf%C3%A9/a%2Fb",
        query_string=b"q=%20x&y",
        http_version="1.0",
        headers=((b"host", b"example"), (b"x-a", b"1"), (b"x-a", b"2")),
    )
    scope = run(lambda: scope_of(head, state={"pool": 1}))
    assert scope == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.0",
        "method": "PATCH",
        "scheme": "http",
        "path": "/café/a/b",
        "raw_path": b"/caf%C3%A9/a%2Fb",
        "query_string": b"q=%20x&y",
        "root_path": "",
        "headers": [(b"host", b"example"), (b"x-a", b"1"), (b"x-a", b"2")],
        "client": ("192.0.2.7", 51234),
        "server": ("192.0.2.1", 8000),
        "state": {"pool": 1},
        "extensions": {
            "http.response.early_hint": {},
            "http.response.trailers": {},
            "http.response.pathsend": {},
            "http.response.zerocopysend": {},
        },
    }
    assert type(scope) is dict
    assert type(scope["headers"]) is list


def test_over_a_unix_socket_with_tls(run: Run) -> None:
    scope = run(lambda: scope_of(peer=Peer(None, ("/run/pounce.sock", None), "https", 1)))
    assert (scope["client"], scope["server"], scope["scheme"]) == (None, ("/run/pounce.sock", None), "https")


PATHS = [
    (b"/", "/"),
    (b"/plain", "/plain"),
    (b"/%7Euser", "/~user"),
    (b"/a%20b+c", "/a b+c"),  # a plus sign means a space in queries of forms only
    (b"/%E2%82%AC", "/€"),
    (b"/%e2%82%ac", "/€"),
    (b"/%ff", "/\ufffd"),
    (b"/%zz%4", "/%zz%4"),
    (b"/a%252Fb", "/a%2Fb"),  # decoded once, never twice
    (b"/%00", "/\x00"),
    (b"*", "*"),
    (b"//double", "//double"),
    (b"/../up", "/../up"),
]


@pytest.mark.parametrize(("raw", "decoded"), PATHS)
def test_the_path_is_decoded_once_and_the_raw_path_never(run: Run, raw: bytes, decoded: str) -> None:
    scope = run(lambda: scope_of(Head(raw_path=raw)))
    assert (scope["path"], scope["raw_path"]) == (decoded, raw)


@pytest.mark.parametrize(
    ("root_path", "root", "path", "raw_path"),
    [
        ("/api", "/api", "/api/x y", b"/api/x%20y"),
        ("/api/", "/api", "/api/x y", b"/api/x%20y"),
        ("/ä b", "/ä b", "/ä b/x y", b"/%C3%A4%20b/x%20y"),
    ],
)
def test_the_root_path_is_a_prefix_of_the_path(run: Run, root_path: str, root: str, path: str, raw_path: bytes) -> None:
    scope = run(lambda: scope_of(Head(raw_path=b"/x%20y"), root_path=root_path))
    assert (scope["root_path"], scope["path"], scope["raw_path"]) == (root, path, raw_path)


def test_nothing_is_shared_between_two_requests(run: Run) -> None:
    scopes: list[Any] = []

    async def vandal(scope: Any, receive: Any, send: Any) -> None:
        scopes.append({key: value.copy() if hasattr(value, "copy") else value for key, value in scope.items()})
        scope["headers"].append((b"x", b"y"))
        scope["asgi"]["version"] = "9"
        scope["state"]["mine"] = True
        scope["extensions"]["mine"] = {}
        scope["path"] = "/elsewhere"

    state = {"pool": object()}
    head = Head(headers=((b"host", b"example"),))

    async def main() -> None:
        first = make_exchange(vandal, head, state=state)
        first.start()
        await turns()
        second = type(first)(first.context, type(first.sink)(), head, PEER)
        second.start()
        await turns()

    run(main)
    assert len(scopes) == 2
    assert scopes[0] == scopes[1]
    assert set(state) == {"pool"}
    assert scopes[1]["state"]["pool"] is state["pool"]  # the copy is shallow
    assert head.headers == ((b"host", b"example"),)
