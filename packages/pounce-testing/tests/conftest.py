"""The fixtures under test are used as anybody would use them."""

from __future__ import annotations

import pathlib
import sys

# The tests are no package: this is how they find the doubles that lie beside them.
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from pounce_testing.fixtures import running_servers, serve, serve_shared, variant
from pounce_testing.plugin import pytest_configure  # its mark, where the package is not installed with its entry point

__all__ = ["pytest_configure", "running_servers", "serve", "serve_shared", "variant"]
