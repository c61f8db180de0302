"""The head of a request: the request line, and what its header fields say.

Everything that follows from the header fields alone is kept in ``HeaderFacts``, so that fields that were seen before
are neither parsed nor judged again (header_memo.py). A ``RequestHead`` is made for every request and must be cheap.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from pounce_http1.errors import (
    InvalidHost,
    InvalidRequestLine,
    UnsupportedVersion,
    UpgradeWithContent,
    quote,
)
from pounce_http1.framing import NO_BODY, body_framing
from pounce_http1.grammar import HTTP_VERSION, TOKEN_BYTES
from pounce_http1.target import Target, is_valid_host, parse_target

if TYPE_CHECKING:
    from pounce_http1.field_lines import Field

__all__ = [
    "METHODS",
    "HeaderFacts",
    "RequestHead",
    "build_head",
    "derive_facts",
    "parse_request_line",
    "parse_version",
]

_METHODS: Final = (
    b"GET HEAD POST PUT DELETE PATCH OPTIONS TRACE QUERY "
    b"ACL COPY LOCK MKCALENDAR MKCOL MOVE PROPFIND PROPPATCH PURGE REPORT SEARCH UNLOCK"
)
METHODS: Final = {name: sys.intern(name.decode()) for name in _METHODS.split()}
"""Methods known to be tokens and to have no target form of their own. Interned, they are not counted when used."""


_NO_OPTIONS: Final[tuple[bytes, ...]] = ()
_USUAL_OPTIONS: Final[dict[bytes, tuple[bytes, ...]]] = {
    b"keep-alive": (b"keep-alive",),
    b"Keep-Alive": (b"keep-alive",),
    b"close": (b"close",),
}
"""Nearly every value of Connection, taken apart."""


class HeaderFacts:
    """What the header fields of a request say together. Shared between requests: do not change.

    - ``http_version``: ``"1.0"`` or ``"1.1"``; the same fields mean different things in each.
    - ``content_length``: bytes of body, None if not announced. ``chunked``: the body is chunked. ``has_body``: body
      events follow the head.
    - ``keep_alive``: the client allows another request on this connection (RFC 9112, 9.3).
    - ``expect_continue``: the client waits for a 100 before it sends its body; ``expectation_failed``: it expects
      something else, which is answered 417 (RFC 9110, 10.1.1).
    - ``upgrade``: the protocol asked for, in lower case, when Connection names Upgrade (RFC 9110, 7.8) and the request
      has no body.
    - ``accepts_trailers``: ``TE: trailers`` (RFC 9110, 10.1.4).
    """

    __slots__ = (
        "accepts_trailers",
        "content_length",
        "expect_continue",
        "expectation_failed",
        "has_body",
        "http_version",
        "keep_alive",
        "upgrade",
    )

    def __init__(self, http_version: str, content_length: int | None, has_body: bool, keep_alive: bool) -> None:
        self.http_version = http_version
        self.content_length = content_length
        self.has_body = has_body
        self.keep_alive = keep_alive
        self.upgrade: bytes | None = None
        self.expect_continue = False
        self.expectation_failed = False
        self.accepts_trailers = False

    @property
    def chunked(self) -> bool:
        return self.has_body and self.content_length is None

    def __repr__(self) -> str:
        facts = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"<HeaderFacts {facts}>"


class RequestHead:
    """The head of one request. The attributes of its ``fields`` are here, too; read-only.

    ``target`` is as sent; ``raw_path`` and ``query_string`` are its parts, percent-encoding untouched. ``headers`` are
    the fields in the order received, names in lower case.
    """

    __slots__ = ("fields", "headers", "method", "query_string", "raw_path", "target")

    def __init__(
        self,
        method: str,
        target: bytes,
        raw_path: bytes,
        query_string: bytes,
        headers: tuple[Field, ...],
        fields: HeaderFacts,
    ) -> None:
        self.method = method
        self.target = target
        self.raw_path = raw_path
        self.query_string = query_string
        self.headers = headers
        self.fields = fields

    @property
    def host(self) -> bytes:
        """The value of Host; empty if there was none (HTTP/1.0) or it was empty."""
        return next((value for name, value in self.headers if name == b"host"), b"")

    @property
    def http_version(self) -> str:
        return self.fields.http_version

    @property
    def content_length(self) -> int | None:
        return self.fields.content_length

    @property
    def chunked(self) -> bool:
        return self.fields.chunked

    @property
    def has_body(self) -> bool:
        return self.fields.has_body

    @property
    def keep_alive(self) -> bool:
        return self.fields.keep_alive

    @property
    def expect_continue(self) -> bool:
        return self.fields.expect_continue

    @property
    def expectation_failed(self) -> bool:
        return self.fields.expectation_failed

    @property
    def upgrade(self) -> bytes | None:
        return self.fields.upgrade

    @property
    def accepts_trailers(self) -> bool:
        return self.fields.accepts_trailers

    def __repr__(self) -> str:
        return f"<RequestHead {self.method} {quote(self.target)} HTTP/{self.http_version} {list(self.headers)!r}>"


def parse_request_line(line: bytes) -> tuple[str, bytes, Target, str]:
    """Method, target as sent, target taken apart, version of a request line that is given without its CRLF.

    ``request-line = method SP request-target SP HTTP-version`` (RFC 9112, 3): exactly one space between the parts,
    although the clause lets a recipient be lenient. Raises InvalidRequestLine, UnsupportedVersion, InvalidTarget or
    UnsupportedMethod.
    """
    parts = line.split(b" ")
    if len(parts) != 3:
        raise InvalidRequestLine(f"request line is not 'METHOD target HTTP/1.1': {quote(line)}")
    method, target, version = parts
    if not method or method.translate(TOKEN_BYTES) != method:
        raise InvalidRequestLine(f"method is not a token: {quote(method)}")
    http_version = parse_version(version)
    name = METHODS.get(method) or method.decode("ascii")
    return name, target, parse_target(name, target), http_version


def parse_version(version: bytes) -> str:
    """``"1.0"`` or ``"1.1"``.

    A higher minor version could be read as HTTP/1.1 (RFC 9110, 2.5), but none was ever made: it is a mistake or a
    probe, and 505 would be wrong, since that is about the major version (RFC 9110, 15.6.6). It is malformed to us.
    """
    match = HTTP_VERSION.fullmatch(version)
    if match is None:
        raise InvalidRequestLine(f"version must be HTTP/1.0 or HTTP/1.1, got {quote(version)}")
    major, minor = match.groups()
    if major != b"1":
        raise UnsupportedVersion(f"only HTTP/1.0 and HTTP/1.1 are spoken here, got {quote(version)}")
    if minor not in (b"0", b"1"):
        raise InvalidRequestLine(f"there is no {quote(version)}")
    return "1.1" if minor == b"1" else "1.0"


def build_head(method: str, target: bytes, parts: Target, headers: list[Field], fields: HeaderFacts) -> RequestHead:
    """Put a head together. An authority in the target replaces Host (RFC 9112, 3.2.2)."""
    host = parts.authority
    if host is not None:
        headers = [(b"host", host), *(field for field in headers if field[0] != b"host")]
    return RequestHead(method, target, parts.raw_path, parts.query_string, tuple(headers), fields)


def derive_facts(http_version: str, decisive: list[Field]) -> HeaderFacts:
    """Derive the facts from the fields with decisive names.

    Raises InvalidHost, UpgradeWithContent, or what ``body_framing`` raises.
    """
    host = connection = None
    several_hosts = False
    lengths: list[bytes] = []
    codings: list[bytes] = []
    wishes: list[Field] = []
    for field in decisive:
        name, value = field
        if name == b"host":
            several_hosts = host is not None
            host = value
        elif name == b"connection":
            connection = value if connection is None else b"%b,%b" % (connection, value)
        elif name == b"content-length":
            lengths.append(value)
        elif name == b"transfer-encoding":
            codings.append(value)
        else:
            wishes.append(field)
    if several_hosts:
        raise InvalidHost("more than one Host field")
    if host is None:
        if http_version != "1.0":
            raise InvalidHost("an HTTP/1.1 request needs a Host field")
    elif host and not is_valid_host(host):
        raise InvalidHost(f"Host must be host[:port], got {quote(host)}")
    length, chunked = body_framing(http_version, lengths, codings) if lengths or codings else NO_BODY
    options = _NO_OPTIONS if connection is None else _USUAL_OPTIONS.get(connection) or _members([connection])
    keep_alive = b"close" not in options and (http_version == "1.1" or b"keep-alive" in options)
    facts = HeaderFacts(http_version, length, chunked or bool(length), keep_alive)
    if wishes:
        _derive_wishes(facts, wishes, wants_upgrade=b"upgrade" in options)
    return facts


def _derive_wishes(facts: HeaderFacts, fields: list[Field], *, wants_upgrade: bool) -> None:
    """Expect, TE and Upgrade. In an HTTP/1.0 request all are ignored (RFC 9110, 10.1.1 and 7.8): it knows no chunks
    behind which trailers could come.
    """
    expectations = _members([value for name, value in fields if name == b"expect"])
    upgrades = _members([value for name, value in fields if name == b"upgrade"])
    if facts.http_version == "1.0":
        return
    facts.accepts_trailers = b"trailers" in _members([value for name, value in fields if name == b"te"])
    for expectation in expectations:
        if expectation == b"100-continue":
            facts.expect_continue = facts.has_body
        else:
            facts.expectation_failed = True
    if upgrades and wants_upgrade:
        if not facts.has_body:
            facts.upgrade = upgrades[0]
        elif b"websocket" in upgrades:
            # RFC 9110, 7.8 has the content come first, in the old protocol. Readers disagree about it, and a
            # WebSocket never has any. Clients of h2c ask with every request; nobody has to follow.
            raise UpgradeWithContent("a request for a WebSocket cannot have a body")


def _members(values: list[bytes]) -> tuple[bytes, ...]:
    """The members of a comma-separated list, in lower case, without empty ones (RFC 9110, 5.6.1)."""
    members = [member.strip(b" \t").lower() for value in values for member in value.split(b",")]
    return tuple(member for member in members if member)
