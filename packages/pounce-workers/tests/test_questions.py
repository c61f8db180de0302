"""Questions between two processes: here both sides are in one, and what is sent is heard at once or when told."""

from __future__ import annotations

import json
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from pounce_workers.supervision.questions import MOST_AT_ONCE, NoAnswer, Questions

if TYPE_CHECKING:
    from collections.abc import Callable

SOON = 10.0


class Pair:
    """Two sides; what one sends the other hears, as JSON, in the thread that sends."""

    def __init__(self, **answers: Callable[[dict[str, Any]], Any]) -> None:
        self.connected = True
        self.asker = Questions(self._to(lambda: self.asked), {})
        self.asked = Questions(self._to(lambda: self.asker), answers)

    def _to(self, side: Callable[[], Questions]) -> Any:
        def send(kind: str, **fields: object) -> bool:
            message = json.loads(json.dumps({"is": kind, **fields}))
            if self.connected:
                assert side().hear(message)
            return self.connected

        return send


def test_an_answer() -> None:
    pair = Pair(double=lambda arguments: {"value": arguments["value"] * 2})
    assert pair.asker.ask("double", {"value": 21}, SOON) == {"value": 42}


def _fails(_: dict[str, Any]) -> None:
    raise ValueError("no idea")


def _refuses(_: dict[str, Any]) -> None:
    raise NoAnswer("not now")


@pytest.mark.parametrize(
    ("name", "said", "logged"),
    [
        ("unknown", "nothing is known of 'unknown'", False),
        ("fails", "ValueError: no idea", True),
        ("refuses", "not now", False),
        ("not_json", "TypeError: Object of type set is not JSON serializable", True),
    ],
)
def test_no_answer(name: str, said: str, logged: bool, caplog: pytest.LogCaptureFixture) -> None:
    pair = Pair(fails=_fails, refuses=_refuses, not_json=lambda _: {1})
    with caplog.at_level(logging.ERROR), pytest.raises(NoAnswer, match=said):
        pair.asker.ask(name, {}, SOON)
    assert bool(caplog.records) is logged


def test_nobody_waits_longer_than_asked() -> None:
    go_on = threading.Event()
    pair = Pair(slow=lambda _: go_on.wait(SOON))
    began = time.monotonic()
    with pytest.raises(NoAnswer, match=r"no answer within 0\.05 s"):
        pair.asker.ask("slow", {}, 0.05)
    assert time.monotonic() - began < SOON / 2
    go_on.set()  # the late answer finds nobody, and hurts nobody


def test_the_other_side_is_gone() -> None:
    pair = Pair()
    pair.connected = False
    with pytest.raises(NoAnswer, match="has ended"):
        pair.asker.ask("anything", {}, SOON)


def test_whoever_waits_at_the_end_is_told() -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow(_: dict[str, Any]) -> None:
        asked.set()
        go_on.wait(SOON)

    pair = Pair(slow=slow)
    told: list[str] = []

    def ask() -> None:
        with pytest.raises(NoAnswer) as raised:
            pair.asker.ask("slow", {}, SOON)
        told.append(str(raised.value))

    thread = threading.Thread(target=ask)
    thread.start()
    assert asked.wait(SOON)
    pair.asker.end()
    thread.join(SOON)
    go_on.set()
    assert told == ["the process has ended"]
    with pytest.raises(NoAnswer, match="has ended"):
        pair.asker.ask("slow", {}, SOON)


def test_who_asks_without_end_does_not_get_a_thread_for_each() -> None:
    go_on = threading.Event()
    pair = Pair(slow=lambda _: go_on.wait(SOON))
    outcomes: list[object] = []

    def ask() -> None:
        try:
            outcomes.append(pair.asker.ask("slow", {}, SOON))
        except NoAnswer as error:
            outcomes.append(str(error))
            go_on.set()

    threads = [threading.Thread(target=ask) for _ in range(MOST_AT_ONCE + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert outcomes.count(True) == MOST_AT_ONCE
    assert outcomes.count("too many questions at once") == 1
    deadline = time.monotonic() + SOON
    while time.monotonic() < deadline:  # an answer is sent before its thread is done
        try:
            assert pair.asker.ask("slow", {}, SOON) is True
        except NoAnswer:
            continue
        break
    else:
        pytest.fail("there is no room again")


def test_other_messages_are_for_others() -> None:
    assert not Pair().asked.hear({"is": "status"})
