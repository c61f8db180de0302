"""A report for programs (JSON) and for terminals (plain text)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pounce_middleware.error_page.frames import Frame
    from pounce_middleware.error_page.report import ErrorReport, ExceptionNode

__all__ = ["as_json", "as_text", "copyable_text"]


def as_text(report: ErrorReport) -> str:
    """What Python writes, the request, and the variables where it happened."""
    parts = [copyable_text(report)]
    if report.error.frames:
        frame = next((one for one in report.error.frames if one.own), report.error.frames[0])
        if frame.variables:
            lines = (f"  {name} = {text}" for name, text in frame.variables)
            parts.append(f"Variables of {frame.function}, {frame.shown_path}:{frame.line}:\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def copyable_text(report: ErrorReport) -> str:
    """What to put into a bug report."""
    request = report.request
    about = f"{request.method} {request.url}\n{report.python}\n"
    if request.request_id:
        about += f"request id: {request.request_id}\n"
    return f"{report.text.rstrip()}\n\n{about}"


def as_json(report: ErrorReport) -> str:
    """The same as an object. ``error`` and ``status`` are what programs look for."""
    request = report.request
    value = {
        "status": 500,
        "error": {"type": report.error.type_name, "message": report.error.message, "notes": report.error.notes},
        "exceptions": [_exception(node) for node in report.chain],
        "request": {
            "method": request.method,
            "url": request.url,
            "http_version": request.http_version,
            "client": request.client,
            "request_id": request.request_id or None,
            "headers": request.headers,
            "query": request.query,
            "cookies": [name for name, _ in request.cookies],
            "path_parameters": dict(request.path_parameters),
            "body": dict(request.body),
        },
        "python": report.python,
        "traceback": report.text.splitlines(),
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def _exception(node: ExceptionNode) -> dict[str, Any]:
    return {
        "type": node.type_name,
        "message": node.message,
        "notes": node.notes,
        "relation": node.relation or None,
        "frames": [_frame(frame) for frame in node.frames],
        "members": [[_exception(one) for one in chain] for chain in node.members],
    }


def _frame(frame: Frame) -> dict[str, Any]:
    return {
        "file": frame.path,
        "line": frame.line,
        "function": frame.function,
        "own": frame.own,
        "source": next((line.text.strip() for line in frame.source if line.current), None),
        "variables": dict(frame.variables),
    }
