"""The environ of WSGI, key by key."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from pounce_asgi import RequestStream, SyncRequest
from pounce_asgi.wsgi_environ import build_environ
from pounce_asgi.wsgi_file import FileWrapper


def environ_of(multiprocess: bool = False, **fields: Any) -> dict[str, Any]:
    raw_path = fields.pop("raw_path", b"/")
    path = fields.pop("path", None)
    if path is None:
        from urllib.parse import unquote

        path = unquote(raw_path.decode("ascii"))
    return build_environ(SyncRequest("GET", path, raw_path, **fields), multiprocess=multiprocess)


def test_a_whole_one() -> None:
    body = RequestStream()
    state = {"request_id": "7"}
    request = SyncRequest(
        "POST",
        "/path",
        b"/path",
        b"a=1&b=%20",
        "1.1",
        "https",
        [(b"host", b"example.org"), (b"content-type", b"text/plain"), (b"content-length", b"5"), (b"x-a", b"1")],
        ("192.0.2.7", 51234),
        ("192.0.2.1", 8443),
        "",
        state,
        body,
    )
    assert build_environ(request, multiprocess=True) == {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/path",
        "QUERY_STRING": "a=1&b=%20",
        "REQUEST_URI": "/path?a=1&b=%20",
        "SERVER_NAME": "192.0.2.1",
        "SERVER_PORT": "8443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "REMOTE_PORT": "51234",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "5",
        "HTTP_HOST": "example.org",
        "HTTP_X_A": "1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "wsgi.file_wrapper": FileWrapper,
        "pounce.state": state,
    }


PATHS = [
    # raw path, path or None for the decoded raw one, root path, SCRIPT_NAME, PATH_INFO as bytes
    (b"/", None, "", b"", b"/"),
    (b"/a%20b", None, "", b"", b"/a b"),
    (b"/caf%C3%A9", None, "", b"", "/café".encode()),
    (b"/%FF%fe", "/\ufffd\ufffd", "", b"", b"/\xff\xfe"),
    (b"/a%2Fb", None, "", b"", b"/a/b"),
    (b"/api/x", None, "/api", b"/api", b"/x"),
    (b"/api", None, "/api", b"/api", b""),
    (b"/api/", None, "/api/", b"/api", b"/"),
    (b"/apix", None, "/api", b"/api", b"/apix"),
    (b"/caf%C3%A9/x", None, "/café", "/café".encode(), b"/x"),
    (b"/old", "/rewritten/é", "", b"", "/rewritten/é".encode()),
    (b"*", "*", "", b"", b"*"),
]


@pytest.mark.parametrize(("raw_path", "path", "root_path", "script_name", "path_info"), PATHS)
def test_paths_keep_their_bytes(
    raw_path: bytes, path: str | None, root_path: str, script_name: bytes, path_info: bytes
) -> None:
    environ = environ_of(raw_path=raw_path, path=path, root_path=root_path)
    assert environ["SCRIPT_NAME"].encode("latin-1") == script_name
    assert environ["PATH_INFO"].encode("latin-1") == path_info


HEADERS = {
    "repeated": ([(b"x-a", b"1"), (b"x-a", b"2")], {"HTTP_X_A": "1, 2"}),
    "cookies": ([(b"cookie", b"a=1"), (b"cookie", b"b=2")], {"HTTP_COOKIE": "a=1; b=2"}),
    "underscore": ([(b"x_real_ip", b"6.6.6.6"), (b"x-real-ip", b"10.0.0.1")], {"HTTP_X_REAL_IP": "10.0.0.1"}),
    "underscore after the hyphen": ([(b"foo-bar", b"1"), (b"foo_bar", b"2")], {"HTTP_FOO_BAR": "1"}),
    "underscore in a length": ([(b"content_length", b"9")], {}),
    "httpoxy": ([(b"proxy", b"http://evil.example"), (b"x-a", b"1")], {"HTTP_X_A": "1"}),
    "what only begins so": ([(b"proxy-authorization", b"Basic eDp5")], {"HTTP_PROXY_AUTHORIZATION": "Basic eDp5"}),
    "bytes beyond ascii": ([(b"x-a", b"caf\xe9")], {"HTTP_X_A": "caf\xe9"}),
    "same length twice": ([(b"content-length", b"5"), (b"content-length", b"5")], {"CONTENT_LENGTH": "5"}),
    "types": ([(b"content-type", b"a/b")], {"CONTENT_TYPE": "a/b"}),
}


@pytest.mark.parametrize(("headers", "expected"), HEADERS.values(), ids=HEADERS.keys())
def test_headers(headers: Any, expected: dict[str, str]) -> None:
    environ = environ_of(headers=headers)
    assert {key: environ[key] for key in environ if key.startswith(("HTTP_", "CONTENT_"))} == expected


SERVERS = [
    (("192.0.2.1", 8000), b"example.org", "http", ("192.0.2.1", "8000")),
    (("/run/app.sock", None), b"example.org", "http", ("example.org", "80")),
    (("/run/app.sock", None), b"example.org:81", "http", ("example.org", "81")),
    (("/run/app.sock", None), b"example.org", "https", ("example.org", "443")),
    (("/run/app.sock", None), b"[::1]:81", "http", ("[::1]", "81")),
    (("/run/app.sock", None), b"[::1]", "http", ("[::1]", "80")),
    (None, None, "http", ("localhost", "80")),
]


@pytest.mark.parametrize(("server", "host", "scheme", "expected"), SERVERS)
def test_the_server_always_has_a_name_and_a_port(server: Any, host: Any, scheme: str, expected: Any) -> None:
    headers = [] if host is None else [(b"host", host)]
    environ = environ_of(server=server, headers=headers, scheme=scheme)
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == expected


def test_a_client_over_a_unix_socket_has_no_address() -> None:
    environ = environ_of()
    assert environ["REMOTE_ADDR"] == ""
    assert "REMOTE_PORT" not in environ


def test_each_request_has_a_dictionary_of_its_own() -> None:
    assert type(environ_of()) is dict
    assert environ_of() is not environ_of()


def test_a_process_without_a_console(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    environ_of()["wsgi.errors"].write("nobody reads this")
