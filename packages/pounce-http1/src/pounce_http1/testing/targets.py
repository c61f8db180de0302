"""The forms of a request target (RFC 9112, 3.2)."""

from __future__ import annotations

from pounce_http1.errors import InvalidHost, InvalidTarget, RemoteProtocolError, UnsupportedMethod
from pounce_http1.testing.case import Case, Request, get

__all__ = ["TARGET_CASES"]

_ORIGIN: tuple[tuple[str, bytes, bytes, bytes], ...] = (
    ("root", b"/", b"/", b""),
    ("path", b"/a/b/c.html", b"/a/b/c.html", b""),
    ("query", b"/a?b=c&d=e", b"/a", b"b=c&d=e"),
    ("empty-query", b"/a?", b"/a", b""),
    ("only-query", b"/?x", b"/", b"x"),
    ("two-question-marks", b"/a?b?c", b"/a", b"b?c"),
    ("two-slashes", b"//a.example/b", b"//a.example/b", b""),
    ("dot-segments", b"/a/../../b/./c", b"/a/../../b/./c", b""),
    ("percent-encoded", b"/%C3%A4%2F%00", b"/%C3%A4%2F%00", b""),
    ("broken-percent", b"/100%", b"/100%", b""),
    ("all-visible", b"/!\"$%&'()*+,-./09:;<=>@AZ[\\]^_`az{|}~", b"/!\"$%&'()*+,-./09:;<=>@AZ[\\]^_`az{|}~", b""),
    ("url-in-path", b"/http://b.example/", b"/http://b.example/", b""),
    ("url-in-query", b"/a?u=http://b.example/", b"/a", b"u=http://b.example/"),
)

_ABSOLUTE: tuple[tuple[str, str, bytes, bytes, bytes, bytes], ...] = (
    ("http", "GET", b"http://b.example/c?d", b"b.example", b"/c", b"d"),
    ("https", "GET", b"https://b.example/", b"b.example", b"/", b""),
    ("upper-case-scheme", "GET", b"HTTP://b.example/", b"b.example", b"/", b""),
    ("port", "GET", b"http://b.example:8080/c", b"b.example:8080", b"/c", b""),
    ("ipv6", "GET", b"http://[::1]:80/c", b"[::1]:80", b"/c", b""),
    ("empty-path", "GET", b"http://b.example", b"b.example", b"/", b""),
    ("empty-path-with-query", "GET", b"http://b.example?q=/x", b"b.example", b"/", b"q=/x"),
    ("options-empty-path", "OPTIONS", b"http://b.example", b"b.example", b"*", b""),
    ("options-slash", "OPTIONS", b"http://b.example/", b"b.example", b"/", b""),
    ("options-query", "OPTIONS", b"http://b.example?x", b"b.example", b"/", b"x"),
    ("at-in-path", "GET", b"http://b.example/@c", b"b.example", b"/@c", b""),
)

_REFUSED: tuple[tuple[str, bytes, type[RemoteProtocolError], str], ...] = (
    ("relative", b"GET foo HTTP/1.1", InvalidTarget, "RFC 9112, 3.2: no form begins so"),
    ("relative-with-slash", b"GET foo/bar HTTP/1.1", InvalidTarget, "RFC 9112, 3.2: no form begins so"),
    ("dot", b"GET ./a HTTP/1.1", InvalidTarget, "RFC 9112, 3.2.1: the path is absolute"),
    ("query-alone", b"GET ?a=b HTTP/1.1", InvalidTarget, "RFC 9112, 3.2.1: the path is not empty"),
    ("fragment", b"GET /a#b HTTP/1.1", InvalidTarget, "RFC 9110, 7.1: the fragment is never sent"),
    ("fragment-in-query", b"GET /a?b#c HTTP/1.1", InvalidTarget, "RFC 9110, 7.1: the fragment is never sent"),
    ("fragment-in-absolute", b"GET http://b.example/#c HTTP/1.1", InvalidTarget, "RFC 9112, 3.2.2: absolute-URI"),
    ("backslash", b"GET \\a HTTP/1.1", InvalidTarget, "RFC 9112, 3.2: no form begins so"),
    ("asterisk-get", b"GET * HTTP/1.1", InvalidTarget, "RFC 9112, 3.2.4: for OPTIONS only"),
    ("asterisk-post", b"POST * HTTP/1.1", InvalidTarget, "RFC 9112, 3.2.4: for OPTIONS only"),
    ("asterisk-lower-case-options", b"options * HTTP/1.1", InvalidTarget, "RFC 9110, 9.1: methods are case-sensitive"),
    ("asterisk-and-more", b"OPTIONS *a HTTP/1.1", InvalidTarget, "RFC 9112, 3.2.4: the asterisk stands alone"),
    ("asterisk-with-query", b"OPTIONS *?a HTTP/1.1", InvalidTarget, "RFC 9112, 3.2.4: the asterisk stands alone"),
    ("slash-asterisk-is-a-path", b"GET *//a HTTP/1.1", InvalidTarget, "RFC 9112, 3.2: no form begins so"),
    ("authority-for-get", b"GET b.example:80 HTTP/1.1", InvalidTarget, "RFC 9112, 3.2.3: for CONNECT only"),
    ("connect", b"CONNECT b.example:443 HTTP/1.1", UnsupportedMethod, "RFC 9110, 9.3.6: not a proxy, 501"),
    ("connect-ipv6", b"CONNECT [::1]:443 HTTP/1.1", UnsupportedMethod, "RFC 9110, 9.3.6: not a proxy, 501"),
    ("connect-without-port", b"CONNECT b.example HTTP/1.1", InvalidTarget, "RFC 9112, 3.2.3: the port is required"),
    ("connect-empty-port", b"CONNECT b.example: HTTP/1.1", InvalidTarget, "RFC 9110, 9.3.6: an empty port is 400"),
    ("connect-path", b"CONNECT / HTTP/1.1", InvalidTarget, "RFC 9112, 3.2.3: authority-form"),
    ("connect-url", b"CONNECT http://b.example:80/ HTTP/1.1", InvalidTarget, "RFC 9112, 3.2.3: authority-form"),
    ("connect-userinfo", b"CONNECT u@b.example:80 HTTP/1.1", InvalidTarget, "RFC 9112, 3.2.3: uri-host : port"),
    ("connect-port-too-high", b"CONNECT b.example:65536 HTTP/1.1", InvalidTarget, "RFC 9110, 9.3.6: an invalid port"),
    ("scheme-ftp", b"GET ftp://b.example/ HTTP/1.1", InvalidTarget, "RFC 9110, 4.2: http and https live here"),
    ("scheme-file", b"GET file:///etc/passwd HTTP/1.1", InvalidTarget, "RFC 9110, 4.2: http and https live here"),
    ("scheme-javascript", b"GET javascript:alert(1) HTTP/1.1", InvalidTarget, "RFC 9110, 4.2: http and https"),
    ("scheme-one-slash", b"GET http:/a HTTP/1.1", InvalidTarget, "RFC 9110, 4.2.1: http://"),
    ("scheme-no-slash", b"GET http:a HTTP/1.1", InvalidTarget, "RFC 9110, 4.2.1: http://"),
    ("scheme-empty", b"GET ://b.example/ HTTP/1.1", InvalidTarget, "RFC 9110, 4.2.1: http://"),
    ("absolute-empty-host", b"GET http:///a HTTP/1.1", InvalidTarget, "RFC 9110, 4.2.1: empty host: reject as invalid"),
    ("absolute-only-port", b"GET http://:80/a HTTP/1.1", InvalidTarget, "RFC 9110, 4.2.1: empty host: invalid"),
    ("absolute-nothing", b"GET http:// HTTP/1.1", InvalidTarget, "RFC 9110, 4.2.1: empty host: reject as invalid"),
    ("absolute-userinfo", b"GET http://u:p@b.example/ HTTP/1.1", InvalidTarget, "RFC 9110, 4.2.4: an error"),
    ("absolute-bad-port", b"GET http://b.example:8x/ HTTP/1.1", InvalidTarget, "RFC 3986, 3.2.3: digits"),
    ("absolute-high-port", b"GET http://b.example:99999/ HTTP/1.1", InvalidTarget, "RFC 9110, 4.2.1: a TCP port"),
    ("absolute-bad-ipv6", b"GET http://[::g]/ HTTP/1.1", InvalidTarget, "RFC 3986, 3.2.2: IPv6address"),
    ("absolute-backslash", b"GET http://b.example\\@c/ HTTP/1.1", InvalidTarget, "RFC 3986, 3.2.2: reg-name"),
    ("nul", b"GET /\x00 HTTP/1.1", InvalidTarget, "RFC 9112, 3.2: visible ASCII"),
    ("control", b"GET /\x01 HTTP/1.1", InvalidTarget, "RFC 9112, 3.2: visible ASCII"),
    ("escape", b"GET /\x1b[2J HTTP/1.1", InvalidTarget, "RFC 9112, 3.2: visible ASCII"),
    ("tab", b"GET /a\tb HTTP/1.1", InvalidTarget, "RFC 9112, 3.2: visible ASCII"),
    ("del", b"GET /\x7f HTTP/1.1", InvalidTarget, "RFC 9112, 3.2: visible ASCII"),
    ("utf-8", b"GET /\xc3\xa4 HTTP/1.1", InvalidTarget, "RFC 3986, 2: a URI is ASCII"),
    ("latin-1", b"GET /\xe4 HTTP/1.1", InvalidTarget, "RFC 3986, 2: a URI is ASCII"),
    ("high-byte-in-query", b"GET /?\xff HTTP/1.1", InvalidTarget, "RFC 3986, 2: a URI is ASCII"),
)

TARGET_CASES: tuple[Case, ...] = (
    *(
        Case(
            name=f"target/{name}",
            wire=get(start=b"GET %b HTTP/1.1" % target),
            reason="RFC 9112, 3.2.1: origin-form; what is odd in the path is for the application to judge",
            requests=(Request(target=target, facts=(("raw_path", path), ("query_string", query))),),
        )
        for name, target, path, query in _ORIGIN
    ),
    *(
        Case(
            name=f"target/absolute-{name}",
            wire=get(b"X: y", start=b"%b %b HTTP/1.1" % (method.encode(), target)),
            reason="RFC 9112, 3.2.2: the authority of an absolute-form replaces Host",
            requests=(
                Request(
                    method=method,
                    target=target,
                    headers=((b"host", host), (b"x", b"y")),
                    facts=(("host", host), ("raw_path", path), ("query_string", query)),
                ),
            ),
        )
        for name, method, target, host, path, query in _ABSOLUTE
    ),
    *(
        Case(name=f"target/{name}", wire=get(start=line), reason=reason, error=error)
        for name, line, error, reason in _REFUSED
    ),
    Case(
        name="target/asterisk-options",
        wire=get(start=b"OPTIONS * HTTP/1.1"),
        reason="RFC 9112, 3.2.4: the server as a whole",
        requests=(Request(method="OPTIONS", target=b"*", facts=(("raw_path", b"*"), ("query_string", b""))),),
    ),
    Case(
        name="target/absolute-on-1.0-without-host",
        wire=b"GET http://b.example/ HTTP/1.0\r\nX: y\r\n\r\n",
        reason="RFC 9112, 3.2.2: the authority takes the place of Host, also of one that was not sent",
        requests=(
            Request(
                target=b"http://b.example/",
                headers=((b"host", b"b.example"), (b"x", b"y")),
                facts=(("host", b"b.example"),),
            ),
        ),
    ),
    Case(
        name="target/absolute-without-host",
        wire=b"GET http://b.example/ HTTP/1.1\r\n\r\n",
        reason="RFC 9112, 3.2: HTTP/1.1 needs Host, also when the target has an authority",
        error=InvalidHost,
    ),
    Case(
        name="target/absolute-with-bad-host",
        wire=b"GET http://b.example/ HTTP/1.1\r\nHost: u@c\r\n\r\n",
        reason="RFC 9112, 3.2: an invalid Host is 400, also when it would be replaced",
        error=InvalidHost,
    ),
)
