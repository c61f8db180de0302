"""Any application against any client: whatever both do, nothing happens that no connection could do.

Invariants: the sink and the carrier are never misused (the doubles check every call), what is received is a connect,
then messages in order, then disconnects only; and every WebSocket begins and ends once for those who listen.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_time import run_virtually, turns
from websocket_exchange_doubles import ACCEPT, CLOSE, Parts, denial_body, denial_start, received, send

from pounce_asgi import Listeners

SAYINGS: list[Any] = [
    ACCEPT,
    {**ACCEPT, "subprotocol": "none"},
    send("text"),
    send(b"bytes"),
    {"type": "websocket.send"},
    CLOSE,
    {**CLOSE, "code": 1005},
    denial_start(),
    denial_body(b"no", more=True),
    denial_body(b"no"),
    {"type": "http.response.start"},
]
steps = st.lists(st.sampled_from(SAYINGS) | st.sampled_from(["receive", "receive", "turn", "raise"]), max_size=10)
events = st.lists(
    st.sampled_from(["message", "message", "closing", "gone", "drain", "half", "abandon", "congest", "resume", "turn"]),
    max_size=10,
)


class Actor:
    """Does its steps; one that is stubborn goes on after an error."""

    def __init__(self, script: list[Any], *, accepts: bool, stubborn: bool) -> None:
        self.script = [ACCEPT, *script] if accepts else script
        self.stubborn = stubborn
        self.received: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        for step in self.script:
            try:
                if step == "receive":
                    self.received.append(await receive())
                elif step == "turn":
                    await turns(2)
                elif step == "raise":
                    raise ValueError("mine")
                else:
                    await send(step)
            except Exception:
                if not self.stubborn:
                    raise


class Wire:
    """What becomes of the client, as far as a connection could say it in this state."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.number = 0
        self.over = False
        self.silent = False
        """The client has said goodbye, and can still be lost."""

    async def do(self, event: str) -> None:
        exchange, parts = self.parts.exchange, self.parts
        accepted = parts.socket.accepted is not None
        match event:
            case "message" if accepted and not self.over and not self.silent:
                exchange.message_received(received(f"{self.number}"), 1)
                self.number += 1
            case "closing" if accepted and not self.over and not self.silent:
                self.silent = True
                self.over = exchange.client_closing(1000, "bye")
                if self.over and parts.socket.closed is None:
                    parts.socket.close(1000, "bye")
            case "drain" if accepted and not self.over and parts.socket.closed is None:
                self.over = True
                exchange.disconnected(1012, "")
                parts.socket.close(1012, "")
            case "gone" if not self.over:
                self.over = True
                exchange.client_gone()
            case "half" if not accepted and not self.over:
                exchange.half_closed()
            case "abandon" if not self.over and not parts.carrier.was_reset:
                self.over = True
                exchange.abandon()
            case "congest":
                parts.carrier.congested = True
            case "resume":
                parts.carrier.congested = False
                exchange.resume_sending()
            case _:
                await turns(2)


@settings(max_examples=400, deadline=None)
@given(script=steps, accepts=st.booleans(), stubborn=st.booleans(), happenings=events, reads=st.booleans())
def test_any_application_against_any_client(
    script: list[Any], accepts: bool, stubborn: bool, happenings: list[str], reads: bool
) -> None:
    records: list[str] = []

    def note(record: Any) -> None:
        records.append(type(record).__name__)

    listeners = Listeners(
        request_started=note, response_started=note, response_completed=note, client_disconnected=note
    )
    actor = Actor(script, accepts=accepts, stubborn=stubborn)

    async def main() -> None:
        parts = Parts(actor, listeners=listeners, max_queue=3)
        parts.carrier.congested = not reads
        wire = Wire(parts)
        await parts.start()
        for event in happenings:
            await wire.do(event)
        await turns(5)
        if reads:
            await wire.do("resume")
        await wire.do("gone")
        await turns(20)
        assert not parts.context.running, "it waits for something that nobody will do"

    run_virtually(main)
    assert records.count("RequestStarted") == records.count("ResponseCompleted") == 1
    assert records.count("ResponseStarted") <= 1
    assert records.count("ClientDisconnected") <= 1
    kinds = [message["type"].removeprefix("websocket.") for message in actor.received]
    order = ["connect"] * kinds.count("connect") + ["receive"] * kinds.count("receive")
    assert kinds[: len(order)] == order
    assert set(kinds[len(order) :]) <= {"disconnect"}
    assert kinds.count("connect") == min(1, len(kinds))
    texts = [message["text"] for message in actor.received if "text" in message]
    assert texts == [f"{i}" for i in range(len(texts))]
