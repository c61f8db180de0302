"""Whether a client is shown HTML, JSON or plain text (RFC 9110, 12.5.1)."""

from __future__ import annotations

from typing import Any, Final, Literal

from pounce_asgi.headers import combined, list_elements

__all__ = ["Form", "wanted_form"]

Form = Literal["html", "json", "text"]

_HTML: Final = frozenset({"text/html", "application/xhtml+xml"})


def wanted_form(scope: Any) -> Form:
    """What the client names with the highest weight. ``*/*`` alone is a program, which prints what it gets."""
    best: tuple[float, Form] = (0.0, "text")
    for element in list_elements(combined(scope["headers"], b"accept") or b""):
        media, *parameters = (part.strip() for part in element.decode("latin-1").lower().split(";"))
        form: Form
        if media in _HTML:
            form = "html"
        elif media == "application/json" or media.endswith("+json"):
            form = "json"
        elif media == "text/plain":
            form = "text"
        else:
            continue
        weight = _weight(parameters)
        if weight > best[0]:  # of equal ones the first
            best = (weight, form)
    return best[1]


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
