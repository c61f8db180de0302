"""What the tests with foreign clients share: a site, and the programs that visit it."""

from __future__ import annotations

import base64
import hashlib
import pathlib
from typing import TYPE_CHECKING

import pytest

from pounce_testing import throw_away_certificate
from pounce_testing.fixtures import running_servers, serve_shared, variant
from tests.clients.chromium import Chromium
from tests.clients.programs import find_program
from tests.clients.site import SITE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pounce_testing import TestServer
    from pounce_testing.fixtures import Serve

__all__ = ["running_servers", "serve_shared", "variant"]


@pytest.fixture
def site(serve_shared: Serve) -> TestServer:
    """The site, served in the way that the test is marked with. One server of each way for a module."""
    return serve_shared(SITE)


@pytest.fixture(scope="session")
def authority() -> str:
    """The file with the certificate that clients of the site trust."""
    return throw_away_certificate().certfile


@pytest.fixture(scope="session")
def curl() -> str:
    """The path of curl."""
    return find_program("curl")


@pytest.fixture(scope="session")
def nghttp() -> str:
    """The path of nghttp."""
    return find_program("nghttp")


@pytest.fixture(scope="session")
def h2load() -> str:
    """The path of h2load."""
    return find_program("h2load")


@pytest.fixture(scope="session")
def node() -> str:
    """The path of Node."""
    return find_program("node")


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """A running browser; each test opens pages of its own in it."""
    program = find_program("chromium", "chromium-browser", "google-chrome")
    folder: Path = tmp_path_factory.mktemp("chromium")
    with Chromium(program, folder) as browser:
        yield browser


@pytest.fixture(scope="session")
def chromium_over_quic(tmp_path_factory: pytest.TempPathFactory, authority: str) -> Iterator[Chromium]:
    """A browser that trusts the site's certificate over QUIC, too, and goes there where Alt-Svc says so."""
    program = find_program("chromium", "chromium-browser", "google-chrome")
    with Chromium(
        program,
        tmp_path_factory.mktemp("chromium-over-quic"),
        f"--ignore-certificate-errors-spki-list={public_key_pin(authority)}",
        # For that host it takes a root that it does not know. To force it to port 1 forces it nowhere else.
        "--origin-to-force-quic-on=127.0.0.1:1",
        "--enable-quic",
    ) as browser:
        yield browser


def public_key_pin(certificate: str) -> str:
    """The SHA-256 of the public key in a file of certificates, as Chromium wants it."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = x509.load_pem_x509_certificate(pathlib.Path(certificate).read_bytes()).public_key()
    info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(info).digest()).decode()


@pytest.fixture(scope="session")
def gtlsclient() -> str:
    """The path of the client of ngtcp2."""
    return find_program("gtlsclient")
