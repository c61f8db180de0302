"""ASGI's extensions: those that are offered work as described, the others are not offered."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.requests import GET, Scopes, answer, ask, body, sent, start

if TYPE_CHECKING:
    from pathlib import Path

    from pounce_testing import Variant
    from pounce_testing.fixtures import Serve

TE = GET.replace(b"Host", b"TE: trailers\r\nHost")
CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "file"
    made.write_bytes(CONTENT)
    return made


def refused(serve: Serve, *messages: dict[str, Any]) -> bool:
    """Whether the last of the messages raises."""
    raised = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages[:-1]:
            await send(message)
        try:
            await send(messages[-1])
        except Exception as error:  # noqa: BLE001 - which one is the server's choice
            raised.append(error)
        if len(messages) == 1:
            await answer(send)
        else:
            await send(body())

    ask(serve(app, lifespan="off"))
    return bool(raised)


def test_what_is_offered(serve: Serve, variant: Variant) -> None:
    app = Scopes()
    ask(serve(app))
    offered = app.only["extensions"]
    assert (offered.pop("tls", None) is not None) is variant.tls
    assert offered == {
        "http.response.early_hint": {},
        "http.response.pathsend": {},
        "http.response.trailers": {},
        "http.response.zerocopysend": {},
    }


@pytest.mark.parametrize("kind", ["debug", "push"])
def test_what_is_not_offered_is_refused(serve: Serve, kind: str) -> None:
    assert refused(serve, {"type": f"http.response.{kind}", "info": {}, "path": "/", "headers": []})


# TLS


def test_what_is_told_of_tls(serve: Serve, variant: Variant) -> None:
    """Nothing without TLS; with it the certificate that the client saw, and what was agreed on."""
    app = Scopes()
    server = serve(app)
    with server.connect() as client:
        client.send(GET)
        client.read_response()
        told = app.only["extensions"].get("tls")
        if not variant.tls:
            assert told is None
            return
        assert isinstance(client.socket, ssl.SSLSocket)
        seen = client.socket.getpeercert(binary_form=True)
        assert seen is not None
        assert told["server_cert"] == ssl.DER_cert_to_PEM_cert(seen)
        assert (told["tls_version"], told["cipher_suite"] >> 8) == (0x0304, 0x13)  # RFC 8446, 4.1.2 and B.4
        assert [*told["client_cert_chain"]] == []
        assert told["client_cert_name"] is None
        assert told["client_cert_error"] is None


# Zero copy send


def test_zero_copy_sends_a_file_from_its_position_to_its_end(serve: Serve, file: Path) -> None:
    with file.open("rb") as opened:
        opened.seek(10)
        assert sent(serve, start(), {"type": "http.response.zerocopysend", "file": opened}).body == CONTENT[10:]


def test_zero_copy_takes_offset_and_count(serve: Serve, file: Path) -> None:
    with file.open("rb") as opened:
        message = {"type": "http.response.zerocopysend", "file": opened, "offset": 256, "count": 1000}
        assert sent(serve, start(), message).body == CONTENT[256:1256]


def test_zero_copy_mixes_with_bodies_and_with_itself(serve: Serve, file: Path) -> None:
    with file.open("rb") as opened:
        piece = {"type": "http.response.zerocopysend", "file": opened, "offset": 0, "count": 5, "more_body": True}
        response = sent(serve, start(), body(b"<", more=True), piece, body(b"|", more=True), piece, body(b">"))
    assert response.body == b"<" + CONTENT[:5] + b"|" + CONTENT[:5] + b">"


def test_zero_copy_leaves_the_file_open(serve: Serve, file: Path) -> None:
    with file.open("rb") as opened:
        sent(serve, start(), {"type": "http.response.zerocopysend", "file": opened})
        os.fstat(opened.fileno())
        assert not opened.closed


# Path send


def test_a_path_is_sent_whole(serve: Serve, file: Path) -> None:
    headers = [(b"content-length", b"%d" % len(CONTENT)), (b"content-type", b"text/x-own")]
    response = sent(serve, start(*headers), {"type": "http.response.pathsend", "path": str(file)})
    assert (response.body, response.header(b"content-type")) == (CONTENT, b"text/x-own")


def test_a_path_is_not_mixed_with_bodies(serve: Serve, file: Path) -> None:
    assert refused(serve, start(), body(b"a", more=True), {"type": "http.response.pathsend", "path": str(file)})


def test_a_path_ends_its_response(serve: Serve, file: Path) -> None:
    path = {"type": "http.response.pathsend", "path": str(file)}
    assert sent(serve, start(), path, path, body(b"ignored")).body == CONTENT


# Early hints


def test_early_hints_are_sent_as_link_headers(serve: Serve) -> None:
    hints = [{"type": "http.response.early_hint", "links": links} for links in ([b"</a>", b"</b>"], [b"</c>"])]
    response = sent(serve, start(), *hints, body(b"page"))
    assert (response.status, response.body) == (200, b"page")
    assert [hint.status for hint in response.informational] == [103, 103]
    links = [value for hint in response.informational for name, value in hint.headers if name == b"link"]
    assert b", ".join(links) == b"</a>, </b>, </c>"


def test_an_early_hint_that_comes_too_late_is_ignored(serve: Serve) -> None:
    hint = {"type": "http.response.early_hint", "links": [b"</a>"]}
    response = sent(serve, start(), body(b"one", more=True), hint, body(b"two"))
    assert (response.body, response.informational) == (b"onetwo", ())


# Trailers


def test_trailers_may_come_in_several_messages(serve: Serve) -> None:
    first = {"type": "http.response.trailers", "headers": [(b"a", b"1")], "more_trailers": True}
    last = {"type": "http.response.trailers", "headers": [(b"b", b"2")]}
    response = sent(serve, start(trailers=True), body(b"body"), first, last, request=TE)
    assert (response.body, response.trailers) == (b"body", ((b"a", b"1"), (b"b", b"2")))


def test_trailers_are_only_for_clients_that_asked(serve: Serve) -> None:
    trailers = {"type": "http.response.trailers", "headers": [(b"a", b"1")]}
    response = sent(serve, start(trailers=True), body(b"body"), trailers)
    assert (response.body, response.trailers) == (b"body", ())


def test_the_trailer_header_is_the_applications(serve: Serve) -> None:
    trailers = {"type": "http.response.trailers", "headers": [(b"a", b"1")]}
    response = sent(serve, start((b"trailer", b"other"), trailers=True), body(b""), trailers, request=TE)
    assert (response.header(b"trailer"), response.trailers) == (b"other", ((b"a", b"1"),))


def test_messages_after_the_trailers_are_ignored(serve: Serve) -> None:
    trailers = {"type": "http.response.trailers", "headers": [(b"a", b"1")]}
    response = sent(serve, start(trailers=True), body(b"body"), trailers, trailers, body(b"late"), request=TE)
    assert (response.body, response.trailers) == (b"body", ((b"a", b"1"),))
