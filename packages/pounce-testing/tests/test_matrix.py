"""The table of ways to serve."""

from __future__ import annotations

from pounce_testing import PROTOCOLS, VARIANTS, WORKER_KINDS, Variant


def test_every_kind_meets_every_protocol() -> None:
    names = [variant.name for variant in VARIANTS]
    assert len(names) == len(set(names)) == len(WORKER_KINDS) * len(PROTOCOLS)
    assert {"asyncio-http1", "uvloop-h11"} <= set(names)


def test_settings_and_needs_are_joined() -> None:
    left = Variant(name="a", settings={"loop": "asyncio"}, needs=("json",))
    right = Variant(name="b", settings={"http": "h11"}, needs=("no_such_module_anywhere",))
    both = left & right
    assert both.name == "a-b"
    assert both.settings == {"loop": "asyncio", "http": "h11"}
    assert both.missing == ("no_such_module_anywhere",)
    assert left.missing == ()


def test_no_setting_is_chosen_twice() -> None:
    for kind in WORKER_KINDS:
        for protocol in PROTOCOLS:
            assert not kind.settings.keys() & protocol.settings.keys()
