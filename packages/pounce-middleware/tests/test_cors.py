"""CORS, by Starlette's middleware."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from asgi_doubles import Application, call, http_scope, websocket_scope

from pounce_asgi import ConfigError
from pounce_middleware import CorsSettings, cors_middleware

SETTINGS = CorsSettings(cors_origins=("https://app.example",), cors_headers=("X-Token",), cors_credentials=True)


def test_a_page_of_an_allowed_origin() -> None:
    pytest.importorskip("starlette")
    response = call(cors_middleware(Application(), SETTINGS), http_scope(headers=[(b"origin", b"https://app.example")]))
    assert response.status == 200
    assert response.fields[b"access-control-allow-origin"] == b"https://app.example"
    assert response.fields[b"access-control-allow-credentials"] == b"true"
    assert b"Origin" in response.fields[b"vary"]


def test_a_page_of_another_origin() -> None:
    pytest.importorskip("starlette")
    response = call(
        cors_middleware(Application(), SETTINGS), http_scope(headers=[(b"origin", b"https://evil.example")])
    )
    assert b"access-control-allow-origin" not in response.fields


@pytest.mark.parametrize(("method", "allowed"), [(b"POST", True), (b"DELETE", False)])
def test_preflight(method: bytes, allowed: bool) -> None:
    pytest.importorskip("starlette")
    headers = [
        (b"origin", b"https://app.example"),
        (b"access-control-request-method", method),
        (b"access-control-request-headers", b"x-token"),
    ]
    app = Application()
    response = call(cors_middleware(app, SETTINGS), http_scope(method="OPTIONS", headers=headers))
    assert app.calls == 0
    assert (response.status < 300) is allowed


def test_websocket_passes() -> None:
    pytest.importorskip("starlette")
    app = Application({"type": "websocket.accept"})
    assert call(cors_middleware(app, SETTINGS), websocket_scope()).messages == [{"type": "websocket.accept"}]


def test_without_starlette(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "starlette.middleware.cors", None)
    with pytest.raises(ConfigError, match=r"pounce-middleware\[cors\]"):
        cors_middleware(Application(), SETTINGS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"cors_origins": ("example.com",)},
        {"cors_origins": ("https://example.com/",)},
        {"cors_origins": ("https://*.example.com",)},
        {"cors_methods": ("GET POST",)},
        {"cors_headers": ("a b",)},
        {"cors_expose": ("",)},
        {"cors_max_age": -1},
        {"cors_origins": ("*",), "cors_credentials": True},
    ],
)
def test_settings_out_of_range(wrong: Any) -> None:
    with pytest.raises(ValueError, match=list(wrong)[-1]):
        CorsSettings(**wrong)
