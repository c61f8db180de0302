"""QUIC connections on aioquic or qh3. Nothing else of the package imports either."""

from __future__ import annotations

from pounce_h3.engine.engines import Engines
from pounce_h3.engine.libraries import default_library, installed_libraries, load_library
from pounce_h3.engine.quic_engine import QuicEngine

__all__ = ["Engines", "QuicEngine", "default_library", "installed_libraries", "load_library"]
