"""``POST /_pounce/profile``: what it asks, what it answers, and that a client that leaves ends what it asked for."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

from pounce_observability.profiling import ProfileEndpoint, ThreadProfiler

MADE = {"pid": 1, "worker_id": 0, "value": {"samples": 3}}
BUSY = {"pid": 1, "worker_id": 0, "value": {"error": "another profile ...", "busy": True}}
ENDED = {"pid": 2, "worker_id": 1, "value": None, "error": "it has ended"}


class Asked:
    """A server's processes, which answer as they are told, and a client."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.questions: list[tuple[str, dict[str, Any], float]] = []

    def gather(self, name: str, arguments: dict[str, Any], timeout: float) -> list[Any]:
        self.questions.append((name, arguments, timeout))
        return self.answers

    def request(self, query: bytes = b"", method: str = "POST") -> tuple[int, Any]:
        sent: list[dict[str, Any]] = []

        async def ask() -> None:
            async def receive() -> dict[str, Any]:
                if not asked:
                    asked.append(True)
                    return {"type": "http.request", "body": b"", "more_body": False}
                await asyncio.Event().wait()
                raise AssertionError

            async def send(message: dict[str, Any]) -> None:
                sent.append(message)

            asked: list[bool] = []
            scope = {"type": "http", "method": method, "path": "/_pounce/profile", "query_string": query}
            await asyncio.wait_for(ProfileEndpoint(self.gather)(scope, receive, send), 10)

        asyncio.run(ask())
        assert dict(sent[0]["headers"])[b"content-type"] == b"application/json"
        return sent[0]["status"], json.loads(sent[1]["body"])


def test_asks_every_process_and_answers_what_they_did() -> None:
    asked = Asked(MADE, ENDED)
    status, body = asked.request(b"seconds=2.5&interval=0.02&idle=1")
    assert (status, body) == (200, {"processes": [MADE, ENDED]})
    ((name, arguments, timeout),) = asked.questions
    assert name == "profile"
    assert len(arguments.pop("id")) == 16
    assert arguments == {"seconds": 2.5, "interval": 0.02, "idle": True}
    assert timeout > 2.5


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        pytest.param([BUSY], 409, id="busy"),
        pytest.param([BUSY, ENDED], 409, id="busy, and one has ended"),
        pytest.param([BUSY, MADE], 200, id="one has made it"),
        pytest.param([{"value": {"error": "interval must be ..."}}], 400, id="refused"),
    ],
)
def test_the_status_tells_whether_there_is_a_profile(answers: list[dict[str, Any]], status: int) -> None:
    assert Asked(*answers).request()[0] == status


@pytest.mark.parametrize(
    "query", [b"seconds=61", b"seconds=nan", b"seconds=-1", b"seconds=ten", b"second=1", b"&".join([b"a=1"] * 11)]
)
def test_what_cannot_be_asked_is_refused_at_once(query: bytes) -> None:
    asked = Asked(MADE)
    status, body = asked.request(query)
    assert status == 400
    assert body["error"]
    assert not asked.questions


def test_only_post_makes_a_profile() -> None:
    asked = Asked(MADE)
    assert asked.request(method="GET")[0] == 405
    assert not asked.questions


def test_a_client_that_leaves_ends_its_profile() -> None:
    begun = threading.Event()

    class Reader:
        how = "told"
        stops_all = False

        def read(self) -> dict[int, Any]:
            begun.set()
            return {}

        def close(self) -> None:
            pass

    profiler = ThreadProfiler(new_reader=Reader)
    answers: list[Any] = []

    def gather(name: str, arguments: dict[str, Any], _timeout: float) -> list[Any]:
        answers.append(profiler.answers[name](arguments))
        return [{"value": answers[-1]}]

    async def ask() -> None:
        async def receive() -> dict[str, Any]:
            assert await asyncio.to_thread(begun.wait, 10)
            return {"type": "http.disconnect"}

        async def send(_message: Any) -> None:
            raise AssertionError("nobody is there")

        scope = {"type": "http", "method": "POST", "query_string": b"seconds=60"}
        await asyncio.wait_for(ProfileEndpoint(gather)(scope, receive, send), 30)

    asyncio.run(ask())
    assert {"stopped": True} in answers
    assert max(answer.get("seconds", 0) for answer in answers) < 30
