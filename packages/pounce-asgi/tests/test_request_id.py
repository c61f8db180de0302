"""UUIDs of version 7, judged by the standard library's UUID class and by RFC 9562."""

from __future__ import annotations

import uuid

import pytest

from pounce_asgi import RequestIdGenerator

MILLISECOND = 1_000_000


def at(*times_ms: int) -> RequestIdGenerator:
    """A generator whose clock shows these milliseconds one after another."""
    clock = iter([time * MILLISECOND for time in times_ms])
    return RequestIdGenerator(now_ns=lambda: next(clock))


def test_the_example_of_the_rfc() -> None:
    # RFC 9562, A.6: 2022-02-22 19:22:22 UTC, with these random bits.
    rand_a, rand_b = 0xCC3, 0x18C4DC0C0C07398F
    counter = rand_a << 30 | rand_b >> 32
    entropy = counter.to_bytes(6, "big") + (rand_b & 0xFFFF_FFFF).to_bytes(4, "big")
    # Our counter begins in its lower half, so the highest of its bits is lost.
    generator = RequestIdGenerator(
        now_ns=lambda: 0x017F22E279B0 * MILLISECOND, entropy=lambda size: entropy.ljust(size)
    )
    assert generator() == "017f22e2-79b0-74c3-98c4-dc0c0c07398f"


def test_version_variant_and_time() -> None:
    one = uuid.UUID(at(0x0123_4567_89AB)())
    assert one.version == 7
    assert one.variant == uuid.RFC_4122
    assert one.int >> 80 == 0x0123_4567_89AB


def test_the_form_is_canonical() -> None:
    text = RequestIdGenerator()()
    assert text == str(uuid.UUID(text))


@pytest.mark.parametrize(
    "times",
    [
        pytest.param([5] * 3000, id="within a millisecond"),
        pytest.param(list(range(1, 3000)), id="over milliseconds"),
        pytest.param([1000, 999, 1, 1000, 1001, 1000], id="clock set back"),
    ],
)
def test_each_is_greater_than_the_one_before(times: list[int]) -> None:
    generator = at(*times)
    made = [generator() for _ in times]
    assert made == sorted(set(made))


def test_a_counter_that_overflows_borrows_a_millisecond() -> None:
    generator = at(7, 7, 7)
    generator()
    generator._counter = (1 << 42) - 2
    before, after = uuid.UUID(generator()), uuid.UUID(generator())
    assert (before.int >> 80, after.int >> 80) == (7, 8)
    assert before < after


def test_two_workers_differ() -> None:
    assert at(1)() != at(1)()


def test_entropy_is_never_used_twice() -> None:
    # Every byte of entropy is different here: equal tails would mean that some of it served twice.
    stream = iter(range(1, 1 << 30))
    generator = RequestIdGenerator(
        now_ns=lambda: 0, entropy=lambda size: b"".join(next(stream).to_bytes(4, "big") for _ in range(size // 4))
    )
    tails = [generator()[-8:] for _ in range(2000)]
    assert len(set(tails)) == len(tails)
