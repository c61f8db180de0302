"""Every way in which the server can serve, as one table: worker kinds by protocols.

A test that takes the fixture ``serve`` runs once for each way that can serve its application. A new kind of worker or a
new protocol is a row here, and nothing anywhere else.

Not every application can be served in every way, and this is the one place that says so: worker processes import the
application by its name, so that it shares nothing with the test; blocking workers call a SyncApp. What can be served
everywhere is therefore a pair of names: `Twins`.
"""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Mapping  # noqa: TC003 - read at run time by dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce import ServerConfig

__all__ = [
    "ASGI_VARIANTS",
    "PROTOCOLS",
    "SHARING_VARIANTS",
    "VARIANTS",
    "WORKER_KINDS",
    "Twins",
    "Variant",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """One application, written twice, each named as ``module:attribute``: every kind of worker can serve it."""

    asgi: str
    """For workers with an event loop."""
    sync: str
    """A ``pounce_asgi.SyncApp`` that answers alike, for workers that block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to serve: the settings that choose it, the modules that it needs, and what it can serve."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    processes: bool = False
    """The application is imported by worker processes: it can only be named."""
    blocking: bool = False
    """Its workers have no event loop: the application is a SyncApp."""

    @property
    def tls(self) -> bool:
        """It is over TLS."""
        return bool(self.settings.get("tls"))

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
            processes=self.processes or other.processes,
            blocking=self.blocking or other.blocking,
        )

    def application(self, app: Twins | Callable[..., Any] | str | ServerConfig) -> Any:
        """What of an application is served in this way.

        Raises:
            TypeError: it cannot be served so; the message says what to give instead.
        """
        if isinstance(app, Twins):
            return app.sync if self.blocking else app.asgi
        if self.blocking:
            raise TypeError(f"{self.name} serves no ASGI application: give Twins, or run over ASGI_VARIANTS")
        if self.processes and not isinstance(app, str):
            raise TypeError(
                f"{self.name} imports the application by name: give module:attribute, or run over SHARING_VARIANTS"
            )
        return app


WORKER_KINDS: Final = (
    Variant(name="asyncio", settings={"loop": "asyncio"}),
    Variant(name="uvloop", settings={"loop": "uvloop"}, needs=("uvloop",)),
    Variant(name="threads", settings={"worker_kind": "thread", "workers": 2}),
    Variant(name="processes", settings={"worker_kind": "process", "workers": 2}, processes=True),
    Variant(name="pool", settings={"worker_mode": "sync"}),
    Variant(name="blocking", settings={"interface": "sync"}, blocking=True),
)
"""One worker on each event loop, several behind one that accepts, processes on shared sockets, threads with a loop each
that serve one request at a time, threads without a loop."""

PROTOCOLS: Final = (
    Variant(name="http1", settings={"http": "fast"}),
    Variant(name="h11", settings={"http": "h11"}, needs=("h11",)),
    Variant(name="tls", settings={"tls": True, "http": "fast"}, needs=("cryptography",)),
)

ALIKE: Final = frozenset({"uvloop-h11", "threads-h11", "processes-h11"})
"""Left out: h11 and the fast parser stand behind one contract, and a connection of these workers meets it in the same
code as one of ``asyncio``."""

VARIANTS: Final = tuple(
    variant
    for variant in (kind & protocol for kind, protocol in itertools.product(WORKER_KINDS, PROTOCOLS))
    if variant.name not in ALIKE
)
"""Every combination of which another does not say the same. They serve `Twins`."""

ASGI_VARIANTS: Final = tuple(variant for variant in VARIANTS if not variant.blocking)
"""Those that serve ASGI. They serve any application that is given by its name."""

SHARING_VARIANTS: Final = tuple(variant for variant in ASGI_VARIANTS if not variant.processes)
"""Those that serve any ASGI application, one that shares objects with its test too."""
