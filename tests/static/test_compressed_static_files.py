"""Static files behind compression in a running server: a neighbour that is compressed already goes first, small files
are compressed on the fly, and parts of files stay as they are.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from pounce_testing import TestServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT: Final = "some text that is worth compressing\n" * 200
PACKED: Final = gzip.compress(b"from the neighbour, not from the file\n" * 100)
PICTURE: Final = bytes(range(256)) * 8
LARGE: Final = TEXT.encode() * 1000


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b"the application"})


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("files")
    (root / "plain.txt").write_text(TEXT)
    (root / "packed.txt").write_text(TEXT)
    (root / "packed.txt.gz").write_bytes(PACKED)
    (root / "picture.png").write_bytes(PICTURE)
    (root / "tiny.txt").write_text("tiny")
    (root / "large.txt").write_bytes(LARGE)
    return root


WIRES: Final[dict[str, dict[str, Any]]] = {
    "http1": {},
    "http2": {"tls": True},
    "threads": {"workers": 2, "worker_kind": "thread"},
    "pool": {"worker_mode": "sync"},
}


@pytest.fixture(scope="module", params=WIRES)
def client(request: pytest.FixtureRequest, root: Path) -> Iterator[httpx.Client]:
    settings: dict[str, Any] = WIRES[request.param]
    if settings.get("tls"):
        pytest.importorskip("cryptography")
    with TestServer(nothing, static=(f"/files={root}",), compress=True, **settings) as server:
        verify = server.client_context() or True
        with httpx.Client(
            base_url=f"{server.url}/files/", verify=verify, http2=request.param == "http2", trust_env=False
        ) as made:
            yield made


GZIP: Final = {"accept-encoding": "gzip"}
IDENTITY: Final = {"accept-encoding": "identity"}


def test_a_neighbour_goes_first(client: httpx.Client) -> None:
    answer = client.get("packed.txt", headers=GZIP)
    assert answer.content == gzip.decompress(PACKED)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-length"] == str(len(PACKED)), "not compressed once more"
    assert "accept-encoding" in answer.headers["vary"].lower()
    plain = client.get("packed.txt", headers=IDENTITY)
    assert (plain.text, plain.headers.get("content-encoding")) == (TEXT, None)
    assert plain.headers["etag"] != answer.headers["etag"]
    again = client.get("packed.txt", headers={**GZIP, "if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


def test_a_small_file_is_compressed_on_the_fly(client: httpx.Client) -> None:
    answer = client.get("plain.txt", headers=GZIP)
    assert (answer.text, answer.headers["content-encoding"]) == (TEXT, "gzip")
    assert int(answer.headers.get("content-length", 0)) < len(TEXT) // 4
    assert answer.headers["etag"].startswith("W/")
    assert "accept-encoding" in answer.headers["vary"].lower()
    again = client.get("plain.txt", headers={**GZIP, "if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    plain = client.get("plain.txt", headers=IDENTITY)
    assert (plain.text, plain.headers.get("content-encoding")) == (TEXT, None)
    assert "accept-encoding" in plain.headers["vary"].lower(), "caches keep the two apart"


@pytest.mark.parametrize(("name", "content"), [("picture.png", PICTURE), ("tiny.txt", b"tiny")])
def test_what_would_not_shrink_stays(client: httpx.Client, name: str, content: bytes) -> None:
    answer = client.get(name, headers=GZIP)
    assert (answer.content, answer.headers.get("content-encoding")) == (content, None)
    assert answer.headers["content-length"] == str(len(content))


@pytest.mark.parametrize("name", ["plain.txt", "large.txt"])
def test_parts_are_untouched(client: httpx.Client, name: str) -> None:
    answer = client.get(name, headers={**GZIP, "range": "bytes=5-2004"})
    assert (answer.status_code, answer.headers.get("content-encoding")) == (206, None)
    assert answer.text == TEXT[5:2005]
    assert answer.headers["content-range"].startswith("bytes 5-2004/")


def test_a_part_of_a_compressed_neighbour_is_of_its_bytes(client: httpx.Client) -> None:
    with client.stream("GET", "packed.txt", headers={**GZIP, "range": "bytes=0-9"}) as answer:
        content = b"".join(answer.iter_raw())
    assert answer.status_code == 206
    expected = PACKED[:10] if answer.headers.get("content-encoding") == "gzip" else TEXT[:10].encode()
    assert content == expected


def test_heads(client: httpx.Client) -> None:
    for name in ("plain.txt", "packed.txt"):
        head, whole = client.head(name, headers=GZIP), client.get(name, headers=GZIP)
        assert head.status_code == 200
        assert head.content == b""
        assert head.headers["vary"] == whole.headers["vary"]
