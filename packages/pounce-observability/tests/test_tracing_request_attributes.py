"""What spans say of a request, against the tables of the conventions."""

from __future__ import annotations

from typing import Any

import pytest

from pounce_observability.tracing.request_attributes import (
    known_methods,
    method_of,
    query_of,
    request_attributes,
    span_name,
)


def scope(**changes: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/a b",
        "raw_path": b"/a%20b",
        "query_string": b"",
        "headers": [(b"host", b"shop.example:8000"), (b"user-agent", b"curl/8")],
        "client": ("192.0.2.1", 5000),
        "server": ("127.0.0.1", 8000),
        **changes,
    }


def described(**changes: Any) -> dict[str, Any]:
    given = scope(**changes)
    return request_attributes(given, method_of(given), known_methods({}))


def test_all_that_is_known_of_a_request_is_told() -> None:
    assert described(query_string=b"q=1", state={"request_id": "r1"}) == {
        "http.request.method": "GET",
        "url.scheme": "http",
        "url.path": "/a%20b",
        "url.query": "q=1",
        "network.protocol.name": "http",
        "network.protocol.version": "1.1",
        "pounce.protocol": "http/1.1",
        "pounce.request.id": "r1",
        "client.address": "192.0.2.1",
        "network.peer.address": "192.0.2.1",
        "network.peer.port": 5000,
        "server.address": "shop.example",
        "server.port": 8000,
        "user_agent.original": "curl/8",
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {"method": "get"}, {"http.request.method": "_OTHER", "http.request.method_original": "get"}, id="case"
        ),
        pytest.param(
            {"method": "QUERY"}, {"http.request.method": "QUERY", "http.request.method_original": None}, id="query"
        ),
        pytest.param({"raw_path": None, "path": "/ä?x"}, {"url.path": "/%C3%A4%3Fx"}, id="no raw path"),
        pytest.param({"raw_path": b"/x?a=1"}, {"url.path": "/x"}, id="raw path with its query"),
        pytest.param({"client": None}, {"client.address": None, "network.peer.port": None}, id="unix socket"),
        pytest.param(
            {"headers": [(b"x-forwarded-for", b"192.0.2.1")]},
            {"client.address": "192.0.2.1", "network.peer.address": None, "network.peer.port": None},
            id="a proxy told the client",
        ),
        pytest.param(
            {"headers": [(b"forwarded", b"for=x")]}, {"network.peer.address": None}, id="a proxy told it by RFC 7239"
        ),
        pytest.param({"client": ("192.0.2.1", 0)}, {"network.peer.port": None}, id="a proxy told no port"),
        pytest.param({"headers": []}, {"server.address": "127.0.0.1", "server.port": 8000}, id="no host"),
        pytest.param(
            {"headers": [], "server": ("/run/x", None)}, {"server.address": "/run/x", "server.port": None}, id="path"
        ),
        pytest.param({"headers": [(b"host", b"a.b")], "scheme": "https"}, {"server.port": 443}, id="https"),
        pytest.param({"headers": [(b"host", b"[::1]:81")]}, {"server.address": "::1", "server.port": 81}, id="IPv6"),
        pytest.param(
            {"headers": [(b"host", b"a b/..")], "server": None}, {"server.port": None}, id="odd host, no server"
        ),
        pytest.param({"http_version": "2"}, {"pounce.protocol": "h2", "network.protocol.version": "2"}, id="h2"),
        pytest.param({"http_version": "3"}, {"pounce.protocol": "h3"}, id="h3"),
        pytest.param({"http_version": "1.0"}, {"pounce.protocol": "http/1.0"}, id="1.0"),
        pytest.param({"state": {"request_id": 5}}, {"pounce.request.id": None}, id="an id that is none"),
        pytest.param(
            {"type": "websocket", "scheme": "wss"}, {"http.request.method": "GET", "url.scheme": "wss"}, id="ws"
        ),
        pytest.param({"type": "websocket", "http_version": "2"}, {"http.request.method": "CONNECT"}, id="ws over h2"),
    ],
)
def test_special_cases(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    attributes = described(**changes)
    assert {name: attributes.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("came", "told"),
    [
        (b"q=1&sig=abc&x=2", "q=1&sig=REDACTED&x=2"),
        (b"sig=abc", "sig=REDACTED"),
        (b"Sig=abc", "Sig=abc"),  # compared with respect to case
        (b"design=abc", "design=abc"),
        (b"X-Amz-Signature=1&X-Amz-Credential=2&X-Amz-Security-Token=3", None),
        (b"X-Goog-Signature=a%26b", "X-Goog-Signature=REDACTED"),
        (b"AWSAccessKeyId=1&Signature=2", "AWSAccessKeyId=REDACTED&Signature=REDACTED"),
        (b"sig=&a=1", "sig=REDACTED&a=1"),
        (b"a=%20&%73ig=abc;X%2DAmz-Signature=1", "a=%20&%73ig=REDACTED;X%2DAmz-Signature=REDACTED"),
        (b"token=1&password=2", "token=1&password=2"),  # not in the list of the conventions
        (b"sig", "sig"),
        (b"a=\xff", "a=\\xff"),
    ],
)
def test_credentials_in_a_query_are_not_told(came: bytes, told: str | None) -> None:
    expected = told or "X-Amz-Signature=REDACTED&X-Amz-Credential=REDACTED&X-Amz-Security-Token=REDACTED"
    assert query_of(came) == expected


def test_the_known_methods_can_be_replaced() -> None:
    known = known_methods({"OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS": "GET, PURGE,"})
    assert known == {"GET", "PURGE"}
    assert span_name(request_attributes(scope(method="PURGE"), "PURGE", known)) == "PURGE"
    assert span_name(request_attributes(scope(method="POST"), "POST", known)) == "HTTP"
