"""Chooses every so manieth request of one worker, has it measured, and logs what came out."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, cast

from pounce_asgi import HttpExchange

from .sampled_request import SampledRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi.request_sampler import HeadTimes, RequestSampler
    from pounce_asgi.types import ASGI3Application

    from .request_profile import RequestProfile
    from .settings import ProfilingSettings

__all__ = ["RequestProfiler", "log_profile", "request_sampler"]

logger = logging.getLogger("pounce.profile")


def log_profile(profile: RequestProfile) -> None:
    """One line. Formatters that write fields find them as ``record.profile``."""
    if logger.isEnabledFor(logging.INFO):
        logger.info("%s", profile.line(), extra={"profile": profile.fields()})


class RequestProfiler:
    """The `RequestSampler` of one event loop. Owned by the loop's thread."""

    __slots__ = ("_interval", "_report", "_worker_id", "clock", "due", "head", "ready")

    def __init__(
        self,
        interval: int,
        *,
        worker_id: int = 0,
        clock: Callable[[], float] = time.perf_counter,
        report: Callable[[RequestProfile], object] = log_profile,
    ) -> None:
        """Of ``interval`` requests the last is measured. ``clock`` is monotonic, in seconds."""
        self._interval = interval
        self._worker_id = worker_id
        self._report = report
        self.clock = clock
        self.due = interval == 1
        self.ready = 0.0
        self.head: HeadTimes | None = None

    def wrap(self, app: ASGI3Application) -> ASGI3Application:
        """The application, with its calls counted. It is still called directly, and what it returns is what it made."""
        left = self._interval - 1
        plain = cast("Callable[[Any, Any, Any], Any]", app)

        def call(scope: Any, receive: Any, send: Any) -> Any:
            nonlocal left
            if left:
                left -= 1
                if not left:
                    self.due = True
                return plain(scope, receive, send)
            exchange = getattr(send, "__self__", None)
            if not isinstance(exchange, HttpExchange):  # a WebSocket
                return plain(scope, receive, send)
            left = self._interval - 1
            self.due = not left
            sampled = SampledRequest(
                exchange,
                clock=self.clock,
                ready=self.ready,
                head=self.head,
                worker_id=self._worker_id,
                report=self._report,
            )
            return sampled.run(plain, scope, receive, send)

        return cast("ASGI3Application", call)


def request_sampler(settings: ProfilingSettings, worker_id: int) -> RequestSampler | None:
    """What a worker is to be given at its birth; None while profiling is off."""
    return RequestProfiler(settings.profile_interval, worker_id=worker_id) if settings.profile else None
