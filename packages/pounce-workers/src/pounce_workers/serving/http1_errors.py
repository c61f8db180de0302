"""The parser's errors where a connection catches them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pounce_http1 import LimitExceeded

if TYPE_CHECKING:
    from pounce_http1 import RemoteProtocolError

__all__ = ["forget_way", "setting_of"]


def forget_way(error: RemoteProtocolError) -> None:
    """The reader keeps its error, which would keep the reader by the way that it came, until garbage is collected."""
    error.__traceback__ = error.__context__ = None


def setting_of(error: RemoteProtocolError) -> str:
    """The limit that was reached, if it was one."""
    return error.setting if isinstance(error, LimitExceeded) else ""
