"""Fields that make browsers careful."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_doubles import Application, call, http_scope, websocket_scope

from pounce_middleware import SecurityHeadersMiddleware, SecurityHeadersSettings

PLAIN = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"strict-origin-when-cross-origin",
    b"content-security-policy": b"frame-ancestors 'none'",
    b"x-frame-options": b"DENY",
}
SECURE = PLAIN | {
    b"cross-origin-opener-policy": b"same-origin-allow-popups",
    b"strict-transport-security": b"max-age=31536000",
}


def fields(*own: tuple[bytes, bytes], scheme: str = "https", **settings: Any) -> dict[bytes, bytes]:
    app = Application(
        {"type": "http.response.start", "status": 200, "headers": iter(own)}, {"type": "http.response.body"}
    )
    middleware = SecurityHeadersMiddleware.from_settings(app, SecurityHeadersSettings(**settings))
    return call(middleware, http_scope(scheme=scheme)).fields


def test_defaults() -> None:
    assert fields(scheme="http") == PLAIN
    assert fields() == SECURE


def test_the_application_wins() -> None:
    own = [(name.title(), b"mine") for name in SECURE]
    assert fields(*own) == dict(own)


def test_its_policy_decides_about_frames() -> None:
    seen = fields((b"content-security-policy", b"frame-ancestors https://partner.example"))
    assert b"x-frame-options" not in seen
    assert b"x-content-type-options" in seen


# Settings; fields that they change, None for one that is not sent.
CHANGES: list[tuple[dict[str, Any], dict[bytes, bytes | None]]] = [
    ({"security_hsts_max_age": 0}, {b"strict-transport-security": None}),
    ({"security_hsts_subdomains": True}, {b"strict-transport-security": b"max-age=31536000; includeSubDomains"}),
    (
        {"security_hsts_subdomains": True, "security_hsts_preload": True},
        {b"strict-transport-security": b"max-age=31536000; includeSubDomains; preload"},
    ),
    (
        {"security_csp": "default-src 'self'; frame-ancestors 'self'"},
        {b"content-security-policy": b"default-src 'self'; frame-ancestors 'self'", b"x-frame-options": b"SAMEORIGIN"},
    ),
    (
        {"security_csp": "frame-ancestors https://a.example"},
        {b"content-security-policy": b"frame-ancestors https://a.example", b"x-frame-options": None},
    ),
    ({"security_csp": ""}, {b"content-security-policy": None, b"x-frame-options": None}),
    ({"security_referrer_policy": ""}, {b"referrer-policy": None}),
    ({"security_permissions_policy": "camera=()"}, {b"permissions-policy": b"camera=()"}),
    ({"security_opener_policy": "same-origin"}, {b"cross-origin-opener-policy": b"same-origin"}),
]


@pytest.mark.parametrize(("settings", "changed"), CHANGES)
def test_settings(settings: dict[str, Any], changed: dict[bytes, bytes | None]) -> None:
    expected = {name: value for name, value in (SECURE | changed).items() if value is not None}
    assert fields(**settings) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"security_csp": "a\r\nb"},
        {"security_referrer_policy": "é"},
        {"security_opener_policy": " a"},
        {"security_permissions_policy": "a\x00"},
        {"security_hsts_max_age": -1},
        {"security_hsts_preload": True},
    ],
)
def test_settings_out_of_range(wrong: Any) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SecurityHeadersSettings(**wrong)


def test_other_scopes_and_messages_pass() -> None:
    app = Application({"type": "websocket.accept"})
    assert call(SecurityHeadersMiddleware(app), websocket_scope()).messages == [{"type": "websocket.accept"}]
    messages = (
        {"type": "http.response.early_hint", "links": [b"</a>"]},
        {"type": "http.response.start", "status": 200},
        {"type": "http.response.pathsend", "path": "/a"},
    )
    response = call(SecurityHeadersMiddleware(Application(*messages)), http_scope())
    assert response.messages[0] is messages[0]
    assert response.messages[2] is messages[2]
    assert response.fields == PLAIN
