"""Where a server is mounted, and the path below it: settings name paths as the application has them."""

from __future__ import annotations

from typing import Any

__all__ = ["below", "path_below_root"]


def below(path: str, root_path: str) -> str:
    """The path below where the application is mounted: ``root_path`` is the beginning of ``path`` (ASGI HTTP 2.5).

    Servers that leave it out of ``path`` are understood too. The mount without its slash is ``""``.
    """
    prefix = root_path.rstrip("/")
    if path.startswith(prefix) and (len(path) == len(prefix) or path[len(prefix)] == "/"):
        return path[len(prefix) :]
    return path


def path_below_root(scope: Any) -> str:
    """The path of a request without the scope's ``root_path``; the mount itself is ``/``.

    A server puts its root path before what it was asked for. Who comes directly asks for ``/healthz``, who comes
    through a proxy that leaves the prefix in for ``/api/healthz``: so the root path may be there twice.
    """
    path: str = scope["path"]
    root_path = scope.get("root_path")
    if not root_path:
        return path
    return below(below(path, root_path), root_path) or "/"
