"""Test applications on a real Pounce server: TestServer and pytest fixtures.

The fixtures are in ``pounce_testing.fixtures``, which alone needs pytest.
"""

from __future__ import annotations

from pounce_testing.client import RawClient, Response, ResponseError
from pounce_testing.matrix import PROTOCOLS, VARIANTS, WORKER_KINDS, Variant
from pounce_testing.server import TestServer

__all__ = ["PROTOCOLS", "VARIANTS", "WORKER_KINDS", "RawClient", "Response", "ResponseError", "TestServer", "Variant"]
