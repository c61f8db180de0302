"""Subscriptions that come and go while contexts tell: who hears what, and what a listener may do within its call."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING, Any

import pytest
from exchange_doubles import encode_pair

from pounce_asgi import (
    RECORD_TYPES,
    SUBSCRIPTIONS,
    ClientDisconnected,
    ExchangeContext,
    ExchangeSettings,
    Listeners,
    LiveListeners,
    ResponseStarted,
    Subscriber,
    Subscription,
)
from pounce_asgi.subscriptions import DEEPEST

if TYPE_CHECKING:
    import asyncio

STARTED = ResponseStarted(1.0, 2.0, 0, 1, None, 200, 0.5)
GONE = ClientDisconnected(1.0, 2.0, 0, 1, None, False)


async def nothing(_scope: Any, _receive: Any, _send: Any) -> None:
    pass


def context_of(live: LiveListeners | Listeners) -> ExchangeContext[Any]:
    loop: asyncio.AbstractEventLoop = None  # type: ignore[assignment]  # nothing is called
    settings = ExchangeSettings(request_id=False)
    return ExchangeContext(nothing, loop=loop, encode=encode_pair, no_fields=(), settings=settings, listeners=live)


def tell(context: ExchangeContext[Any], record: Any = STARTED) -> None:
    attribute = {ResponseStarted: "response_started", ClientDisconnected: "client_disconnected"}[type(record)]
    listener = getattr(context.listeners, attribute)
    if listener is not None:
        listener(record)


def test_contexts_that_were_there_and_that_come_later_tell_until_it_is_cancelled() -> None:
    heard: list[Any] = []
    live = SUBSCRIPTIONS.live(Listeners())
    earlier = context_of(live)
    subscription = SUBSCRIPTIONS.subscribe(heard.append, ResponseStarted)
    later = context_of(live)
    for context in (earlier, later):
        tell(context)
        tell(context, GONE)
    assert heard == [STARTED, STARTED]
    subscription.cancel()
    subscription.cancel()
    for context in (earlier, later):
        tell(context)
        assert context.listeners == Listeners()
    assert heard == [STARTED, STARTED]


def test_nothing_is_done_about_requests_while_nobody_listens() -> None:
    context = context_of(SUBSCRIPTIONS.live(Listeners()))
    assert not (context.reports)
    assert not (context.looks_at_requests)
    with SUBSCRIPTIONS.subscribe(print, ResponseStarted):
        assert context.reports
        assert context.looks_at_requests
    assert not (context.reports)
    assert not (context.looks_at_requests)


def test_those_of_the_worker_itself_come_first_and_stay() -> None:
    heard: list[str] = []
    own = Listeners.of(Subscriber(lambda _: heard.append("own"), ResponseStarted))
    context = context_of(SUBSCRIPTIONS.live(own))
    with SUBSCRIPTIONS.subscribe(lambda _: heard.append("subscribed"), ResponseStarted):
        tell(context)
    tell(context)
    assert heard == ["own", "subscribed", "own"]
    assert context.listeners is own


def test_without_types_it_is_all_of_them() -> None:
    with SUBSCRIPTIONS.subscribe(print) as subscription:
        assert subscription.records == RECORD_TYPES
    with pytest.raises(ValueError, match="is not a lifecycle record"):
        SUBSCRIPTIONS.subscribe(print, int)


def test_a_worker_tells_only_whom_it_is_asked_to() -> None:
    heard: list[Any] = []
    mine = {"__name__": "mine"}

    def hears(subscription: Subscription) -> bool:
        return mine in subscription.origins

    context = context_of(SUBSCRIPTIONS.live(Listeners(), hears))
    with SUBSCRIPTIONS.subscribe(heard.append, ResponseStarted):
        tell(context)
    assert not heard
    with SUBSCRIPTIONS.subscribe(heard.append, ResponseStarted, origins=(mine,)):
        tell(context)
    assert heard == [STARTED]


def test_end_cancels_those_that_are_meant() -> None:
    one = SUBSCRIPTIONS.subscribe(print, origins=({"__name__": "one"},))
    with SUBSCRIPTIONS.subscribe(print) as other:
        SUBSCRIPTIONS.end(lambda each: bool(each.origins))
        assert (one.active, other.active) == (False, True)


def test_one_that_raises_is_logged_and_the_others_run(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Any] = []

    def bad(_record: object) -> None:
        raise RuntimeError("broken")

    context = context_of(SUBSCRIPTIONS.live(Listeners()))
    with SUBSCRIPTIONS.subscribe(bad, ResponseStarted), SUBSCRIPTIONS.subscribe(heard.append, ResponseStarted):
        tell(context)
    assert heard == [STARTED]
    assert [record.name for record in caplog.records] == ["pounce.error"]


def test_one_may_subscribe_and_cancel_within_its_call() -> None:
    heard: list[str] = []
    context = context_of(SUBSCRIPTIONS.live(Listeners()))
    made: list[Subscription] = []

    def first(_record: object) -> None:
        heard.append("first")
        subscription.cancel()
        made.append(SUBSCRIPTIONS.subscribe(lambda _: heard.append("second"), ResponseStarted))

    subscription = SUBSCRIPTIONS.subscribe(first, ResponseStarted)
    tell(context)
    tell(context)
    made.pop().cancel()
    tell(context)
    assert heard == ["first", "second"]


def test_one_that_causes_records_hears_of_them_and_not_without_end(caplog: pytest.LogCaptureFixture) -> None:
    context = context_of(SUBSCRIPTIONS.live(Listeners()))
    depths: list[int] = []
    depth = 0

    def again(_record: object) -> None:
        nonlocal depth
        depth += 1
        depths.append(depth)
        tell(context)
        depth -= 1

    with SUBSCRIPTIONS.subscribe(again, ResponseStarted):
        tell(context)
        tell(context)
    assert depths == [*range(1, DEEPEST + 1)] * 2
    assert ["without end" in record.getMessage() for record in caplog.records] == [True]


def test_workers_that_are_gone_are_forgotten() -> None:
    live = SUBSCRIPTIONS.live(Listeners())
    context = context_of(live)
    del live
    assert context.live is not None
    with SUBSCRIPTIONS.subscribe(print, ResponseStarted):
        assert context.reports
    del context
    gc.collect()
    SUBSCRIPTIONS.changed()
    assert not any(one() is None for one in SUBSCRIPTIONS._told)


def test_threads_subscribe_cancel_and_tell_at_once() -> None:
    """Whatever the order: nothing hangs, what is subscribed throughout hears all, and nothing is left behind."""
    live = SUBSCRIPTIONS.live(Listeners())
    records = 300
    heard: list[Any] = []
    steady = SUBSCRIPTIONS.subscribe(heard.append, ResponseStarted)

    def come_and_go() -> None:
        for _ in range(100):
            with SUBSCRIPTIONS.subscribe(lambda _: None, ResponseStarted, ClientDisconnected):
                context_of(live)

    def tells() -> None:
        context = context_of(live)
        for _ in range(records):
            tell(context)

    threads = [threading.Thread(target=target) for target in (come_and_go, come_and_go, tells, tells)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60.0)
    assert not any(thread.is_alive() for thread in threads)
    assert len(heard) == 2 * records
    steady.cancel()
    assert live.now == Listeners()
