"""The table of ways to serve."""

from __future__ import annotations

import pytest

from pounce_testing import ASGI_VARIANTS, PROTOCOLS, SHARING_VARIANTS, VARIANTS, WORKER_KINDS, Twins, Variant
from pounce_testing.matrix import ALIKE


def test_every_kind_meets_every_protocol() -> None:
    names = [variant.name for variant in VARIANTS]
    assert len(names) == len(set(names)) == len(WORKER_KINDS) * len(PROTOCOLS) - len(ALIKE)
    assert {"asyncio-h11", "uvloop-http1", "threads-tls", "processes-tls", "pool-h11", "blocking-h11"} <= set(names)
    assert not ALIKE & set(names)


def test_what_is_served_where() -> None:
    assert {variant.name for variant in VARIANTS} - {variant.name for variant in ASGI_VARIANTS} == {
        "blocking-http1",
        "blocking-h11",
        "blocking-tls",
    }
    assert {variant.name for variant in ASGI_VARIANTS} - {variant.name for variant in SHARING_VARIANTS} == {
        "processes-http1",
        "processes-tls",
    }


def test_twins_are_served_everywhere() -> None:
    both = Twins(asgi="a:app", sync="b:app")
    assert {variant.application(both) for variant in ASGI_VARIANTS} == {"a:app"}
    assert {variant.application(both) for variant in VARIANTS if variant.blocking} == {"b:app"}


def test_a_name_is_served_wherever_asgi_is() -> None:
    assert {variant.application("a:app") for variant in ASGI_VARIANTS} == {"a:app"}
    assert {variant.application(print) for variant in SHARING_VARIANTS} == {print}


@pytest.mark.parametrize(
    ("variant", "app", "message"),
    [
        (Variant(name="p", processes=True), print, "p imports the application by name: give module:attribute, or run"),
        (Variant(name="b", blocking=True), print, "b serves no ASGI application: give Twins"),
        (Variant(name="b", blocking=True), "a:app", "b serves no ASGI application: give Twins"),
    ],
)
def test_what_cannot_be_served_is_an_error_and_never_skipped(variant: Variant, app: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        variant.application(app)  # type: ignore[arg-type]


def test_settings_and_needs_are_joined() -> None:
    left = Variant(name="a", settings={"loop": "asyncio"}, needs=("json",))
    right = Variant(name="b", settings={"http": "h11"}, needs=("no_such_module_anywhere",), processes=True)
    both = left & right
    assert both.name == "a-b"
    assert both.settings == {"loop": "asyncio", "http": "h11"}
    assert both.missing == ("no_such_module_anywhere",)
    assert left.missing == ()
    assert (both.processes, both.blocking) == (True, False)


def test_no_setting_is_chosen_twice() -> None:
    for kind in WORKER_KINDS:
        for protocol in PROTOCOLS:
            assert not kind.settings.keys() & protocol.settings.keys()
