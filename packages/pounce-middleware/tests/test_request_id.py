"""Request ids that go through several servers."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from asgi_doubles import Application, call, http_scope, websocket_scope

from pounce_middleware import RequestIdMiddleware, RequestIdSettings

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
ID = b"x-request-id"


def ids(scope: dict[str, Any], **options: Any) -> tuple[str, bytes]:
    """The id in the state, and in the response."""
    app = Application()
    response = call(RequestIdMiddleware(app, **options), scope)
    return app.scope["state"]["request_id"], response.fields[ID]


def test_made() -> None:
    state, shown = ids(http_scope())
    assert UUID7.fullmatch(state)
    assert shown.decode() == state


def test_that_of_the_server_is_kept() -> None:
    assert ids(http_scope(state={"request_id": "mine"})) == ("mine", b"mine")


@pytest.mark.parametrize(
    "value", [b"a", b"0190b3f0-5c6a-7e0e-8000-000000000000", b"Root=1-67891233-abcdef", b"a" * 128, b"a+/=:~@._-"]
)
def test_taken_from_whom_is_trusted(value: bytes) -> None:
    scope = http_scope(headers=[(ID, value)], state={"request_id": "mine"})
    assert ids(scope, trusted=("127.0.0.1",)) == (value.decode(), value)


@pytest.mark.parametrize(
    "value", [b"", b"a" * 129, b"a b", b"a\tb", b"<script>", b'"', b"a,b", b"\xc3\xa9", b"-a", b"a;b"]
)
def test_odd_ones_are_not_taken(value: bytes) -> None:
    scope = http_scope(headers=[(ID, value)], state={"request_id": "mine"})
    assert ids(scope, trusted=("127.0.0.1",)) == ("mine", b"mine")


def test_two_are_not_taken() -> None:
    assert ids(http_scope(headers=[(ID, b"a"), (ID, b"b")], state={"request_id": "m"}), trusted=("*",)) == ("m", b"m")


@pytest.mark.parametrize(
    ("client", "trusted"), [(("127.0.0.1", 1), ()), (("192.0.2.1", 1), ("127.0.0.1",)), (None, ("127.0.0.1",))]
)
def test_others_are_not_trusted(client: Any, trusted: tuple[str, ...]) -> None:
    scope = http_scope(headers=[(ID, b"theirs")], client=client, state={"request_id": "mine"})
    assert ids(scope, trusted=trusted) == ("mine", b"mine")


def test_over_a_unix_socket() -> None:
    assert ids(http_scope(headers=[(ID, b"theirs")], client=None), trusted=("unix",))[0] == "theirs"


def test_it_replaces_what_the_application_has_set() -> None:
    app = Application(
        {"type": "http.response.start", "status": 200, "headers": [(b"X-Request-ID", b"other"), (b"a", b"b")]},
        {"type": "http.response.body"},
    )
    response = call(RequestIdMiddleware(app), http_scope(state={"request_id": "mine"}))
    assert response.fields == {b"a": b"b", ID: b"mine"}


def test_another_field_and_no_state() -> None:
    scope = http_scope()
    del scope["state"]
    app = Application()
    response = call(RequestIdMiddleware(app, header="X-Trace"), scope)
    assert response.fields[b"x-trace"].decode() == app.scope["state"]["request_id"]


@pytest.mark.parametrize("kind", ["websocket.accept", "websocket.http.response.start"])
def test_websocket(kind: str) -> None:
    app = Application({"type": kind, "status": 403})
    (message,) = call(RequestIdMiddleware(app), websocket_scope(state={"request_id": "mine"})).messages
    assert message["headers"] == [(ID, b"mine")]


def test_lifespan_passes() -> None:
    app = Application({"type": "lifespan.startup.complete"})
    scope = {"type": "lifespan", "state": {}}
    call(RequestIdMiddleware(app), scope)
    assert app.scope == {"type": "lifespan", "state": {}}


def test_threads_make_different_ones() -> None:
    app = Application()
    middleware = RequestIdMiddleware(app)
    made: list[bytes] = []
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        made.extend(call(middleware, http_scope()).fields[ID] for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"request_id_header": "a b"},
        {"request_id_header": "x", "request_id_trust": ("nobody",)},
        {"request_id_trust": ("*",)},
    ],
)
def test_settings_out_of_range(wrong: Any) -> None:
    with pytest.raises(ValueError, match=list(wrong)[-1]):
        RequestIdSettings(**wrong)


def test_from_settings() -> None:
    settings = RequestIdSettings(request_id_header="X-Trace", request_id_trust=("*",))
    response = call(
        RequestIdMiddleware.from_settings(Application(), settings), http_scope(headers=[(b"x-trace", b"7")])
    )
    assert response.fields[b"x-trace"] == b"7"
