"""Who listens to lifecycle records."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from typing import Any, get_args

import pytest

from pounce_asgi import (
    RECORD_TYPES,
    ClientDisconnected,
    ClientTimedOut,
    ConnectionClosed,
    ConnectionOpened,
    ConnectionRefused,
    LifecycleRecord,
    LimitHit,
    Listeners,
    RequestFailed,
    RequestStarted,
    ResponseCompleted,
    ResponseStarted,
    StreamReset,
    Subscriber,
    WebSocketClosed,
    WebSocketOpened,
)

ATTRIBUTES = {
    "connection_opened": ConnectionOpened,
    "connection_closed": ConnectionClosed,
    "request_started": RequestStarted,
    "response_started": ResponseStarted,
    "response_completed": ResponseCompleted,
    "client_disconnected": ClientDisconnected,
    "request_failed": RequestFailed,
    "connection_refused": ConnectionRefused,
    "limit_hit": LimitHit,
    "client_timed_out": ClientTimedOut,
    "stream_reset": StreamReset,
    "websocket_opened": WebSocketOpened,
    "websocket_closed": WebSocketClosed,
}

STARTED = ResponseStarted(1.0, 2.0, 0, 1, None, 200, 0.5)
GONE = ClientDisconnected(1.0, 2.0, 0, 1, None, False)


def test_every_record_has_its_attribute() -> None:
    assert set(get_args(LifecycleRecord)) == set(ATTRIBUTES.values())
    assert [field.name for field in dataclasses.fields(Listeners)] == list(ATTRIBUTES)
    assert list(RECORD_TYPES) == list(ATTRIBUTES.values())


def test_nobody_listens() -> None:
    assert Listeners.of() == Listeners()
    for attribute in ATTRIBUTES:
        assert getattr(Listeners(), attribute) is None


@pytest.mark.parametrize(("attribute", "record"), ATTRIBUTES.items())
def test_only_what_is_wanted_is_set(attribute: str, record: type[Any]) -> None:
    heard: list[object] = []
    listeners = Listeners.of(Subscriber(heard.append, record))
    assert [name for name in ATTRIBUTES if getattr(listeners, name) is not None] == [attribute]
    event = object()
    getattr(listeners, attribute)(event)
    assert heard == [event]


def test_immutable() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Listeners().response_started = print  # type: ignore[misc]


def test_several_of_one_type_are_called_in_order() -> None:
    heard: list[str] = []
    listeners = Listeners.of(
        Subscriber(lambda _: heard.append("a"), ResponseStarted),
        Subscriber(lambda _: heard.append("b"), ClientDisconnected, ResponseStarted),
        Subscriber(lambda _: heard.append("c"), ResponseStarted, ResponseStarted),
    )
    assert listeners.response_started is not None
    listeners.response_started(STARTED)
    assert heard == ["a", "b", "c"]


@pytest.mark.parametrize("error", [RuntimeError("broken"), asyncio.CancelledError()])
@pytest.mark.parametrize("alone", [True, False])
def test_one_that_raises_is_logged_and_the_others_run(
    error: BaseException, alone: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def bad(_: object) -> None:
        raise error

    heard: list[object] = []
    others = () if alone else (Subscriber(heard.append, ResponseStarted),)
    listeners = Listeners.of(Subscriber(bad, ResponseStarted), *others)
    assert listeners.response_started is not None
    listeners.response_started(STARTED)
    assert heard == ([] if alone else [STARTED])
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("pounce.error", logging.ERROR)
    assert "ResponseStarted" in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[1] is error


def test_what_ends_the_process_passes() -> None:
    def leave(_: object) -> None:
        raise SystemExit(3)

    listeners = Listeners.of(Subscriber(leave, ResponseStarted))
    assert listeners.response_started is not None
    with pytest.raises(SystemExit):
        listeners.response_started(STARTED)


def test_a_listener_may_cause_further_records() -> None:
    heard: list[str] = []

    def again(record: object) -> None:
        heard.append(type(record).__name__)
        if len(heard) < 5:
            assert listeners.client_disconnected is not None
            listeners.client_disconnected(GONE)

    listeners = Listeners.of(Subscriber(again, ResponseStarted, ClientDisconnected))
    assert listeners.response_started is not None
    listeners.response_started(STARTED)
    assert heard == ["ResponseStarted"] + ["ClientDisconnected"] * 4


def test_a_subscriber_names_records() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Subscriber(print)
    with pytest.raises(ValueError, match="is not a lifecycle record"):
        Subscriber(print, int)  # type: ignore[type-var]


def test_what_is_trusted_is_called_directly() -> None:
    heard: list[object] = []
    assert Listeners.of(Subscriber(heard.append, ResponseStarted, trusted=True)).response_started == heard.append
