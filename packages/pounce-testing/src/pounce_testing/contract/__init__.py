"""What every HTTP/1.1 parser, wire protocol and worker of Pounce has to keep, as tests to inherit from.

Who writes one of their own derives a test class, says how it is made, and gets all of the tests::

    class TestMyEngine(Http1EngineContract):
        def make_engine(self, limits):
            return MyEngine(limits)

They need pytest.
"""

from __future__ import annotations

from pounce_testing.contract.http1_engine import Http1EngineContract
from pounce_testing.contract.wire import WireContract
from pounce_testing.contract.wire_client import Http1WireClient, WireAnswer, WireClient
from pounce_testing.contract.worker import WorkerContract

__all__ = [
    "Http1EngineContract",
    "Http1WireClient",
    "WireAnswer",
    "WireClient",
    "WireContract",
    "WorkerContract",
]
