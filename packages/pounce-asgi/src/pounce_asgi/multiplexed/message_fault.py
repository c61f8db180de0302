"""What a client does wrong within one message, whatever version of HTTP carries it."""

# ruff: noqa: N818 - the name says what happened; a suffix would add nothing.

from __future__ import annotations

__all__ = ["MessageFault"]


class MessageFault(Exception):
    """A request is malformed (RFC 9113, 8.1.1; RFC 9114, 4.1.2). Its wire ends the stream with the code that it has
    for that: PROTOCOL_ERROR, or H3_MESSAGE_ERROR. The others go on.
    """
