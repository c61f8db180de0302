"""Every test here runs over TLS too."""

from __future__ import annotations

import pytest

from pounce_testing import SHARING_VARIANTS, Variant
from pounce_testing.fixtures import installed


@pytest.fixture(params=SHARING_VARIANTS, ids=lambda variant: variant.name)
def variant(request: pytest.FixtureRequest) -> Variant:
    """Each way to serve that shares objects with its test."""
    return installed(request.param)
