"""What a worker is given: handshakes judged, WebSockets made."""

from __future__ import annotations

import dataclasses

import pytest
from websocket_doubles import Conversation, Echo, Head, run, text

from pounce_websocket import HandshakeRefused


def test_a_refused_handshake_makes_no_websocket() -> None:
    async def main() -> None:
        with pytest.raises(HandshakeRefused):
            Conversation(Echo(), dataclasses.replace(Head(), method="POST"))

    run(main)


def test_the_settings_are_those_of_each_websocket() -> None:
    async def main() -> None:
        talk = await Conversation(Echo(), ws_max_size=5, ws_max_queue=7).start()
        assert talk.connection.exchange.max_queue == 7
        await talk.say(text("12345"))
        await talk.say(text("123456"))
        assert talk.messages == ["12345"]
        assert talk.goodbye == (1009, "a message is larger than 5 bytes")

    run(main)
