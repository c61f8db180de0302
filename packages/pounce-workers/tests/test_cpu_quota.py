"""What control groups grant: tables of what their files say, and whole file systems as containers see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pounce_workers.supervision.cpu_quota import (
    Mount,
    cpu_quota,
    group_folders,
    parse_cfs,
    parse_cpu_max,
    parse_groups,
    parse_mounts,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("max 100000\n", None),
        ("150000 100000\n", 1.5),
        ("50000 100000", 0.5),
        ("400000 200000", 2.0),
        ("200000", 2.0),
        ("max", None),
        ("", None),
        ("0 100000", None),
        ("-1 100000", None),
        ("100000 0", None),
        ("x 100000", None),
    ],
)
def test_cpu_max(text: str, cpus: float | None) -> None:
    assert parse_cpu_max(text) == cpus


@pytest.mark.parametrize(
    ("quota", "period", "cpus"),
    [("-1\n", "100000\n", None), ("250000\n", "100000\n", 2.5), ("", "", None), ("0", "100000", None)],
)
def test_cfs(quota: str, period: str, cpus: float | None) -> None:
    assert parse_cfs(quota, period) == cpus


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("0::/\n", {2: "/"}),
        ("0::/system.slice/app.service\n", {2: "/system.slice/app.service"}),
        ("12:pids:/a\n4:cpu,cpuacct:/docker/1f\n1:name=systemd:/a\n0::/b\n", {1: "/docker/1f", 2: "/b"}),
        ("3:cpuset:/a\n2:cpuacct:/b\n", {}),
        ("4:cpu:/with:colon\n", {1: "/with:colon"}),
        ("", {}),
        ("nonsense\n7:cpu\n8:cpu:relative\n", {}),
    ],
)
def test_groups(text: str, groups: dict[int, str]) -> None:
    assert parse_groups(text) == groups


@pytest.mark.parametrize(
    ("line", "mounts"),
    [
        ("31 23 0:26 / /cg rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate", [Mount(2, "/", "/cg")]),
        ("32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu", [Mount(1, "/", "/sys/fs/cgroup/cpu")]),
        (
            "33 31 0:30 /docker/1f /sys/fs/cgroup/cpu,cpuacct ro master:12 - cgroup cgroup rw,cpu,cpuacct",
            [Mount(1, "/docker/1f", "/sys/fs/cgroup/cpu,cpuacct")],
        ),
        ("34 31 0:31 / /with\\040space rw - cgroup2 none rw", [Mount(2, "/", "/with space")]),
        ("35 31 0:32 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset", []),
        ("36 31 0:33 / / rw - ext4 /dev/sda1 rw", []),
        ("nonsense", []),
        ("", []),
    ],
)
def test_mounts(line: str, mounts: list[Mount]) -> None:
    assert parse_mounts(line) == mounts


@pytest.mark.parametrize(
    ("mount", "group", "folders"),
    [
        (Mount(2, "/", "/cg"), "/", ["/cg"]),
        (Mount(2, "/", "/cg"), "/a/b", ["/cg/a/b", "/cg/a", "/cg"]),
        (Mount(1, "/docker/1f", "/cg"), "/docker/1f", ["/cg"]),
        (Mount(1, "/docker/1f", "/cg"), "/docker/1f/inner", ["/cg/inner", "/cg"]),
        (Mount(1, "/docker/1f", "/cg"), "/docker/1ff", ["/cg"]),
        (Mount(2, "/", "/cg"), "/../outside", ["/cg"]),
    ],
)
def test_folders_of_a_group_and_of_those_above_it(mount: Mount, group: str, folders: list[str]) -> None:
    assert list(group_folders(mount, group)) == folders


V2 = "31 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
V1 = "32 31 0:29 /docker/1f /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": V2}, None),
        ({"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": V2, "sys/fs/cgroup/cpu.max": "150000 100000"}, 1.5),
        (
            {
                "proc/self/cgroup": "0::/pod/app\n",
                "proc/self/mountinfo": V2,
                "sys/fs/cgroup/pod/app/cpu.max": "max 100000",
                "sys/fs/cgroup/pod/cpu.max": "300000 100000",
            },
            3.0,
        ),
        (
            {
                "proc/self/cgroup": "0::/pod/app\n",
                "proc/self/mountinfo": V2,
                "sys/fs/cgroup/pod/app/cpu.max": "400000 100000",
                "sys/fs/cgroup/pod/cpu.max": "200000 100000",
            },
            2.0,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu:/docker/1f\n0::/\n",
                "proc/self/mountinfo": V1 + V2,
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            0.5,
        ),
        ({"proc/self/cgroup": "4:cpu:/docker/1f\n", "proc/self/mountinfo": V2}, None),
    ],
    ids=["no proc", "no quota", "container", "of the group above", "the least of all", "version 1", "not mounted"],
)
def test_quota(tmp_path: Path, files: dict[str, str], quota: float | None) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert cpu_quota(tmp_path) == quota
