"""Two machines on a link that cuts anyhow: wsproto plays the client, and says the same as we do about every message.

Invariants: whatever a client sends is echoed in order and unchanged, pings are answered in order, the goodbye is heard
by both sides, and whatever bytes come, nothing but our own errors goes out of the reader.
"""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from websocket_doubles import Conversation, Echo, frame, run, turns, with_fields
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.extensions import Extension, PerMessageDeflate

from pounce_websocket.deflate import Inflater
from pounce_websocket.errors import ConversationFailed
from pounce_websocket.extension_offers import DeflateParameters
from pounce_websocket.reader import FrameReader

contents = (
    st.text(max_size=200)
    | st.binary(max_size=200)
    | st.sampled_from(["x" * 126, "ä" * 5000, b"\0" * 70_000, "compress me " * 200])
)
messages = st.tuples(contents, st.integers(1, 4))
"""What is said, and in how many fragments."""
actions = st.lists(messages | st.binary(max_size=125).map(Ping), max_size=8)
offers = st.sampled_from(
    [
        None,
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9",
    ]
)


class Client:
    """wsproto on the other end of the link."""

    def __init__(self, agreed: bytes | None) -> None:
        extensions: list[Extension] = []
        if agreed is not None:
            deflate = PerMessageDeflate()
            deflate.finalize(agreed.decode())
            extensions.append(deflate)
        self.machine = Connection(ConnectionType.CLIENT, extensions)
        self.contents: list[str | bytes] = []
        self.pongs: list[bytes] = []
        self._parts: list[Any] = []
        self.goodbye: tuple[int, str | None] | None = None

    def say(self, content: str | bytes, fragments: int) -> bytes:
        event: Any = TextMessage if isinstance(content, str) else BytesMessage
        cuts = [len(content) * i // fragments for i in range(fragments + 1)]
        parts = [content[cuts[i] : cuts[i + 1]] for i in range(fragments)]
        return b"".join(
            self.machine.send(event(data=part, message_finished=i == fragments - 1)) for i, part in enumerate(parts)
        )

    def hear(self, data: bytes) -> bytes:
        """What the server said; gives the answer to its goodbye."""
        self.machine.receive_data(data)
        answer = b""
        for event in self.machine.events():
            if isinstance(event, (TextMessage, BytesMessage)):
                self._parts.append(event.data)
                if event.message_finished:
                    self.contents.append("".join(self._parts) if isinstance(event.data, str) else b"".join(self._parts))
                    self._parts = []
            elif isinstance(event, Pong):
                self.pongs.append(bytes(event.payload))
            elif isinstance(event, CloseConnection):
                self.goodbye = (event.code, event.reason)
                if self.machine.state.name == "REMOTE_CLOSING":
                    answer = self.machine.send(event.response())
        return answer


def chopped(data: bytes, sizes: list[int]) -> list[bytes]:
    """The bytes in pieces of these sizes, again and again; in larger ones where there are very many."""
    least = len(data) // 500
    pieces = []
    position = turn = 0
    while position < len(data):
        size = sizes[turn % len(sizes)] + least
        pieces.append(data[position : position + size])
        position += size
        turn += 1
    return pieces


chops = st.lists(st.integers(1, 50) | st.integers(1, 100_000), min_size=1, max_size=5)


def handshake(offer: str | None) -> Any:
    return with_fields(*([] if offer is None else [(b"sec-websocket-extensions", offer.encode())]))


@settings(max_examples=60, deadline=None)
@given(said=actions, offer=offers, chop=chops, queue=st.sampled_from([1, 3, 32]), patient=st.booleans())
def test_everything_comes_back(said: list[Any], offer: str | None, chop: list[int], queue: int, patient: bool) -> None:
    async def main() -> None:
        app = Echo()
        talk = await Conversation(app, handshake(offer), ws_max_queue=queue).start()
        assert talk.carrier.accepted is not None
        client = Client(talk.carrier.accepted.get(b"sec-websocket-extensions"))
        wire = b"".join(client.machine.send(one) if isinstance(one, Ping) else client.say(*one) for one in said)
        wire += client.machine.send(CloseConnection(code=4001, reason="ende"))
        for piece in chopped(wire, chop):
            talk.connection.data_received(piece)
            if patient or talk.carrier.paused:
                await turns(2)
        await turns(20)
        client.hear(talk.carrier.written)
        assert client.contents == [one[0] for one in said if not isinstance(one, Ping)]
        assert client.pongs == [one.payload for one in said if isinstance(one, Ping)]
        assert client.goodbye == (4001, "ende")
        assert app.disconnect == (4001, "ende")
        assert talk.carrier.finished

    run(main)


@settings(max_examples=60, deadline=None)
@given(said=st.lists(contents, max_size=8), offer=offers, chop=chops, code=st.sampled_from([1000, 1011, 3000, 4999]))
def test_everything_arrives(said: list[str | bytes], offer: str | None, chop: list[int], code: int) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for content in said:
            await send({"type": "websocket.send", "text" if isinstance(content, str) else "bytes": content})
            await asyncio.sleep(0)
        await send({"type": "websocket.close", "code": code, "reason": "genug"})

    async def main() -> None:
        talk = await Conversation(app, handshake(offer)).start()
        await turns(20)
        assert talk.carrier.accepted is not None
        client = Client(talk.carrier.accepted.get(b"sec-websocket-extensions"))
        collected = [client.hear(piece) for piece in chopped(talk.carrier.written, chop)]
        assert "".join(map(str, client.contents)) == "".join(map(str, said))
        assert client.goodbye == (code, "genug")
        for piece in chopped(b"".join(collected), chop):
            talk.connection.data_received(piece)
        assert talk.carrier.finished

    run(main)


frames = st.builds(
    frame,
    st.integers(0, 15),
    st.binary(max_size=140),
    fin=st.booleans(),
    rsv=st.sampled_from([0, 0, 0, 4, 2, 7]),
    mask=st.sampled_from([b"\x01\x02\x03\x04", b"\0\0\0\0", b"\xff\xfe\xfd\xfc", None]),
)


class Silent:
    def message_received(self, message: dict[str, Any], size: int) -> bool:
        return size % 3 == 0

    def wants_message(self) -> bool:
        return True

    def ping_received(self, payload: bytes) -> None:
        assert len(payload) < 126

    def close_received(self, code: int, reason: str) -> None:
        assert 1000 <= code < 5000


@settings(max_examples=300, deadline=None)
@given(wire=st.lists(frames, max_size=6).map(b"".join) | st.binary(max_size=300), chop=chops, compressed=st.booleans())
def test_whatever_comes_only_our_own_errors_go_out(wire: bytes, chop: list[int], compressed: bool) -> None:
    reader = FrameReader(Silent(), 1000, Inflater(DeflateParameters(), 1000) if compressed else None)
    whole = FrameReader(Silent(), 1000, Inflater(DeflateParameters(), 1000) if compressed else None)
    ends: list[int | None] = []
    for machine, pieces in ((reader, chopped(wire, chop)), (whole, [wire])):
        try:
            for piece in pieces:
                stopped = machine.receive_data(piece)
                while stopped:
                    stopped = machine.receive_data(b"")
            ends.append(None)
        except ConversationFailed as error:
            ends.append(error.code)
    assert ends[0] == ends[1], "where the bytes are cut changes what they mean"
