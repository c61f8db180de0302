"""The fixtures under test are used as anybody would use them."""

from __future__ import annotations

from pounce_testing.fixtures import serve, variant

__all__ = ["serve", "variant"]
