"""Every class of differences between our reading of HTTP/1.1 and that of other parsers, and why it is right.

What is in no row fails the test. ``python -m tests.fuzz.explanations`` writes the page of the documentation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.fuzz.qpack_differences import EXPLAINED

if TYPE_CHECKING:
    from tests.fuzz.difference import Difference

__all__ = ["EXPLANATIONS", "PAGE", "Explanation", "explain", "page"]

PAGE: Final = Path(__file__).parents[2] / "docs" / "security" / "differences.md"

H11: Final = frozenset({"h11"})
LLHTTP: Final = frozenset({"httptools", "aiohttp (C)"})
AIOHTTP: Final = frozenset({"aiohttp (Python)", "aiohttp (C)"})
ALL: Final = H11 | LLHTTP | AIOHTTP


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One class. ``what`` is a pattern for the whole of what a `Difference` says."""

    kind: str
    what: str
    subject: str
    why: str
    parsers: frozenset[str] = ALL


def _stricter(subject: str, what: str, why: str, parsers: frozenset[str] = ALL) -> Explanation:
    return Explanation(kind="we refuse", what=what, subject=subject, why=why, parsers=parsers)


def _laxer(subject: str, what: str, why: str, parsers: frozenset[str]) -> Explanation:
    return Explanation(kind="they refuse", what=what, subject=subject, why=why, parsers=parsers)


_STRICTER: Final = (
    _stricter(
        "a bare LF as a line end",
        r"(?:the request line|a header line|a trailer line|the line of a chunk size) must end with CRLF.*",
        "RFC 9112, 2.2 lets a recipient take it. A proxy that does not sees another message: the oldest smuggling.",
    ),
    _stricter(
        "folded header lines",
        r"header line starts with white space",
        "RFC 9112, 5.2: a server must refuse obs-fold or replace it; refused, it has one reading.",
        H11 | {"aiohttp (Python)"},
    ),
    _stricter(
        "header lines that are none, while more may come",
        r"header line without a colon|header name is not a token|control character in the value of",
        "RFC 9112, 5.1 and RFC 9110, 5.5. Each line is judged as it comes; the others wait for the end of the head. A "
        "bare CR within a value is a control character to us always, and to h11 and aiohttp not always.",
        H11 | {"aiohttp (Python)"},
    ),
    _stricter(
        "request lines that are none",
        r"request line is not|method is not a token|version must be HTTP/|there is no",
        "RFC 9112, 3: exactly one space between three parts, and a version that exists (RFC 9110, 2.5). llhttp reads "
        "HTTP/0.9 requests without a version, RTSP and ICE; the others wait for the end of the head or take HTTP/1.2.",
    ),
    _stricter(
        "more than one empty line before a request, or something else",
        r"a request cannot start with",
        "RFC 9112, 2.2: at least one CRLF should be ignored; one is. What cannot begin a method is refused at once.",
    ),
    _stricter(
        "other versions of HTTP",
        r"only HTTP/",
        "RFC 9110, 15.6.6: 505 for HTTP/0.9 and HTTP/2 on a connection of HTTP/1.1.",
    ),
    _stricter(
        "targets that have none of the four forms",
        r"request target must (?:be visible ASCII without a fragment|start with)",
        "RFC 9112, 3.2 and RFC 9110, 7.1: a fragment is never sent, other schemes and bytes name nothing here.",
    ),
    _stricter(
        "'*' for other methods than OPTIONS",
        r"only OPTIONS may have the target",
        "RFC 9112, 3.2.4. llhttp and h11 leave that to the server.",
    ),
    _stricter(
        "CONNECT",
        r"CONNECT (?:is for proxies; this is an origin server|needs host:port as its target)",
        "RFC 9112, 3.2.3 and RFC 9110, 9.3.6: an origin server has no tunnel; 501, or 400 without host and port.",
    ),
    _stricter(
        "an absolute target without a valid host",
        r"request target has no valid host",
        "RFC 9110, 4.2.1 and 4.2.4: a host is not empty, and user information is refused.",
    ),
    _stricter(
        "Host that is no host",
        r"Host must be host\[:port\]",
        "RFC 9112, 3.2: 400 for an invalid value. The others do not look at it; caches and links are poisoned by it.",
    ),
    _stricter(
        "Host missing or repeated",
        r"an HTTP/|more than one Host field",
        "RFC 9112, 3.2: 400. llhttp leaves that to the server.",
    ),
    _stricter(
        "repeated lengths",
        r"Content-Length must be one number in digits|more than one Content-Length field",
        "RFC 9112, 6.3, item 5 lets equal values be folded into one; refused, nobody can disagree.",
        H11,
    ),
    _stricter(
        "lengths from 2**63 on",
        r"Content-Length must be below",
        "RFC 9110, 8.6: overflow is to be prevented; who has signed numbers of 64 bits would see a negative one.",
    ),
    _stricter(
        "Content-Length beside Transfer-Encoding",
        r"Content-Length and Transfer-Encoding in one request",
        "RFC 9112, 6.1 and 6.3, item 3: may be refused and ought to be handled as an error. h11 lets chunked win; "
        "aiohttp over llhttp takes an empty Transfer-Encoding for none.",
        H11 | {"aiohttp (C)"},
    ),
    _stricter(
        "Transfer-Encoding in HTTP/1.0",
        r"Transfer-Encoding in an HTTP/",
        "RFC 9112, 6.1: the framing is faulty, since HTTP/1.0 does not know the field.",
    ),
    _stricter(
        "other transfer codings, empty members, chunked twice",
        r"only the transfer coding chunked is supported|malformed Transfer-Encoding"
        r"|the transfer coding chunked must be applied once and has no parameters",
        "RFC 9112, 6.1: 501 for a coding that is not known; chunked is applied once. llhttp reads the last word.",
    ),
    _stricter(
        "chunk sizes of more than 16 digits, or with white space",
        r"chunk size has more than|chunk size must be",
        "RFC 9112, 7.1: 1*HEXDIG, and overflow is to be prevented. Zeros in front make no number larger, but no client "
        "sends them. h11 takes white space behind a size.",
    ),
    _stricter(
        "chunk extensions that are none",
        r"malformed chunk extension",
        "RFC 9112, 7.1.1: a semicolon, a token, and a token or quoted string. h11 and aiohttp skip whatever is there; "
        "where its line ends is the question, and the less is let in, the fewer answers there are.",
    ),
    _stricter(
        "trailers that change what was decided",
        r"'[a-z-]+' is not allowed in a trailer",
        "RFC 9110, 6.5.1: framing, routing, authentication and the like may not come behind the body.",
    ),
    _stricter(
        "a WebSocket's handshake with a body",
        r"a request for a WebSocket cannot have a body",
        "RFC 9110, 7.8 has the body come first, in the old protocol; RFC 6455, 4.1 knows none. Readers disagree.",
    ),
    _stricter(
        "more fields than are let in",
        r"more (?:header fields|trailers) than limit_request_fields",
        "RFC 6585, 5: our limit is 100; theirs are higher or somebody else's.",
    ),
    _stricter(
        "trailer lines and chunks that are none, while more may come",
        r"the data of a chunk must be followed by CRLF|(?:chunk extensions|trailers) are longer than.*",
        "RFC 9112, 7.1: judged at the first wrong byte and before the limit; h11 waits for the end.",
    ),
)

_LAXER: Final = (
    _laxer(
        "methods that are not in a list",
        r"(?:BadHttpMethod|HttpParserInvalidMethodError): (?:Invalid method encountered|Expected space after method)",
        "RFC 9110, 9.1: a method is any token, and the application says 405 or 501. llhttp knows a list.",
        LLHTTP,
    ),
    _laxer(
        "an empty line before a request",
        r"no request line received|illegal request line(?:: bytearray)?",
        "RFC 9112, 2.2: at least one should be ignored. h11 refuses it, and what it finds behind an Upgrade that "
        "nobody has followed; ours leaves that to the new protocol or closes.",
        H11,
    ),
    _laxer(
        "bytes behind the last request of a connection",
        r"BadHttpMessage: Data after.*|BadHttpMethod: Bad HTTP method in status line|BadStatusLine.*",
        "RFC 9112, 9.6: they must not be processed, and are not: the connection closes after the answer, or another "
        "protocol reads them.",
        AIOHTTP,
    ),
    _laxer(
        "tabs around the value of Transfer-Encoding",
        r"(?:BadHttpMessage|HttpParserError): Request has invalid",
        "RFC 9110, 5.5 and 5.6.3: OWS is spaces and tabs, and is no part of a value. llhttp knows spaces only.",
        LLHTTP,
    ),
    _laxer(
        "white space and quoted text in chunk extensions",
        r"(?:BadHttpMessage|HttpParserError): Invalid (?:character|quoted-string) in chunk extensions.*"
        r"|(?:BadHttpMessage|HttpParserError): Invalid character in chunk extensions.*",
        "RFC 9112, 7.1.1: white space around ; and = must be removed by a recipient, and RFC 9110, 5.6.4 allows tabs, "
        "escapes and obs-text in a quoted string. No extension has a meaning here.",
        LLHTTP,
    ),
    _laxer(
        "more fields or longer ones than aiohttp lets in",
        r"LineTooLong.*|BadHttpMessage: Too many.*",
        "Limits are each server's own.",
        AIOHTTP,
    ),
)

_EARLIER: Final = Explanation(
    kind="they refuse earlier",
    what=r".*",
    subject="something wrong in a line whose end has not come",
    why="Ours judges a line when it is there, and bounds it until then; llhttp goes byte by byte. With the end of the "
    "line the same bytes are other inputs of the same test.",
)

_DIFFERENT: Final = (
    Explanation(
        kind="differ",
        what=r"(?:method, )?header host",
        subject="Host beside an absolute target",
        why="RFC 9112, 3.2.2: the target's host replaces the field's. The others leave that to the server.",
    ),
    Explanation(
        kind="differ",
        what=r"header transfer-encoding",
        subject="the case of a transfer coding",
        why="h11 hands it out in lower case; RFC 9112, 7: it means the same.",
        parsers=H11,
    ),
    Explanation(
        kind="differ",
        what=r"white space around a value",
        subject="white space around a value",
        why="RFC 9112, 5.1: OWS around a value is no part of it. llhttp leaves it at the end.",
        parsers=LLHTTP,
    ),
    Explanation(
        kind="differ",
        what=r"headers|header host, headers",
        subject="trailers among the header fields",
        why="RFC 9110, 6.5.1: they are kept apart from the header fields. aiohttp over llhttp adds them to its list.",
        parsers=frozenset({"aiohttp (C)"}),
    ),
    Explanation(
        kind="differ",
        what=r"method(?:, complete)?(?:, header host)?",
        subject="methods in lower case",
        why="RFC 9110, 9.1: a method is case-sensitive. aiohttp's parser in Python changes it, and so finds a CONNECT.",
        parsers=frozenset({"aiohttp (Python)"}),
    ),
    Explanation(
        kind="differ",
        what=r"upgrade with content",
        subject="the body of a request that asks for an upgrade",
        why="RFC 9110, 7.8: the body comes first, in the old protocol, and ours reads it. The others stop at the head.",
        parsers=LLHTTP | AIOHTTP,
    ),
    Explanation(
        kind="persistence",
        what=r"they close",
        subject="connections that another parser ends",
        why="RFC 9112, 9.3: HTTP/1.0 with keep-alive goes on, which h11 does not know; an Upgrade that nobody follows "
        "changes nothing, where llhttp and aiohttp take the next bytes for another protocol.",
    ),
    Explanation(
        kind="persistence",
        what=r"we close",
        subject="connections that ours ends",
        why="RFC 9112, 9.3 and C.2.2: Proxy-Connection is no Connection, though llhttp takes it for one. h11 waits for "
        "the answer to an Upgrade; ours says that another protocol may follow.",
    ),
)

EXPLANATIONS: Final = (*_STRICTER, *_LAXER, _EARLIER, *_DIFFERENT)


def explain(parser: str, difference: Difference) -> Explanation | None:
    """The row of a difference; None if there is none."""
    for row in EXPLANATIONS:
        if row.kind == difference.kind and parser in row.parsers and re.fullmatch(row.what, difference.what):
            return row
    return None


_SECTIONS: Final = (
    ("Ours is stricter", "What one of the others takes is answered with an error.", ("we refuse",)),
    (
        "Ours is not as strict",
        "What one of the others refuses is read. Whatever was refused elsewhere with reason has become a rule of ours.",
        ("they refuse", "they refuse earlier"),
    ),
    (
        "Read otherwise",
        "Both take a request, and tell something else of it. Only an upgrade with a body changes where a request ends.",
        ("differ", "persistence"),
    ),
)

_HEAD: Final = """\
# Differences to other parsers

<!-- Written by `python -m tests.fuzz.explanations`. -->

The parser of HTTP/1.1 is compared with [h11](https://github.com/python-hyper/h11),
[httptools](https://github.com/MagicStack/httptools) (llhttp, the parser of Node.js) and both parsers of
[aiohttp](https://github.com/aio-libs/aiohttp) (in Python, and over llhttp) on the cases of its table and on
mutations of them. Two readings of one message are how requests are smuggled, so every class of differences has a
reason here; a difference without one fails the test. [Fuzzing](fuzzing.md) tells how to run the comparison for longer.
"""


_QPACK: Final = """\
Fields over HTTP/3 are read by the QPACK of the QUIC library: that of `aioquic` (pylsqpack, ls-qpack) below Python 3.14,
that of `qh3` from there on. On the same instructions and blocks both make the same fields, or both end the connection,
apart from this:"""


def page() -> str:
    """The page of the documentation."""
    text = _HEAD
    for title, about, kinds in _SECTIONS:
        text += f"\n## {title}\n\n{about}\n\n| what | where | why |\n|---|---|---|\n"
        for row in EXPLANATIONS:
            if row.kind in kinds:
                where = "all" if row.parsers == ALL else ", ".join(sorted(row.parsers))
                text += f"| {row.subject} | {where} | {row.why.replace('|', '/')} |\n"
    text += f"\n## QPACK\n\n{_QPACK}\n\n| what | why |\n|---|---|\n"
    return text + "".join(f"| {row.what} | {row.why} |\n" for row in EXPLAINED)


if __name__ == "__main__":
    PAGE.write_text(page())
