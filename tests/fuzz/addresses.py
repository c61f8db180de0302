"""Request targets and Host: what HTTP/1.1, HTTP/2 and HTTP/3 take, and what is made of it.

- Nothing is raised but `InvalidTarget` and `UnsupportedMethod`.
- The parts of a target, put together, are the target.
- A valid host stays valid whatever the case of its letters, and the three wires agree on it and on targets.
- A host that proxies may name (the middleware's reading) reads back from its own text.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from pounce_asgi.multiplexed import grammar
from pounce_http1.errors import InvalidTarget, UnsupportedMethod
from pounce_http1.target import is_valid_host, parse_target
from pounce_http1.testing import CASES
from pounce_middleware.host_value import parse_host
from tests.fuzz.target import Target

__all__ = ["ADDRESSES"]


def _check_target(data: bytes) -> None:
    for method in ("GET", "OPTIONS", "CONNECT"):
        try:
            target = parse_target(method, data)
        except (InvalidTarget, UnsupportedMethod) as error:
            assert str(error).isprintable()  # noqa: PT017 - no test waits for it
            continue
        assert data.isascii()
        assert method != "CONNECT"
        whole = target.raw_path + (b"?" + target.query_string if b"?" in data else b"")
        if target.authority is None:
            assert data == whole
            assert data == b"*" or grammar.is_target(data)
        else:
            assert is_valid_host(target.authority)
            assert data.partition(b"://")[2] in (
                target.authority + whole,
                target.authority + whole[1:],
                target.authority,
            )
        assert unquote_to_bytes(target.raw_path) is not None


def _check_host(data: bytes) -> None:
    valid = is_valid_host(data)
    assert grammar.is_valid_host(data) == valid
    assert is_valid_host(data.upper()) == is_valid_host(data.lower()) == valid
    if valid:
        assert data.isascii()
        assert not set(data) & set(b"/?#@\\ \t\r\n\0")
    text = data.decode("latin-1")
    host = parse_host(text)
    if host is not None:
        assert valid or text.isascii()
        assert parse_host(str(host)) == host
        assert is_valid_host(str(host).encode())


def _check(data: bytes) -> None:
    _check_target(data)
    _check_host(data)


_SEEDS = {case.wire.split(b" ")[1] for case in CASES if case.name.startswith("target/") and case.wire.count(b" ") > 1}
_HOSTS = {
    line.partition(b":")[2].strip()
    for case in CASES
    if case.name.startswith("host/")
    for line in case.wire.split(b"\r\n")
    if line.lower().startswith(b"host:")
}

ADDRESSES = Target(
    name="addresses",
    promises="our errors only; the parts are the whole; all wires agree",
    check=_check,
    seeds=tuple(sorted(_SEEDS | _HOSTS | {b"[v1.a:b]:80", b"a.example.:65535", b"%61.b", b"http://[::1]/?a"})),
    dictionary=(
        b"http://",
        b"https://",
        b"[::1]",
        b"[",
        b"]",
        b":80",
        b"@",
        b"%41",
        b"%",
        b"?",
        b"/",
        b"//",
        b"#",
        b"*",
    ),
    modules=("pounce_http1", "pounce_asgi", "pounce_middleware"),
    rounds=1500,
    shapes=(
        lambda size: b"/" + b"%41" * (size // 3),
        lambda size: b"http://" + b"a" * size,
        lambda size: b"%41" * (size // 3) + b"!@",
        lambda size: b"[" + b"0:" * (size // 2),
        lambda size: b"a." * (size // 2) + b"\xff",
        lambda size: b"1" * size + b":" + b"1" * size,
    ),
)
