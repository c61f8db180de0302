"""What the tests of known failures share."""

from __future__ import annotations

from pounce_testing.fixtures import serve
from tests.end_to_end.conftest import running_servers, serve_shared, signals, variant

__all__ = ["running_servers", "serve", "serve_shared", "signals", "variant"]
