"""THE order of middleware, outermost first. What is off is not in the chain, and with nothing on the application is
returned unchanged: a feature that is not used costs nothing per request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .user_middleware import wrap_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pounce_asgi import ASGI3Application

    from .config import ServerConfig

__all__ = ["ORDER", "Link", "Surroundings", "build_chain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What middleware is made of."""

    config: ServerConfig
    named: Mapping[str, Any]
    """What the configuration names in the application's code, by name."""


@dataclass(frozen=True, slots=True)
class Link:
    """One middleware: when it is on, and how it wraps what is inside of it."""

    name: str
    is_on: Callable[[ServerConfig], bool]
    wrap: Callable[[ASGI3Application, Surroundings], ASGI3Application]


ORDER: Final[tuple[Link, ...]] = (
    Link(
        "middleware",
        lambda config: bool(config.middleware),
        lambda app, given: wrap_in(app, given.config, given.named),
    ),
)


def build_chain(app: ASGI3Application, given: Surroundings, order: Sequence[Link] = ORDER) -> ASGI3Application:
    """The application inside all middleware that the configuration switches on.

    Raises:
        PounceError: one could not be made.
    """
    for link in reversed(order):
        if link.is_on(given.config):
            app = link.wrap(app, given)
    return app
