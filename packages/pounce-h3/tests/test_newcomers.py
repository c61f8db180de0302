"""What becomes of datagrams that no connection knows."""

from __future__ import annotations

from typing import Any

import pytest
from endpoint_doubles import KEYS, Stage, initial, path, short

from pounce_h3.address_validation import BEGINNINGS, LIFETIME, OPEN_HANDSHAKES, RetryTokens
from pounce_h3.reset_tokens import RESETS_PER_SECOND, ResetTokens
from pounce_h3.routing import ConnectionIds

IDS = ConnectionIds(KEYS.connection_ids)
TOKENS = RetryTokens(KEYS.retry_tokens)


def test_an_initial_begins_a_connection() -> None:
    stage = Stage()
    stage.receive(initial(b"original"))
    (quic,) = stage.engines.made
    assert quic.options["original_destination_id"] == b"original"
    assert quic.options["retry_source_id"] is None
    assert quic.options["now"] == stage.loop.now
    assert IDS.ours(quic.options["new_connection_id"]())
    assert quic.options["reset_token"](b"x") == ResetTokens(KEYS.reset_tokens).token(b"x")
    assert quic.received == [([initial(b"original")], ("192.0.2.1", 4433))]
    quic.complete()
    (connection,) = stage.host.connections
    assert connection.quic is quic
    assert connection.peer.client == ("192.0.2.1", 4433)
    assert connection.peer.server == ("198.51.100.1", 443)
    assert connection.peer.scheme == "https"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "nothing"),
        (b"\xc0", "no whole header"),
        (initial(size=1199), "smaller than an Initial may be (RFC 9000, 14.1)"),
        (initial(version=0), "Version Negotiation (RFC 9000, 6.1)"),
        (initial(version=0xABCD, size=1199), "of another version, and small (RFC 9000, 6.1)"),
        (initial(kind=1), "0-RTT before its Initial"),
        (initial(kind=2), "a Handshake of nobody"),
        (initial(kind=3), "a Retry, which servers send"),
        (short(b"8 bytes!", 21), "too small to be answered (RFC 9000, 10.3.3)"),
    ],
)
def test_what_may_not_be_answered_is_not(data: bytes, why: str) -> None:
    stage = Stage()
    stage.receive(data)
    assert not stage.engines.made, why
    assert not stage.link.sent, why


def test_another_version_is_told_ours() -> None:
    stage = Stage()
    stage.receive(initial(b"x" * 30, b"mine", version=0xABCD))
    ((answer, by),) = stage.link.sent
    assert answer[1:5] == b"\0\0\0\0"
    assert answer.endswith(b"\0\0\0\1\x6b\x33\x43\xcf")
    assert by == path()
    assert len(answer) < 1200


# -- Retry -------------------------------------------------------------------------------------------------------------


def test_with_always_the_first_initial_gets_a_retry_and_nothing_is_kept() -> None:
    stage = Stage(retry="always")
    stage.receive(initial(b"original", b"client"))
    assert stage.link.sent == [(b"RETRY", path())]
    assert not stage.engines.made
    assert stage.endpoint.connections == 0
    (retry,) = stage.engines.retries
    assert retry["version"] == 1
    assert retry["destination_id"] == b"client"
    assert retry["original_destination_id"] == b"original"
    assert IDS.ours(retry["source_id"])

    # Any worker of the server takes it up.
    other = Stage(retry="always")
    other.receive(initial(retry["source_id"], token=retry["token"]))
    (quic,) = other.engines.made
    assert quic.options["original_destination_id"] == b"original"
    assert quic.options["retry_source_id"] == retry["source_id"]
    assert not other.link.sent


def _token(**changed: Any) -> bytes:
    call: dict[str, Any] = {"client": ("192.0.2.1", 4433), "original_id": b"original", "source_id": b"8 bytes!"}
    return TOKENS.new(**({"now": 100.0} | call | changed))


@pytest.mark.parametrize(
    ("token", "answer", "why"),
    [
        (_token(), "connection", "as it was given"),
        (_token(client=("192.0.2.9", 4433)), "retry", "somebody else's"),
        (_token(source_id=b"8 Bytes!"), "retry", "for another ID"),
        (b"\xa7" + b"x" * 60, "retry", "forged"),
        (b"of another server", "retry", "of another server"),
        (_token(now=100.0 - LIFETIME - 1), None, "too old: a second Retry would be ignored (RFC 9000, 17.2.5.2)"),
    ],
)
def test_a_token_is_checked(token: bytes, answer: str | None, why: str) -> None:
    stage = Stage(retry="always")
    stage.receive(initial(b"8 bytes!", token=token))
    assert (len(stage.engines.made), len(stage.engines.retries)) == {
        "connection": (1, 0),
        "retry": (0, 1),
        None: (0, 0),
    }[answer], why


def test_with_auto_proof_is_asked_for_while_many_handshakes_are_open() -> None:
    stage = Stage(retry="auto")
    for number in range(OPEN_HANDSHAKES + 50):
        stage.receive(initial(b"spoof%05d" % number), by=path(("203.0.113.7", number)))
    assert stage.endpoint.open_handshakes == len(stage.engines.made) == OPEN_HANDSHAKES
    assert len(stage.engines.retries) == 50
    # Those that prove their address come in all the same.
    token = stage.engines.retries[-1]
    by = path(("203.0.113.7", OPEN_HANDSHAKES + 49))
    stage.receive(initial(token["source_id"], token=token["token"]), by=by)
    assert len(stage.engines.made) == OPEN_HANDSHAKES + 1
    # And when the handshakes are done, everybody does.
    for quic in stage.engines.made:
        quic.complete()
        quic.user.transport.want_flush()
    stage.loop.turn()
    assert stage.endpoint.open_handshakes == 0
    stage.loop.now += 1
    stage.receive(initial(b"one more"))
    assert len(stage.engines.retries) == 50


def test_with_auto_proof_is_asked_for_while_many_begin_whatever_becomes_of_them() -> None:
    stage = Stage(retry="auto")

    def flood(count: int) -> None:
        for number in range(count):
            made = len(stage.engines.made)
            stage.receive(initial(b"spoof%05d" % number), by=path(("203.0.113.7", number)))
            if len(stage.engines.made) > made:  # nobody can read it: its engine gives up at once
                stage.engines.made[-1].over = True
                stage.engines.made[-1].user.transport.want_flush()
                stage.loop.turn()
            assert stage.endpoint.open_handshakes == stage.endpoint.connections == 0

    flood(500)
    assert len(stage.engines.made) == BEGINNINGS
    assert len(stage.engines.retries) == 500 - BEGINNINGS
    # Those that prove their address come in all the same.
    token = stage.engines.retries[-1]
    stage.receive(initial(token["source_id"], token=token["token"]), by=path(("203.0.113.7", 499)))
    assert len(stage.engines.made) == BEGINNINGS + 1
    stage.end(stage.engines.made[-1])
    # And some seconds later everybody does.
    stage.loop.now += 5
    flood(50)
    assert len(stage.engines.made) == BEGINNINGS + 51


def test_with_never_nobody_is_asked() -> None:
    stage = Stage(retry="never")
    for number in range(OPEN_HANDSHAKES + 5):
        stage.receive(initial(b"first%05d" % number))
    assert not stage.engines.retries


def test_a_flood_of_initials_is_bounded_and_forgotten() -> None:
    stage = Stage(retry="never", most=50, handshake_timeout=10)
    for number in range(500):
        stage.receive(initial(b"spoof%05d" % number))
    assert stage.endpoint.connections == len(stage.engines.made) == 50
    assert len(stage.link.claimed) == 100
    stage.loop.now += 10
    assert stage.link.timer == stage.loop.now
    stage.endpoint.expire(stage.loop.now)
    stage.loop.turn()
    assert stage.endpoint.connections == stage.endpoint.open_handshakes == 0
    assert not stage.link.claimed
    assert stage.host.came == 0
    assert stage.endpoint.next_timer is None


def test_beyond_the_limit_clients_are_left_to_tcp_and_the_log_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(most=1)
    for number in range(5):
        stage.receive(initial(b"first%05d" % number))
    assert len(stage.engines.made) == 1
    assert not stage.link.sent
    assert [record.getMessage() for record in caplog.records] == [
        "1 QUIC connections are open: no more are taken (--quic-max-connections)"
    ]


# -- other workers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "passed"),
    [
        (initial(b"original"), (b"original", True)),
        (initial(IDS_ID := ConnectionIds(KEYS.connection_ids).new()), (IDS_ID, False)),
        (initial(b"8 bytes!", token=_token()), (b"8 bytes!", True)),
        (initial(b"original", kind=1), (b"original", False)),
        (initial(b"8 bytes!", kind=2), (b"8 bytes!", False)),
        (short(b"8 bytes!"), (b"8 bytes!", False)),
    ],
    ids=["Initial", "Initial of a connection", "Initial after Retry", "0-RTT", "Handshake", "1-RTT"],
)
def test_what_others_may_know_is_passed_on_first(data: bytes, passed: tuple[bytes, bool]) -> None:
    stage = Stage()
    stage.link.takes = lambda connection_id, new: True
    stage.receive(data)
    assert stage.link.passed == [passed]
    assert not stage.engines.made
    assert not stage.link.sent


@pytest.mark.parametrize("data", [initial(b"original", kind=2), short(b"8 bytes!")])
def test_what_was_forwarded_is_not_passed_on_again_nor_answered(data: bytes) -> None:
    stage = Stage()
    stage.receive(data, forwarded=True)
    assert not stage.link.passed
    assert not stage.link.sent


def test_a_forwarded_initial_begins_a_connection() -> None:
    stage = Stage()
    stage.receive(initial(), forwarded=True)
    assert len(stage.engines.made) == 1
    assert not stage.link.passed


# -- stateless resets --------------------------------------------------------------------------------------------------


def test_a_packet_of_nobody_is_answered_by_a_reset() -> None:
    stage = Stage()
    stage.receive(short(b"8 bytes!", 100))
    ((reset, by),) = stage.link.sent
    assert reset.endswith(ResetTokens(KEYS.reset_tokens).token(b"8 bytes!"))
    assert len(reset) < 100
    assert by == path()


def test_resets_are_rationed() -> None:
    stage = Stage()
    for number in range(1000):
        stage.receive(short(b"%08d" % number, 100))
    assert len(stage.link.sent) == RESETS_PER_SECOND
