"""The second wall: opening files below a directory and nowhere else, whatever lies there."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pounce_middleware.static import Directory, NoSuchFile, directory, file_path

if TYPE_CHECKING:
    from pounce_middleware.static.settings import Symlinks

DESCRIPTORS = Path("/proc/self/fd")
POLICIES: tuple[Symlinks, ...] = ("within", "follow", "none")
posix = pytest.mark.skipif(os.name == "nt", reason="needs what POSIX has")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with a secret beside it, and links of every kind in it."""
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_text("a")
    (root / "sub" / "b.txt").write_text("b")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "root-too").mkdir()
    (tmp_path / "root-too" / "secret.txt").write_text("secret")
    for link, target in {
        "inside.txt": "sub/b.txt",
        "inside": "sub",
        "absolute.txt": str(root / "a.txt"),
        "outside.txt": "../secret.txt",
        "outside": "..",
        "beside": "../root-too",  # its name begins with that of the root
        "there-and-back.txt": "../root/a.txt",
        "loop": "loop",
        "dangling": "nothing",
        "twice.txt": "outside.txt",
    }.items():
        (root / link).symlink_to(target)
    return root


def read(where: Directory, path: str) -> str | None:
    """The content, ``/`` for a folder, or None."""
    try:
        file = where.open(tuple(path.split("/")) if path else ())
    except NoSuchFile:
        return None
    try:
        return "/" if file.is_folder else os.read(file.fd, 100).decode()
    finally:
        file.close()


LINKS = {
    # path: what comes with the policies within, follow, none
    "a.txt": ("a", "a", "a"),
    "sub/b.txt": ("b", "b", "b"),
    "sub": ("/", "/", "/"),
    "": ("/", "/", "/"),
    "nothing": (None, None, None),
    "a.txt/b": (None, None, None),
    "inside.txt": ("b", "b", None),
    "inside/b.txt": ("b", "b", None),
    "inside": ("/", "/", None),
    "absolute.txt": ("a", "a", None),
    "there-and-back.txt": ("a", "a", None),
    "outside.txt": (None, "secret", None),
    "outside/secret.txt": (None, "secret", None),
    "outside": (None, "/", None),
    "beside/secret.txt": (None, "secret", None),
    "twice.txt": (None, "secret", None),
    "loop": (None, None, None),
    "dangling": (None, None, None),
}


@pytest.mark.parametrize("walks", [pytest.param(True, marks=posix), False])
@pytest.mark.parametrize("path", LINKS)
def test_links_by_policy(root: Path, path: str, walks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "_WALKS", walks)
    assert tuple(read(Directory(root, symlinks=policy), path) for policy in POLICIES) == LINKS[path]


NAMES = [
    "..", ".", "", "a.txt", "sub", "b.txt", "inside", "outside", "outside.txt", "beside", "secret.txt", "root-too",
    "root", "twice.txt", "loop", "%2e%2e", "%252e%252e", "..%2f..", "..%5c..", "\\", "%00", "%c0%ae%c0%ae",
]  # fmt: skip


@posix
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(NAMES), max_size=6), st.sampled_from(["within", "none"]), st.booleans())
def test_no_path_leads_to_a_secret(root: Path, names: list[str], policy: Symlinks, hidden: bool) -> None:
    """Neither through both walls, nor through the second alone."""
    path = unquote("/" + "/".join(names))
    where = Directory(root, symlinks=policy)
    allowed = file_path(path, hidden=hidden)
    assert allowed is None or read(where, "/".join(allowed)) in ("a", "b", "/", None)
    if policy == "within":
        assert read(where, path[1:]) in ("a", "b", "/", None)


@posix
@pytest.mark.parametrize("policy", POLICIES)
def test_only_regular_files_are_opened_and_nothing_is_waited_for(root: Path, policy: Symlinks) -> None:
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.open(root, os.O_RDONLY)
        try:
            listening.bind(f"/proc/self/fd/{here}/socket" if DESCRIPTORS.is_dir() else str(root / "socket"))
        finally:
            os.close(here)
        where = Directory(root, symlinks=policy)
        assert read(where, "fifo") is None
        assert read(where, "socket") is None
    (root / "device").symlink_to("/dev/zero")
    assert read(where, "device") is None


@posix
def test_a_folder_swapped_for_a_link_leads_nowhere(root: Path) -> None:
    """Between resolving and opening, or whenever: what is opened is inside, or nothing is."""
    (root / "flip").mkdir()
    (root / "flip" / "secret.txt").write_text("public")
    (root / "out").symlink_to("../root-too")
    where, seen, done = Directory(root), set(), threading.Event()

    def swap() -> None:
        while not done.is_set():
            (root / "flip").rename(root / "aside")
            (root / "out").rename(root / "flip")
            (root / "flip").rename(root / "out")
            (root / "aside").rename(root / "flip")

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        for _ in range(3000):
            seen.add(read(where, "flip/secret.txt"))
    finally:
        done.set()
        swapper.join()
    assert seen <= {"public", None}
    assert "public" in seen


@posix
def test_the_root_may_be_a_link_that_moves(root: Path, tmp_path: Path) -> None:
    current = tmp_path / "current"
    current.symlink_to("root")
    where = Directory(current)
    assert read(where, "a.txt") == "a"
    current.unlink()
    current.symlink_to("root-too")
    assert read(where, "secret.txt") == "secret"
    assert read(where, "a.txt") is None


@posix
def test_unreadable_files_look_like_none(root: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    (root / "a.txt").chmod(0)
    assert read(Directory(root), "a.txt") is None


def test_names_no_system_has_look_like_none(root: Path) -> None:
    assert read(Directory(root), "a" * 300) is None
    assert read(Directory(root), "a\0b") is None


@posix
def test_a_listing_shows_only_what_can_be_opened(root: Path) -> None:
    os.mkfifo(root / "fifo")
    links: dict[Symlinks, set[str]] = {
        "within": {"inside.txt", "inside", "absolute.txt", "there-and-back.txt"},
        "none": set(),
    }
    for policy, followed in links.items():
        found = Directory(root, symlinks=policy).names((), most=100)
        assert {name for name, _ in found} == {"a.txt", "sub"} | followed
        assert ("sub", True) in found
    assert len(Directory(root).names((), most=2)) == 2
    with pytest.raises(NoSuchFile):
        Directory(root).names(("a.txt",), most=2)


def test_no_descriptor_is_left_open(root: Path) -> None:
    if not DESCRIPTORS.is_dir():
        pytest.skip("counts descriptors in /proc")
    where = Directory(root)
    before = len([*DESCRIPTORS.iterdir()])
    for path in LINKS:
        read(where, path)
    where.names((), most=10)
    assert len([*DESCRIPTORS.iterdir()]) == before


@pytest.mark.parametrize(("where", "symlinks"), [("nothing", "within"), ("a.txt", "within"), ("sub", "some")])
def test_what_cannot_be_a_root(root: Path, where: str, symlinks: Symlinks) -> None:
    with pytest.raises(ValueError, match=r"not a directory|not one of"):
        Directory(root / where, symlinks=symlinks)
