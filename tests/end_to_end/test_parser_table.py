"""The whole table of raw requests, sent to a running server, in pieces of every size.

The table says what an engine reads from the bytes. Here the bytes go through a socket, and what comes back must fit:
one answer for each request that was read, in order and about that request; for a refusal its status, and the end of the
connection.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pounce_http1 import RequestReader
from pounce_http1.h11_engine import H11RequestReader
from pounce_http1.testing.cases import CASES
from pounce_http1.testing.outcome import observe
from pounce_testing import VARIANTS, Response, ResponseError, TestServer, Variant
from pounce_testing.fixtures import over
from tests.end_to_end import applications
from tests.tables import EVERY_COMBINATION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pounce_http1 import Limits, RequestHead
    from pounce_http1.testing.case import Case, Request
    from pounce_testing.fixtures import Serve

LONG: Final = 4096
"""Bytes from which a case is about a limit: there the size of the pieces grows along."""


def pieces_of(size: int) -> Callable[[bytes], list[bytes]]:
    def cut(wire: bytes) -> list[bytes]:
        step = size * max(1, len(wire) // LONG * 16)
        return [wire[start : start + step] for start in range(0, len(wire), step)]

    return cut


def cut_in_line_ends(wire: bytes) -> list[bytes]:
    """Between each CR and its LF."""
    return wire.replace(b"\r\n", b"\r\0CUT\0\n").split(b"\0CUT\0")


def cut_after_line_ends(wire: bytes) -> list[bytes]:
    return wire.splitlines(keepends=True)


FEEDINGS: Final[dict[str, Callable[[bytes], list[bytes]]]] = {
    "whole": lambda wire: [wire],
    "bytes": pieces_of(1),
    "pairs": pieces_of(2),
    "sevens": pieces_of(7),
    "halves": lambda wire: [wire[: len(wire) // 2], wire[len(wire) // 2 :]],
    "in-line-ends": cut_in_line_ends,
    "after-line-ends": cut_after_line_ends,
}


READ_BY: Final = ("asyncio", "blocking")
"""Of the two ways in which sockets are read, one kind of workers each: only here do all ways to cut tell something."""
ELSEWHERE: Final = ("whole", "sevens")
SHARE_OF_FEEDINGS: Final = 4
"""One in so many for each case, by turns; the tests of the engines cut each case in every way."""
ENOUGH: Final = ("asyncio-http1", "uvloop-tls", "threads-http1", "processes-http1", "pool-h11", "blocking-h11")
"""Each kind of workers, each engine where all ways to cut tell something."""
OVER_TLS: Final = ("sevens",)
EVERY_OVER_TLS: Final = 3
"""Of the cases, which each need a handshake; what is cut and read is the same once it is decrypted."""

GROUPS_IN_PROCESSES: Final = 2
"""Of cases with the same limits: enough to see that limits reach another process, which takes long to start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What must come back for a case."""

    answered: list[tuple[Request, RequestHead]]
    """Requests that reach the application whole, until the one after which the connection closes."""
    truncated: bool
    """One more request begins there, and its end never comes."""
    refusal: int | None
    """The status of the last answer, if it is the server's own refusal."""


def expected_of(case: Case, engine: str) -> Expected:
    judged = case.h11 if engine == "h11" and case.h11 is not None else case
    reader = H11RequestReader(case.limits) if engine == "h11" else RequestReader(case.limits)
    heads = observe(reader, [case.wire]).heads
    answered: list[tuple[Request, RequestHead]] = []
    for request, head in zip(judged.requests, heads, strict=True):
        if head.expectation_failed:
            return Expected(answered=answered, truncated=False, refusal=417)
        if not request.complete:
            return Expected(answered=answered, truncated=judged.status is None, refusal=judged.status)
        answered.append((request, head))
        if not head.keep_alive:
            return Expected(answered=answered, truncated=False, refusal=None)
    return Expected(answered=answered, truncated=judged.waiting, refusal=judged.status)


def exchange(server: TestServer, pieces: list[bytes], methods: list[str]) -> list[Response]:
    """Send the pieces, say that this is all, and read all that comes back until the server closes."""
    with server.connect() as client:
        client.send_as_far_as_taken(pieces)
        client.finish_sending()
        return client.read_all_responses(methods)


def complaints(expected: Expected, responses: list[Response]) -> Iterator[str]:
    """What does not fit; nothing when all is well."""
    answers = responses[: len(expected.answered)]
    rest = responses[len(expected.answered) :]
    if len(answers) < len(expected.answered):
        yield f"{len(answers)} answers to {len(expected.answered)} requests"
    for (request, head), response in zip(expected.answered, answers, strict=False):
        yield from mismatches(request, head, response)
    statuses = [response.status for response in rest]
    if expected.refusal is not None:
        if statuses != [expected.refusal]:
            yield f"answered {statuses}, where a refusal with {expected.refusal} is due"
        elif not rest[0].closes:
            yield "a refusal that does not announce the end of the connection"
    elif expected.truncated:
        # The client went away in the middle: whether it is told so or not, nobody took it for a whole request.
        if len(statuses) > 1 or any(response.status < 400 and report_of(response)["body"] for response in rest):
            yield f"answered {statuses} to a request that never ended"
    elif statuses:
        yield f"answered {statuses}, which nobody asked for"


def report_of(response: Response) -> dict[str, Any]:
    reported: dict[str, Any] = json.loads(response.body)
    return reported


def mismatches(request: Request, head: RequestHead, response: Response) -> Iterator[str]:
    if response.status != 200:
        yield f"{response.status} for a good request"
        return
    if response.closes == head.keep_alive:
        yield f"keep-alive {head.keep_alive} was asked for, closes {response.closes} was answered"
    if head.method == "HEAD":
        return
    seen = report_of(response)
    wanted: dict[str, Any] = {
        "method": request.method,
        "body": (request.body or b"").decode("latin-1"),
        "raw_path": head.raw_path.decode("latin-1"),
        "query_string": head.query_string.decode("latin-1"),
        "http_version": head.http_version,
    }
    if request.headers is not None:
        wanted["headers"] = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers]
    for name, value in wanted.items():
        if seen[name] != value:
            yield f"{name}: {seen[name]!r}, not {value!r}"


def judged(server: TestServer, case: Case, pieces: list[bytes], engine: str) -> list[str]:
    expected = expected_of(case, engine)
    try:
        responses = exchange(server, pieces, [head.method for _, head in expected.answered])
        found = list(complaints(expected, responses))
    except (ResponseError, TimeoutError) as error:
        found = [repr(error)]
    return [f"{case.name}: {complaint}" for complaint in found]


def by_limits() -> list[tuple[Limits, list[Case]]]:
    """The cases by the limits that they are about, so that one server serves all of each group; the most come first."""
    groups: dict[Limits, list[Case]] = {}
    for case in CASES:
        groups.setdefault(case.limits, []).append(case)
    return sorted(groups.items(), key=lambda group: -len(group[1]))


def feedings_of(variant: Variant) -> Sequence[str]:
    if variant.tls:
        return OVER_TLS
    return list(FEEDINGS) if variant.name.partition("-")[0] in READ_BY else ELSEWHERE


def feedings_in_turn(variant: Variant, number: int) -> Sequence[str]:
    """How this case of the table is cut."""
    feedings = feedings_of(variant)
    if EVERY_COMBINATION:
        return feedings
    return [feedings[(number + step) % len(feedings)] for step in range(math.ceil(len(feedings) / SHARE_OF_FEEDINGS))]


@over([variant for variant in VARIANTS if EVERY_COMBINATION or variant.name in ENOUGH])
def test_table(serve_shared: Serve, variant: Variant) -> None:
    engine = variant.settings["http"]
    wrong = []
    for limits, cases in by_limits()[: GROUPS_IN_PROCESSES if variant.processes else None]:
        # How those two begin is among the cases, and what HTTP/1.1 makes of it.
        server = serve_shared(applications.REPORT, http1=limits, http2="off", ws="none")
        for number, case in enumerate(cases[:: EVERY_OVER_TLS if variant.tls else 1]):
            for feeding in feedings_in_turn(variant, number):
                wrong += [f"{feeding}: {one}" for one in judged(server, case, FEEDINGS[feeding](case.wire), engine)]
    assert wrong == []


def test_feedings_lose_nothing() -> None:
    assert len(CASES) >= 300
    for case in CASES:
        for feeding in FEEDINGS.values():
            assert b"".join(feeding(case.wire)) == case.wire
