"""What ASGI's web specification says of HTTP/2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conformance.requests import Scopes
from tests.end_to_end.http2_client import Http2Client

if TYPE_CHECKING:
    from pounce_testing.fixtures import Serve


def test_pseudo_headers_become_what_the_scope_has(serve: Serve) -> None:
    app = Scopes()
    with Http2Client.to(serve(app)) as client:
        assert client.request("GET", "/a%20b?c=d")[0] == 200
    scope = app.only
    assert (scope["http_version"], scope["method"], scope["path"]) == ("2", "GET", "/a b")
    assert (scope["raw_path"], scope["query_string"]) == (b"/a%20b", b"c=d")
    assert [name for name, _ in scope["headers"] if name.startswith(b":")] == []
    assert scope["headers"][0] == (b"host", b"x")
