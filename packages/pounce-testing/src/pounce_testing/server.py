"""A real server for tests: its own thread, its own loop, a real socket on a free port.

It is ``pounce.Server`` as it serves in production; nothing is replaced but the process around it. The application runs
in the same process as the test, so that a test can share objects with it, and in another thread, so that a test may
block. With ``worker_kind="process"`` it runs in processes, as there, and is given by its name.
"""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.util
import shutil
import ssl
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import pounce
from pounce_testing.certificate import throw_away_certificate
from pounce_testing.client import RawClient

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import httpx

    from pounce_asgi import Listeners, SyncApp

__all__ = ["TestServer"]

DEFAULTS: Final[dict[str, Any]] = {"host": "127.0.0.1", "port": 0, "access_log": False, "graceful_timeout": 5.0}
"""Settings of a server under test, unless the test says otherwise."""

START_SECONDS: Final = 60.0
"""Longer than an application's start takes on a busy machine; only a hang is cut off by it."""


class TestServer:
    """A context manager that serves an application (or ``"module:attribute"``) while its block runs.

    Settings have the names that they have everywhere: ``TestServer(app, timeout_keep_alive=1)``. A ``ServerConfig``
    may be given instead; a free port is taken in place of its own. With ``tls=True`` it speaks TLS, with a certificate
    that is thrown away at the end of the process; the extra ``tls`` makes it. With ``http3=True`` as well it also
    serves HTTP/3, on a free port of UDP: see `quic_port`. With ``unix=True`` it listens on a UNIX socket in a folder of
    its own instead of a port. HTTP/2 is spoken wherever it is installed, unless ``http2="off"``.

    In a coroutine use ``async with``: the server is in its thread then as well, and the loop of the test goes on while
    it starts and stops.

    Entering raises what keeps the server from starting. Leaving stops it gracefully, at once when that takes longer
    than its ``graceful_timeout`` allows, and raises what went wrong while it served.
    """

    __test__ = False  # the name begins with Test, but this is no test class

    def __init__(
        self,
        app: Callable[..., Any] | SyncApp | str | pounce.ServerConfig,  # each framework has its own types for ASGI
        *,
        listeners: Listeners | None = None,
        tls: bool = False,
        http3: bool = False,
        unix: bool = False,
        **settings: Any,
    ) -> None:
        self._folder: str | None = None
        if tls or http3:
            settings = {**throw_away_certificate().settings, **settings}
        if http3:
            settings = {"quic_bind": ("127.0.0.1:0",), **settings}
        if unix:  # in the system's folder: the path of a UNIX socket has a hundred characters at most
            self._folder = tempfile.mkdtemp(prefix="pounce-")
            settings = {**settings, "uds": str(Path(self._folder) / "socket")}
        try:
            self.config = _config(app, settings)
        except BaseException:
            self._remove_folder()
            raise
        self._server = pounce.Server(self.config, listeners=listeners)
        self._address: pounce.Address | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="TestServer", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await asyncio.to_thread(self.stop)

    def start(self) -> None:
        """Start and wait until it accepts connections.

        Raises:
            TimeoutError: it did not begin to serve.
            Exception: what ``pounce.Server.serve_blocking()`` raised.
        """
        self._thread.start()
        if self._server.wait_until_started(START_SECONDS):
            self._address = self._server.addresses[0]
            return
        if self._thread.is_alive() and self._error is None:
            self._server.request_stop()
            self._thread.join(1.0)
        self._remove_folder()
        self._raise_error()
        raise TimeoutError(f"the server did not begin to serve within {START_SECONDS:g} s")

    def request_stop(self) -> None:
        """Begin to stop, without waiting; a second call stops at once."""
        self._server.request_stop()

    def request_reload(self) -> None:
        """Begin to load new code, without waiting."""
        self._server.request_reload()

    def stop(self) -> None:
        """Stop and wait for the end; safe to call when it has stopped already.

        Raises:
            TimeoutError: the server would not end, not even at once.
            Exception: what went wrong while it served.
        """
        self._server.request_stop()
        self.wait_stopped()

    def wait_stopped(self) -> None:
        """Wait for the end of a server that was told to stop.

        Raises:
            TimeoutError: the server would not end, not even at once.
            Exception: what went wrong while it served.
        """
        limits = self.config.worker.graceful_timeout + self.config.exchange.timeout_lifespan_shutdown
        if not self.join(limits + 5.0):
            self._server.request_stop()
            if not self.join(5.0):
                raise TimeoutError("the server did not stop; its thread is left behind")
        self._remove_folder()
        self._raise_error()

    def _remove_folder(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def join(self, timeout: float) -> bool:
        """Wait for the end of the server: True when it came within ``timeout`` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def quic_port(self) -> int:
        """The port of UDP on which HTTP/3 is served.

        Raises:
            RuntimeError: it is not.
        """
        port = next((one.port for one in self._server.addresses if one.http3), None)
        if port is None:
            raise RuntimeError("HTTP/3 is not served: give http3=True or quic_bind, and start the server")
        return port

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, as ``socket.create_connection()`` takes them."""
        return self.host, self.port

    @property
    def place(self) -> tuple[str, int] | str:
        """What to connect to: host and port, or the path of its UNIX socket."""
        bound = self._bound()
        return bound.host if bound.port is None else (bound.host, bound.port)

    @property
    def host(self) -> str:
        """The address that it listens on, or did; the path of its UNIX socket."""
        return self._bound().host

    @property
    def port(self) -> int:
        """The port that it listens on, or did."""
        port = self._bound().port
        if port is None:
            raise RuntimeError("a server on a UNIX socket has no port")
        return port

    @property
    def url(self) -> str:
        """``http://127.0.0.1:49152``, without a slash at the end; ``unix:PATH`` of a UNIX socket."""
        return self._bound().url

    def connect(self, *, timeout: float = 20.0, alpn: Sequence[str] = ()) -> RawClient:
        """A new connection for bytes as they are, over TLS if the server speaks that, where it offers ``alpn``."""
        return RawClient(self.host, self._bound().port, timeout=timeout, tls=self.client_context(*alpn))

    def client(self, **options: Any) -> httpx.Client:
        """A client of httpx that knows where the server is and trusts it; ``options`` are those of ``httpx.Client``.

        Raises:
            ImportError: httpx is not installed (``pip install 'pounce-testing[httpx]'``).
        """
        _require_httpx()
        import httpx

        return httpx.Client(
            transport=httpx.HTTPTransport(**self._httpx_transport(options)), **self._httpx_options(options)
        )

    def async_client(self, **options: Any) -> httpx.AsyncClient:
        """As `client`, for coroutines.

        Raises:
            ImportError: httpx is not installed (``pip install 'pounce-testing[httpx]'``).
        """
        _require_httpx()
        import httpx

        return httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(**self._httpx_transport(options)), **self._httpx_options(options)
        )

    def _httpx_transport(self, options: dict[str, Any]) -> dict[str, Any]:
        """What is for the transport; it is taken from the options. Proxies of the environment are not asked."""
        context = self.client_context()
        own: dict[str, Any] = {"verify": True if context is None else context}
        if self._bound().port is None:
            own["uds"] = self.host
        for name in ("verify", "cert", "http1", "http2", "limits"):
            if name in options:
                own[name] = options.pop(name)
        return own

    def _httpx_options(self, options: dict[str, Any]) -> dict[str, Any]:
        base = self.url
        if self._bound().port is None:
            base = "https://localhost" if self.config.tls.ssl_certfile else "http://localhost"
        return {"base_url": base, "timeout": 20.0, **options}

    def client_context(self, *alpn: str) -> ssl.SSLContext | None:
        """What a client needs that trusts this server, and offers these protocols by ALPN; None without TLS."""
        certfile = self.config.tls.ssl_certfile
        if certfile is None:
            return None
        context = ssl.create_default_context(cafile=certfile)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context

    def _bound(self) -> pounce.Address:
        if self._address is None:
            raise RuntimeError("the server has not been started")
        return self._address

    def _run(self) -> None:
        try:
            self._server.serve_blocking()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the thread that waits
            self._error = error

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error


def _require_httpx() -> None:
    if importlib.util.find_spec("httpx") is None:
        raise ImportError("a client needs httpx: pip install 'pounce-testing[httpx]'", name="httpx")


def _config(
    app: Callable[..., Any] | SyncApp | str | pounce.ServerConfig, settings: dict[str, Any]
) -> pounce.ServerConfig:
    if not isinstance(app, pounce.ServerConfig):
        return pounce.ServerConfig.of({**DEFAULTS, **settings, "app": app})
    if settings:
        raise TypeError(f"{', '.join(settings)}: settings belong into the ServerConfig that was given")
    return dataclasses.replace(app, port=0)
