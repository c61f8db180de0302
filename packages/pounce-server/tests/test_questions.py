"""Who is asked, and who answers: threads here, processes by doubles of their pipes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from pounce.questions import ChildQuestions, LocalQuestions, ParentQuestions
from pounce_workers import NoAnswer, ProcessSlot

if TYPE_CHECKING:
    from collections.abc import Mapping


class Slot(ProcessSlot):
    """Answers by itself."""

    def __init__(self, worker_id: int, value: Any = None, *, generation: int = 1) -> None:
        self.worker_id = worker_id
        self.generation = generation
        self._value = value

    @property
    def pid(self) -> int:
        return 1000 + self.worker_id

    def ask(self, name: str, arguments: Mapping[str, Any], timeout: float) -> Any:
        assert timeout > 0
        if isinstance(self._value, Exception):
            raise self._value
        return [name, dict(arguments), self._value]


def test_threads_answer_here() -> None:
    questions = LocalQuestions()
    questions.answers["add"] = lambda arguments: sum(arguments["of"])
    assert questions.gather("add", {"of": [1, 2]}, 1.0) == [
        {"pid": os.getpid(), "worker_id": None, "generation": None, "value": 3, "error": ""}
    ]
    (answer,) = questions.gather("else", {}, 1.0)
    assert (answer["value"], answer["error"]) == (None, "nothing is known of 'else'")


def test_every_process_is_asked_and_one_without_an_answer_says_why() -> None:
    slots = [Slot(1, "b", generation=2), Slot(1, "a"), Slot(0, NoAnswer("no answer within 1 s"))]
    questions = ParentQuestions(lambda: slots)
    answers = questions.gather("who", {"x": 1}, 1.0)
    assert [(one["worker_id"], one["generation"], one["value"], one["error"]) for one in answers] == [
        (0, 1, None, "no answer within 1 s"),
        (1, 1, ["who", {"x": 1}, "a"], ""),
        (1, 2, ["who", {"x": 1}, "b"], ""),
    ]
    assert [one["pid"] for one in answers] == [1000, 1001, 1001]


def test_nobody_is_there() -> None:
    assert ParentQuestions(list).gather("who", {}, 1.0) == []


def test_a_worker_asks_the_others_by_way_of_the_main_process() -> None:
    parent = ParentQuestions(lambda: [Slot(0, "a")])

    class Birth:
        def __init__(self) -> None:
            self.answers: dict[str, Any] = {}

        def ask(self, name: str, arguments: Mapping[str, Any], timeout: float) -> Any:
            assert timeout > 1.0  # the main process needs some of it for itself
            return parent.answers[name](dict(arguments))

    birth: Any = Birth()
    child = ChildQuestions(birth)
    assert child.answers is birth.answers
    assert child.gather("who", {}, 1.0)[0]["value"] == ["who", {}, "a"]


def test_a_failure_of_an_answer_is_not_hidden() -> None:
    questions = LocalQuestions()
    questions.answers["fails"] = lambda _: 1 / 0
    with pytest.raises(ZeroDivisionError):
        questions.gather("fails", {}, 1.0)
