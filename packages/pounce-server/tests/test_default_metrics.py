"""A metric that new code registers takes the place of the old code's."""

from __future__ import annotations

import threading

import pytest

from pounce.default_metrics import DefaultMetrics


class DuplicateError(ValueError):
    pass


class Collector:
    def __init__(self, *names: str) -> None:
        self.names = names


class Registry:
    """As much of prometheus_client's as matters; the real one is in ``test_fresh_import_frameworks.py``."""

    def __init__(self) -> None:
        self._names_to_collectors: dict[str, Collector] = {}

    def _get_names(self, collector: Collector) -> list[str]:
        return list(collector.names)

    def register(self, collector: Collector) -> None:
        if set(collector.names) & self._names_to_collectors.keys():
            raise DuplicateError(collector.names)
        self._names_to_collectors |= dict.fromkeys(collector.names, collector)

    def unregister(self, collector: Collector) -> None:
        for name in collector.names:
            del self._names_to_collectors[name]

    @property
    def held(self) -> set[Collector]:
        return set(self._names_to_collectors.values())


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def metrics(registry: Registry) -> DefaultMetrics:
    return DefaultMetrics(registry)


def test_the_new_one_takes_the_place_of_the_old(registry: Registry, metrics: DefaultMetrics) -> None:
    old, other, new = Collector("jobs", "jobs_total"), Collector("process"), Collector("jobs")
    registry.register(old)
    registry.register(other)
    metrics.begin()
    registry.register(new)
    assert registry.held == {new, other}


def test_twice_by_the_same_code_is_an_error(registry: Registry, metrics: DefaultMetrics) -> None:
    metrics.begin()
    registry.register(Collector("jobs"))
    with pytest.raises(DuplicateError):
        registry.register(Collector("jobs"))


def test_one_that_is_in_the_way_of_old_and_new_changes_nothing(registry: Registry, metrics: DefaultMetrics) -> None:
    old, new = Collector("a"), Collector("b")
    registry.register(old)
    metrics.begin()
    registry.register(new)
    with pytest.raises(DuplicateError):
        registry.register(Collector("a", "b"))
    assert registry.held == {old, new}
    metrics.undo()
    assert registry.held == {old}


def test_undone(registry: Registry, metrics: DefaultMetrics) -> None:
    old = Collector("jobs")
    registry.register(old)
    metrics.begin()
    registry.register(Collector("jobs"))
    registry.register(Collector("more"))
    elsewhere = Collector("elsewhere")
    thread = threading.Thread(target=registry.register, args=(elsewhere,))
    thread.start()
    thread.join()
    metrics.undo()
    assert registry.held == {old, elsewhere}
    metrics.undo()
    assert registry.held == {old, elsewhere}


def test_after_the_import_a_late_metric_still_takes_the_place(registry: Registry, metrics: DefaultMetrics) -> None:
    registry.register(Collector("jobs"))
    metrics.begin()
    metrics.imported()
    metrics.settle()
    late = Collector("jobs")
    registry.register(late)
    assert registry.held == {late}


def test_each_import_may_replace_what_the_last_one_left(registry: Registry, metrics: DefaultMetrics) -> None:
    for _ in range(3):
        metrics.begin()
        newest = Collector("jobs")
        registry.register(newest)
        assert registry.held == {newest}


def test_closed(registry: Registry, metrics: DefaultMetrics) -> None:
    registry.register(Collector("jobs"))
    metrics.begin()
    metrics.close()
    assert "register" not in vars(registry)
    with pytest.raises(DuplicateError):
        registry.register(Collector("jobs"))
    metrics.begin()
    registry.register(Collector("jobs"))


def test_a_registry_of_another_make_is_left_alone() -> None:
    class Other:
        def register(self) -> None:
            pass

    other = Other()
    metrics = DefaultMetrics(other)
    metrics.begin()
    metrics.imported()
    metrics.undo()
    metrics.close()
    assert vars(other) == {}
