"""Connection, Expect, TE and Upgrade: what a request says of its connection (RFC 9110, 7.6, 7.8, 10.1)."""

from __future__ import annotations

from pounce_http1.errors import UpgradeWithContent
from pounce_http1.testing.case import HOST, Case, Request, get, post

__all__ = ["CONNECTION_CASES"]

_KEEP_ALIVE: tuple[tuple[str, str, tuple[bytes, ...], bool, str], ...] = (
    ("close", "1.1", (b"Connection: close",), False, "RFC 9112, 9.6"),
    ("close-upper-case", "1.1", (b"Connection: CLOSE",), False, "RFC 9110, 7.6.1: options ignore case"),
    ("close-in-list", "1.1", (b"Connection: te, close",), False, "RFC 9110, 7.6.1: a list"),
    ("close-in-second-field", "1.1", (b"Connection: te", b"Connection: close"), False, "RFC 9110, 5.3: one list"),
    ("close-and-keep-alive", "1.1", (b"Connection: keep-alive, close",), False, "RFC 9112, 9.3: close wins"),
    ("close-with-empty-members", "1.1", (b"Connection: ,, close ,",), False, "RFC 9110, 5.6.1.2"),
    ("keep-alive", "1.1", (b"Connection: keep-alive",), True, "RFC 9112, 9.3: persistent anyway"),
    ("closed-is-not-close", "1.1", (b"Connection: closed",), True, "RFC 9110, 7.6.1: options are whole tokens"),
    ("empty", "1.1", (b"Connection:",), True, "RFC 9112, 9.3: persistent by default"),
    ("1.0", "1.0", (), False, "RFC 9112, 9.3: HTTP/1.0 closes by default"),
    ("1.0-keep-alive", "1.0", (b"Connection: keep-alive",), True, "RFC 9112, 9.3 and C.2.2"),
    ("1.0-keep-alive-title-case", "1.0", (b"Connection: Keep-Alive",), True, "RFC 9110, 7.6.1: options ignore case"),
    ("1.0-both", "1.0", (b"Connection: keep-alive, close",), False, "RFC 9112, 9.3: close wins"),
    ("1.0-close", "1.0", (b"Connection: close",), False, "RFC 9112, 9.6"),
    ("1.0-proxy-connection", "1.0", (b"Proxy-Connection: keep-alive",), False, "RFC 9112, C.2.2: not a field of ours"),
)

_NO_WISHES = (("expect_continue", False), ("expectation_failed", False), ("upgrade", None), ("accepts_trailers", False))

_FACTS: tuple[tuple[str, tuple[bytes, ...], tuple[tuple[str, object], ...], str], ...] = (
    ("nothing-asked", (), _NO_WISHES, "RFC 9110, 7.6 to 10.1"),
    ("te-trailers", (b"TE: trailers",), (("accepts_trailers", True),), "RFC 9110, 10.1.4"),
    ("te-upper-case", (b"TE: Trailers",), (("accepts_trailers", True),), "RFC 9110, 10.1.4: tokens ignore case here"),
    ("te-list", (b"TE: gzip;q=0.5, trailers",), (("accepts_trailers", True),), "RFC 9110, 10.1.4: a list"),
    ("te-second-field", (b"TE: gzip", b"TE: trailers"), (("accepts_trailers", True),), "RFC 9110, 5.3: one list"),
    ("te-other", (b"TE: gzip",), (("accepts_trailers", False),), "RFC 9110, 10.1.4"),
    ("te-part-of-a-word", (b"TE: xtrailers",), (("accepts_trailers", False),), "RFC 9110, 10.1.4: whole tokens"),
    (
        "expect-without-body",
        (b"Expect: 100-continue",),
        (("expect_continue", False), ("expectation_failed", False)),
        "RFC 9110, 10.1.1: nothing to wait for without content",
    ),
    ("expect-unknown", (b"Expect: 200-ok",), (("expectation_failed", True),), "RFC 9110, 10.1.1: 417"),
    (
        "expect-known-and-unknown",
        (b"Expect: 100-continue, x=y",),
        (("expectation_failed", True),),
        "RFC 9110, 10.1.1: any member may be what fails",
    ),
    ("expect-empty", (b"Expect:",), (("expectation_failed", False),), "RFC 9110, 5.6.1.2: an empty list"),
    (
        "upgrade-websocket",
        (b"Connection: Upgrade", b"Upgrade: WebSocket"),
        (("upgrade", b"websocket"), ("keep_alive", True)),
        "RFC 9110, 7.8",
    ),
    (
        "upgrade-in-list",
        (b"Connection: keep-alive, Upgrade", b"Upgrade: websocket"),
        (("upgrade", b"websocket"),),
        "RFC 9110, 7.6.1: Firefox sends both",
    ),
    (
        "upgrade-several",
        (b"Connection: upgrade", b"Upgrade: h2c, websocket"),
        (("upgrade", b"h2c"),),
        "RFC 9110, 7.8: in order of preference",
    ),
    ("upgrade-not-named", (b"Upgrade: websocket",), (("upgrade", None),), "RFC 9110, 7.8: Connection must name it"),
    ("upgrade-named-only", (b"Connection: upgrade",), (("upgrade", None),), "RFC 9110, 7.8: no Upgrade field"),
    (
        "upgrade-empty",
        (b"Connection: upgrade", b"Upgrade:"),
        (("upgrade", None),),
        "RFC 9110, 7.8: no protocol is named",
    ),
    (
        "upgrade-length-0",
        (b"Connection: upgrade", b"Upgrade: websocket", b"Content-Length: 0"),
        (("upgrade", b"websocket"), ("has_body", False)),
        "RFC 9110, 7.8: without content",
    ),
)

_EXPECTING: tuple[tuple[str, bytes, bool, str], ...] = (
    ("expect-continue", b"Expect: 100-continue", True, "RFC 9110, 10.1.1"),
    ("expect-continue-mixed-case", b"Expect: 100-CONTINUE", True, "RFC 9110, 10.1.1: ignores case"),
    ("expect-continue-in-list", b"Expect: , 100-continue", True, "RFC 9110, 5.6.1.2"),
    ("expect-100", b"Expect: 100", False, "RFC 9110, 10.1.1: another expectation"),
)

CONNECTION_CASES: tuple[Case, ...] = (
    *(
        Case(
            name=f"connection/{name}",
            wire=get(*lines, start=b"GET / HTTP/%b" % version.encode()),
            reason=reason,
            requests=(Request(facts=(("keep_alive", keep_alive), ("http_version", version))),),
        )
        for name, version, lines, keep_alive, reason in _KEEP_ALIVE
    ),
    *(
        Case(name=f"connection/{name}", wire=get(*lines), reason=reason, requests=(Request(facts=facts),))
        for name, lines, facts, reason in _FACTS
    ),
    *(
        Case(
            name=f"connection/{name}",
            wire=post(b"Content-Length: 5", line, body=b"hello"),
            reason=reason,
            requests=(
                Request(
                    method="POST",
                    body=b"hello",
                    facts=(("expect_continue", continues), ("expectation_failed", not continues)),
                ),
            ),
        )
        for name, line, continues, reason in _EXPECTING
    ),
    Case(
        name="connection/expect-on-1.0",
        wire=b"POST / HTTP/1.0\r\n" + HOST + b"Content-Length: 5\r\nExpect: 100-continue, x\r\n\r\nhello",
        reason="RFC 9110, 10.1.1: ignored in an HTTP/1.0 request",
        requests=(
            Request(method="POST", body=b"hello", facts=(("expect_continue", False), ("expectation_failed", False))),
        ),
    ),
    Case(
        name="connection/upgrade-on-1.0",
        wire=b"GET / HTTP/1.0\r\n" + HOST + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        reason="RFC 9110, 7.8: ignored in an HTTP/1.0 request",
        requests=(Request(facts=(("upgrade", None),)),),
    ),
    Case(
        name="connection/upgrade-with-length",
        wire=post(b"Connection: upgrade", b"Upgrade: websocket", b"Content-Length: 5", body=b"hello"),
        reason="RFC 9110, 7.8: readers disagree on where the new protocol would begin",
        error=UpgradeWithContent,
    ),
    Case(
        name="connection/upgrade-with-chunks",
        wire=post(b"Connection: upgrade", b"Upgrade: x, websocket", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        reason="RFC 9110, 7.8: readers disagree on where the new protocol would begin",
        error=UpgradeWithContent,
    ),
    Case(
        name="connection/upgrade-to-h2c-with-length",
        wire=post(b"Connection: upgrade", b"Upgrade: h2c", b"Content-Length: 5", body=b"hello"),
        reason="RFC 9110, 7.8: nobody has to follow; clients ask for h2c with every request",
        requests=(Request(method="POST", body=b"hello", facts=(("upgrade", None),)),),
    ),
    Case(
        name="connection/upgrade-to-h2c-with-chunks",
        wire=post(b"Connection: upgrade", b"Upgrade: h2c", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        reason="RFC 9110, 7.8: nobody has to follow; clients ask for h2c with every request",
        requests=(Request(method="POST", body=b"", facts=(("upgrade", None),)),),
    ),
    Case(
        name="connection/upgrade-not-named-with-length",
        wire=post(b"Upgrade: websocket", b"Content-Length: 5", body=b"hello"),
        reason="RFC 9110, 7.8: not a request to upgrade, so an ordinary one",
        requests=(Request(method="POST", body=b"hello", facts=(("upgrade", None),)),),
    ),
)
