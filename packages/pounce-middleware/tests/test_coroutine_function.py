"""What would have to be awaited is known before it is called."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from pounce_middleware.coroutine_function import is_coroutine_function


async def awaited(scope: Any) -> str:
    return "x"


async def generator(scope: Any) -> Any:
    yield scope


def called(scope: Any) -> str:
    return "x"


class Awaited:
    async def __call__(self, scope: Any) -> str:
        return "x"

    async def method(self, scope: Any) -> str:
        return "x"


class Called:
    def __call__(self, scope: Any) -> str:
        return "x"


AWAITED = [
    awaited,
    generator,
    Awaited(),
    Awaited().method,
    functools.partial(awaited, 1),
    functools.partial(functools.partial(awaited), 1),
    functools.partial(Awaited(), 1),
]


@pytest.mark.parametrize("function", AWAITED)
def test_awaited(function: Any) -> None:
    assert is_coroutine_function(function)


@pytest.mark.parametrize("function", [called, Called(), Called, Awaited, functools.partial(called, 1), str, len])
def test_called(function: Any) -> None:
    assert not is_coroutine_function(function)
