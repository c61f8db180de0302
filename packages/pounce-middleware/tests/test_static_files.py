"""`StaticFiles` as an ASGI application."""

from __future__ import annotations

import asyncio
import gzip
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from static_client import PATHSEND, ZERO_COPY, Answer, get, request

from pounce_middleware.static import FileBecameShorter, StaticFiles
from pounce_middleware.static.held_files import HeldFiles

if TYPE_CHECKING:
    from pathlib import Path

LARGE = bytes(range(256)) * 1200  # 300 KiB: over what is kept in memory


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Ordinary files, large and small, with a secret beside them."""
    root = tmp_path / "root"
    (root / "sub dir").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "docs").mkdir()
    for name, content in {
        "index.html": b"<h1>home</h1>",
        "docs/index.html": b"<h1>docs</h1>",
        "sub dir/a&b.txt": b"ampersand",
        "hello.txt": b"Hello, world!",
        "nothing.txt": b"",
        "app.3f2a9c81.js": b"run()",
        ".env": b"SECRET=1",
        "large.bin": LARGE,
        "unknown.zzz": b"?",
    }.items():
        (root / name).write_bytes(content)
    (tmp_path / "secret.txt").write_bytes(b"secret")
    return root


@pytest.fixture
def files(root: Path) -> StaticFiles:
    return StaticFiles(root)


EXTENSIONS: list[tuple[str, ...]] = [(), (PATHSEND,), (ZERO_COPY,), (PATHSEND, ZERO_COPY)]


def test_a_small_file(files: StaticFiles, root: Path) -> None:
    status = (root / "hello.txt").stat()
    answer = get(files, "/hello.txt")
    assert (answer.status, answer.body) == (200, b"Hello, world!")
    assert answer["content-type"] == "text/plain; charset=utf-8"
    assert answer["content-length"] == "13"
    assert answer["etag"] == f'"{status.st_mtime_ns:x}-d"'
    assert answer["accept-ranges"] == "bytes"
    assert answer["cache-control"] == "no-cache"
    assert answer["x-content-type-options"] == "nosniff"
    assert answer["vary"] == ""


@pytest.mark.parametrize("offers", EXTENSIONS)
def test_a_large_file_is_sent_by_what_is_offered(files: StaticFiles, offers: tuple[str, ...]) -> None:
    answer = get(files, "/large.bin", offers=offers)
    assert answer.body == LARGE
    expected = ZERO_COPY if ZERO_COPY in offers else PATHSEND if PATHSEND in offers else "http.response.body"
    assert set(answer.sent_by) == {expected}


@pytest.mark.parametrize("offers", EXTENSIONS)
@pytest.mark.parametrize(
    ("path", "content"), [("/large.bin", LARGE), ("/hello.txt", b"Hello, world!"), ("/nothing.txt", b"")]
)
def test_head_has_the_same_fields_without_the_bytes(
    files: StaticFiles, path: str, content: bytes, offers: tuple[str, ...]
) -> None:
    head, whole = get(files, path, method="HEAD", offers=offers), get(files, path, offers=offers)
    assert (head.status, head.body, head.headers) == (200, b"", whole.headers)
    assert whole.body == content


@pytest.mark.parametrize("offers", EXTENSIONS)
@pytest.mark.parametrize(("path", "content"), [("/large.bin", LARGE), ("/hello.txt", b"Hello, world!")])
def test_ranges(files: StaticFiles, path: str, content: bytes, offers: tuple[str, ...]) -> None:
    size = len(content)
    answer = get(files, path, {"range": "bytes=3-6"}, offers=offers)
    assert (answer.status, answer.body) == (206, content[3:7])
    assert answer["content-range"] == f"bytes 3-6/{size}"
    answer = get(files, path, {"range": "bytes=-4"}, offers=offers)
    assert (answer.status, answer.body) == (206, content[-4:])
    answer = get(files, path, {"range": f"bytes={size}-"}, offers=offers)
    assert (answer.status, answer.body, answer["content-range"]) == (416, b"", f"bytes */{size}")
    answer = get(files, path, {"range": "bytes=0-,0-,0-"}, offers=offers)
    assert (answer.status, answer.body) == (200, content)
    answer = get(files, path, {"range": "bytes=0-1"}, method="HEAD", offers=offers)
    assert (answer.status, answer["content-length"]) == (200, str(size))


@pytest.mark.parametrize("offers", EXTENSIONS)
@pytest.mark.parametrize(("path", "content"), [("/large.bin", LARGE), ("/hello.txt", b"Hello, world!")])
def test_several_ranges(files: StaticFiles, path: str, content: bytes, offers: tuple[str, ...]) -> None:
    answer = get(files, path, {"range": "bytes=8-9,0-1"}, offers=offers)
    assert answer.status == 206
    kind, boundary = answer["content-type"].split("; boundary=")
    assert kind == "multipart/byteranges"
    assert answer["content-range"] == ""
    first, second, end = answer.body.removeprefix(f"--{boundary}".encode()).split(f"\r\n--{boundary}".encode())
    assert end == b"--\r\n"
    for part, (start, stop) in ((first, (8, 10)), (second, (0, 2))):
        head, data = part.split(b"\r\n\r\n", 1)
        assert data == content[start:stop]
        assert f"content-range: bytes {start}-{stop - 1}/{len(content)}".encode() in head
        assert b"content-type: " in head


def test_if_range_decides_between_the_part_and_the_whole(files: StaticFiles) -> None:
    etag = get(files, "/hello.txt")["etag"]
    assert get(files, "/hello.txt", {"range": "bytes=0-4", "if-range": etag}).body == b"Hello"
    assert get(files, "/hello.txt", {"range": "bytes=0-4", "if-range": '"old"'}).status == 200


@pytest.mark.parametrize("path", ["/hello.txt", "/large.bin"])
def test_conditions(files: StaticFiles, path: str) -> None:
    whole = get(files, path)
    not_modified = get(files, path, {"if-none-match": whole["etag"]})
    assert (not_modified.status, not_modified.body) == (304, b"")
    assert not_modified["etag"] == whole["etag"]
    assert not_modified["cache-control"] == "no-cache"
    assert not_modified["content-length"] == not_modified["content-type"] == ""
    assert get(files, path, {"if-modified-since": whole["last-modified"]}).status == 304
    assert get(files, path, {"if-match": '"other"'}).status == 412
    # A condition comes before a range (RFC 9110, 13.2.2).
    assert get(files, path, {"if-none-match": whole["etag"], "range": "bytes=0-1"}).status == 304


def test_a_hash_in_the_name_is_the_validator_and_makes_it_immutable(files: StaticFiles) -> None:
    answer = get(files, "/app.3f2a9c81.js")
    assert answer["etag"] == '"3f2a9c81-5"'
    assert answer["cache-control"] == "public, max-age=31536000, immutable"
    assert answer["content-type"] == "text/javascript; charset=utf-8"


def test_types_of_our_own_and_of_the_caller(root: Path) -> None:
    assert get(StaticFiles(root), "/unknown.zzz")["content-type"] == "application/octet-stream"
    assert get(StaticFiles(root, types={"zzz": "text/sleep"}), "/unknown.zzz")["content-type"] == "text/sleep"


def test_cache_control_by_pattern(root: Path) -> None:
    files = StaticFiles(root, cache_control=[("/docs/*", "max-age=60"), ("*.txt", "")], cache_control_default="private")
    assert get(files, "/docs/index.html")["cache-control"] == "max-age=60"
    assert get(files, "/hello.txt")["cache-control"] == ""
    assert get(files, "/index.html")["cache-control"] == "private"
    with pytest.raises(ValueError, match="Cache-Control"):
        StaticFiles(root, cache_control=[("*", "a\r\nb: c")])


# -- what is no file ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/.env", "/../secret.txt", "/docs/../../secret.txt", "//etc/passwd", "/hello.txt/", "/empty/",
     "/hello.txt/x", "/..\\secret.txt", "/hello.txt\0", "/empty", "/" + "a" * 300, "/%2e%2e/secret.txt"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_not_found(files: StaticFiles, path: str, method: str) -> None:
    answer = get(files, path, method=method)
    assert (answer.status, answer.body) == (404, b"" if method == "HEAD" else b"Not Found\n")


def test_index_and_the_way_to_it(files: StaticFiles, root: Path) -> None:
    assert get(files, "/").body == b"<h1>home</h1>"
    assert get(files, "/docs/").body == b"<h1>docs</h1>"
    answer = get(files, "/docs", query_string=b"a=1&b=%0d")
    assert (answer.status, answer["location"]) == (307, "./docs/?a=1&b=%0d")
    assert get(files, "")["location"] == "./"
    (root / "sub dir" / "index.html").write_bytes(b"")
    answer = get(files, "/sub dir", query_string=b"\r\n\xff")
    assert answer["location"] == "./sub%20dir/?%0D%0A%FF"


@pytest.mark.parametrize(("root_path", "path"), [("/static", "/static/docs"), ("/static/", "/static/docs")])
def test_mounted_below_a_root_path(files: StaticFiles, root_path: str, path: str) -> None:
    assert get(files, path, root_path=root_path)["location"] == "./docs/"
    assert get(files, "/static/hello.txt", root_path=root_path).status == 200
    assert get(files, "/static", root_path=root_path)["location"] == "./static/"
    assert get(files, "/hello.txt", root_path=root_path).status == 200  # a server that leaves it out


def test_404_html(root: Path, files: StaticFiles) -> None:
    (root / "404.html").write_bytes(b"<p>gone</p>")
    answer = get(files, "/nothing")
    assert (answer.status, answer.body, answer["content-type"]) == (404, b"<p>gone</p>", "text/html; charset=utf-8")
    assert (answer["etag"], answer["vary"], answer["cache-control"]) == ("", "", "no-cache")
    assert get(StaticFiles(root, not_found=""), "/nothing").body == b"Not Found\n"


def test_single_page(root: Path) -> None:
    files = StaticFiles(root, single_page="index.html")
    page = get(files, "/users/7", {"accept": "text/html,*/*"})
    assert (page.status, page.body, page["vary"]) == (200, b"<h1>home</h1>", "accept")
    script = get(files, "/users/7", {"accept": "*/*"})
    assert (script.status, script["vary"]) == (404, "accept")  # a script that is not there is no page
    assert get(files, "/hello.txt", {"accept": "text/html"}).body == b"Hello, world!"


def test_listing(root: Path) -> None:
    (root / "empty" / "<b>.txt").write_bytes(b"")
    (root / "empty" / 'javascript:x"').write_bytes(b"")
    (root / "empty" / ".hidden").write_bytes(b"")
    (root / "empty" / "out.txt").symlink_to("../../secret.txt")
    files = StaticFiles(root, listing=True)
    answer = get(files, "/empty/")
    page = answer.body.decode()
    assert answer.status == 200
    assert 'href="./%3Cb%3E.txt">&lt;b&gt;.txt<' in page
    assert 'href="./javascript%3Ax%22"' in page
    assert "hidden" not in page
    assert "out.txt" not in page
    assert "default-src 'none'" in answer["content-security-policy"]
    assert get(files, "/empty/", method="HEAD")["content-length"] == str(len(answer.body))
    assert get(files, "/docs/").body == b"<h1>docs</h1>"
    assert 'href="../"' in page
    assert get(files, "/empty")["location"] == "./empty/"


def test_other_methods(files: StaticFiles) -> None:
    answer = get(files, "/hello.txt", method="POST")
    assert (answer.status, answer["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert get(files, "/hello.txt", method="OPTIONS").status == 204


def test_what_is_no_file_goes_to_the_application(root: Path) -> None:
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": scope["path"].encode()})

    files = StaticFiles(root, app=inner)
    assert get(files, "/hello.txt").status == 200
    for path, method in (("/api", "GET"), ("/hello.txt", "POST"), ("/.env", "GET"), ("//x", "GET")):
        assert get(files, path, method=method).status == 299


def test_lifespan_and_websockets(files: StaticFiles) -> None:
    async def call(kind: str) -> list[str]:
        sent: list[str] = []

        async def receive() -> Any:
            return {"type": "whatever"}

        async def send(message: Any) -> None:
            sent.append(message["type"])

        await files({"type": kind}, receive, send)  # type: ignore[arg-type]
        return sent

    assert asyncio.run(call("lifespan")) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert asyncio.run(call("websocket")) == ["websocket.close"]
    with pytest.raises(ValueError, match="carrier pigeon"):
        asyncio.run(call("carrier pigeon"))


@pytest.mark.parametrize("option", [{"index": "../x"}, {"single_page": "/x"}, {"not_found": "a/"}, {"symlinks": "no"}])
def test_options_that_cannot_be(root: Path, option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(option))):
        StaticFiles(root, **option)


# -- compressed neighbours ---------------------------------------------------------------------------------------------


@pytest.fixture
def compressed(root: Path) -> StaticFiles:
    pytest.importorskip("pounce_compression")
    (root / "hello.txt.gz").write_bytes(gzip.compress(b"Hello, world!"))
    (root / "hello.txt.br").write_bytes(b"as brotli")
    (root / "hello.txt.zst").write_bytes(b"as zstd")
    return StaticFiles(root)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("gzip, deflate, br, zstd", "zstd"), ("gzip, br", "br"), ("gzip", "gzip"), ("br;q=0.5, gzip", "gzip"),
     ("*", "zstd"), ("identity", ""), ("", ""), ("gzip;q=0", ""), ("compress", ""), ("identity;q=0", "")],
)  # fmt: skip
def test_neighbours_by_negotiation(compressed: StaticFiles, accepted: str, coding: str) -> None:
    answer = get(compressed, "/hello.txt", {"accept-encoding": accepted})
    assert (answer.status, answer["content-encoding"]) == (200, coding)
    assert answer["content-type"] == "text/plain; charset=utf-8"
    assert answer["vary"] == "accept-encoding"
    assert (coding != "") == answer["etag"].endswith(f'-{coding}"')


def test_conditions_and_ranges_are_of_the_representation(compressed: StaticFiles, root: Path) -> None:
    plain = get(compressed, "/hello.txt")["etag"]
    zipped = get(compressed, "/hello.txt", {"accept-encoding": "gzip"})["etag"]
    assert plain != zipped
    gone = get(compressed, "/hello.txt", {"accept-encoding": "gzip", "if-none-match": zipped})
    assert (gone.status, gone["vary"]) == (304, "accept-encoding")
    assert get(compressed, "/hello.txt", {"accept-encoding": "gzip", "if-none-match": plain}).status == 200
    part = get(compressed, "/hello.txt", {"accept-encoding": "gzip", "range": "bytes=0-1"})
    assert part.body == (root / "hello.txt.gz").read_bytes()[:2]
    assert part["content-encoding"] == "gzip"


def test_neighbours_that_are_not_to_be_had(compressed: StaticFiles, root: Path, tmp_path: Path) -> None:
    accepted = {"accept-encoding": "zstd, br, gzip"}
    os.utime(root / "hello.txt.zst", (1, 1))  # made from something older
    (root / "hello.txt.br").unlink()
    (root / "hello.txt.br").symlink_to("../secret.txt")  # leaves the root
    assert get(StaticFiles(root), "/hello.txt", accepted)["content-encoding"] == "gzip"
    (root / "hello.txt.gz").unlink()
    (root / "hello.txt.gz").mkdir()
    assert get(StaticFiles(root), "/hello.txt", accepted)["vary"] == ""
    assert get(StaticFiles(root, precompressed=False), "/hello.txt", accepted)["content-encoding"] == ""
    assert get(compressed, "/hello.txt.zst", accepted)["content-type"] == "application/zstd"  # asked for by itself


def test_an_index_that_leaves_the_root_is_none(root: Path) -> None:
    (root / "empty" / "index.html").symlink_to("../../secret.txt")
    assert get(StaticFiles(root), "/empty/").status == 404
    assert get(StaticFiles(root, symlinks="follow"), "/empty/").body == b"secret"


# -- files that change -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offers", [(), (ZERO_COPY,)])
def test_a_file_that_becomes_shorter_aborts_the_response(
    root: Path, offers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pounce_middleware.static.file_body.WINDOW", 100_000)
    monkeypatch.setattr("pounce_middleware.static.file_body.READ", 100_000)
    answer = Answer()
    with pytest.raises(FileBecameShorter):
        get(
            StaticFiles(root), "/large.bin", offers=offers, answer=answer,
            on_piece=lambda: os.truncate(root / "large.bin", 150_000),
        )  # fmt: skip
    assert answer.status == 200
    assert not answer.complete
    assert answer["content-length"] == str(len(LARGE))


@pytest.mark.parametrize("offers", [(), (ZERO_COPY,)])
def test_a_file_that_grows_is_sent_as_promised(
    root: Path, offers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pounce_middleware.static.file_body.WINDOW", 100_000)
    monkeypatch.setattr("pounce_middleware.static.file_body.READ", 100_000)

    def grow() -> None:
        with (root / "large.bin").open("ab") as file:
            file.write(b"more")

    assert get(StaticFiles(root), "/large.bin", offers=offers, on_piece=grow).body == LARGE


@pytest.mark.parametrize("name", ["hello.txt", "large.bin"])
def test_what_changed_is_seen_within_a_second(root: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr("pounce_middleware.static.static_files.monotonic", lambda: now)
    files = StaticFiles(root)
    before = get(files, f"/{name}")
    (root / name).write_bytes(b"new and other")
    os.utime(root / name, ns=(1, 10**18))
    now += 1.1
    after = get(files, f"/{name}")
    assert after.body == b"new and other"
    assert after["etag"] != before["etag"]
    (root / name).unlink()
    now += 1.1
    assert get(files, f"/{name}").status == 404


def test_a_large_file_that_changed_within_the_second_is_sent_as_it_is_now(root: Path) -> None:
    files = StaticFiles(root)
    before = get(files, "/large.bin")["etag"]
    (root / "large.bin").write_bytes(LARGE + b"more")
    after = get(files, "/large.bin")
    assert after.body == LARGE + b"more"
    assert after["etag"] != before
    (root / "large.bin").unlink()
    get(files, "/hello.txt")
    assert get(files, "/large.bin").status == 404


def test_requests_at_once_look_at_the_disk_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = StaticFiles(root)
    looked: list[Any] = []
    original = files.directory.open

    def slow(names: Any) -> Any:
        looked.append(names)
        return original(names)

    monkeypatch.setattr(files.directory, "open", slow)

    async def many() -> list[Answer]:
        return await asyncio.gather(*(request(files, "/hello.txt") for _ in range(20)))

    assert {answer.body for answer in asyncio.run(many())} == {b"Hello, world!"}
    assert looked.count(("hello.txt",)) == 1


def test_a_disk_that_hangs_holds_up_nobody_else(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = StaticFiles(root)
    free = threading.Event()
    original = files.directory.open

    def hanging(names: Any) -> Any:
        if names == ("large.bin",):
            assert free.wait(10)
        return original(names)

    monkeypatch.setattr(files.directory, "open", hanging)

    async def both() -> tuple[Answer, Answer]:
        waiting = asyncio.ensure_future(request(files, "/large.bin"))
        await asyncio.sleep(0)
        quick = await request(files, "/hello.txt")
        assert not waiting.done()
        free.set()
        return quick, await waiting

    quick, slow = asyncio.run(both())
    assert (quick.body, slow.body) == (b"Hello, world!", LARGE)


def test_clients_that_leave_while_a_file_is_opened_leave_no_descriptor(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = StaticFiles(root)
    files._worker.held = HeldFiles(0)
    get(files, "/large.bin")
    original, opened, free = files.directory.open, [], threading.Event()

    def slow(names: Any) -> Any:
        assert free.wait(10)
        opened.append(original(names))
        return opened[-1]

    monkeypatch.setattr(files.directory, "open", slow)

    async def leave() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        waiting = asyncio.ensure_future(request(files, "/large.bin"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        free.set()
        assert (await request(files, "/large.bin")).body == LARGE  # by the same thread, so after the other

    asyncio.run(leave())
    assert len(opened) == 2
    for file in opened:
        with pytest.raises(OSError, match="descriptor"):
            os.fstat(file.fd)


def test_a_large_file_is_opened_once_for_many(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = StaticFiles(root)
    original, opened = files.directory.open, []

    def counted(names: Any) -> Any:
        opened.append(names)
        return original(names)

    monkeypatch.setattr(files.directory, "open", counted)

    async def several() -> None:
        for _ in range(5):
            answers = await asyncio.gather(*(request(files, "/large.bin", offers=(ZERO_COPY,)) for _ in range(3)))
            assert {answer.body for answer in answers} == {LARGE}
        # Seen on its descriptor, although nobody looked at the path again:
        os.truncate(root / "large.bin", 200_000)
        assert (await request(files, "/large.bin")).body == LARGE[:200_000]

    asyncio.run(several())
    assert 2 <= opened.count(("large.bin",)) <= 5  # to look; then once for all, unless three came first


def test_what_is_held_is_bounded_and_closed(root: Path) -> None:
    for number in range(5):
        (root / f"{number}.bin").write_bytes(LARGE)
    files = StaticFiles(root)
    held = files._worker.held = HeldFiles(2)

    async def all_of_them() -> list[Any]:
        for number in range(5):
            assert (await request(files, f"/{number}.bin")).body == LARGE
        assert len(held._held) == 2
        first = next(iter(held._held.values()))
        first.users += 1  # somebody still sends it
        first.drop()
        assert os.fstat(first.file.fd)
        first.give_back()
        return list(held._held.values())

    first, second = asyncio.run(all_of_them())
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(first.file.fd)
    descriptor = second.file.fd
    assert os.fstat(descriptor)
    second.drop()
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(descriptor)


def test_one_instance_on_many_loops_at_once(files: StaticFiles) -> None:
    wrong: list[object] = []

    async def some() -> None:
        for _ in range(30):
            answers = await asyncio.gather(
                request(files, "/hello.txt"), request(files, "/large.bin"), request(files, "/nothing")
            )
            if [answer.body for answer in answers] != [b"Hello, world!", LARGE, b"Not Found\n"]:
                wrong.append(answers)

    def run() -> None:
        try:
            asyncio.run(some())
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            wrong.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_cache_is_bounded(root: Path) -> None:
    for number in range(20):
        (root / f"{number}.txt").write_bytes(b"x" * 1000)
    files = StaticFiles(root, cache_entries=8, cache_bytes=5500)

    async def all_of_them() -> None:
        for number in range(20):
            assert (await request(files, f"/{number}.txt")).status == 200
            assert (await request(files, f"/no-{number}")).status == 404

    asyncio.run(all_of_them())
    cache = files._worker.cache
    assert len(cache.entries) == 5
    assert cache.kept == 5000
    assert len(cache.missing) == 8


def test_what_is_not_there_is_believed_for_a_second(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr("pounce_middleware.static.static_files.monotonic", lambda: now)
    files = StaticFiles(root)
    assert get(files, "/late.txt").status == 404
    (root / "late.txt").write_bytes(b"late")
    monkeypatch.setattr(files.directory, "open", None)
    assert get(files, "/late.txt").status == 404  # without a look
    monkeypatch.undo()
    now += 1.1
    monkeypatch.setattr("pounce_middleware.static.static_files.monotonic", lambda: now)
    assert get(files, "/late.txt").body == b"late"
