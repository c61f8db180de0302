"""curl over HTTP/2: by ALPN, by prior knowledge and by an upgrade. Over HTTP/3 where it was built with that."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.clients.programs import run_program
from tests.clients.site import LARGE
from tests.clients.ways import everywhere, in_the_clear, over_http3, over_tls, takes_upgrades, upgraded_or_not

if TYPE_CHECKING:
    from pathlib import Path

    from pounce_testing import TestServer, Variant

MANY = 60


@pytest.fixture
def curl_command(curl: str, authority: str) -> tuple[str, ...]:
    return (
        curl,
        "-q",
        "--silent",
        "--show-error",
        "--fail",
        "--max-time",
        "50",
        "--noproxy",
        "*",
        "--cacert",
        authority,
    )


def http_2(site: TestServer) -> str:
    """The option with which it speaks HTTP/2 from the first byte on."""
    return "--http2" if site.config.tls.enabled else "--http2-prior-knowledge"


@in_the_clear
def test_prior_knowledge(curl_command: tuple[str, ...], site: TestServer) -> None:
    out = run_program(*curl_command, "--http2-prior-knowledge", "--write-out", "\n%{http_version}", f"{site.url}/told")
    told, version = out.decode().splitlines()
    assert json.loads(told) == {"method": "GET", "path": "/told", "http_version": "2"}
    assert version == "2"


@over_tls  # with prior knowledge, releases before 8.0 cannot use a connection again
def test_it_keeps_its_connection(curl_command: tuple[str, ...], site: TestServer) -> None:
    urls = [f"{site.url}/told/{number}" for number in range(3)]
    out = run_program(*curl_command, "--http2", "--write-out", "\n%{http_version} %{num_connects}\n", *urls)
    lines = out.decode().splitlines()
    told = [json.loads(line) for line in lines[::2]]
    assert [(one["path"], one["http_version"]) for one in told] == [(f"/told/{number}", "2") for number in range(3)]
    assert lines[1::2] == ["2 1", "2 0", "2 0"]


@everywhere
def test_a_download(curl_command: tuple[str, ...], site: TestServer, tmp_path: Path) -> None:
    file = tmp_path / "download"
    options = (http_2(site), "--output", str(file), "--write-out", "%{http_version}")
    assert run_program(*curl_command, *options, f"{site.url}/bytes/{len(LARGE)}") == b"2"
    assert file.read_bytes() == LARGE


@everywhere
@pytest.mark.parametrize("expect", ["Expect: 100-continue", "Expect:"], ids=["continue", "at-once"])
def test_an_upload_comes_back(curl_command: tuple[str, ...], site: TestServer, tmp_path: Path, expect: str) -> None:
    upload, download = tmp_path / "upload", tmp_path / "download"
    upload.write_bytes(LARGE)
    options = (http_2(site), "--header", expect, "--output", str(download), "--write-out", "%{http_version}")
    assert run_program(*curl_command, *options, "--upload-file", str(upload), f"{site.url}/echo") == b"2"
    assert download.read_bytes() == LARGE


@over_tls  # as above
def test_many_at_once(curl_command: tuple[str, ...], site: TestServer, tmp_path: Path) -> None:
    target, urls = str(tmp_path / "#1"), f"{site.url}/bytes/[10001-{10_000 + MANY}]"
    run_program(*curl_command, "--http2", "--parallel", "--parallel-max", str(MANY), "--output", target, urls)
    sizes = range(10_001, 10_001 + MANY)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {str(size): LARGE[:size] for size in sizes}


@over_tls
def test_without_it_http_1_1_is_spoken(curl_command: tuple[str, ...], site: TestServer) -> None:
    out = run_program(*curl_command, "--http1.1", f"{site.url}/told")
    assert json.loads(out)["http_version"] == "1.1"


@upgraded_or_not
def test_an_upgrade(curl_command: tuple[str, ...], site: TestServer, variant: Variant) -> None:
    version = "2" if takes_upgrades(variant) else "1.1"
    urls = [f"{site.url}/told/{number}" for number in range(3)]
    out = run_program(*curl_command, "--http2", "--write-out", "\n%{http_version} %{num_connects}\n", *urls)
    lines = out.decode().splitlines()
    assert [json.loads(line)["path"] for line in lines[::2]] == [f"/told/{number}" for number in range(3)]
    assert json.loads(lines[2])["http_version"] == version
    assert lines[1::2] == [f"{version} 1", f"{version} 0", f"{version} 0"]


@upgraded_or_not
def test_a_download_after_an_upgrade(curl_command: tuple[str, ...], site: TestServer) -> None:
    assert run_program(*curl_command, "--http2", f"{site.url}/bytes/{len(LARGE)}") == LARGE


@upgraded_or_not
def test_an_upload_that_asks_for_an_upgrade(curl_command: tuple[str, ...], site: TestServer, tmp_path: Path) -> None:
    file = tmp_path / "upload"
    file.write_bytes(LARGE)
    assert run_program(*curl_command, "--http2", "--upload-file", str(file), f"{site.url}/echo") == LARGE


@over_http3
def test_http_3(curl_command: tuple[str, ...], site: TestServer, tmp_path: Path) -> None:
    """What it was told, and a large body in each direction."""
    features = run_program(curl_command[0], "-q", "--version").decode()
    if "HTTP3" not in features.split():
        pytest.skip(f"THIS CURL HAS NO HTTP/3: this test has not run ({features.splitlines()[0]})")
    upload, download = tmp_path / "upload", tmp_path / "download"
    upload.write_bytes(LARGE)
    base = f"https://localhost:{site.quic_port}"
    told, version = (
        run_program(*curl_command, "--http3-only", "--write-out", "\n%{http_version}", f"{base}/told")
        .decode()
        .splitlines()
    )
    assert json.loads(told)["http_version"] == version == "3"
    options = ("--http3-only", "--output", str(download), "--write-out", "%{http_version}")
    assert run_program(*curl_command, *options, "--upload-file", str(upload), f"{base}/echo") == b"3"
    assert download.read_bytes() == LARGE
