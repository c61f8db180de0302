"""What the measuring of attacks makes of what it sees."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.attacks import slowhttptest
from benchmarks.attacks.catalogue import ATTACKS
from benchmarks.attacks.good_client import Turn, percentile
from benchmarks.attacks.http2_attacks import literal
from benchmarks.attacks.report import as_json, line, markdown, noise
from benchmarks.attacks.rounds import Figures
from benchmarks.attacks.syn_flood import checksum, syn

if TYPE_CHECKING:
    from pathlib import Path

CALM = Figures(
    name="slow heads",
    calm_wall=0.001,
    wall=0.002,
    calm_work=0.0004,
    work=0.0008,
    spread=1.2,
    answers=400,
    core=0.1,
    grown=1 << 20,
    left=0,
    descriptors=500,
    descriptors_left=0,
    available=None,
)

FAULTS: dict[str, tuple[Figures, list[str]]] = {
    "in order": (CALM, []),
    "more work": (replace(CALM, work=0.002), ["work 5.0 times"]),
    "longer waits": (replace(CALM, wall=0.01), ["p99 10.0 times"]),
    "longer waits on a machine that others use": (replace(CALM, wall=0.01, spread=2.5), []),
    "memory during it": (replace(CALM, grown=300 << 20), ["300 MiB during it"]),
    "memory after it": (replace(CALM, left=100 << 20), ["100 MiB left"]),
    "descriptors after it": (replace(CALM, descriptors_left=9), ["9 descriptors left"]),
    "the judge": (replace(CALM, available=False), ["not available"]),
    "the good client was cut off": (replace(CALM, fault="it lost its connection"), ["it lost its connection"]),
}


@pytest.mark.parametrize(("figures", "faults"), FAULTS.values(), ids=FAULTS)
def test_what_is_not_in_order(figures: Figures, faults: list[str]) -> None:
    assert figures.faults == faults
    assert line(figures).endswith("; ".join(faults) or "within")
    assert f"**{figures.work_times:.1f}**" in markdown([figures]) or not faults


def test_the_table_of_the_page() -> None:
    worse = replace(CALM, name="floods", work=0.002, spread=3.0)
    assert markdown([CALM, worse]).splitlines()[2:] == [
        "| floods | 0.40 ms | 2.00 ms | **5.0** | - | 1 MiB |",
        "| slow heads | 0.40 ms | 0.80 ms | 2.0 | 2.0 | 1 MiB |",
    ]


def test_what_waiting_times_are_worth_is_said() -> None:
    assert noise([CALM]) == "Calm rounds agreed with one another: waiting times can be believed."
    assert "in 1 of 2" in noise([CALM, replace(CALM, spread=3.0)])
    assert "longest (!): slow heads" in noise([replace(CALM, answers=20)])


def test_json_has_all_of_it() -> None:
    told = json.loads(as_json([CALM], {"machine": "this"}))
    assert told["machine"] == "this"
    assert told["attacks"][0]["work_times"] == 2.0
    assert told["attacks"][0]["faults"] == []


def test_percentiles_of_a_turn() -> None:
    values = tuple(number / 1000 for number in range(300))
    assert percentile(values, 0.99) == 0.297
    assert percentile([1.0], 0.99) == 1.0
    assert Turn(times=values[::-1], works=values).wall == 0.297


REPORTS = {
    "available": ("Seconds,Closed,Pending,Connected,Service Available\n0,0,1,0,50\n1,0,0,50,50\n", True),
    "not in one second": ("Seconds,Closed,Pending,Connected,Service Available\n0,0,1,0,50\n1,49,1,0,0\n", False),
}


@pytest.mark.parametrize(("text", "available"), REPORTS.values(), ids=REPORTS)
def test_the_word_of_the_judge(tmp_path: Path, text: str, available: bool) -> None:
    slowhttptest.report_of(tmp_path).write_text(text)
    assert slowhttptest.was_available(slowhttptest.report_of(tmp_path)) is available


def test_a_judge_without_a_word(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no report"):
        slowhttptest.was_available(slowhttptest.report_of(tmp_path))
    slowhttptest.report_of(tmp_path).write_text("Seconds,Closed,Pending,Connected,Service Available\n")
    with pytest.raises(ValueError, match="empty"):
        slowhttptest.was_available(slowhttptest.report_of(tmp_path))


def test_first_packets_are_right() -> None:
    """A receiver that adds up all of it, the checksum and the addresses with it, gets nothing (RFC 1071)."""
    source, target = bytes([10, 0, 0, 2]), bytes([10, 0, 0, 1])
    packet = syn(source, 1024, target, 80, 12345)
    tcp = packet[20:]
    assert checksum(source + target + bytes([0, 6, 0, len(tcp)]) + tcp) == 0
    assert (packet[12:16], packet[16:20], tcp[13]) == (source, target, 2)


@pytest.mark.parametrize("size", [0, 126, 127, 254, 255, 300, 3900, 20000])
def test_fields_are_as_another_reads_them(size: int) -> None:
    hpack = pytest.importorskip("hpack")
    assert hpack.Decoder().decode(literal(b"x", b"v" * size, 0x40), raw=True) == [(b"x", b"v" * size)]


def test_names_are_told_apart_by_commas() -> None:
    assert not [name for name in [*ATTACKS, *slowhttptest.MODES] if "," in name or name != name.strip()]
