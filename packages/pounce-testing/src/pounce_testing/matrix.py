"""Every way in which the server can serve, as one table: worker kinds by protocols.

A test that takes the fixture ``serve`` runs once for each combination. A new kind of worker or a new protocol is a row
here, and nothing anywhere else.
"""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Mapping  # noqa: TC003 - read at run time by dataclasses
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["PROTOCOLS", "VARIANTS", "WORKER_KINDS", "Variant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to serve: the settings that choose it, and the modules that it needs."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """The modules that it needs and that are not installed."""
        return tuple(module for module in self.needs if importlib.util.find_spec(module) is None)

    def __and__(self, other: Variant) -> Variant:
        """Both at once."""
        return Variant(
            name=f"{self.name}-{other.name}",
            settings={**self.settings, **other.settings},
            needs=self.needs + other.needs,
        )


WORKER_KINDS: Final = (
    Variant(name="asyncio", settings={"loop": "asyncio"}),
    Variant(name="uvloop", settings={"loop": "uvloop"}, needs=("uvloop",)),
)

PROTOCOLS: Final = (
    Variant(name="http1", settings={"http": "fast"}),
    Variant(name="h11", settings={"http": "h11"}, needs=("h11",)),
)

VARIANTS: Final = tuple(kind & protocol for kind, protocol in itertools.product(WORKER_KINDS, PROTOCOLS))
"""Every combination."""
