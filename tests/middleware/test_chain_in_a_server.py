"""What a server does with the chain: readiness while it drains, one id of a request everywhere, fields of refusals, and
nothing where nothing is on.
"""

from __future__ import annotations

import contextlib
import json
import queue
import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from pounce import ServerConfig
from pounce.chain import ORDER, Surroundings, build_chain, names_on
from pounce.shared_limits import SharedLimits
from pounce_asgi import Listeners, ResponseCompleted, Subscriber
from pounce_testing import RawClient, TestServer
from pounce_testing.fixtures import over
from pounce_testing.matrix import WORKER_KINDS
from tests.middleware.chain_applications import EVERYTHING_ON, PROCESS_WIDE, tell

if TYPE_CHECKING:
    from pounce_testing import Response
    from pounce_testing.fixtures import Serve

APP: Final = "tests.middleware.chain_applications:tell"
STAY: Final = "tests.middleware.chain_applications:stay"
ORIGIN: Final = "Origin: https://app.example\r\n"
KINDS: Final = tuple(kind for kind in WORKER_KINDS if not kind.blocking and not kind.needs)


def get(client: RawClient, path: str, lines: str = "") -> Response:
    client.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode())
    return client.read_response()


# -- nothing, all, and one by one ------------------------------------------------------------------------------------


def test_with_nothing_on_there_is_no_chain() -> None:
    config = ServerConfig(app=APP)
    assert build_chain(tell, Surroundings(config=config, named={}, limits=SharedLimits(config))) is tell
    assert names_on(config) == []


def test_everything_is_all_there_is() -> None:
    """So that a new link is in the tests of the whole chain, too."""
    config = ServerConfig.of({"app": APP, **EVERYTHING_ON})
    assert {link.name for link in ORDER if not link.is_on(config)} == PROCESS_WIDE


# What an application that blocks is served by depends on it, and what has an effect by itself is one of these.
@pytest.mark.parametrize("name", ["request_id_header", "request_timeout", "compress", "cancel_on_disconnect", "debug"])
def test_one_setting_switches_one_on(name: str) -> None:
    assert len(names_on(ServerConfig.of({"app": APP, name: EVERYTHING_ON[name]}))) == 1


def test_errors_are_shown_with_debug_only() -> None:
    quiet = {name: value for name, value in EVERYTHING_ON.items() if name != "debug"}
    for settings, shown in (({}, False), (quiet, False), (EVERYTHING_ON, True)):
        with TestServer(APP, **settings) as server, server.connect() as client:
            broken = get(client, "/broken", "Accept: text/html\r\n")
            assert broken.status == 500
            assert (b"this page shows it" in broken.body) == shown
            assert (b"Traceback" in broken.body) == shown


# -- readiness -------------------------------------------------------------------------------------------------------


@over(KINDS)
def test_ready_until_a_stop_has_begun(serve: Serve) -> None:
    """Who has begun to ask before is told; who connects later finds nobody."""
    server = serve(STAY, health_checks=True)
    with contextlib.ExitStack() as stack:
        inside, asking = (stack.enter_context(server.connect()) for _ in range(2))
        inside.send(b"GET /stay HTTP/1.1\r\nHost: x\r\n\r\n")
        inside.socket.recv(10)
        ready = get(asking, "/readyz")
        assert (ready.status, json.loads(ready.body)["status"]) == (200, "ready")
        asking.send(b"GET /rea")
        server.request_stop()
        # Whoever has begun to ask is answered, so there is always half of another request on its way.
        answers = [ready]
        while answers[-1].status == 200 and not answers[-1].closes:
            asking.send(b"dyz HTTP/1.1\r\nHost: x\r\n\r\nGET /rea")
            answers.append(asking.read_response())
        assert answers[-1].status == 503
        assert "draining" in json.loads(answers[-1].body)["checks"]["server"]["detail"]
        assert refused(server)
        inside.close()


def refused(server: TestServer) -> bool:
    """Connect until nobody answers. Who accepts for threads goes on for a second, as long as there is somebody."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            with server.connect() as late:
                late.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                if late.read_to_end() == b"":
                    return True
        except OSError:
            return True
    return False


def test_what_drains_is_not_stalled() -> None:
    with TestServer(STAY, health_checks=True) as server, server.connect() as inside, server.connect() as asking:
        inside.send(b"GET /stay HTTP/1.1\r\nHost: x\r\n\r\n")
        inside.socket.recv(10)
        asking.send(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\nGET /rea")
        assert asking.read_response().status == 200
        server.request_stop()
        assert refused(server)
        asking.send(b"dyz HTTP/1.1\r\nHost: x\r\n\r\n")
        report = json.loads(asking.read_response().body)
        inside.close()
        assert report["checks"]["server"]["detail"] == "draining"


def test_health_below_a_root_path() -> None:
    with TestServer(APP, health_checks=True, root_path="/api") as server, server.connect() as client:
        assert json.loads(get(client, "/healthz").body) == {"status": "live"}


def test_exempt_paths_below_a_root_path() -> None:
    limits: dict[str, Any] = {"rate_limit": "1/h", "rate_limit_exempt_path": ("/free",)}
    with TestServer(APP, root_path="/api", **limits) as server, server.connect() as client:
        assert [get(client, "/free").status for _ in range(3)] == [200] * 3


# -- who, and which request ------------------------------------------------------------------------------------------


@over([kind for kind in KINDS if not kind.processes])
def test_one_id_and_one_client_of_a_request(serve: Serve) -> None:
    """In the field, in the scope, and in what listeners are told."""
    records: queue.Queue[ResponseCompleted] = queue.Queue()
    listeners = Listeners.of(Subscriber(records.put, ResponseCompleted))
    server = serve(APP, listeners=listeners, **EVERYTHING_ON)
    with server.connect() as client:
        for lines, who in (
            ("", "127.0.0.1"),
            ("X-Forwarded-For: 192.0.2.7\r\nX-Request-ID: of-a-proxy\r\n", "192.0.2.7"),
            ("X-Request-ID: <not an id>\r\n", "127.0.0.1"),
        ):
            answer = get(client, "/a", lines)
            record = records.get(timeout=20)
            known = json.loads(answer.body)
            echoed = (answer.header(b"x-request-id") or b"").decode()
            assert (known["request_id"], record.request_id) == (echoed, echoed)
            assert (echoed == "of-a-proxy") == ("of-a-proxy" in lines)
            assert len(echoed) == (10 if "of-a-proxy" in lines else 36)
            assert record.client is not None
            assert (known["client"], record.client[0]) == (who, who)


# -- fields of refusals ----------------------------------------------------------------------------------------------


def refusals(lines: str) -> dict[str, Response]:
    """An answer of each middleware that refuses."""
    settings: dict[str, Any] = EVERYTHING_ON | {
        "rate_limit": "2/h",
        "rate_limit_exempt_path": ("/slow",),
        "request_timeout": 1.0,
        "request_queue_limit": 1,
        "request_queue_size": 0,
    }
    with TestServer(APP, **settings) as server, server.connect() as client, server.connect() as other:
        for one in (client, other):  # there is one place, and nobody may wait for it
            one.send(f"GET /slow HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode())
        answers = [client.read_response(), other.read_response()]
        limited = [get(client, "/a", lines) for _ in range(3)][-1]
    return {str(answer.status): answer for answer in (*answers, limited)}


def test_refusals_have_the_fields_for_browsers() -> None:
    answers = refusals(ORIGIN)
    assert sorted(answers) == ["429", "503", "504"]
    for status, answer in answers.items():
        assert answer.header(b"x-frame-options") == b"DENY", status
        assert answer.header(b"x-request-id"), status
        assert answer.header(b"x-seen"), status
        if status != "429":
            assert answer.header(b"access-control-allow-origin") == b"https://app.example", status


def test_a_page_of_another_origin_can_read_that_it_is_limited() -> None:
    with TestServer(APP, **(EVERYTHING_ON | {"rate_limit": "1/h"})) as server, server.connect() as client:
        limited = [get(client, "/a", ORIGIN) for _ in range(2)][-1]
    assert limited.status == 429
    assert limited.header(b"access-control-allow-origin") == b"https://app.example"
