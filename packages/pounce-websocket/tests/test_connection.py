"""Conversations: accepting, messages in both directions, and every way in which they end."""

from __future__ import annotations

from websocket_doubles import BINARY, Conversation, Echo, close, frame, run, text


def test_an_accepted_handshake_is_answered_with_the_proof() -> None:
    async def main() -> None:
        talk = await Conversation(Echo()).start()
        assert talk.carrier.accepted == {b"sec-websocket-accept": b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}  # RFC 6455, 1.3

    run(main)


def test_messages_come_back() -> None:
    async def main() -> None:
        app = Echo()
        talk = await Conversation(app).start()
        await talk.say(text("hello") + frame(BINARY, b"\x00\xff"), text("wörld"))
        assert talk.messages == ["hello", b"\x00\xff", "wörld"]
        await talk.say(close(1001, "bye"))
        assert talk.goodbye == (1001, "bye")
        assert app.disconnect == (1001, "bye")
        assert talk.carrier.finished
        assert not talk.context.running
        assert not talk.host.watched

    run(main)
