"""A program whose failures go to Sentry, for a process of its own: Sentry's integrations change frameworks for good.

``python reported_program.py DSN [own]``: the requests of `CASES`, each to a path of its own. ``own``: the program has
set Sentry up itself, for an environment that is called so.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import sys
from typing import Any

import pounce_observability.sentry  # noqa: F401 - first, to see what it brings

EARLY = [name for name in sys.modules if name.startswith("sentry_sdk")]

import sentry_sdk  # noqa: E402
import sentry_sdk.integrations  # noqa: E402

from pounce_asgi import Interface, LiftSettings, lift  # noqa: E402
from pounce_observability.sentry import SentryMiddleware, SentrySettings, reporting_wsgi, start_sentry  # noqa: E402

SERVER_LOG = logging.getLogger("pounce.error")
OK = {"type": "http.response.start", "status": 200, "headers": []}
BODY = {"type": "http.response.body", "body": b"x"}


class GoneError(OSError):
    pass


async def plain(scope: Any, receive: Any, send: Any) -> None:
    path = scope["path"]
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        raise ValueError(path)
    if path.startswith("/plain/left"):
        assert (await receive())["type"] == "http.disconnect"
        sentry_sdk.capture_message(f"said at {path}")
        raise KeyError(path)
    await send(OK)
    await send(BODY)
    if path.startswith("/plain/late"):
        assert (await receive())["type"] == "http.disconnect"
        raise ValueError(path)
    if path.startswith("/plain/fail"):
        raise ValueError(path)


def fastapi_app() -> Any:
    from fastapi import FastAPI, HTTPException
    from fastapi.responses import StreamingResponse

    app = FastAPI(openapi_url=None)

    @app.get("/fastapi/fail/{item}")
    async def fail(item: str) -> str:
        raise ValueError(item)

    @app.get("/fastapi/thread/{item}")
    def thread(item: str) -> str:
        raise ValueError(item)

    @app.get("/fastapi/missing")
    async def missing() -> str:
        raise HTTPException(404)

    @app.get("/fastapi/gone")
    async def gone() -> StreamingResponse:
        return StreamingResponse(iter([b"a", b"b"]))

    @app.get("/fastapi/ok")
    async def ok() -> str:
        return "ok"

    return app


def flask_app() -> Any:
    from flask import Flask

    app = Flask("reported")

    @app.get("/flask/fail/<item>")
    def fail(item: str) -> str:
        raise ValueError(item)

    @app.get("/flask/ok")
    def ok() -> str:
        return "ok"

    return lift(reporting_wsgi(app), Interface.WSGI, LiftSettings())


CASES = (
    "/plain/ok",
    "/plain/fail",
    "/plain/left",
    "/plain/late",
    "/plain/socket",
    "/fastapi/ok",
    "/fastapi/fail/7",
    "/fastapi/thread/8",
    "/fastapi/missing",
    "/fastapi/gone",
    "/flask/ok",
    "/flask/fail/9",
)


async def call(app: Any, path: str) -> None:
    scope: dict[str, Any] = {
        "type": "websocket" if path == "/plain/socket" else "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"q=1&token=hush%26hush&%73ig=hush",
        "headers": [
            (b"host", b"shop.example"),
            (b"authorization", b"Bearer secret"),
            (b"referer", b"http://shop.example/?password=hush"),
        ],
        "client": ("192.0.2.1", 5000),
        "server": ("127.0.0.1", 8000),
        "state": {},
        "extensions": {},
    }
    leaves = path in ("/plain/left", "/plain/late")
    coming = [{"type": "http.disconnect"} if leaves else {"type": "http.request", "body": b""}]

    async def receive() -> Any:
        if coming:
            return coming.pop()
        await asyncio.Event().wait()
        return None

    async def send(message: Any) -> None:
        if path == "/fastapi/gone" and message["type"] == "http.response.body":
            raise GoneError

    error = None
    try:
        await app(scope, receive, send)
    except Exception as raised:  # noqa: BLE001 - as a server does
        error = raised
    if error is not None and not isinstance(error, OSError):
        # As the server does it, in no context of the request.
        info = (type(error), error, error.__traceback__)
        contextvars.Context().run(SERVER_LOG.error, "Exception in the application", exc_info=info)


async def serve() -> None:
    apps = {"plain": plain, "fastapi": fastapi_app(), "flask": flask_app()}
    for path in CASES:
        kind = path.split("/")[1]
        app = SentryMiddleware.from_settings(apps[kind], SentrySettings(), wsgi=kind == "flask")
        await call(app, path)


def hide_other_packages() -> None:
    """Sentry imports each package that it knows to find out whether it is installed, which takes seconds where many
    are. As the program finds it, there are those that it uses.
    """
    found: Any = sentry_sdk.integrations._AUTO_ENABLING_INTEGRATIONS
    found[:] = [name for name in found if name.split(".")[2] in {"starlette", "fastapi", "flask"}]
    assert len(found) == 3


def main(dsn: str, how: str = "") -> None:
    hide_other_packages()
    if how == "own":
        sentry_sdk.init(dsn=dsn, environment="own")
    settings = SentrySettings(
        sentry_dsn=dsn, sentry_environment="test", sentry_release="shop@1.0", sentry_traces_sample_rate=1.0
    )
    reporting = start_sentry(settings, worker_id=5)
    asyncio.run(serve())
    SERVER_LOG.error("A worker has ended")
    try:
        raise RuntimeError("of no request")
    except RuntimeError:
        SERVER_LOG.exception("It failed by itself")
    reporting.shutdown(10)
    print(json.dumps({"configured": reporting.configured, "early": EARLY}))


if __name__ == "__main__":
    main(*sys.argv[1:])
