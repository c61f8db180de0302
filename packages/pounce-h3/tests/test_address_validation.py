"""Tokens of Retry packets."""

from __future__ import annotations

from typing import Any

import pytest

from pounce_h3.address_validation import (
    BEGINNINGS,
    LIFETIME,
    OPEN_HANDSHAKES,
    Beginnings,
    RetryTokens,
    TokenExpired,
    wants_retry,
)

CLIENT = ("192.0.2.1", 4433)
ORIGINAL = b"original"
SOURCE = b"8 bytes!"
NOW = 1000.0
TOKENS = RetryTokens(b"k" * 32)
TOKEN = TOKENS.new(CLIENT, ORIGINAL, SOURCE, NOW)


@pytest.mark.parametrize(
    ("changed", "original", "why"),
    [
        ({}, ORIGINAL, "as it was made"),
        ({"now": NOW + LIFETIME}, ORIGINAL, "at the end of its life"),
        ({"client": ("192.0.2.2", 4433)}, None, "another host"),
        ({"client": ("192.0.2.1", 4434)}, None, "another port"),
        ({"destination_id": b"8 Bytes!"}, None, "for another ID"),
        ({"token": b""}, None, "none"),
        ({"token": b"a token of somebody else's, long enough to be looked at closely"}, None, "of another kind"),
        ({"token": TOKEN[:-1]}, None, "cut off"),
        ({"token": TOKEN + b"x"}, None, "prolonged"),
        ({"token": TOKEN[:5] + bytes((TOKEN[5] ^ 1,)) + TOKEN[6:]}, None, "its time was changed"),
        ({"token": TOKEN[:10] + b"x" + TOKEN[11:]}, None, "its ID was changed"),
        ({"token": TOKEN[:-1] + bytes((TOKEN[-1] ^ 1,))}, None, "its seal was changed"),
    ],
)
def test_a_token_is_its_clients_alone(changed: dict[str, Any], original: bytes | None, why: str) -> None:
    call: dict[str, Any] = {"token": TOKEN, "client": CLIENT, "destination_id": SOURCE, "now": NOW}
    assert TOKENS.check(**(call | changed)) == original, why


def test_every_worker_of_the_server_can_check_it_and_no_other_server() -> None:
    assert RetryTokens(b"k" * 32).check(TOKEN, CLIENT, SOURCE, NOW + 1) == ORIGINAL
    assert RetryTokens(b"o" * 32).check(TOKEN, CLIENT, SOURCE, NOW + 1) is None


@pytest.mark.parametrize("now", [NOW + LIFETIME + 0.001, NOW + 1e6, NOW - 1])
def test_an_old_token_is_told_from_a_wrong_one(now: float) -> None:
    with pytest.raises(TokenExpired):
        TOKENS.check(TOKEN, CLIENT, SOURCE, now)


@pytest.mark.parametrize("original", [b"x" * 8, b"x" * 20])
def test_the_first_id_of_a_client_has_any_length(original: bytes) -> None:
    assert TOKENS.check(TOKENS.new(CLIENT, original, SOURCE, NOW), CLIENT, SOURCE, NOW) == original


def test_ids_and_hosts_cannot_be_shifted_into_each_other() -> None:
    token = TOKENS.new(("a", 1), b"original", b"12345678", NOW)
    assert TOKENS.check(token, ("8a", 1), b"1234567", NOW) is None


@pytest.mark.parametrize(
    ("policy", "handshakes", "beginnings", "wanted"),
    [
        ("always", 0, 1.0, True),
        ("never", 10**6, 1e6, False),
        ("auto", 0, 1.0, False),
        ("auto", OPEN_HANDSHAKES - 1, BEGINNINGS, False),
        ("auto", OPEN_HANDSHAKES, 1.0, True),
        ("auto", 0, BEGINNINGS + 0.1, True),
    ],
)
def test_when_proof_is_asked_for(policy: Any, handshakes: int, beginnings: float, wanted: bool) -> None:
    assert wants_retry(policy, handshakes, beginnings) is wanted


@pytest.mark.parametrize(("rate", "many"), [(10, False), (80, False), (120, True), (5000, True)])
def test_beginnings_are_counted_by_the_second(rate: int, many: bool) -> None:
    beginnings = Beginnings(NOW)
    for number in range(10 * rate):
        count = beginnings.one_more(NOW + number / rate)
    assert count == pytest.approx(rate, rel=0.1)
    assert (count > BEGINNINGS) is many
    assert beginnings.one_more(NOW + 15) < BEGINNINGS


def test_a_clock_that_goes_back_makes_no_more_of_them() -> None:
    beginnings = Beginnings(NOW)
    assert beginnings.one_more(NOW) == 1
    assert beginnings.one_more(NOW - 1000) == 2
