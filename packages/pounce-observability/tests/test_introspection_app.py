"""Introspection over HTTP, and who is refused. Without sockets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from introspection_doubles import Gathering, ask, new_app

from pounce_observability.introspection import IntrospectionSettings

NAMES = ("info", "workers", "connections", "tasks", "config", "top")


@pytest.mark.parametrize("name", ["info", "workers", "connections", "tasks"])
def test_a_question_is_asked_of_every_process(name: str) -> None:
    gather = Gathering(**{name: {"pid": 1, "some": ["thing"]}})
    answer = ask(new_app(gather), f"/_pounce/{name}")
    assert answer.status == 200
    assert [one["alive"] for one in answer.json["processes"]] == [True, False]
    assert answer.json["processes"][0]["value"] == {"pid": 1, "some": ["thing"]}
    assert gather.asked == [(name, {}, 3.0)]


def test_answers_are_for_people_and_are_kept_by_nobody() -> None:
    answer = ask(new_app(), "/_pounce/info")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.body.startswith(b'{\n  "processes": [\n')
    assert answer.body.endswith(b"}\n")


def test_what_is_said_of_the_whole_server_stands_beside_its_processes() -> None:
    answer = ask(new_app(info={"version": "1.2.3"}), "/_pounce/info")
    assert set(answer.json) == {"version", "processes"}


def test_the_configuration_is_shown_as_it_was_given() -> None:
    gather = Gathering()
    answer = ask(new_app(gather, config={"workers": 4, "sentry_dsn": "(hidden)"}), "/_pounce/config")
    assert answer.json == {"config": {"workers": 4, "sentry_dsn": "(hidden)"}}
    assert gather.asked == []


def test_top_is_one_answer() -> None:
    families = [{"name": "pounce_http_requests", "samples": [["pounce_http_requests_total", {"status": "200"}, 7]]}]
    gather = Gathering(workers={"workers": []}, tasks={"requests": []})
    answer = ask(new_app(gather, metrics=lambda: {"families": families}), "/_pounce/top").json
    assert answer["traffic"]["responses"] == {"2xx": 7}
    assert answer["processes"][0]["value"] == {"workers": []}
    assert answer["requests"][0]["value"] == {"requests": []}
    assert [(name, arguments) for name, arguments, _ in gather.asked] == [
        ("workers", {"timeout": 0.25}),
        ("tasks", {"limit": 20, "stacks": False, "others": False, "timeout": 0.25}),
    ]
    assert ask(new_app(gather), "/_pounce/top").json["traffic"] is None


ARGUMENTS = [
    ("limit=5", {"limit": 5}),
    ("timeout=0.5", {"timeout": 0.5}),
    ("stacks=0&others=off&query=1&headers=true", {"stacks": False, "others": False, "query": True, "headers": True}),
    ("query", {"query": True}),
]


@pytest.mark.parametrize(("query", "expected"), ARGUMENTS)
def test_arguments_are_passed_on(query: str, expected: dict[str, Any]) -> None:
    gather = Gathering()
    assert ask(new_app(gather), f"/_pounce/tasks?{query}").status == 200
    assert gather.asked[0][1] == expected
    assert gather.asked[0][2] == expected.get("timeout", 1.0) + 2.0


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "timeout=nan", "timeout=31", "stacks=2", "what=1"])
def test_arguments_that_mean_nothing_are_refused_by_name(query: str) -> None:
    gather = Gathering()
    answer = ask(new_app(gather), f"/_pounce/tasks?{query}")
    assert answer.status == 400
    assert query.partition("=")[0] in answer.json["error"]
    assert gather.asked == []


@pytest.mark.parametrize(
    "path", ["/", "/_pounce", "/_pounce/", "/_pounce/what", "/_pounce/info/", "/info", "/_pounceinfo"]
)
def test_elsewhere_it_says_what_there_is(path: str) -> None:
    answer = ask(new_app(also={"profile": None}), path)
    assert answer.status == 404
    assert answer.json["there_is"] == [f"/_pounce/{name}" for name in (*NAMES, "profile")]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed(method: str) -> None:
    gather = Gathering()
    answer = ask(new_app(gather), "/_pounce/info", method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    assert gather.asked == []


def test_head_has_no_body() -> None:
    answer = ask(new_app(), "/_pounce/config", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == str(len(ask(new_app(), "/_pounce/config").body))


def test_an_answer_that_fails_is_said_to(caplog: pytest.LogCaptureFixture) -> None:
    answer = ask(new_app(Gathering(info=RuntimeError("no pipe"))), "/_pounce/info")
    assert answer.status == 503
    assert answer.json == {"error": "RuntimeError: no pipe"}
    assert "'info' could not be answered" in caplog.text


# -- who may ask -----------------------------------------------------------------------------------------------------

PUBLIC = IntrospectionSettings(
    introspection_public=True, introspection_bind="0.0.0.0:9700", introspection_host=("ops",)
)
LOCAL = IntrospectionSettings(introspection_host=("tunnel.example",))

ALLOWED: list[tuple[IntrospectionSettings, dict[str, Any], tuple[tuple[str, str], ...]]] = [
    (LOCAL, {"host": "127.0.0.1:9700"}, ()),
    (LOCAL, {"host": "[::1]:9700", "server": ("::1", 9700), "client": ("::1", 50000)}, ()),
    (LOCAL, {"host": "LOCALHOST"}, ()),
    (LOCAL, {"host": "tunnel.example:80"}, ()),
    (LOCAL, {"host": "localhost:9700"}, (("sec-fetch-site", "same-origin"), ("origin", "http://localhost:9700"))),
    (LOCAL, {"host": "localhost:9700"}, (("sec-fetch-site", "none"),)),
    (LOCAL, {"host": "whatever", "server": ("/run/pounce/1.sock", None), "client": None}, ()),
    (PUBLIC, {"host": "192.0.2.7:9700", "server": ("192.0.2.7", 9700), "client": ("192.0.2.9", 50000)}, ()),
    (PUBLIC, {"host": "ops:9700", "server": ("192.0.2.7", 9700), "client": ("192.0.2.9", 50000)}, ()),
]

REFUSED: list[tuple[IntrospectionSettings, dict[str, Any], tuple[tuple[str, str], ...], str]] = [
    (LOCAL, {"client": ("192.0.2.9", 50000)}, (), "this machine alone"),
    (LOCAL, {"host": "rebound.example:9700"}, (), "not known by the name"),
    (LOCAL, {"host": "127.0.0.1.rebound.example"}, (), "not known by the name"),
    (LOCAL, {"host": None}, (), "not known by the name"),
    (LOCAL, {"host": ""}, (), "not known by the name"),
    (LOCAL, {}, (("sec-fetch-site", "cross-site"),), "another site"),
    (LOCAL, {}, (("sec-fetch-site", "same-site"),), "another site"),
    (LOCAL, {}, (("origin", "https://evil.example"),), "another site"),
    (LOCAL, {}, (("origin", "null"),), "another site"),
    (LOCAL, {}, (("origin", "http://localhost:8000"),), "another site"),
    (PUBLIC, {"host": "rebound.example", "server": ("192.0.2.7", 9700)}, (), "not known by the name"),
    (PUBLIC, {"host": "192.0.2.8", "server": ("192.0.2.7", 9700)}, (), "not known by the name"),
]


@pytest.mark.parametrize(("settings", "where", "fields"), ALLOWED)
def test_who_reaches_it_by_itself_may_ask(
    settings: IntrospectionSettings, where: dict[str, Any], fields: tuple[tuple[str, str], ...]
) -> None:
    assert ask(new_app(settings=settings), "/_pounce/info", *fields, **where).status == 200


@pytest.mark.parametrize(("settings", "where", "fields", "why"), REFUSED)
def test_pages_of_other_sites_may_not(
    settings: IntrospectionSettings, where: dict[str, Any], fields: tuple[tuple[str, str], ...], why: str
) -> None:
    gather = Gathering()
    reached: list[Any] = []

    async def further(*call: Any) -> None:
        reached.append(call)

    app = new_app(gather, settings, also={"profile": further})
    answer = ask(app, "/_pounce/info", *fields, **where)
    assert answer.status == 403
    assert why in answer.json["error"]
    assert ask(app, "/_pounce/profile", *fields, method="POST", **where).status == 403
    assert (gather.asked, reached) == ([], [])


def test_further_applications_are_reached_behind_the_guards() -> None:
    seen: list[str] = []

    async def further(scope: Any, _receive: Any, send: Any) -> None:
        seen.append(scope["method"])
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    assert ask(new_app(also={"profile": further}), "/_pounce/profile", method="POST").status == 202
    assert seen == ["POST"]


# -- what is no request ----------------------------------------------------------------------------------------------


def exchanged(scope: dict[str, Any], *messages: dict[str, Any]) -> list[dict[str, Any]]:
    waiting, sent = list(messages), []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(new_app()(scope, receive, send))
    return sent


def test_it_lives_with_the_server() -> None:
    sent = exchanged({"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    assert [each["type"] for each in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_there_are_no_websockets() -> None:
    assert exchanged({"type": "websocket"}, {"type": "websocket.connect"}) == [
        {"type": "websocket.close", "code": 1008}
    ]
