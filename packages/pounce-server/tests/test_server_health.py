"""What a server says to those who ask whether it is ready."""

from __future__ import annotations

import pytest

from pounce.server_health import Health


@pytest.mark.parametrize(
    ("draining", "turning", "reasons"),
    [
        (False, True, []),
        (True, True, ["draining"]),
        (False, False, ["a worker is stalled"]),
        (True, False, ["draining"]),
    ],
)
def test_reasons(draining: bool, turning: bool, reasons: list[str]) -> None:
    health = Health(30.0)
    health.draining = lambda: draining
    health.turning = lambda within: turning and within == 30.0
    assert health.reasons() == reasons
    assert health.ready() is not bool(reasons)


def test_who_knows_nothing_is_ready() -> None:
    assert Health(1.0).ready()
