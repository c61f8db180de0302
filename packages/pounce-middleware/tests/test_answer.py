"""Answers in place of the application."""

from __future__ import annotations

from typing import Any

from asgi_doubles import call, http_scope, websocket_scope

from pounce_middleware import Answer

DENIAL: dict[str, Any] = {"websocket.http.response": {}}


def test_the_status_in_words() -> None:
    response = call(Answer(403), http_scope())
    assert (response.status, response.body) == (403, b"403 Forbidden\n")
    assert response.fields == {b"content-type": b"text/plain; charset=utf-8", b"content-length": b"14"}


def test_a_status_without_a_name() -> None:
    assert call(Answer(599), http_scope()).body == b"599\n"


def test_everything_given() -> None:
    response = call(Answer(200, b"{}", b"application/json", ((b"x-a", b"b"),)), http_scope())
    assert response.body == b"{}"
    assert response.fields == {b"content-type": b"application/json", b"content-length": b"2", b"x-a": b"b"}


def test_head_has_no_body() -> None:
    response = call(Answer(403), http_scope(method="HEAD"))
    assert response.body == b""
    assert response.fields[b"content-length"] == b"14"


def test_a_websocket_is_denied() -> None:
    response = call(Answer(403), websocket_scope(extensions=DENIAL))
    assert [one["type"] for one in response.messages] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]
    assert (response.status, response.body) == (403, b"403 Forbidden\n")


def test_a_websocket_is_closed_where_it_cannot_be_denied() -> None:
    for scope in (websocket_scope(), websocket_scope(extensions=None)):
        assert call(Answer(403), scope).messages == [{"type": "websocket.close", "code": 1008, "reason": ""}]
