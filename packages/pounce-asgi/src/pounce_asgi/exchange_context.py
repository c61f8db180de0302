"""What all exchanges of one worker share: the application, the settings, the remembered header fields.

Everything here is copied to the worker's own slots once, because on free-threaded builds even the reference counts of
shared objects cost time. Owned by one worker's thread.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, cast
from urllib.parse import quote

from pounce_asgi.contracts import WireFields
from pounce_asgi.listeners import Listeners
from pounce_asgi.request_id import RequestIdGenerator
from pounce_asgi.response_head import HeadMemo
from pounce_asgi.response_rules import DATE, SERVER, HeaderMemo
from pounce_asgi.scope import HTTP_EXTENSIONS
from pounce_asgi.subscriptions import LiveListeners

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from pounce_asgi.settings import ExchangeSettings
    from pounce_asgi.types import ASGI3Application, TLSExtension

__all__ = ["ExchangeContext", "Peer"]

SERVER_NAME: Final = b"pounce"


@dataclass(frozen=True, slots=True)
class Peer:
    """What every request of one connection has in common."""

    client: tuple[str, int] | None
    server: tuple[str, int | None] | None
    scheme: str
    connection_id: int
    tls: TLSExtension | None = None
    """What the ``tls`` extension of the scope tells; None without TLS. Shared: copied for each request."""


class Clock(Protocol):
    """Something that moves at least once a second, as the clock of deadlines does."""

    @property
    def soon(self) -> float:
        """A number object that is replaced by another each time that it moves."""


class _NoClock:
    """Is never where it was: each look gives another object."""

    __slots__ = ()

    @property
    def soon(self) -> float:
        return time.monotonic()


_NO_CLOCK: Final = _NoClock()


class ExchangeContext(Generic[WireFields]):
    """The surroundings of an exchange. One per worker and kind of wire."""

    __slots__ = (
        "__weakref__",
        "_configured_date",
        "_default_date",
        "_default_rest",
        "_default_server",
        "_defaults_valid_until",
        "app",
        "clock",
        "defaults",
        "defaults_seen",
        "early_head",
        "extensions",
        "head_memo",
        "header_memo",
        "listeners",
        "live",
        "looks_at_requests",
        "loop",
        "max_request_body",
        "no_fields",
        "protocol",
        "raw_root_path",
        "reports",
        "request_ids",
        "root_path",
        "running",
        "state",
        "worker_id",
    )

    def __init__(
        self,
        app: ASGI3Application,
        *,
        loop: asyncio.AbstractEventLoop,
        encode: Callable[[bytes, bytes], WireFields],
        no_fields: WireFields,
        settings: ExchangeSettings,
        state: dict[str, Any] | None = None,
        listeners: Listeners | LiveListeners | None = None,
        worker_id: int = 0,
        extensions: Mapping[str, dict[str, Any]] = HTTP_EXTENSIONS,
        clock: Clock | None = None,
        protocol: str = "http/1.1",
    ) -> None:
        """``encode`` validates and renders one response field for the wire, on which ``no_fields`` is an empty list of
        them: ``b""`` or ``()``. ``state`` is what lifespan filled. Where
        there is a ``clock``, Date is looked at when that has moved, instead of for each response. ``protocol`` is the
        ALPN name of the wire, for the lifecycle records.

        Raises:
            InvalidResponseHeader: a field in ``settings.header`` cannot be sent.
        """
        self.app = app
        self.loop = loop
        self.clock = clock or _NO_CLOCK
        self.no_fields = no_fields
        self.protocol = protocol
        self.header_memo: HeaderMemo[WireFields] = HeaderMemo(encode)
        self.head_memo: HeadMemo[WireFields] = HeadMemo(self.header_memo, no_fields)
        self.worker_id = worker_id
        self.extensions = {name: dict(value) for name, value in extensions.items()}
        self.state = {} if state is None else state
        self.root_path = settings.root_path.rstrip("/")
        self.raw_root_path = quote(self.root_path).encode("ascii")
        self.max_request_body = settings.max_request_body
        self.early_head = settings.early_head
        self.request_ids = RequestIdGenerator() if settings.request_id else None
        # Set by listen(), and with them whether there is anything to do:
        self.listeners: Listeners
        self.reports: bool
        """Whether anybody wants to hear of requests; times and records are made only then."""
        self.looks_at_requests: bool
        """Whether anything is to be done about a request before the application is called."""
        self.live = listeners if isinstance(listeners, LiveListeners) else None
        """What changes the listeners, where they change."""
        if self.live is not None:
            self.live.join(self)
        else:
            self.listen(cast("Listeners | None", listeners) or Listeners())
        self.running: set[asyncio.Task[Any]] = set()
        """The applications that are waiting for something; those that never wait are never in it."""
        self._set_defaults(settings)

    def listen(self, listeners: Listeners) -> None:
        """Tell these from now on. The one method for any thread: who reads finds the old ones or the new."""
        self.listeners = listeners
        self.reports = self.request_ids is not None or listeners != Listeners()
        self.looks_at_requests = self.reports or self.max_request_body is not None

    def _set_defaults(self, settings: ExchangeSettings) -> None:
        """Sort the configured fields: a Date or Server among them replaces ours."""
        self._default_date = settings.date_header
        self._configured_date = self._default_server = self._default_rest = self.no_fields
        if settings.server_header:
            self._default_server = self.header_memo[b"server", SERVER_NAME][1]
        for name, value in settings.header:
            pair = (name.strip().lower().encode("latin-1", "replace"), value.strip().encode("latin-1", "replace"))
            kind, wire, _ = self.header_memo[pair]
            if kind == SERVER:
                self._default_server = wire
            elif kind == DATE:
                self._configured_date = wire
            else:
                self._default_rest += wire
        self.defaults = self.no_fields
        """What ``default_fields()`` gave last."""
        self.defaults_seen: float | None = None
        """The moment of the clock at which that was."""
        self._defaults_valid_until = 0.0

    def default_fields(self) -> WireFields:
        """The fields that every response gets, Date included. Rendered once a second."""
        now = time.time()
        # The second test notices a clock that was set back, where a Date from the future would stay for as long.
        if now >= self._defaults_valid_until or now < self._defaults_valid_until - 1:
            second = int(now)
            self.defaults = self._date_fields(second) + self._default_server + self._default_rest
            self._defaults_valid_until = second + 1.0
        self.defaults_seen = self.clock.soon
        return self.defaults

    def default_fields_without(self, *, date: bool, server: bool) -> WireFields:
        """The default fields when the application set Date or Server itself."""
        fields = self._default_rest
        if not server:
            fields += self._default_server
        if not date:
            fields += self._date_fields(int(time.time()))
        return fields

    def _date_fields(self, second: int) -> WireFields:
        if self._configured_date or not self._default_date:
            return self._configured_date
        # Straight to __missing__'s work would fill the memo with dates; a Date is rendered once a second anyway.
        return self.header_memo.encode(b"date", formatdate(second, usegmt=True).encode("ascii"))
