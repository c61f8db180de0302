"""What the tests that cross packages share."""

from __future__ import annotations

import os
import shutil

import pytest

from pounce_testing.fixtures import serve, variant

__all__ = ["curl", "serve", "variant"]


@pytest.fixture(scope="session")
def curl() -> str:
    """The path of curl. Without it a test is skipped, but not where everything has to be tested."""
    found = shutil.which("curl")
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("curl is not installed, and with CI=true nothing is skipped")
    if found is None:
        pytest.skip("CURL IS NOT INSTALLED: this test has not run")
    return found
