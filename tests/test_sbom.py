"""The bills of material: complete, and the same for the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from scripts.packages import packages

pytest.importorskip("cyclonedx", reason="cyclonedx-python-lib is not installed: bills were NOT made")

from scripts import sbom

MOMENT: Final = datetime(2026, 1, 1, tzinfo=UTC)


def bill(name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(sbom.bill_of(packages()[name], MOMENT))
    return told


def test_a_package_that_needs_nothing_brings_nothing() -> None:
    told = bill("pounce-asgi")
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    assert told["metadata"]["component"]["purl"].startswith("pkg:pypi/pounce-asgi@")
    assert told["metadata"]["timestamp"] == "2026-01-01T00:00:00+00:00"
    assert "components" not in told


def test_what_is_needed_by_what_is_needed_is_told_too() -> None:
    told = bill("pounce-h2")
    assert {one["name"] for one in told["components"]} == {"h2", "hpack", "hyperframe", "pounce-asgi"}
    needed = {one["ref"].partition("@")[0]: one.get("dependsOn", []) for one in told["dependencies"]}
    assert [ref.partition("@")[0] for ref in needed["pounce-h2"]] == ["h2", "hpack", "pounce-asgi"]
    assert [ref.partition("@")[0] for ref in needed["h2"]] == ["hpack", "hyperframe"]
    assert all(one["licenses"] for one in told["components"])


def test_extras_are_followed_to_siblings() -> None:
    """pounce-server[metrics] -> pounce-observability[metrics] -> prometheus-client."""
    names = {one["name"] for one in bill("pounce-server")["components"]}
    assert {"click", "pounce-h2", "h2", "prometheus-client", "wsproto"} <= names
    assert "pytest" not in names, "what is here for us is not what it brings along"


def test_the_same_is_told_in_the_same_bytes() -> None:
    package = packages()["pounce-middleware"]
    assert sbom.bill_of(package, MOMENT) == sbom.bill_of(package, MOMENT)
