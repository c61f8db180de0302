"""niquests over HTTP/3, without HTTP/1.1 and HTTP/2 to fall back on."""

from __future__ import annotations

import hashlib
import importlib.util
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.site import LARGE
from tests.clients.ways import over_http3

if TYPE_CHECKING:
    from pounce_testing import TestServer

STREAMS = 50

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("niquests") is None, reason="NIQUESTS IS NOT INSTALLED: it has not run"
)


def only_http3(kind: str, site: TestServer) -> Any:
    """A session. Its QUIC is qh3's, which trusts no certificate that is not an authority's: it looks at none here."""
    import niquests

    session: Any = getattr(niquests, kind)(
        base_url=f"https://localhost:{site.quic_port}", disable_http1=True, disable_http2=True, multiplexed=True
    )
    session.verify = False
    session.trust_env = False
    return session


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@over_http3
def test_requests_of_one_connection(site: TestServer) -> None:
    with only_http3("Session", site) as session:
        told = session.get("/told")
        assert told.json() == {"method": "GET", "path": "/told", "http_version": "3"}
        uploads = [session.post("/digest", data=body) for body in (LARGE, b"")]
        assert [one.text for one in uploads] == [hashlib.sha256(body).hexdigest() for body in (LARGE, b"")]
        download = session.get(f"/bytes/{len(LARGE)}")
        assert download.content == LARGE
        missing = session.get("/nowhere")
        assert missing.status_code == 404
        assert {one.http_version for one in (told, *uploads, download, missing)} == {30}
