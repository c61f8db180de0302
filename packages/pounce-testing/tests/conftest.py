"""The fixtures under test are used as anybody would use them."""

from __future__ import annotations

from pounce_testing.fixtures import running_servers, serve, serve_shared, variant

__all__ = ["running_servers", "serve", "serve_shared", "variant"]
