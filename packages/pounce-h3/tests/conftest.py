"""Where the tests of HTTP/3 find each other's doubles."""

from __future__ import annotations

import pathlib
import sys

import pytest

# The tests are no package: this is how they find the doubles that lie beside them.
sys.path.insert(0, str(pathlib.Path(__file__).parent))


@pytest.fixture(autouse=True)
def _turns_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a connection does in one turn depends on how fast the machine is. Where that matters, tests say how much."""
    monkeypatch.setattr("pounce_h3.turn.QUIC_TURN_SECONDS", 60.0)
