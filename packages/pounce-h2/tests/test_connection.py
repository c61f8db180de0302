"""Requests and responses on one connection: an h2 client on the other side of a fake transport."""

from __future__ import annotations

from h2_doubles import GET, Conversation, converse, echo


def test_a_request_is_answered() -> None:
    async def scenario() -> None:
        talk = Conversation()
        answer = await talk.ask()
        assert answer.status == 200
        assert answer.body == b"hello /"
        assert dict(answer.fields)[b"content-length"] == b"7"
        assert answer.ended
        assert answer.reset is None

    converse(scenario)


def test_bodies_of_any_size_come_back() -> None:
    async def scenario() -> None:
        talk = Conversation(echo)
        for size in (0, 1, 16_384, 65_535, 3_000_000):
            answer = await talk.ask(body=b"x" * size)
            assert (answer.status, len(answer.body), answer.ended) == (200, size, True)

    converse(scenario)


def test_a_hundred_streams_in_parallel() -> None:
    async def scenario() -> None:
        talk = Conversation()
        await talk.talk()
        ids = [talk.begin([*GET[:2], (b":path", b"/%d" % number), GET[3]]) for number in range(100)]
        await talk.talk()
        for number, stream_id in enumerate(ids):
            assert talk.answer(stream_id).body == b"hello /%d" % number

    converse(scenario)
