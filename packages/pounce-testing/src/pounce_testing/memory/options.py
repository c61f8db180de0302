"""What a request in memory may be given, whichever client sends it."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - part of a TypedDict
from typing import Any, TypedDict

from pounce_testing.memory.request_bytes import Body, HeaderInput  # noqa: TC001 - part of a TypedDict

__all__ = ["RequestOptions"]


class RequestOptions(TypedDict, total=False):
    """All may be left out."""

    headers: HeaderInput
    """A mapping, or pairs. They take the place of those that the client would send by itself."""
    params: Mapping[str, str]
    """A query, behind that of the path."""
    content: Body
    """The body: bytes, text, or pieces, which are sent in chunks."""
    json: Any
    """The body as JSON."""
