"""Which subscriptions belong to which import of the application.

A reload imports the application beside the one that serves. What the new code subscribes to is told by its own workers
alone, and what the old code has subscribed by the old ones, so that nothing is told twice. Subscriptions of everything
else, such as an installed package or the program that runs the server, are told by all workers and stay.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pounce_asgi.subscriptions import SUBSCRIPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pounce_asgi.subscriptions import Subscription

    from .fresh_import import ImportedCode

__all__ = ["end_subscriptions", "heard_by"]


def heard_by(code: ImportedCode) -> Callable[[Subscription], bool]:
    """Whether workers of this code tell a subscription. Takes no lock: another thread may be within an import."""

    def hears(subscription: Subscription) -> bool:
        return all(code.owns_scope(names) is not False for names in subscription.origins)

    return hears


def end_subscriptions(code: ImportedCode, *, undone: bool = False) -> None:
    """The last worker of this code has ended: cancel what it had subscribed, unless it is still the imported one, so
    that it would not subscribe again. ``undone``: it was never to be.
    """

    def ended(subscription: Subscription) -> bool:
        return any(
            code.owns_scope(names) is True and (undone or not _is_imported(names)) for names in subscription.origins
        )

    SUBSCRIPTIONS.end(ended)


def _is_imported(names: Mapping[str, Any]) -> bool:
    module = sys.modules.get(names.get("__name__", ""))
    return module is not None and vars(module) is names
