"""One application inside the middleware, under Pounce and under uvicorn."""

from __future__ import annotations

import socket
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pounce_compression import CompressionMiddleware, DictionaryStore
from pounce_testing import TestServer
from tests.compression.application import Application

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.version_info >= (3, 14):
    # httpx decodes zstd with a package that is not ready for free threading; what Python brings does as well.
    import httpx._decoders as decoders
    from compression import zstd

    class ZstdDecoder(decoders.ContentDecoder):
        """What httpx expects of a decoder."""

        def __init__(self) -> None:
            self._inner = zstd.ZstdDecompressor()

        def decode(self, data: bytes) -> bytes:
            return self._inner.decompress(data)

        def flush(self) -> bytes:
            return b""

    decoders.SUPPORTED_DECODERS["zstd"] = ZstdDecoder

uvicorn = pytest.importorskip("uvicorn")

CODINGS = ("zstd", "br", "gzip", "deflate")


@dataclass
class Site:
    """A server that runs, and how to speak with it."""

    port: int
    application: Application
    http2: bool

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, http1=not self.http2, http2=self.http2, timeout=30, trust_env=False)


@pytest.fixture(scope="session")
def application(tmp_path_factory: pytest.TempPathFactory) -> Application:
    return Application(tmp_path_factory.mktemp("files"))


def wrapped(application: Application) -> CompressionMiddleware:
    return CompressionMiddleware(application, dictionaries=DictionaryStore(["/script"]))


@pytest.fixture(scope="session")
def pounce_port(application: Application) -> Iterator[int]:
    with TestServer(wrapped(application), lifespan="off") as server:
        yield server.port


@pytest.fixture(scope="session")
def uvicorn_port(application: Application) -> Iterator[int]:
    app: Any = wrapped(application)
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning", ws="wsproto"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture(params=["pounce-http1", "pounce-http2", "uvicorn"])
def site(request: pytest.FixtureRequest, application: Application) -> Site:
    server, _, version = request.param.partition("-")
    return Site(request.getfixturevalue(f"{server}_port"), application, http2=version == "http2")
