"""What keeps an application from being imported a second time in one process, in words that name the cure.

State that lives in an installed package outlives the application's modules. Where it can be set aside cleanly that is
done (``default_metrics.py``); the rest is known here.
"""

from __future__ import annotations

import sys
from typing import Final

__all__ = ["explanation", "obstacle"]

_CURE: Final = "use --worker-kind process, or restart"

_KNOWN: Final = {
    "Duplicated timeseries in CollectorRegistry": (
        "a metric of that name is in the registry already, and the registry outlives the old code;"
        f" give the application's metrics a CollectorRegistry() of its own, or {_CURE}"
    ),
    "is already defined for this MetaData instance": (
        f"these tables are kept by an installed package (SQLModel.metadata), which outlives the old code; {_CURE}"
    ),
}


def obstacle() -> str | None:
    """Why the application in this process cannot be replaced by a fresh import of it; None if nothing is known."""
    apps = getattr(sys.modules.get("django.apps"), "apps", None)
    if getattr(apps, "ready", False):
        return (
            f"Django keeps settings, models and URLs in itself, so threads would serve old and new code mixed; {_CURE}"
        )
    return None


def explanation(error: BaseException | None) -> str | None:
    """What an error of the second import comes from, and the cure; None if that is not known."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        for words, reason in _KNOWN.items():
            if words in str(error):
                return reason
        error = error.__cause__ or error.__context__
    return None
