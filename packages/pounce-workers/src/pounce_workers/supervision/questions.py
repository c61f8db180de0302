"""Questions over a control pipe, in both directions: a name and arguments, answered by a value, all of it JSON.

Whoever asks waits; whoever is asked answers in a thread of its own, so that what takes long holds up nothing else that
goes through the pipe. Nothing here is on the way of a request.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from pounce_workers.supervision.control_pipe import Message

__all__ = ["Answer", "Answers", "NoAnswer", "Questions"]

logger = logging.getLogger("pounce.worker")

MOST_AT_ONCE: Final = 8
"""Questions that are being answered. Each has a thread, and whoever asks without end is not to get one for each."""

Answer = Callable[[dict[str, Any]], Any]
"""Takes the arguments of a question and gives its answer, both JSON. Called in any thread; may block."""

Answers = Mapping[str, Answer]
"""By the names of the questions."""


class NoAnswer(OSError):  # noqa: N818 - says what happened
    """A question was not answered: nobody is there, it took too long, or the answer failed. The message says which."""


class Sends(Protocol):
    """`ControlPipe.send`."""

    def __call__(self, kind: str, **fields: object) -> bool:
        """False when the other side is gone."""


class Questions:
    """One side's. Any thread may ask; `hear` is called by the thread that reads the pipe."""

    def __init__(self, send: Sends, answers: Answers) -> None:
        """``answers`` may grow later: what is asked for is looked up each time."""
        self._send = send
        self._answers = answers
        self._lock = threading.Lock()  # guards what follows
        self._numbers = itertools.count()
        self._waiting: dict[int, _Waiting] = {}
        self._answering = 0
        self._ended = False

    def ask(self, name: str, arguments: Mapping[str, Any], timeout: float) -> Any:
        """The other side's answer; waits for it, at most ``timeout`` seconds.

        Raises:
            NoAnswer: there is none.
        """
        waiting = _Waiting()
        with self._lock:
            if self._ended:
                raise NoAnswer("the process has ended")
            number = next(self._numbers)
            self._waiting[number] = waiting
        try:
            if not self._send("ask", id=number, name=name, arguments=dict(arguments)):
                raise NoAnswer("the process has ended")
            if not waiting.answered.wait(timeout):
                raise NoAnswer(f"no answer within {timeout:g} s")
        finally:
            with self._lock:
                del self._waiting[number]
        if waiting.error:
            raise NoAnswer(waiting.error)
        return waiting.value

    def hear(self, message: Message) -> bool:
        """Take a message if it is a question or an answer; False for any other."""
        if message["is"] == "ask":
            self._begin_answer(message)
        elif message["is"] == "answer":
            with self._lock:
                waiting = self._waiting.get(message["id"])
            if waiting is not None:
                waiting.give(message.get("value"), message.get("error", ""))
        else:
            return False
        return True

    def end(self) -> None:
        """The other side is gone: nobody waits for it any more."""
        with self._lock:
            self._ended = True
            waiting = tuple(self._waiting.values())
        for one in waiting:
            one.give(None, "the process has ended")

    def _begin_answer(self, message: Message) -> None:
        with self._lock:
            too_many = self._answering >= MOST_AT_ONCE
            self._answering += not too_many
        if too_many:
            self._send("answer", id=message["id"], error="too many questions at once")
            return
        # A daemon: an answer that takes long does not hold the end of the process.
        threading.Thread(target=self._answer, args=(message,), name="pounce-answer", daemon=True).start()

    def _answer(self, message: Message) -> None:
        try:
            try:
                self._send("answer", id=message["id"], value=self._value(message))
            except NoAnswer as error:
                self._send("answer", id=message["id"], error=str(error))
            except Exception as error:  # whatever it fails with, who asked is told and the worker goes on
                logger.exception("The question %r could not be answered", message["name"])
                self._send("answer", id=message["id"], error=f"{type(error).__name__}: {error}")
        finally:
            with self._lock:
                self._answering -= 1

    def _value(self, message: Message) -> Any:
        answer = self._answers.get(message["name"])
        if answer is None:
            raise NoAnswer(f"nothing is known of {message['name']!r}")
        return answer(message["arguments"])


class _Waiting:
    """Somebody who has asked."""

    __slots__ = ("answered", "error", "value")

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.value: Any = None
        self.error = ""

    def give(self, value: Any, error: str) -> None:
        self.value, self.error = value, error
        self.answered.set()
