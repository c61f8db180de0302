"""How much processor time a container or a service is granted: Linux's control groups, both versions.

A quota is not a number of processors that can be counted: a container of two CPUs on a machine of 64 sees 64, and is
stopped for the rest of each period (100 ms, mostly) once its processes have used two CPUs' time. Parsing is apart from
reading; everything that is missing or strange means "no quota", because a server has to start all the same.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Mount", "cpu_quota", "group_folders", "parse_cfs", "parse_cpu_max", "parse_groups", "parse_mounts"]

_ROOT: Final = Path("/")
_CGROUP2: Final = "cgroup2"


class Mount(NamedTuple):
    """A hierarchy of control groups, as it is mounted."""

    version: int
    """1, or 2."""
    root: str
    """The group whose content the mount point shows: "/" for the whole hierarchy."""
    point: str
    """Where it is mounted."""


def parse_cpu_max(text: str) -> float | None:
    """CPUs granted by version 2's ``cpu.max``: "max 100000" is no quota, "150000 100000" is 1.5."""
    words = text.split()
    if not words or words[0] == "max":
        return None
    return _ratio(words[0], words[1] if len(words) > 1 else "100000")


def parse_cfs(quota: str, period: str) -> float | None:
    """CPUs granted by version 1's ``cpu.cfs_quota_us`` and ``cpu.cfs_period_us``; a quota of -1 is none."""
    return _ratio(quota, period)


def parse_groups(text: str) -> dict[int, str]:
    """From /proc/self/cgroup: this process's group in the hierarchy of version 2, and in version 1's of ``cpu``.

    cgroups(7): "hierarchy-ID:controller-list:cgroup-path"; version 2 has the ID 0 and an empty list.
    """
    groups: dict[int, str] = {}
    for line in text.splitlines():
        number, _, rest = line.partition(":")
        controllers, colon, path = rest.partition(":")
        if not colon or not path.startswith("/"):
            continue
        if number == "0" and not controllers:
            groups[2] = path
        elif "cpu" in controllers.split(","):
            groups[1] = path
    return groups


def parse_mounts(text: str) -> list[Mount]:
    """From /proc/self/mountinfo: where version 2, and version 1's ``cpu``, are mounted.

    proc(5): the fields of a mount, optional ones, " - ", then file system, source and its options.
    """
    mounts = []
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        fields, system = before.split(" "), after.split(" ")
        if len(fields) < 5 or len(system) < 3:
            continue
        if system[0] == _CGROUP2:
            mounts.append(Mount(2, _unescaped(fields[3]), _unescaped(fields[4])))
        elif system[0] == "cgroup" and "cpu" in system[2].split(","):
            mounts.append(Mount(1, _unescaped(fields[3]), _unescaped(fields[4])))
    return mounts


def group_folders(mount: Mount, group: str) -> Iterator[str]:
    """The folders of a group and of those above it, up to the mount point: each of them may have a quota.

    In a container the path of the group is often the host's, of which the mount shows only an end or nothing.
    """
    path, root, point = PurePosixPath(group), PurePosixPath(mount.root), PurePosixPath(mount.point)
    inner = path.relative_to(root) if path.is_relative_to(root) else PurePosixPath()
    if ".." in inner.parts:  # a process that was moved out of its namespace's own root
        inner = PurePosixPath()
    folder = point / inner
    while folder != point:
        yield str(folder)
        folder = folder.parent
    yield str(point)


def cpu_quota(root: Path = _ROOT) -> float | None:
    """CPUs that this process may use of in all, such as 1.5; None without a quota. ``root`` is for tests."""
    groups = parse_groups(_read(root / "proc/self/cgroup"))
    found = []
    for mount in parse_mounts(_read(root / "proc/self/mountinfo")):
        if mount.version in groups:
            folders = (root / folder.lstrip("/") for folder in group_folders(mount, groups[mount.version]))
            found += _quotas(mount.version, folders)
    return min(found, default=None)


def _quotas(version: int, folders: Iterable[Path]) -> list[float]:
    """What each of the folders grants, as far as it says."""
    if version == 2:
        quotas = [parse_cpu_max(_read(folder / "cpu.max")) for folder in folders]
    else:
        quotas = [parse_cfs(_read(one / "cpu.cfs_quota_us"), _read(one / "cpu.cfs_period_us")) for one in folders]
    return [quota for quota in quotas if quota is not None]


def _ratio(quota: str, period: str) -> float | None:
    try:
        granted, of = int(quota), int(period)
    except ValueError:
        return None
    return granted / of if granted > 0 and of > 0 else None


def _unescaped(path: str) -> str:
    r"""proc(5): space, tab, newline and backslash are written as octal escapes, "\040"."""
    for escape, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        path = path.replace(escape, character)
    return path


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
