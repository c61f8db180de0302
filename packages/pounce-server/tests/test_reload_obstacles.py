"""What cannot be imported twice, said with its cure."""

from __future__ import annotations

import sys
import types

import pytest

from pounce.reload_obstacles import explanation, obstacle


def chained() -> Exception:
    outer = RuntimeError("import failed")
    outer.__cause__ = ValueError("Duplicated timeseries in CollectorRegistry: {'jobs'}")
    return outer


def circular() -> Exception:
    first, second = ValueError("a"), ValueError("b")
    first.__context__, second.__context__ = second, first
    return first


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("Duplicated timeseries in CollectorRegistry: {'jobs'}"), "CollectorRegistry() of its own"),
        (chained(), "CollectorRegistry() of its own"),
        (RuntimeError("Table 'hero' is already defined for this MetaData instance."), "SQLModel.metadata"),
    ],
)
def test_errors_that_are_known(error: Exception, words: str) -> None:
    reason = explanation(error)
    assert reason is not None
    assert words in reason
    assert "--worker-kind process" in reason
    assert "\n" not in reason


@pytest.mark.parametrize("error", [None, ValueError("other"), circular()])
def test_others_are_not_explained(error: Exception | None) -> None:
    assert explanation(error) is None


@pytest.mark.parametrize(("ready", "blocked"), [(True, True), (False, False)])
def test_django_once_it_is_set_up(monkeypatch: pytest.MonkeyPatch, ready: bool, blocked: bool) -> None:
    module = types.ModuleType("django.apps")
    module.apps = types.SimpleNamespace(ready=ready)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "django.apps", module)
    reason = obstacle()
    assert (reason is not None) is blocked
    assert not blocked or "--worker-kind process" in str(reason)


def test_without_django(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "django.apps", raising=False)
    assert obstacle() is None
