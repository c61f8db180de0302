"""The fields that open a stream become the head of a request (RFC 9113, 8.2 and 8.3; RFC 9114, 4.2 and 4.3).

What makes a message malformed is a `MessageFault`. What is wrong with a request that can be understood is a
`RequestError` with the status that it has over HTTP/1.1. Nothing here is repaired or guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce_asgi import RequestError
from pounce_asgi.multiplexed.grammar import (
    is_field_name,
    is_field_value,
    is_target,
    is_token,
    is_valid_host,
    parse_length,
)
from pounce_asgi.multiplexed.message_fault import MessageFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pounce_asgi import HeaderPair, HeadLimits

__all__ = ["CONNECTION_FIELDS", "RequestHead", "read_head"]

CONNECTION_FIELDS: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"}
)
"""Fields of HTTP/1.1's connections, which say nothing over later ones and are forbidden in them (RFC 9113, 8.2.2;
RFC 9114, 4.2).
"""

_PSEUDO: Final = frozenset({b":method", b":scheme", b":path", b":authority"})
_PROTOCOL: Final = b":protocol"
_SCHEMES: Final = (b"http", b"https")
_LINE: Final = 2
"""What a field line has over HTTP/1.1 beside name and value: a colon and a space. The limits mean the same here."""


class RequestHead:
    """The head of one request: a `pounce_asgi.RequestHead`. Shared between requests that are alike: do not change.

    ``priority`` is the value of that field (RFC 9218, 5); ``protocol`` that of ``:protocol`` (RFC 8441, 4).
    ``expectation_failed``: the client expects something other than a 100, which is answered 417 (RFC 9110, 10.1.1).
    """

    __slots__ = (
        "accepts_trailers",
        "authority",
        "content_length",
        "expect_continue",
        "expectation_failed",
        "has_body",
        "headers",
        "http_version",
        "method",
        "priority",
        "protocol",
        "query_string",
        "raw_path",
    )

    def __init__(
        self, method: str, path: bytes, headers: tuple[HeaderPair, ...], *, version: str, authority: bytes = b""
    ) -> None:
        self.method = method
        self.raw_path, _, self.query_string = path.partition(b"?")
        self.headers = headers
        self.authority = authority
        self.http_version = version
        self.content_length: int | None = None
        self.has_body = False
        self.expect_continue = False
        self.expectation_failed = False
        self.accepts_trailers = False
        self.priority: bytes | None = None
        self.protocol: bytes | None = None

    def __repr__(self) -> str:
        return f"<RequestHead {self.method} {self.raw_path!r} HTTP/{self.http_version} {list(self.headers)!r}>"


def read_head(
    fields: Sequence[HeaderPair], limits: HeadLimits, *, version: str, ended: bool, extended: bool
) -> RequestHead:
    """Judge and read the fields of a request. ``version``: of HTTP; ``ended``: no body follows; ``extended``:
    ``:protocol`` is allowed (RFC 8441, 3; RFC 9220, 3).

    Raises:
        MessageFault: the message is malformed.
        RequestError: it has the status to answer with.
    """
    pseudo, regular = _sort(fields, extended=extended)
    _judge_sizes(fields, pseudo, limits)
    method = pseudo[b":method"]
    if not is_token(method):
        raise RequestError("the method is not a token")
    head = RequestHead(
        method.decode("ascii"),
        _read_target(method, pseudo),
        _with_host(pseudo.get(b":authority"), regular),
        version=version,
        authority=pseudo.get(b":authority", b""),
    )
    head.protocol = pseudo.get(_PROTOCOL)
    head.has_body = not ended and head.protocol is None
    _derive_facts(head, ended=ended)
    return head


def _sort(fields: Iterable[HeaderPair], *, extended: bool) -> tuple[dict[bytes, bytes], list[HeaderPair]]:
    """Pseudo-fields and others, each known to be well-formed (RFC 9113, 8.2.1, 8.2.2 and 8.3; RFC 9114, 4.2, 4.3)."""
    pseudo: dict[bytes, bytes] = {}
    regular: list[HeaderPair] = []
    for name, value in fields:
        if name[:1] == b":":
            if regular:
                raise MessageFault("a pseudo-field after other fields")
            if name in pseudo or not (name in _PSEUDO or (extended and name == _PROTOCOL)):
                raise MessageFault(f"the pseudo-field {name!r:.60} is unknown or came twice")
            if not is_field_value(value):
                raise MessageFault(f"characters in {name!r} that no field may have")
            pseudo[name] = value
            continue
        if not is_field_name(name):
            raise MessageFault(f"the field name {name!r:.60} is not a token in lower case")
        if not is_field_value(value):
            raise MessageFault(f"characters in the value of {name!r:.60} that no field may have")
        if name in CONNECTION_FIELDS:
            raise MessageFault(f"{name!r} belongs to connections of HTTP/1.1")
        if name == b"te" and value.lower() != b"trailers":
            raise MessageFault("te is something other than trailers")
        regular.append((name, value))
    _require_pseudo(pseudo)
    return pseudo, regular


def _require_pseudo(pseudo: dict[bytes, bytes]) -> None:
    """Which of them there are (RFC 9113, 8.3.1, 8.5; RFC 9114, 4.3.1, 4.4; RFC 8441, 4)."""
    method = pseudo.get(b":method")
    if not method:
        raise MessageFault("no :method")
    if _PROTOCOL in pseudo:
        if method != b"CONNECT":
            raise MessageFault(":protocol without CONNECT")
    elif method == b"CONNECT":
        if b":scheme" in pseudo or b":path" in pseudo or not pseudo.get(b":authority"):
            raise MessageFault("CONNECT has an :authority and nothing else")
        return
    if not pseudo.get(b":scheme") or not pseudo.get(b":path"):
        raise MessageFault("no :scheme, or no :path")


def _judge_sizes(fields: Sequence[HeaderPair], pseudo: dict[bytes, bytes], limits: HeadLimits) -> None:
    """The limits of HTTP/1.1: :path is its request target, :authority its Host, and each crumb of a cookie a line."""
    if len(pseudo.get(b":path", b"")) > limits.target_size:
        raise RequestError(
            f"the request target is longer than {limits.target_size} bytes", status=414, setting="limit_request_line"
        )
    lines = total = cookies = 0
    for name, value in fields:
        if name[:1] == b":" and name != b":authority":
            continue
        lines += 1
        size = len(name) + len(value) + _LINE
        total += size
        if name == b"cookie":
            cookies += size
        if size > limits.field_size or cookies > limits.field_size:
            raise RequestError(
                f"a header field is larger than {limits.field_size} bytes",
                status=431,
                setting="limit_request_field_size",
            )
    if total > limits.fields_size:
        raise RequestError(
            f"the header fields are larger than {limits.fields_size} bytes",
            status=431,
            setting="limit_request_header_size",
        )
    if lines > limits.field_count:
        raise RequestError(f"more than {limits.field_count} header fields", status=431, setting="limit_request_fields")


def _read_target(method: bytes, pseudo: dict[bytes, bytes]) -> bytes:
    """The path with its query (RFC 9113, 8.3.1)."""
    if b":path" not in pseudo:
        if not is_valid_host(pseudo[b":authority"]) or not pseudo[b":authority"].rpartition(b":")[2].isdigit():
            raise RequestError("CONNECT needs host:port as its :authority")
        raise RequestError("CONNECT is for proxies; this is an origin server", status=501)
    path = pseudo[b":path"]
    if not is_target(path):
        raise RequestError("the request target must be visible ASCII without a fragment")
    if not path.startswith(b"/") and (path != b"*" or method != b"OPTIONS"):
        raise RequestError("the request target must start with '/'")
    if pseudo[b":scheme"].lower() not in _SCHEMES:
        raise RequestError("the scheme is neither http nor https")
    return path


def _with_host(authority: bytes | None, fields: list[HeaderPair]) -> tuple[HeaderPair, ...]:
    """The fields as an application sees them: host first, a cookie in one piece (ASGI HTTP 2.5; RFC 9113, 8.2.3)."""
    hosts = [value for name, value in fields if name == b"host"]
    if len(hosts) > 1:
        raise RequestError("more than one Host field")
    if authority is None:
        if not hosts:
            raise RequestError("a request needs :authority or Host")
        authority = hosts[0]
    elif hosts and hosts[0].lower() != authority.lower():
        raise RequestError("Host and :authority differ")
    elif not authority:
        raise RequestError(":authority is empty")
    if authority and not is_valid_host(authority):
        raise RequestError("Host must be host[:port]")
    crumbs = [value for name, value in fields if name == b"cookie"]
    if len(crumbs) > 1:
        whole = (b"cookie", b"; ".join(crumbs))
        first = next(index for index, field in enumerate(fields) if field[0] == b"cookie")
        fields = [
            whole if index == first else field
            for index, field in enumerate(fields)
            if index == first or field[0] != b"cookie"
        ]
    return ((b"host", authority), *[field for field in fields if field[0] != b"host"])


def _derive_facts(head: RequestHead, *, ended: bool) -> None:
    """What the fields say together. Of several lengths none is believed, equal or not, as over HTTP/1.1."""
    lengths: list[bytes] = []
    for name, value in head.headers:
        if name == b"content-length":
            lengths.append(value)
        elif name == b"expect":
            if value.lower() == b"100-continue":
                head.expect_continue = head.has_body
            else:
                head.expectation_failed = True
        elif name == b"te":
            head.accepts_trailers = True
        elif name == b"priority":
            head.priority = value if head.priority is None else b"%b, %b" % (head.priority, value)
    if lengths:
        length = parse_length(lengths[0]) if len(lengths) == 1 else None
        if length is None:
            raise MessageFault("content-length is not one number")
        if ended and length:
            raise MessageFault(f"content-length is {length}, and there is no body")
        head.content_length = length
