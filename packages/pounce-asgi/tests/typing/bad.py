"""Code that a strict type check must refuse: each line marked with an error code. Checked by test_types.py."""

from __future__ import annotations

from pounce_asgi import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGISendCallable,
    HTTPScope,
    Lifespan,
    RequestStarted,
    ResponseCompleted,
    ResponseSink,
    Scope,
    Subscriber,
)


async def http(scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    scope["methods"]  # E: typeddict-item
    scope["raw_path"] = "/"  # E: typeddict-item
    await send({"type": "http.response.start"})  # E: arg-type
    await send({"type": "http.response.start", "status": "200"})  # E: arg-type
    await send({"type": "http.response.start", "status": 200, "headers": [("a", "b")]})  # E: arg-type
    await send({"type": "http.response.body", "body": "text"})  # E: arg-type
    await send({"type": "http.response.boddy"})  # E: arg-type


async def two_arguments(scope: Scope, receive: ASGIReceiveCallable) -> None: ...


one: ASGI3Application = two_arguments  # E: assignment
two = Lifespan(http)  # E: arg-type
three = Lifespan(one, mode="sometimes")  # E: arg-type


def on_started(record: RequestStarted) -> None: ...


four = Subscriber(on_started, ResponseCompleted)  # E: arg-type


class PairSink:
    congested = False

    def send_body(self, data: str, end: bool) -> None: ...


five: ResponseSink[bytes] = PairSink()  # E: assignment
