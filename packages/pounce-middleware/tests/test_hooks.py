"""Plain functions around an application."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from asgi_doubles import Application, call, http_scope, websocket_scope

from pounce_asgi import ConfigError
from pounce_middleware import Answer, HookedRequest, HookedResponse, HookSettings, HooksMiddleware
from pounce_middleware.hooks import load_hook

seen: list[Any] = []


def note_request(head: HookedRequest) -> None:
    seen.append((head.method, head.path, head.query_string, head.client))


def note_response(head: HookedResponse) -> None:
    seen.append((head.request.path, head.status))


def test_what_they_see() -> None:
    seen.clear()
    middleware = HooksMiddleware(Application(), on_request=[note_request], on_response=[note_response])
    assert call(middleware, http_scope(query_string=b"a=b")).body == b"hello"
    assert seen == [("GET", "/items", b"a=b", ("127.0.0.1", 40000)), ("/items", 200)]


def test_what_they_can_change() -> None:
    def on_request(head: HookedRequest) -> None:
        head.headers.append((b"x-tenant", b"7"))
        head.state["tenant"] = 7

    def on_response(head: HookedResponse) -> None:
        head.status = 203
        head.headers.append((b"x-served-for", b"%d" % head.request.state["tenant"]))

    app = Application()
    scope = http_scope()
    del scope["state"]
    response = call(HooksMiddleware(app, on_request=[on_request], on_response=[on_response]), scope)
    assert (b"x-tenant", b"7") in app.scope["headers"]
    assert response.status == 203
    assert response.fields == {b"content-type": b"text/plain", b"x-served-for": b"7"}


def test_an_answer_ends_the_row() -> None:
    seen.clear()
    app = Application()
    middleware = HooksMiddleware(app, on_request=[lambda head: Answer(403), note_request], on_response=[note_response])
    assert call(middleware, http_scope()).status == 403
    assert seen == [("/items", 403)]
    assert app.calls == 0


def test_websocket() -> None:
    seen.clear()
    app = Application({"type": "websocket.accept"})
    middleware = HooksMiddleware(app, on_request=[note_request], on_response=[note_response])
    assert call(middleware, websocket_scope()).messages == [{"type": "websocket.accept"}]
    denying = HooksMiddleware(app, on_request=[lambda head: Answer(401)], on_response=[note_response])
    assert call(denying, websocket_scope(extensions={"websocket.http.response": {}})).status == 401
    assert seen == [("GET", "/items", b"", ("127.0.0.1", 40000)), ("/items", 401)]


def test_an_error_in_one_is_that_of_the_request() -> None:
    def broken(head: Any) -> None:
        raise RuntimeError("broken hook")

    assert str(call(HooksMiddleware(Application(), on_request=[broken]), http_scope()).error) == "broken hook"
    assert str(call(HooksMiddleware(Application(), on_response=[broken]), http_scope()).error) == "broken hook"


def test_lifespan_passes() -> None:
    seen.clear()
    app = Application({"type": "lifespan.startup.complete"})
    call(HooksMiddleware(app, on_request=[note_request], on_response=[note_response]), {"type": "lifespan"})
    assert app.calls == 1
    assert seen == []


def test_from_settings() -> None:
    settings = HookSettings(on_request=("os.path:basename.__class__",))
    middleware = HooksMiddleware.from_settings(Application(), settings)
    assert [hook.__name__ for hook in middleware._on_request] == ["function"]


# What is written, what the error says.
WRONG = [
    ("no_such_module:f", "ModuleNotFoundError"),
    ("os.path:no_such", "AttributeError"),
    ("os.path:sep", "is not a function"),
    ("asyncio:sleep", "coroutine function"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_what_cannot_be_had_is_named(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        HooksMiddleware.from_settings(Application(), HookSettings(on_response=(text,)))
    assert text in str(caught.value)
    assert "on_response" in str(caught.value)


async def awaited(head: Any) -> None:
    """No hook."""


class Awaited:
    async def __call__(self, head: Any) -> None:
        """No hook either."""


partly_awaited = functools.partial(awaited)


@pytest.mark.parametrize("setting", ["on_request", "on_response"])
@pytest.mark.parametrize("hook", [awaited, Awaited(), partly_awaited])
def test_what_would_have_to_be_awaited_is_refused(setting: str, hook: Any) -> None:
    with pytest.raises(ConfigError, match=rf"{setting}: .*wait.* is a coroutine function"):
        HooksMiddleware(Application(), **{setting: [note_request, hook]})


def test_what_would_have_to_be_awaited_is_refused_by_name() -> None:
    for name in ("awaited", "partly_awaited"):
        with pytest.raises(ConfigError, match="is a coroutine function"):
            load_hook("on_request", f"{__name__}:{name}")


@pytest.mark.parametrize("wrong", ["module", "module:", ":f", "a b:c", ""])
def test_settings_out_of_range(wrong: str) -> None:
    with pytest.raises(ValueError, match="on_request"):
        HookSettings(on_request=(wrong,))
