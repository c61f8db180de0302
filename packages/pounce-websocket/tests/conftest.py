"""Where the tests find their doubles."""

from __future__ import annotations

import pathlib
import sys
from typing import TYPE_CHECKING

import pytest

# The tests are no package: this is how they find the doubles that lie beside them.
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from websocket_doubles import illegal_uses

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _no_carrier_was_misused() -> Iterator[None]:
    """No test passes while a WebSocket does what no carrier could do."""
    illegal_uses.clear()
    yield
    assert not illegal_uses


@pytest.fixture(autouse=True)
def _frames_per_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as the tests count with."""
    monkeypatch.setattr("pounce_websocket.reader._FRAMES_PER_TURN", 256)
