"""What Sentry is told, as its server gets it: a program of its own, against a server on loopback."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from collections import Counter
from typing import Any, NamedTuple

import pytest
from sentry_ingest import SentryIngest

PROGRAM = pathlib.Path(__file__).parent / "reported_program.py"


class Told(NamedTuple):
    report: dict[str, Any]
    events: list[dict[str, Any]]
    transactions: list[dict[str, Any]]

    def of(self, path: str) -> list[dict[str, Any]]:
        """The events of the request to a path."""
        return [event for event in self.events if path_of(event) == path]


def path_of(item: dict[str, Any]) -> str:
    return (
        str(item.get("request", {}).get("url", ""))
        .removeprefix("http://shop.example")
        .removeprefix("ws://shop.example")
    )


def tell(*arguments: str) -> Told:
    with SentryIngest() as ingest:
        command = [sys.executable, str(PROGRAM), ingest.dsn, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return Told(json.loads(done.stdout), ingest.items("event"), ingest.items("transaction"))


@pytest.fixture(scope="module")
def told() -> Told:
    return tell()


@pytest.mark.parametrize(
    ("path", "kind", "value"),
    [
        ("/plain/fail", "ValueError", "/plain/fail"),
        ("/plain/late", "ValueError", "/plain/late"),
        ("/plain/socket", "ValueError", "/plain/socket"),
        ("/fastapi/fail/7", "ValueError", "7"),
        ("/fastapi/thread/8", "ValueError", "8"),
        ("/flask/fail/9", "ValueError", "9"),
    ],
)
def test_a_failure_is_one_event_with_the_data_of_its_request(told: Told, path: str, kind: str, value: str) -> None:
    (event,) = told.of(path)
    error = event["exception"]["values"][-1]
    assert (error["type"], error["value"]) == (kind, value)
    assert error["stacktrace"]["frames"]
    assert (event["environment"], event["release"]) == ("test", "shop@1.0")
    assert event["tags"]["pounce.worker.id"] == "5"
    assert event["request"]["query_string"] == "q=1&token=[Filtered]&%73ig=[Filtered]"
    assert "Bearer" not in json.dumps(event)


def test_what_is_secret_in_a_query_is_told_nowhere(told: Told) -> None:
    assert "hush" not in json.dumps([*told.events, *told.transactions])
    queries = [one["request"]["query_string"] for one in told.transactions]
    assert queries == ["q=1&token=[Filtered]&%73ig=[Filtered]"] * 10


def test_nothing_is_told_of_requests_that_went_well_or_were_mistaken(told: Told) -> None:
    paths = Counter(path_of(event) for event in told.events)
    assert not {"/plain/ok", "/fastapi/ok", "/flask/ok", "/fastapi/missing"} & set(paths)


def test_nothing_is_told_of_requests_whose_client_left_but_what_the_program_says_itself(told: Told) -> None:
    assert told.of("/fastapi/gone") == []
    (said,) = told.of("/plain/left")
    assert said["message"] == "said at /plain/left"
    assert not {"/plain/left", "/fastapi/gone"} & {path_of(one) for one in told.transactions}


def test_errors_of_the_server_are_told_too(told: Told) -> None:
    others = [event for event in told.events if not path_of(event)]
    assert [event["logentry"]["message"] for event in others] == ["A worker has ended", "It failed by itself"]


def test_a_request_is_one_transaction_named_by_its_route(told: Told) -> None:
    names = {path_of(one): (one["transaction"], one["contexts"]["trace"]["op"]) for one in told.transactions}
    assert len(names) == len(told.transactions) == 10
    assert names["/plain/ok"] == ("/plain/ok", "http.server")
    assert names["/plain/socket"][1] == "websocket.server"
    assert names["/fastapi/fail/7"][0] == "/fastapi/fail/{item}"
    assert names["/flask/ok"][0] == "ok"
    assert {one["release"] for one in told.transactions} == {"shop@1.0"}


def test_a_set_up_of_the_program_stays_and_is_told_each_failure_once_too() -> None:
    told = tell("own")
    assert told.report["configured"] is False
    assert told.transactions == []
    assert {event["environment"] for event in told.events} == {"own"}
    assert len(told.of("/fastapi/fail/7")) == len(told.of("/plain/fail")) == len(told.of("/flask/fail/9")) == 1
    assert told.of("/fastapi/gone") == []
    assert "hush" not in json.dumps(told.events)


def test_nothing_of_sentry_is_imported_before_it_is_used(told: Told) -> None:
    assert told.report["configured"] is True
    assert told.report["early"] == []
