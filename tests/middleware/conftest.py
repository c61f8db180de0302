"""What the tests of middleware in whole servers share."""

from __future__ import annotations

from pounce_testing.fixtures import running_servers, serve, serve_shared, variant

__all__ = ["running_servers", "serve", "serve_shared", "variant"]
