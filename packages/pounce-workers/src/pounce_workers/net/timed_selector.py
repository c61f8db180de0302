"""A selector that notes when what it serves was found ready: the last of a batch has waited since."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pounce_workers.net.selector import ServingSelector

if TYPE_CHECKING:
    import selectors
    from collections.abc import Callable
    from contextvars import Context

    from pounce_asgi.request_sampler import RequestSampler
    from pounce_workers.net.poller import Watcher
    from pounce_workers.net.readiness import Readiness

__all__ = ["TimedSelector"]


class TimedSelector(ServingSelector):
    """A `ServingSelector` that keeps ``sampler.ready`` up to date. Used by the loop's thread only."""

    def __init__(self, sampler: RequestSampler, readiness: Readiness | None = None) -> None:
        super().__init__(readiness)
        self._sampler = sampler

    def _collect(self, events: list[tuple[int, int]]) -> list[tuple[selectors.SelectorKey, int]]:
        sampler = self._sampler
        sampler.ready = sampler.clock()
        try:
            return super()._collect(events)
        finally:
            sampler.ready = 0.0

    def _serve_between(self, watcher: Watcher) -> None:
        sampler = self._sampler
        others = sampler.ready
        sampler.ready = sampler.clock()
        try:
            super()._serve_between(watcher)
        finally:
            sampler.ready = others

    def call_behind(self, callback: Callable[[], object], context: Context) -> None:
        """Call it as `ServingSelector` does; what it serves has been ready since now, or before."""
        sampler = self._sampler
        super().call_behind(partial(self._serve, sampler.ready or sampler.clock(), callback), context)

    def _serve(self, ready: float, callback: Callable[[], object]) -> None:
        sampler = self._sampler
        sampler.ready = ready
        try:
            callback()
        finally:
            sampler.ready = 0.0
