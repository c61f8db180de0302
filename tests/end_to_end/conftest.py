"""What the tests of whole servers share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pounce_testing import SHARING_VARIANTS, Variant
from pounce_testing.fixtures import installed, running_servers, serve_shared
from tests.end_to_end.signals import Signals

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["running_servers", "serve_shared", "signals", "variant"]


@pytest.fixture(params=SHARING_VARIANTS, ids=lambda variant: variant.name, scope="module")
def variant(request: pytest.FixtureRequest) -> Variant:
    """Each way to serve that shares objects with its test, over TLS too."""
    return installed(request.param)


@pytest.fixture
def signals(tmp_path: Path) -> Signals:
    """Events of this test, which an application sees in whatever process it runs."""
    return Signals(tmp_path)
