"""Directories beside an application, and what can be set about them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from static_client import get

from pounce_middleware.static import StaticMounts, StaticSettings

if TYPE_CHECKING:
    from pathlib import Path


async def application(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": f"{scope['root_path']} {scope['path']}".encode()})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "js" / "deep").mkdir(parents=True)
    (tmp_path / "a.txt").write_bytes(b"a")
    (tmp_path / "index.html").write_bytes(b"home")
    (tmp_path / "js" / "b.txt").write_bytes(b"b")
    return tmp_path


def mounted(*values: str, **settings: Any) -> Any:
    return StaticMounts.from_settings(application, StaticSettings(static=values, **settings))


def test_nothing_is_wrapped_when_it_is_off() -> None:
    assert mounted() is application


@pytest.mark.parametrize(
    ("path", "root_path", "status", "body"),
    [
        ("/assets/a.txt", "", 200, b"a"),
        ("/assets/js/b.txt", "", 200, b"b"),
        ("/assets/js2/b.txt", "", 200, b"b"),  # the longer URL
        ("/assets", "", 307, b""),
        ("/assets/", "", 200, b"home"),
        ("/assets/none", "", 404, b"Not Found\n"),
        ("/assets/../secret", "", 404, b"Not Found\n"),
        ("/assetsand/a.txt", "", 299, b" /assetsand/a.txt"),
        ("/", "", 299, b" /"),
        ("/api/assets/a.txt", "/api", 200, b"a"),
        ("/api/other", "/api", 299, b"/api /api/other"),
        ("/assets/a.txt", "/api", 200, b"a"),  # a server that leaves the root path out
    ],
)
def test_what_goes_where(folder: Path, path: str, root_path: str, status: int, body: bytes) -> None:
    app = mounted(f"/assets={folder}", f"/assets/js2/={folder}/js")
    answer = get(app, path, root_path=root_path)
    assert (answer.status, answer.body) == (status, body)


def test_below_the_root_the_application_gets_what_is_no_file(folder: Path) -> None:
    app = mounted(f"/={folder}", f"/more={folder}/js", static_single_page="index.html")
    assert get(app, "/a.txt").body == b"a"
    assert get(app, "/").body == b"home"
    assert get(app, "/more/b.txt").body == b"b"
    assert get(app, "/more/none").status == 404
    assert get(app, "/api", {"accept": "text/html"}).status == 299
    assert get(app, "/a.txt", method="POST").status == 299
    assert get(app, "/js/deep").status == 299  # a folder that has nothing to show hides no route


def test_settings_reach_the_files(folder: Path) -> None:
    (folder / ".hidden").write_bytes(b"h")
    app = mounted(
        f"/s={folder}",
        static_hidden=True,
        static_listing=True,
        static_index="",
        static_cache_control=("*.txt=max-age=60, public",),
        static_single_page="index.html",
    )
    assert get(app, "/s/.hidden").body == b"h"
    assert b"a.txt" in get(app, "/s/").body
    assert get(app, "/s/a.txt")["cache-control"] == "max-age=60, public"
    assert get(app, "/s/page", {"accept": "text/html"}).body == b"home"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"static": ("assets",)}, "static: 'assets' is not written URL=DIR"),
        ({"static": ("/assets=",)}, "static: '/assets=' is not written URL=DIR"),
        ({"static": ("=dir",)}, "static: '=dir' is not written URL=DIR"),
        ({"static": ("assets=dir",)}, "perhaps /assets=dir"),
        ({"static": ("/a/../b=dir",)}, "not a plain path"),
        ({"static": ("/a//b=dir",)}, "not a plain path"),
        ({"static": ("/a%20b=dir",)}, "not a plain path"),
        ({"static": ("/a?b=dir",)}, "not a plain path"),
        ({"static": ("/a=x", "/a/=y")}, "static: /a is given twice"),
        ({"static_index": "../x"}, "static_index: '../x'"),
        ({"static_single_page": "/x"}, "static_single_page: '/x'"),
        ({"static_symlinks": "some"}, "static_symlinks: 'some' is not one of within, follow, none"),
        ({"static_cache_control": ("*.js",)}, "static_cache_control: '\\*.js' is not written PATTERN=VALUE"),
        ({"static_cache_control": ("*=a\n",)}, "static_cache_control: 'a\\\\n' is not a value"),
    ],
)
def test_values_that_cannot_be_used(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("?", "\\?")):
        StaticSettings(**settings)


def test_a_directory_that_is_not_there(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"static: '/x=.*nothing' is not a directory"):
        mounted(f"/x={folder}/nothing")


def test_lifespan_is_the_applications(folder: Path) -> None:
    scopes: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope["type"])

    whole = StaticMounts.from_settings(app, StaticSettings(static=(f"/={folder}", f"/s={folder}")))
    for kind in ("lifespan", "websocket"):
        asyncio.run(whole({"type": kind, "path": "/s/a.txt"}, None, None))  # type: ignore[arg-type]
    assert scopes == ["lifespan", "websocket"]
