"""What the tests with foreign clients share: a site, and the programs that visit it."""

from __future__ import annotations

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
