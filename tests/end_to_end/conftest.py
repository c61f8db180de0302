"""What the tests of whole servers share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pounce_testing.fixtures import running_servers, serve_shared
from tests.end_to_end.signals import Signals

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["running_servers", "serve_shared", "signals"]


@pytest.fixture
def signals(tmp_path: Path) -> Signals:
    """Events of this test, which an application sees in whatever process it runs."""
    return Signals(tmp_path)
