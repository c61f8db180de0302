"""Pages that show exceptions."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html.parser
import json
import re
from typing import Any

import error_applications as failing
import pytest
from asgi_doubles import Application, call, http_scope, websocket_scope
from error_applications import NASTY

from pounce_asgi import ClientGone
from pounce_middleware import ErrorPageMiddleware, ErrorPageSettings

HTML = (b"accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
JSON = (b"accept", b"application/json")


def page(app: Any, *fields: tuple[bytes, bytes], body: bytes = b"", **scope: Any) -> Any:
    """The response to a request that fails."""
    received = [{"type": "http.request", "body": body, "more_body": False}]
    headers = [(b"host", b"example.com"), *fields]
    return call(ErrorPageMiddleware(app), http_scope(**({"headers": headers} | scope)), received)


class Elements(html.parser.HTMLParser):
    """The elements and attributes of a page, and the text between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_error_is_shown_and_goes_on_to_the_server() -> None:
    response = page(failing.fails)
    assert response.status == 500
    assert isinstance(response.error, failing.NastyError)
    assert response.fields[b"content-length"] == b"%d" % len(response.body)
    assert response.fields[b"cache-control"] == b"no-store"


def test_html() -> None:
    pytest.importorskip("jinja2")
    response = page(failing.fails, HTML)
    assert response.fields[b"content-type"] == b"text/html; charset=utf-8"
    text = "".join(Elements(response.body.decode()).text)
    for expected in (
        "NastyError",
        "inner",
        "error_applications.py",
        "raise error from ValueError",
        "ValueError",
        "nasty",
    ):
        assert expected in text


def test_json() -> None:
    value = json.loads(page(failing.fails, JSON, query_string=b"a=b").body)
    assert value["status"] == 500
    assert value["error"]["type"].endswith("NastyError")
    assert value["error"]["message"] == NASTY
    assert [one["relation"] is None for one in value["exceptions"]] == [True, False]
    frame = value["exceptions"][0]["frames"][0]
    assert frame["function"] == "inner"
    assert frame["own"] is True
    assert frame["variables"]["nasty"] == NASTY
    assert frame["source"].startswith("raise error from ValueError")
    assert value["request"]["query"] == [["a", "b"]]


def test_text() -> None:
    response = page(failing.fails, (b"accept", b"*/*"))
    assert response.fields[b"content-type"] == b"text/plain; charset=utf-8"
    lines = response.body.decode().splitlines()
    assert "Traceback (most recent call last):" in lines
    assert "GET http://example.com/items" in lines
    assert f"  nasty = {NASTY}" in lines
    assert not any("error_page/middleware.py" in line for line in lines), "our own call is in every traceback"


EVERYWHERE = {
    "path": f"/{NASTY}",
    "query_string": b"<script>=<script>&</title><script>alert(1)</script>",
    "headers": [
        HTML,
        (b"host", b'"><script>alert(1)</script>'),
        (b"<script>x", b"<script>"),
        (b"cookie", b"<script>=<script>"),
        (b"content-type", b"application/json"),
    ],
    "path_params": {NASTY: NASTY},
    "client": ("<script>", 1),
    "state": {"request_id": NASTY},
    "method": "<script>",
    "http_version": "<script>",
}


@pytest.mark.parametrize(
    "app", [failing.fails, failing.fails_in_a_group, failing.knows_secrets, failing.has_strange_names]
)
def test_nothing_of_a_request_or_an_error_is_markup(app: Any) -> None:
    pytest.importorskip("jinja2")
    ordinary = Elements(page(failing.fails_in_a_group, HTML).body.decode()) if app is not failing.fails else None
    response = page(app, body=json.dumps({NASTY: NASTY}).encode(), **EVERYWHERE)
    text = response.body.decode()
    elements = Elements(text)
    assert "script" not in elements.tags
    assert "img" not in elements.tags
    assert not {name for name in elements.attributes if name.startswith("on")}
    assert elements.attributes <= {
        "class",
        "charset",
        "content",
        "href",
        "id",
        "lang",
        "name",
        "open",
        "scope",
        "tabindex",
    } | {
        "title",
        "role",
        "aria-label",
        "aria-hidden",
    }
    assert ordinary is None or elements.tags <= ordinary.tags | {"dl", "h3", "p", "em"}
    assert "49" not in re.findall(r"\b\d+\b", "".join(part for part in elements.text if "alert" in part))
    assert "<script>" in "".join(elements.text)


def test_nothing_is_fetched_and_no_script_runs() -> None:
    pytest.importorskip("jinja2")
    response = page(failing.fails, HTML)
    policy = response.fields[b"content-security-policy"].decode()
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    style = re.search(r"<style>(.*?)</style>", response.body.decode(), re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy, "browsers would refuse the style sheet"
    assert "unsafe" not in policy
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    assert not {"script", "img", "link", "iframe", "form"} & Elements(response.body.decode()).tags


@pytest.mark.parametrize("accept", [HTML, JSON, (b"accept", b"*/*")])
def test_secrets_are_hidden_wherever_they_turn_up(accept: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SERVICE_TOKEN", "token-from-environment")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        shown = ["token-from-environment", scope["headers"], "setting-of-the-server"]
        await receive()
        assert shown
        await failing.knows_secrets(scope, receive, send)

    headers = [accept, (b"authorization", b"Bearer bearer-of-the-client"), (b"cookie", b"sid=cookie-of-the-client")]
    scope = http_scope(headers=[*headers, (b"content-type", b"application/x-www-form-urlencoded")])
    scope["query_string"] = b"access_token=query-of-the-client"
    body = b"name=me&password=form-of-the-client"
    middleware = ErrorPageMiddleware(app, secrets=["setting-of-the-server"])
    text = call(middleware, scope, [{"type": "http.request", "body": body}]).body.decode()
    found = [
        secret
        for secret in (
            *("correct horse", "key-from-settings", "token-from-environment", "setting-of-the-server"),
            *("bearer-of-the-client", "cookie-of-the-client", "query-of-the-client", "form-of-the-client"),
        )
        if secret in text
    ]
    assert found == []
    assert "cannot log in with" in text


def test_a_group() -> None:
    value = json.loads(page(failing.fails_in_a_group, JSON).body)
    (group,) = value["exceptions"]
    assert group["message"] == "two things (2 sub-exceptions)"
    (first,), (second,) = group["members"]
    assert first["type"] == "ValueError"
    assert second["members"][0][0]["message"] == "invalid literal for int() with base 10: 'x1'"
    pytest.importorskip("jinja2")
    text = "".join(Elements(page(failing.fails_in_a_group, HTML).body.decode()).text)
    assert "Exception 2 of 2 in this group:" in text
    assert "invalid literal for int() with base 10: 'x1'" in text


def test_a_recursion() -> None:
    response = page(failing.recurses, JSON)
    (error,) = json.loads(response.body)["exceptions"]
    assert error["type"] == "RecursionError"
    assert len(error["frames"]) == 40
    pytest.importorskip("jinja2")
    assert b"calls are left out here" in page(failing.recurses, HTML).body


def test_the_response_of_a_framework_gives_way() -> None:
    response = page(failing.answers_500_and_raises)
    assert b"x-theirs" not in response.fields
    assert b"NastyError" in response.body
    assert isinstance(response.error, failing.NastyError)


def test_a_response_500_without_an_exception_is_the_applications() -> None:
    messages = (
        {"type": "http.response.start", "status": 500, "headers": [(b"a", b"b")]},
        {"type": "http.response.body", "body": b"theirs", "more_body": True},
        {"type": "http.response.body", "body": b"!"},
    )
    response = page(Application(*messages))
    assert response.messages == list(messages)


@pytest.mark.parametrize(
    "second",
    [
        {"type": "http.response.body", "body": b"x" * 70_000, "more_body": True},
        {"type": "http.response.pathsend", "path": "/500.html"},
    ],
)
def test_a_large_response_500_is_not_held_back(second: dict[str, Any]) -> None:
    start = {"type": "http.response.start", "status": 500, "headers": []}
    response = page(Application(start, second, error=ValueError("too late")))
    assert response.messages == [start, second]
    assert isinstance(response.error, ValueError)


def test_once_the_response_has_started_there_is_no_page() -> None:
    response = page(failing.fails_after_its_head)
    assert [one["type"] for one in response.messages] == ["http.response.start"]
    assert isinstance(response.error, LookupError)


def test_after_an_early_hint_there_is() -> None:
    response = page(Application({"type": "http.response.early_hint", "links": []}, error=ValueError("x")))
    assert response.status == 500


@pytest.mark.parametrize("error", [ClientGone("it has left"), ExceptionGroup("", [ClientGone("it has left")])])
def test_nobody_is_there_to_read_it(error: Exception) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise error

    response = page(app)
    assert response.messages == []
    assert response.error is error


def test_cancelling_is_no_error() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        page(app)


def test_ordinary_responses_pass() -> None:
    app = Application()
    response = page(app, HTML)
    assert response.messages == list(app.messages)
    assert response.error is None


def test_head_has_no_body() -> None:
    response = page(failing.fails, method="HEAD")
    assert response.body == b""
    assert int(response.fields[b"content-length"]) > 100


def test_websocket() -> None:
    response = call(ErrorPageMiddleware(failing.fails), websocket_scope(extensions={"websocket.http.response": {}}))
    assert response.status == 500
    assert b"NastyError" in response.body
    response = call(ErrorPageMiddleware(failing.fails), websocket_scope())
    assert response.messages == []
    app = Application({"type": "websocket.accept"}, error=ValueError("x"))
    response = call(ErrorPageMiddleware(app), websocket_scope(extensions={"websocket.http.response": {}}))
    assert response.messages == [{"type": "websocket.accept"}]


def test_lifespan_passes() -> None:
    response = call(ErrorPageMiddleware(Application(error=ValueError("x"))), {"type": "lifespan"})
    assert isinstance(response.error, ValueError)


def test_without_the_template_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pounce_middleware.error_page.middleware.load_page", lambda: None)
    assert page(failing.fails, HTML).fields[b"content-type"] == b"text/plain; charset=utf-8"


def test_an_application_in_starlette() -> None:
    applications = pytest.importorskip("starlette.applications")
    routing = pytest.importorskip("starlette.routing")

    async def broken(request: Any) -> None:
        raise LookupError("in an endpoint")

    app = applications.Starlette(routes=[routing.Route("/items", broken)])
    response = page(app)
    assert b"LookupError: in an endpoint" in response.body
    assert isinstance(response.error, LookupError)


def test_calls_of_libraries_are_one_line() -> None:
    pytest.importorskip("jinja2")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        json.loads("{")

    text = "".join(Elements(page(app, HTML).body.decode()).text)
    assert "3 calls in json" in text
    assert "json/decoder.py" in text


def test_from_settings() -> None:
    assert ErrorPageSettings().debug is False
    app = Application({"type": "http.response.early_hint", "links": []}, error=ValueError("the-secret-setting"))
    middleware = ErrorPageMiddleware.from_settings(app, ErrorPageSettings(debug=True), secrets=["the-secret-setting"])
    response = call(middleware, http_scope())
    assert response.status == 500
    assert b"the-secret-setting" not in response.body


def test_the_size_is_bounded() -> None:
    assert len(page(failing.has_large_variables, HTML).body) < 4_000_000


def test_what_fails_while_it_is_shown_does_not_hide_the_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no page")

    monkeypatch.setattr("pounce_middleware.error_page.middleware.make_report", broken)
    response = page(failing.fails)
    assert isinstance(response.error, failing.NastyError)
    assert response.messages == []
    assert [record.getMessage() for record in caplog.records] == ["The page of an error could not be shown"]


def test_a_client_that_leaves_before_the_page() -> None:
    async def send(message: Any) -> None:
        raise ClientGone("it has left")

    async def receive() -> Any:
        return {"type": "http.request"}

    with pytest.raises(failing.NastyError):
        asyncio.run(ErrorPageMiddleware(failing.fails)(http_scope(), receive, send))  # type: ignore[arg-type]


@pytest.mark.parametrize("odd", ["a\x0cb", "a\u2028b", "a\x85b", "'unclosed", "\ufeff", "\u202e", "\t\t", "a\x00b", ""])
def test_odd_source(odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("jinja2")
    monkeypatch.setattr("linecache.getlines", lambda *_: [f"{odd} {number}\n" for number in range(500)])
    response = page(failing.fails, HTML)
    assert isinstance(response.error, failing.NastyError)
    assert response.body.count(b'<td class="number">') >= 13
