"""The route that a framework has matched, from what it leaves in the scope. Pure.

Starlette and FastAPI leave the route object and where it is mounted, Litestar the template. Who leaves nothing (Django,
Flask, Quart) has no ``http.route``: a path must not stand for it, because anybody can invent paths.
"""

from __future__ import annotations

from typing import Any

__all__ = ["route_of"]


def route_of(scope: Any) -> str | None:
    """The template of the path, such as ``/users/{id}``, with the application's root; None when it is not known."""
    template = scope.get("path_template")
    if isinstance(template, str) and template:
        return template
    route = scope.get("route")
    if route is None:
        return None
    path = route if isinstance(route, str) else _path_of(_included(scope, route))
    if not isinstance(path, str):
        return None
    root = scope.get("root_path") or ""
    if root:
        root = _as_template(root, scope.get("path_params") or {}, path)
    if hasattr(route, "routes"):  # a mount that nothing below has made more precise: its path is in the root already
        return root or path or None
    return (root + path) or None


def _included(scope: Any, route: Any) -> Any:
    """The route as FastAPI (from 0.137 on) knows it below the prefixes of the routers that include it."""
    known = scope.get("fastapi")
    effective = known.get("effective_route_context") if isinstance(known, dict) else None
    return effective if getattr(effective, "original_route", None) is route else route


def _path_of(route: Any) -> Any:
    # A converter such as {id:int} is left out where the framework can say it without.
    return getattr(route, "path_format", None) or getattr(route, "path", None)


def _as_template(root: str, parameters: Any, path: str) -> str:
    """The path of mounts with the names of their parameters: Starlette tells their values, of which there is no end."""
    names = {str(value): name for name, value in parameters.items() if f"{{{name}" not in path}
    if not names:
        return root
    return "/".join(f"{{{names[part]}}}" if part in names else part for part in root.split("/"))
