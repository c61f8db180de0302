"""Host: exactly one in HTTP/1.1, and a host with an optional port (RFC 9112, 3.2; RFC 9110, 7.2)."""

from __future__ import annotations

from pounce_http1.errors import InvalidHeader, InvalidHost, RemoteProtocolError
from pounce_http1.testing.case import Case, Request

__all__ = ["HOST_CASES"]

_VALID: tuple[tuple[str, bytes, str], ...] = (
    ("name", b"a.example", "RFC 3986, 3.2.2: reg-name"),
    ("port", b"a.example:8080", "RFC 9110, 7.2: uri-host : port"),
    ("upper-case", b"A.EXAMPLE", "RFC 3986, 3.2.2: reg-name"),
    ("single-label", b"localhost", "RFC 3986, 3.2.2: reg-name"),
    ("underscore", b"my_service:80", "RFC 3986, 3.2.2: unreserved"),
    ("punycode", b"xn--bcher-kva.example", "RFC 3986, 3.2.2: reg-name"),
    ("trailing-dot", b"a.example.", "RFC 3986, 3.2.2: reg-name"),
    ("ipv4", b"127.0.0.1", "RFC 3986, 3.2.2: IPv4address"),
    ("ipv4-port", b"127.0.0.1:80", "RFC 3986, 3.2.2: IPv4address"),
    ("ipv6", b"[::1]", "RFC 3986, 3.2.2: IP-literal"),
    ("ipv6-port", b"[2001:db8::1]:8080", "RFC 3986, 3.2.2: IP-literal"),
    ("ipv6-mapped", b"[::ffff:192.0.2.1]", "RFC 3986, 3.2.2: ls32 may be an IPv4address"),
    ("ipv6-full", b"[1:2:3:4:5:6:7:8]", "RFC 3986, 3.2.2: IP-literal"),
    ("ip-future", b"[v1.fe:x]", "RFC 3986, 3.2.2: IPvFuture"),
    ("percent-encoded", b"%61.example", "RFC 3986, 3.2.2: pct-encoded"),
    ("sub-delims", b"a!$&'()*+,;=b", "RFC 3986, 3.2.2: sub-delims"),
    ("empty-port", b"a.example:", "RFC 3986, 3.2.3: port = *DIGIT"),
    ("port-0", b"a.example:0", "RFC 3986, 3.2.3: digits; who connects to it is not our question"),
    ("port-65535", b"a.example:65535", "RFC 3986, 3.2.3"),
    ("port-leading-zeros", b"a.example:00080", "RFC 3986, 3.2.3: port = *DIGIT"),
    ("digits-only", b"12345", "RFC 3986, 3.2.2: reg-name"),
)

_INVALID: tuple[tuple[str, bytes, str], ...] = (
    ("userinfo", b"user@a.example", "RFC 9110, 7.2: uri-host has no userinfo"),
    ("password", b"user:pw@a.example", "RFC 9110, 7.2: uri-host has no userinfo"),
    ("path", b"a.example/b", "RFC 9110, 7.2: uri-host [ : port ]"),
    ("query", b"a.example?b", "RFC 9110, 7.2: uri-host [ : port ]"),
    ("fragment", b"a.example#b", "RFC 9110, 7.2: uri-host [ : port ]"),
    ("url", b"http://a.example", "RFC 9110, 7.2: uri-host [ : port ]"),
    ("space", b"a example", "RFC 3986, 3.2.2: no white space"),
    ("tab", b"a\texample", "RFC 3986, 3.2.2: no white space"),
    ("list", b"a.example, b.example", "RFC 9110, 7.2: Host is not a list"),
    ("backslash", b"a.example\\b", "RFC 3986, 3.2.2: reg-name"),
    ("quote", b'"a.example"', "RFC 3986, 3.2.2: reg-name"),
    ("angle-brackets", b"<a>", "RFC 3986, 3.2.2: reg-name"),
    ("caret", b"a^b", "RFC 3986, 3.2.2: reg-name"),
    ("pipe", b"a|b", "RFC 3986, 3.2.2: reg-name"),
    ("braces", b"{a}", "RFC 3986, 3.2.2: reg-name"),
    ("obs-text", b"\xc3\xa4.example", "RFC 3986, 3.2.2: non-ASCII is percent-encoded or punycode"),
    ("broken-percent", b"a%2.example", "RFC 3986, 2.1: pct-encoded = % HEXDIG HEXDIG"),
    ("percent-not-hex", b"a%zz.example", "RFC 3986, 2.1: pct-encoded = % HEXDIG HEXDIG"),
    ("port-text", b"a.example:http", "RFC 3986, 3.2.3: port = *DIGIT"),
    ("port-minus", b"a.example:-1", "RFC 3986, 3.2.3: port = *DIGIT"),
    ("port-plus", b"a.example:+80", "RFC 3986, 3.2.3: port = *DIGIT; int() would take it"),
    ("port-underscore", b"a.example:8_0", "RFC 3986, 3.2.3: port = *DIGIT; int() would take it"),
    ("port-space", b"a.example: 80", "RFC 3986, 3.2.3: port = *DIGIT"),
    ("port-65536", b"a.example:65536", "RFC 9110, 4.2.1: a TCP port"),
    ("port-six-digits", b"a.example:000080", "RFC 9110, 4.2.1: a TCP port has five digits"),
    ("port-huge", b"a.example:99999999999999999999", "RFC 9110, 4.2.1: a TCP port"),
    ("two-ports", b"a.example:80:80", "RFC 9110, 7.2: uri-host [ : port ]"),
    ("only-port", b":80", "RFC 9110, 4.2.1: an empty host with a port names nothing"),
    ("ipv6-without-brackets", b"::1", "RFC 3986, 3.2.2: IP-literal is bracketed"),
    ("ipv6-unclosed", b"[::1", "RFC 3986, 3.2.2: IP-literal is bracketed"),
    ("ipv6-unopened", b"::1]", "RFC 3986, 3.2.2: IP-literal is bracketed"),
    ("ipv6-zone", b"[fe80::1%25eth0]", "RFC 9110, 4.2: zones mean nothing to another host"),
    ("ipv6-two-gaps", b"[1::2::3]", "RFC 3986, 3.2.2: IPv6address has one ::"),
    ("ipv6-too-long", b"[1:2:3:4:5:6:7:8:9]", "RFC 3986, 3.2.2: IPv6address has eight parts"),
    ("ipv6-empty", b"[]", "RFC 3986, 3.2.2: IPv6address"),
    ("ipv6-text", b"[localhost]", "RFC 3986, 3.2.2: IPv6address"),
    ("ipv6-then-text", b"[::1]a", "RFC 9110, 7.2: uri-host [ : port ]"),
    ("ipv4-in-brackets", b"[127.0.0.1]", "RFC 3986, 3.2.2: IPv6address"),
)

_LINES: tuple[tuple[str, bytes, type[RemoteProtocolError], str], ...] = (
    ("missing", b"X: y\r\n", InvalidHost, "RFC 9112, 3.2: lacks a Host: 400"),
    ("no-fields-at-all", b"", InvalidHost, "RFC 9112, 3.2: lacks a Host: 400"),
    ("two", b"Host: a.example\r\nHost: b.example\r\n", InvalidHost, "RFC 9112, 3.2: more than one Host: 400"),
    ("two-equal", b"Host: a.example\r\nHost: a.example\r\n", InvalidHost, "RFC 9112, 3.2: more than one Host: 400"),
    ("two-spellings", b"Host: a.example\r\nhOST: a.example\r\n", InvalidHost, "RFC 9112, 3.2: names ignore case"),
    ("two-one-empty", b"Host: a.example\r\nHost:\r\n", InvalidHost, "RFC 9112, 3.2: more than one Host: 400"),
    ("space-before-colon", b"Host : a.example\r\n", InvalidHeader, "RFC 9112, 5.1: no white space before the colon"),
    ("second-folded", b"Host: a.example\r\n Host: b.example\r\n", InvalidHeader, "RFC 9112, 5.2: obs-fold: 400"),
    ("nul", b"Host: a.example\x00b\r\n", InvalidHeader, "RFC 9110, 5.5: NUL is invalid and dangerous"),
)

HOST_CASES: tuple[Case, ...] = (
    *(
        Case(
            name=f"host/{name}",
            wire=b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % host,
            reason=reason,
            requests=(Request(headers=((b"host", host),), facts=(("host", host),)),),
        )
        for name, host, reason in _VALID
    ),
    *(
        Case(name=f"host/{name}", wire=b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % host, reason=reason, error=InvalidHost)
        for name, host, reason in _INVALID
    ),
    *(
        Case(name=f"host/{name}", wire=b"GET / HTTP/1.1\r\n%b\r\n" % lines, reason=reason, error=error)
        for name, lines, error, reason in _LINES
    ),
    Case(
        name="host/empty",
        wire=b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
        reason="RFC 9112, 3.2: must be empty if the target has no authority; 3.3: then the server's default is meant",
        requests=(Request(headers=((b"host", b""),), facts=(("host", b""),)),),
    ),
    Case(
        name="host/only-white-space",
        wire=b"GET / HTTP/1.1\r\nHost: \t \r\n\r\n",
        reason="RFC 9112, 5: the white space around a value is not part of it, which leaves an empty one",
        requests=(Request(headers=((b"host", b""),), facts=(("host", b""),)),),
    ),
    Case(
        name="host/missing-on-1.0",
        wire=b"GET / HTTP/1.0\r\nX: y\r\n\r\n",
        reason="RFC 9112, 3.2: the requirement is for HTTP/1.1",
        requests=(Request(headers=((b"x", b"y"),), facts=(("host", b""),)),),
    ),
    Case(
        name="host/two-on-1.0",
        wire=b"GET / HTTP/1.0\r\nHost: a.example\r\nHost: b.example\r\n\r\n",
        reason="RFC 9112, 3.2: any request with more than one Host: 400",
        error=InvalidHost,
    ),
    Case(
        name="host/invalid-on-1.0",
        wire=b"GET / HTTP/1.0\r\nHost: a/b\r\n\r\n",
        reason="RFC 9112, 3.2: any request with an invalid Host: 400",
        error=InvalidHost,
    ),
    Case(
        name="host/last",
        wire=b"GET / HTTP/1.1\r\nA: b\r\nC: d\r\nhost:a.example\r\n\r\n",
        reason="RFC 9110, 5.3: the order of different fields means nothing",
        requests=(Request(headers=((b"a", b"b"), (b"c", b"d"), (b"host", b"a.example"))),),
    ),
)
