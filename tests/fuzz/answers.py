"""What a strict client makes of the bytes that an HTTP/1.1 server has sent it: h11's, by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import h11

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["AnswerSeen", "read_answers"]


@dataclass(slots=True)
class AnswerSeen:
    """A final answer, or the beginning of one."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes = b""
    complete: bool = False
    interim: list[int] = field(default_factory=list)
    """The status codes before it."""


def read_answers(data: bytes, methods: Sequence[str], *, ended: bool) -> list[AnswerSeen]:
    """The answers to requests with these methods, in this order; ``ended`` where the server has closed behind them.

    Raises:
        AssertionError: it is not that, or more than that, or goes on after a close.
        h11.RemoteProtocolError: it is not HTTP.
    """
    answers: list[AnswerSeen] = []
    client: Any = h11.Connection(h11.CLIENT)
    client.receive_data(data)
    if ended:
        client.receive_data(b"")
    for method in methods:
        if not _unread(client):
            return answers
        client.send(h11.Request(method=method, target="/", headers=[("host", "a")]))
        client.send(h11.EndOfMessage())
        answer = _read_one(client)
        if answer is not None:
            answers.append(answer)
        if answer is None or not answer.complete:
            return answers
        if client.our_state is h11.MUST_CLOSE or client.their_state in (h11.MUST_CLOSE, h11.CLOSED):
            assert not _unread(client), f"after a close: {_unread(client)!r}"
            return answers
        client.start_next_cycle()
    assert not _unread(client), f"an answer to nothing: {_unread(client)!r}"
    return answers


def _unread(client: Any) -> bytes:
    unread: bytes = client.trailing_data[0]
    return unread


def _read_one(client: Any) -> AnswerSeen | None:
    answer: AnswerSeen | None = None
    interim: list[int] = []
    while True:
        try:
            event = client.next_event()
        except h11.RemoteProtocolError as error:
            if "peer closed connection" in str(error) or "closed connection" in str(error):
                return answer  # cut off, which a client can tell
            raise
        match event:
            case h11.NEED_DATA | h11.PAUSED | h11.ConnectionClosed():
                return answer
            case h11.InformationalResponse():
                interim.append(event.status_code)
            case h11.Response():
                answer = AnswerSeen(event.status_code, dict(event.headers), interim=interim)
            case h11.Data():
                assert answer is not None
                answer.body += bytes(event.data)
            case h11.EndOfMessage():
                assert answer is not None
                answer.complete = True
                return answer
