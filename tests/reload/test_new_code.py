"""New code takes over when it can, and nothing changes when it cannot."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
from typing import TYPE_CHECKING, Final

import pytest

from pounce_testing import RawClient
from tests.under_load.code import INTERFACES, write_code
from tests.under_load.running import RunningServer, wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP to send")

KINDS: Final = {
    "solo": ("--workers", "1"),
    "threads": ("--worker-kind", "thread", "--workers", "2"),
    "processes": ("--worker-kind", "process", "--workers", "2"),
}
each_kind = pytest.mark.parametrize("arguments", KINDS.values(), ids=KINDS)
in_threads = pytest.mark.parametrize("arguments", [KINDS["solo"], KINDS["threads"]], ids=["solo", "threads"])


def ask(server: RunningServer, path: str = "/") -> str:
    with RawClient("127.0.0.1", server.port) as client:
        client.send(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        return client.read_response().body.decode()


def serves(server: RunningServer, body: str) -> None:
    """Wait until it answers so, and that it always does. Processes that make way hear of it a moment later."""
    wait_until(lambda: [ask(server) for _ in range(4)] == [body] * 4, f"all answers are {body!r}")


# -- broken code -----------------------------------------------------------------------------------------------------

ASGI: Final = INTERFACES["asgi"]
BROKEN: Final = {
    "syntax": ("def app(:\n", "SyntaxError"),
    "import": ("import a_module_that_is_not_there\n", "a_module_that_is_not_there"),
    "raises": ("raise RuntimeError('no database configured')\n", "no database configured"),
    "no app": ("application = None\n", "app"),
    "lifespan": (
        """
async def app(scope, receive, send):
    await receive()
    raise RuntimeError("the pool cannot be opened") if scope["type"] == "lifespan" else AssertionError
""",
        "the pool cannot be opened",
    ),
    "lifespan says so": (
        """
async def app(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no licence"})
""",
        "no licence",
    ),
}


@each_kind
def test_broken_code_changes_nothing(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    write_code(tmp_path, ASGI.format(body="first"))
    with RunningServer(tmp_path, *arguments, "--lifespan", "on") as server:
        assert ask(server) == "first"
        for name, (broken, shown) in BROKEN.items():
            seen = len(server.log)
            write_code(tmp_path, broken)
            server.signal(signal.SIGHUP)
            wait_until(lambda: "what served before goes on" in server.log[seen:], f"{name} is told")  # noqa: B023
            assert shown in server.log[seen:], name
            assert [ask(server) for _ in range(4)] == ["first"] * 4, name
        write_code(tmp_path, ASGI.format(body="repaired"))
        server.signal(signal.SIGHUP)
        serves(server, "repaired")
        assert server.stop() == 0


# -- files that change -----------------------------------------------------------------------------------------------


@each_kind
@pytest.mark.parametrize("looking", ["watchfiles", "polling"])
def test_a_changed_file_is_served(tmp_path: Path, arguments: tuple[str, ...], looking: str) -> None:
    environ = {}
    if looking == "polling":
        hidden = tmp_path / "hidden"
        hidden.mkdir()
        (hidden / "sitecustomize.py").write_text("import sys; sys.modules['watchfiles'] = None\n")
        environ["PYTHONPATH"] = str(hidden)
    else:
        pytest.importorskip("watchfiles")
    code = tmp_path / "project"
    code.mkdir()
    write_code(code, ASGI.format(body="first"))
    with RunningServer(code, *arguments, "--reload", environ=environ) as server:
        assert ask(server) == "first"
        change(server, code, "changed")
        write_code(code, "def app(:\n")
        server.wait_for("what served before goes on")
        assert ask(server) == "changed"
        change(server, code, "repaired")
        assert server.stop() == 0


def change(server: RunningServer, folder: Path, body: str) -> None:
    """Write code until it is served: a server that has just begun to serve may not be watching yet."""
    deadline = time.monotonic() + 40
    while ask(server) != body:
        assert time.monotonic() < deadline, server.news
        write_code(folder, ASGI.format(body=body))
        with contextlib.suppress(AssertionError):
            wait_until(lambda: ask(server) == body, "it is served", seconds=3.0)


# -- what is under way -----------------------------------------------------------------------------------------------

STREAM: Final = """
import asyncio

BODY = b"{body}"

async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    for _ in range(40 if scope["path"] == "/stream" else 1):
        await send({{"type": "http.response.body", "body": BODY, "more_body": True}})
        await asyncio.sleep(0.05)
    await send({{"type": "http.response.body"}})
"""


@each_kind
def test_a_long_answer_goes_on_with_its_own_code(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    write_code(tmp_path, STREAM.format(body="old,"))
    with RunningServer(tmp_path, *arguments) as server, RawClient("127.0.0.1", server.port) as client:
        client.send(b"GET /stream HTTP/1.1\r\nhost: x\r\n\r\n")
        client.read_some()
        write_code(tmp_path, STREAM.format(body="new,"))
        server.reload(2)
        serves(server, "new,")
        rest = b""
        while not rest.endswith(b"0\r\n\r\n"):
            rest += client.read_some()
        assert rest.count(b"old,") >= 20
        assert b"new" not in rest
        assert server.stop() == 0


LAZY: Final = """
BODY = "{body}"

async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    if scope["path"] == "/later":
        await receive()
        while (await receive())["type"] != "http.disconnect":
            pass
    if scope["path"] == "/body":
        while (await receive()).get("more_body"):
            pass
    import app_settings
    body = (BODY + " " + app_settings.NAME).encode()
    await send({{"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}})
    await send({{"type": "http.response.body", "body": body}})
"""


@in_threads
def test_the_old_code_may_still_import(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """A request of the old code imports its module late, while the new code is imported already."""
    write_code(tmp_path, LAZY.format(body="old"))
    (tmp_path / "app_settings.py").write_text("NAME = 'settings'\n")
    with RunningServer(tmp_path, *arguments) as server, RawClient("127.0.0.1", server.port) as client:
        client.send(b"POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nab")
        wait_until(lambda: server.log != "", "it runs")
        write_code(tmp_path, LAZY.format(body="new"))
        server.reload(2)
        client.send(b"cd")
        assert client.read_response().body == b"old settings"
        serves(server, "new settings")
        assert server.stop() == 0
    assert "Traceback" not in server.log


# -- libraries that keep things --------------------------------------------------------------------------------------

METRICS: Final = """
from prometheus_client import Counter, generate_latest

REQUESTS = Counter("requests", "{body}")

async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    REQUESTS.inc()
    body = generate_latest()
    await send({{"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}})
    await send({{"type": "http.response.body", "body": body}})
"""


@each_kind
def test_metrics_in_the_default_registry_begin_anew(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    pytest.importorskip("prometheus_client", reason="PROMETHEUS_CLIENT IS NOT INSTALLED: this test has not run")
    write_code(tmp_path, METRICS.format(body="first"))
    with RunningServer(tmp_path, *arguments) as server:
        for generation in range(2, 4):
            assert "requests_total" in ask(server)
            write_code(tmp_path, METRICS.format(body=f"generation {generation}"))
            server.reload(generation)
            new = f"# HELP requests_total generation {generation}"
            wait_until(lambda: new in ask(server), "the new code counts")  # noqa: B023 - not kept
        assert server.stop() == 0


DJANGO: Final = """
import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"], ROOT_URLCONF="urls", INSTALLED_APPS=["shop"], SECRET_KEY="x",
        DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "{database}"}}}},
    )
django.setup()
from django.core.{interface} import get_{interface}_application
app = get_{interface}_application()
"""
MODELS: Final = """
from django.db import models

class Order(models.Model):
    name = models.CharField(max_length=40)
    class Meta:
        app_label = "shop"
"""
URLS: Final = """
import json
from django.db import connection
from django.http import HttpResponse
from django.urls import path
from shop.models import Order

def orders(request):
    with connection.schema_editor() as editor:
        if "shop_order" not in connection.introspection.table_names():
            editor.create_model(Order)
    Order.objects.create(name="{body}")
    return HttpResponse(json.dumps([order.name for order in Order.objects.order_by("id")]))

urlpatterns = [path("", orders)]
"""


def django_project(folder: Path, interface: str) -> None:
    write_code(folder, DJANGO.format(database=folder / "db.sqlite3", interface=interface))
    shop = folder / "shop"
    shop.mkdir()
    (shop / "__init__.py").write_text("")
    (shop / "models.py").write_text(MODELS)
    (folder / "urls.py").write_text(URLS.format(body="first"))


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_django_with_models_in_processes(tmp_path: Path, interface: str) -> None:
    pytest.importorskip("django")
    django_project(tmp_path, interface)
    with RunningServer(tmp_path, *KINDS["processes"]) as server:
        assert json.loads(ask(server)) == ["first"]
        for generation in range(2, 4):
            name = f"of generation {generation}"
            (tmp_path / "urls.py").write_text(URLS.format(body=name))
            server.reload(generation)
            wait_until(lambda: json.loads(ask(server))[-1] == name, "new code serves")  # noqa: B023 - not kept
        assert server.stop() == 0
    assert "Traceback" not in server.log, server.news


@in_threads
def test_django_in_threads_says_what_to_do(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """It keeps its models in itself, where nobody can take them out: that is told, and the old code goes on."""
    pytest.importorskip("django")
    django_project(tmp_path, "wsgi")
    with RunningServer(tmp_path, *arguments) as server:
        assert json.loads(ask(server)) == ["first"]
        (tmp_path / "urls.py").write_text(URLS.format(body="second"))
        server.signal(signal.SIGHUP)
        server.wait_for("Django keeps .* use --worker-kind process, or restart")
        assert json.loads(ask(server)) == ["first", "first"]
        assert server.stop() == 0
    assert "Traceback" not in server.log, server.news
