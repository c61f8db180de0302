"""The idioms that all frameworks share, over each framework and each way to serve."""

from __future__ import annotations

import functools
import importlib
from typing import TYPE_CHECKING, Any, Final

import pytest

from pounce_testing import TestServer
from tests.frameworks import idioms
from tests.frameworks.idioms import IDIOMS, Idiom
from tests.frameworks.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_testing.fixtures import Serve

FRAMEWORKS: Final = ("fastapi", "starlette", "django", "litestar", "quart", "falcon")
MIB: Final = 1 << 20

ONE_LOOP: Final = frozenset({"litestar"})
"""Their application objects hold what belongs to one loop (the stream of Litestar's event emitter): several workers
cannot share one, and each is given its own by a factory."""

each_framework = pytest.mark.parametrize("framework", FRAMEWORKS)


def build(framework: str, probe: Probe) -> Callable[..., Any]:
    app: Callable[..., Any] = importlib.import_module(f"tests.frameworks.apps.{framework}_app").build(probe)
    return app


@each_framework
@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.__name__)
def test_idiom(serve: Serve, framework: str, idiom: Callable[[Idiom], None]) -> None:
    probe = Probe()
    if framework in ONE_LOOP:
        server = serve(functools.partial(build, framework, probe), factory=True)
    else:
        server = serve(build(framework, probe))
    idiom(Idiom(server=server, probe=probe))


@each_framework
def test_a_form_of_50_mib(framework: str) -> None:
    probe = Probe()
    with TestServer(build(framework, probe)) as server:
        idioms.form_upload(Idiom(server=server, probe=probe), bytes(range(256)) * (50 * MIB // 256))
