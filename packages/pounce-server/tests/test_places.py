"""How places to listen are written."""

from __future__ import annotations

import pytest

from pounce.places import FdPlace, Place, ServicePlace, TcpPlace, UnixPlace, parse_place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("127.0.0.1:8000", TcpPlace("127.0.0.1", 8000)),
        ("localhost:0", TcpPlace("localhost", 0)),
        (":8000", TcpPlace("", 8000)),
        ("[::]:65535", TcpPlace("::", 65535)),
        ("[::1]:80", TcpPlace("::1", 80)),
        ("[::ffff:192.0.2.1]:80", TcpPlace("::ffff:192.0.2.1", 80)),
        ("[fe80::1%eth0]:80", TcpPlace("fe80::1%eth0", 80)),
        ("unix:/run/app.sock", UnixPlace("/run/app.sock")),
        ("unix:///run/app.sock", UnixPlace("/run/app.sock")),
        ("unix:app.sock", UnixPlace("app.sock")),
        ("unix:/with space, and:colon", UnixPlace("/with space, and:colon")),
        ("unix:@app", UnixPlace("@app")),
        ("fd:3", TcpPlace("fd", 3)),
        ("fd://3", FdPlace(3)),
        ("systemd://", ServicePlace("")),
        ("systemd://web.socket", ServicePlace("web.socket")),
        ("systemd:80", TcpPlace("systemd", 80)),
    ],
)
def test_a_place(text: str, place: Place) -> None:
    assert parse_place(text) == place
    assert type(parse_place(text)) is type(place)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8000",
        "localhost",
        "localhost:",
        "localhost:http",
        "localhost:65536",
        "localhost:-1",
        "localhost: 80",
        "localhost:\u0663",
        "::1:8000",
        "[::1]",
        "[::1]:",
        "[localhost]:80",
        "[]:80",
        "[::1:80",
        "user@host:80",
        "http://localhost:80",
        "unix:",
        "unix:/a\0b",
        "fd://",
        "fd://x",
        "fd://-1",
        "systemd://a:b",
        "systemd://a\n",
    ],
)
def test_no_place(text: str) -> None:
    with pytest.raises(ValueError, match=r"^HOST:PORT, "):
        parse_place(text)


@pytest.mark.parametrize("text", ["127.0.0.1:8000", "[::1]:80", ":80", "unix:/run/app.sock", "systemd://web"])
def test_a_place_is_shown_as_it_is_written(text: str) -> None:
    assert str(parse_place(text)) == text
