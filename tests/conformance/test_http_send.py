"""The HTTP part of ASGI's web specification 2.5: the messages of a response."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.requests import GET, WAIT_SECONDS, ask, body, sent, start

if TYPE_CHECKING:
    from pounce_testing.fixtures import Serve

OWN_HEADERS = {b"date", b"server"}


@pytest.mark.parametrize("status", [200, 201, 302, 404, 418, 503, 599, 799])
def test_the_status_is_the_applications(serve: Serve, status: int) -> None:
    assert sent(serve, start(status=status), body()).status == status


def test_headers_keep_their_order_and_their_duplicates(serve: Serve) -> None:
    headers = ((b"b", b"1"), (b"a", b"2"), (b"set-cookie", b"x=1"), (b"b", b"3"), (b"set-cookie", b"y=2, z"))
    response = sent(serve, start(*headers), body(b"a"))
    assert tuple(pair for pair in response.headers if pair[0] not in OWN_HEADERS | {b"content-length"}) == headers


def test_headers_may_be_any_iterable_of_pairs(serve: Serve) -> None:
    headers = ([name, b"1"] for name in (b"a", b"b"))
    response = sent(serve, {"type": "http.response.start", "status": 200, "headers": headers}, body())
    assert (response.header(b"a"), response.header(b"b")) == (b"1", b"1")


def test_optional_keys_have_their_defaults(serve: Serve) -> None:
    response = sent(serve, {"type": "http.response.start", "status": 200}, {"type": "http.response.body"})
    assert (response.status, response.body) == (200, b"")


def test_content_encoding_is_the_applications(serve: Serve) -> None:
    response = sent(serve, start((b"content-encoding", b"gzip")), body(b"not really"))
    assert (response.header(b"content-encoding"), response.body) == (b"gzip", b"not really")


def test_transfer_encoding_is_the_servers(serve: Serve) -> None:
    response = sent(serve, start((b"transfer-encoding", b"gzip, chunked")), body(b"one"))
    assert (response.header(b"transfer-encoding"), response.body) == (None, b"one")
    response = sent(serve, start((b"transfer-encoding", b"identity")), body(b"one", more=True), body(b"two"))
    assert (response.header(b"transfer-encoding"), response.body) == (b"chunked", b"onetwo")


def test_a_body_of_unknown_length_is_chunked(serve: Serve) -> None:
    response = sent(serve, start(), body(b"one", more=True), body(b"", more=True), body(b"two", more=True), body())
    assert (response.header(b"transfer-encoding"), response.body) == (b"chunked", b"onetwo")


def test_a_body_of_known_length_is_not(serve: Serve) -> None:
    response = sent(serve, start((b"content-length", b"6")), body(b"one", more=True), body(b"two"))
    assert response.header(b"transfer-encoding") is None
    assert (response.header(b"content-length"), response.body) == (b"6", b"onetwo")


def test_an_error_before_the_body_may_still_take_the_responses_place(serve: Serve) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start((b"x-mine", b"yes")))
        raise RuntimeError("before any of the body")

    response = ask(serve(app, lifespan="off"))
    assert (response.status, response.header(b"x-mine")) == (500, None)


def test_body_data_is_flushed_before_send_returns(serve: Serve) -> None:
    """The application blocks its whole thread afterwards, and the client has the data all the same."""
    arrived = threading.Event()
    in_time = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start())
        await send(body(b"first", more=True))
        in_time.append(arrived.wait(WAIT_SECONDS))
        await send(body())

    with serve(app, lifespan="off").connect() as client:
        client.send(GET)
        received = b""
        while b"first" not in received:
            received += client.read_some()
        arrived.set()
        client.read_some()
    assert in_time == [True]


def test_messages_after_the_end_are_ignored(serve: Serve) -> None:
    response = sent(serve, start(), body(b"whole"), body(b"more", more=True), body(b"and more"))
    assert (response.header(b"content-length"), response.body) == (b"5", b"whole")


@pytest.mark.parametrize("ended", [False, True], ids=["within", "after"])
def test_a_second_start_is_an_error(serve: Serve, ended: bool) -> None:
    raised = threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start())
        await send(body(b"the first", more=not ended))
        try:
            await send(start(status=500))
        except Exception:  # noqa: BLE001 - which one is the server's choice
            raised.set()
        await send(body())

    response = ask(serve(app, lifespan="off"))
    assert (response.status, response.body) == (200, b"the first")
    assert raised.wait(WAIT_SECONDS)


def test_no_body_follows_where_http_has_none(serve: Serve) -> None:
    head = sent(serve, start((b"content-length", b"4")), body(b"body"), request=GET.replace(b"GET", b"HEAD"))
    assert (head.header(b"content-length"), head.body) == (b"4", b"")
    assert sent(serve, start(status=304), body(b"never")).body == b""


def test_trailers_are_waited_for(serve: Serve) -> None:
    asked = GET.replace(b"Host", b"TE: trailers\r\nHost")
    trailers = {"type": "http.response.trailers", "headers": [(b"x-sum", b"1")]}
    response = sent(serve, start(trailers=True), body(b"body"), trailers, request=asked)
    assert (response.body, response.trailers) == (b"body", ((b"x-sum", b"1"),))
