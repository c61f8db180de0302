"""The picture: what is in it, and what is said where it cannot be made."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from made_comparisons import a_comparison, a_result, a_round

from pounce_testing.bench.errors import BenchError
from pounce_testing.bench.picture import check_picture, svg, write_picture

if TYPE_CHECKING:
    from pathlib import Path

SVG = "{http://www.w3.org/2000/svg}"
COMPARISON = a_comparison(
    [a_result("pounce", a_round(10), a_round(14)), a_result("a<b", a_round(40))],
    app="main:app<&>",
)


def test_bars_are_as_long_as_the_medians() -> None:
    drawn = ElementTree.fromstring(svg(COMPARISON))
    pounce, other = drawn.findall(f"{SVG}rect")[1:]
    assert float(pounce.get("width", "0")) / float(other.get("width", "0")) == pytest.approx(12 / 40, rel=0.01)
    assert pounce.get("fill") != other.get("fill")
    texts = ["".join(one.itertext()) for one in drawn.findall(f"{SVG}text")]
    assert any("main:app<&>" in text for text in texts)
    assert "a<b 1.0" in texts
    assert "12.0 us" in texts


def test_lines_go_from_the_lowest_to_the_highest() -> None:
    pounce, _ = ElementTree.fromstring(svg(COMPARISON)).findall(f"{SVG}line")
    scale = (float(pounce.get("x2", "0")) - 150) / 14
    assert float(pounce.get("x1", "0")) == pytest.approx(150 + 10 * scale, abs=0.2)


def test_no_processor_time_was_seen() -> None:
    """The system counts it in hundredths of a second."""
    drawn = ElementTree.fromstring(svg(a_comparison([a_result("pounce", a_round(0))])))
    assert drawn.findall(f"{SVG}rect")[1].get("width") == "0.0"


def test_svg_needs_nothing(tmp_path: Path) -> None:
    check_picture(str(tmp_path / "result.svg"))
    write_picture(COMPARISON, str(tmp_path / "result.svg"))
    assert (tmp_path / "result.svg").read_text(encoding="utf-8").startswith("<svg")


def test_what_to_install_for_png_is_said_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BenchError, match=r"\.png needs matplotlib: pip install matplotlib.*\.svg"):
        check_picture(str(tmp_path / "result.png"))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no such folder"):
        check_picture(str(tmp_path / "nowhere" / "result.svg"))


def test_png_by_matplotlib(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    write_picture(COMPARISON, str(tmp_path / "result.png"))
    assert (tmp_path / "result.png").read_bytes().startswith(b"\x89PNG")
    check_picture(str(tmp_path / "result.png"))
    for name in ("result.nosuch", "result"):
        with pytest.raises(BenchError, match=rf"{name}: the name has to end with one of .*\.png"):
            check_picture(str(tmp_path / name))
