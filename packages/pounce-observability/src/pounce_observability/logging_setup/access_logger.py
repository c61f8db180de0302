"""The logger of access lines, and whether it is as we set it up, so that its lines may be written directly."""

from __future__ import annotations

import logging
from typing import Final

__all__ = ["ACCESS", "ROOT", "AccessHandler", "is_ours"]

ROOT: Final = "pounce"
ACCESS: Final = "pounce.access"


class AccessHandler(logging.StreamHandler):  # type: ignore[type-arg] # generic only in typeshed
    """Marks that ``pounce.access`` is as we set it up."""


def is_ours(logger: logging.Logger) -> bool:
    """Whether no program has given it handlers."""
    return len(logger.handlers) == 1 and isinstance(logger.handlers[0], AccessHandler)
