"""Caches of installed packages forget code that is gone, and nothing else."""

from __future__ import annotations

import gc
import sys
import threading
import types
import weakref
from typing import TYPE_CHECKING, Annotated

import pytest

from pounce import library_caches
from pounce.library_caches import forget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Record:
    def __init__(self, content: object) -> None:
        self.content = content


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    module = types.ModuleType("some_library")
    exec(
        """
import functools

@functools.lru_cache
def function(one): return one

@functools.lru_cache(maxsize=None)
def unbounded(one): return one

class Holder:
    @staticmethod
    @functools.lru_cache
    def static(one): return one

    @classmethod
    @functools.lru_cache
    def of_class(cls, one): return one

    @functools.lru_cache
    def method(self, one): return one

static, of_class, method = Holder.static, Holder.of_class, Holder().method
@functools.lru_cache
def keyed(one): return 1
@functools.lru_cache
def maker(one): return lambda: one
""",
        vars(module),
    )
    monkeypatch.setitem(sys.modules, "some_library", module)
    return module


def application_class() -> type:
    return type("Old", (), {"__module__": "shop.models"})


@pytest.mark.usefixtures("few_objects")
@pytest.mark.parametrize("name", ["function", "unbounded", "static", "of_class", "method", "keyed"])
@pytest.mark.parametrize(
    "shaped",
    [
        lambda one: one,
        lambda one: one(),
        lambda one: (one, 5),
        lambda one: Record(one),
        lambda one: Record((one,)),
    ],
)
def test_caches_that_know_something_of_it(
    library: types.ModuleType, name: str, shaped: Callable[[type], object]
) -> None:
    gone = application_class()
    getattr(library, name)(shaped(gone))
    left = weakref.ref(gone)
    del gone
    gc.collect()
    assert left() is not None
    forget(["shop", "shop.models"])
    assert left() is None


@pytest.mark.usefixtures("few_objects")
def test_caches_that_know_nothing_of_it(library: types.ModuleType) -> None:
    only = library.function(Record(5))
    library.unbounded("shop.models")
    library.keyed(sys)
    forget(["shop.models"])
    assert library.function.cache_info().currsize == 1
    assert library.unbounded.cache_info().currsize == 1
    assert library.keyed.cache_info().currsize == 1
    assert only.content == 5


@pytest.mark.usefixtures("few_objects")
def test_the_applications_own_caches_are_its_own_affair(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("shop.settings")
    exec("import functools\n@functools.lru_cache\ndef cache(one): return one", vars(module))
    cache = module.cache
    monkeypatch.setitem(sys.modules, "shop.settings", module)
    cache(application_class())
    forget(["shop.settings", "shop.models"])
    assert cache.cache_info().currsize == 1


def test_what_typing_remembers() -> None:
    gone = application_class()
    annotation = Annotated[gone, 5] | list[gone]  # type: ignore[valid-type]
    left = weakref.ref(gone)
    del gone, annotation
    forget(["shop.models"])
    assert left() is None


@pytest.mark.usefixtures("few_objects")
def test_a_tuple_that_another_thread_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, looking, built = threading.Event(), threading.Event(), threading.Event()
    seen: list[tuple[int, ...]] = []

    def numbers() -> Iterator[int]:
        yield 1
        begun.set()
        looking.wait(10)
        yield from range(2, 100)  # more than the tuple was made for

    def build() -> None:
        seen.append(tuple(numbers()))
        built.set()

    def named(holder: object) -> str | None:
        looking.set()
        built.wait(10)
        return getattr(holder, "__module__", None)

    thread = threading.Thread(target=build)
    thread.start()
    begun.wait(10)
    monkeypatch.setattr(library_caches, "_module_named_by", named)
    forget({"application"})
    looking.set()
    thread.join(10)
    assert seen == [tuple(range(1, 100))]


def test_what_was_frozen_is_collected_and_frozen_again() -> None:
    class Circle:
        me: object

    circle = Circle()
    circle.me = circle
    gone = weakref.ref(circle)
    try:
        gc.freeze()
        del circle
        forget(["shop"])
        assert gone() is None
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
    forget(["shop"])
    assert gc.get_freeze_count() == 0
