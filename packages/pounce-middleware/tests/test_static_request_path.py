"""The first wall: which texts lead to names of files at all."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pounce_middleware.static import file_path


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/", ("",)),
        ("/a.txt", ("a.txt",)),
        ("/a/b.txt", ("a", "b.txt")),
        ("/a/", ("a", "")),
        ("/a b/ü.txt", ("a b", "ü.txt")),
        ("/...", None),  # begins with a dot: hidden
        ("/a...b", ("a...b",)),
        ("/.well-known/security.txt", (".well-known", "security.txt")),
    ],
)
def test_ordinary_paths(path: str, names: tuple[str, ...] | None) -> None:
    assert file_path(path, platform="linux") == names


ATTACKS = {
    "dot-dot": "/../secret",
    "dot-dot inside": "/a/../../secret",
    "dot-dot at the end": "/a/..",
    "dot": "/./a",
    "dot at the end": "/a/.",
    "encoded dot-dot": unquote("/%2e%2e/secret"),
    "encoded slash": unquote("/..%2fsecret"),
    "backslashes": "/..\\..\\secret",
    "encoded backslash": unquote("/..%5csecret"),
    "NUL": unquote("/a.txt%00.png"),
    "line feed": unquote("/a%0ab"),
    "delete": "/a\x7f",
    "absolute": "//etc/passwd",
    "absolute inside": "/a//etc/passwd",
    "another host": "//evil.example/",
    "empty": "",
    "no slash": "etc/passwd",
    "over-long slash": unquote("/..%c0%af..%c0%afsecret"),
    "over-long dot": unquote("/%c0%ae%c0%ae/secret"),
    "over-long in three": unquote("/%e0%80%ae%e0%80%ae/secret"),
    "not UTF-8": unquote("/%ff"),
    "surrogate": "/\udcff",
    "hidden": "/.git/config",
    "hidden file": "/a/.env",
    "well-known is not everywhere": "/a/.well-known/x",
    "hidden below well-known": "/.well-known/.env",
    "too long": "/" + "a" * 5000,
    "too deep": "/a" * 100,
}


@pytest.mark.parametrize("path", ATTACKS.values(), ids=ATTACKS)
def test_attacks_are_refused_everywhere(path: str) -> None:
    for platform in ("linux", "darwin", "win32"):
        assert file_path(path, platform=platform) is None


def test_what_was_encoded_twice_is_a_name_and_not_decoded_again() -> None:
    assert file_path(unquote("/%252e%252e/secret"), platform="linux") == ("%2e%2e", "secret")


@pytest.mark.parametrize(
    "name",
    ["CON", "con", "NUL.txt", "nul .txt", "AUX", "PRN.a.b", "COM1", "com9.log", "LPT3", "COM¹", "CONIN$", "C:", "C:x",
     "file::$DATA", "file.txt:stream", "file.", "file ", "dir. ", "a<b", "a|b", "a?b", "a*b", 'a"b', "GIT~1"],
)  # fmt: skip
def test_names_that_mean_something_else_on_windows(name: str) -> None:
    assert file_path(f"/{name}", platform="win32") is None
    assert file_path(f"/{name}/a.txt", platform="win32") is None
    assert file_path(f"/{name}", platform="linux") == (name,)


@pytest.mark.parametrize("name", ["console", "common.js", "com10", "nul-terminated.txt", "auxiliary", "a.con"])
def test_names_that_only_look_like_devices(name: str) -> None:
    assert file_path(f"/{name}", platform="win32") == (name,)


def test_characters_that_an_old_file_system_of_macos_ignores() -> None:
    assert file_path("/\u200c.git/config", platform="darwin") is None


def test_hidden_files_can_be_allowed_and_dot_dot_cannot() -> None:
    assert file_path("/.git/config", hidden=True) == (".git", "config")
    assert file_path("/../x", hidden=True) is None


@given(st.text(alphabet=st.sampled_from("./\\ab%2e:~$ \x00\ufffd\udcff"), max_size=30))
def test_what_comes_out_is_plain_names(path: str) -> None:
    names = file_path("/" + path, hidden=True, platform="linux")
    if names is not None:
        assert "/" + "/".join(names) == "/" + path
        assert not {".", ".."} & set(names)
        assert "" not in names[:-1]
        assert not any("\0" in name or "\\" in name for name in names)
