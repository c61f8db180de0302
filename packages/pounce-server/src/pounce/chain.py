"""THE order of middleware, outermost first. What is off is not in the chain, and with nothing on the application is
returned unchanged: a feature that is not used costs nothing per request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pounce_asgi import ASGI3Application

    from .config import ServerConfig

__all__ = ["ORDER", "Link", "build_chain"]


@dataclass(frozen=True, slots=True)
class Link:
    """One middleware: when it is on, and how it wraps what is inside of it."""

    name: str
    is_on: Callable[[ServerConfig], bool]
    wrap: Callable[[ASGI3Application, ServerConfig], ASGI3Application]


ORDER: Final[tuple[Link, ...]] = ()


def build_chain(app: ASGI3Application, config: ServerConfig, order: Sequence[Link] = ORDER) -> ASGI3Application:
    """The application inside all middleware that the configuration switches on."""
    for link in reversed(order):
        if link.is_on(config):
            app = link.wrap(app, config)
    return app
