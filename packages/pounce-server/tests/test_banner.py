"""What is said at start-up."""

from __future__ import annotations

from typing import Any

import pytest

from pounce import Address, ServerConfig
from pounce import banner as banner_module
from pounce.banner import banner
from pounce.interpreter import describe_interpreter
from pounce_workers import GilCulprit, Interpreter, detect_kind


def lines(*, decision: Any = None, spoken: str = "asgi3", **settings: Any) -> list[str]:
    config = ServerConfig.of({"app": "main:app"} | settings)
    address = Address("127.0.0.1", 8000)
    return list(banner(config, [address], interface=spoken, version="1.2.3", decision=decision))


async def application(scope: Any, receive: Any, send: Any) -> None: ...


class Callable:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


def test_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(banner_module, "is_free_threaded", lambda: False)
    assert lines() == [
        "Pounce 1.2.3",
        "  application: main:app (asgi3)",
        f"  interpreter: {describe_interpreter()}",
        "  workers:     1 thread (loop auto, http auto)",
        "  switched on: access log, lifespan auto",
        "Listening on http://127.0.0.1:8000 (Ctrl+C stops)",
    ]


def test_what_is_switched_on_for_operators() -> None:
    switched_on = lines(
        introspection=True, metrics=True, metrics_bind="127.0.0.1:0", profile=True, otel=True, access_log=False
    )[-2]
    assert switched_on == (
        "  switched on: introspection, metrics, a profile of every request in 100, lifespan auto, traces"
    )


@pytest.mark.parametrize(
    ("settings", "title"),
    [
        ({"app_name": "Shop"}, "Shop"),
        ({"app_name": "Shop", "app_version": "4.0"}, "Shop 4.0"),
        ({"app_name": "Shop", "app_version": "4.0", "app_tagline": "sells"}, "Shop 4.0 - sells"),
        ({"app_tagline": "sells"}, "sells"),
    ],
)
def test_branding(settings: dict[str, Any], title: str) -> None:
    assert lines(**settings)[:2] == [title, "  server:      Pounce 1.2.3"]


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"factory": True}, "  application: main:app() (asgi3)"),
        ({"app": application}, f"  application: {__name__}:application (asgi3)"),
        ({"app": Callable()}, f"  application: {__name__}:Callable (asgi3)"),
        ({"access_log": False, "lifespan": "off"}, "  switched on: nothing"),
        (
            {"access_log": False, "lifespan": "on", "request_id": True, "root_path": "/a", "max_request_body": 5},
            "  switched on: request ids, root path /a, request bodies up to 5 bytes, lifespan on",
        ),
        ({"loop": "uvloop", "http": "h11"}, "  workers:     1 thread (loop uvloop, http h11)"),
    ],
)
def test_what_is_on(settings: dict[str, Any], line: str) -> None:
    assert line in lines(**settings)


def test_an_interface_that_only_processes_know_is_not_made_up() -> None:
    assert "  application: main:app" in lines(spoken="")


@pytest.mark.parametrize(("spoken", "mode"), [("wsgi", "auto"), ("sync", "async"), ("asgi3", "sync")])
def test_the_threads_of_applications_that_block(spoken: str, mode: str) -> None:
    shown = lines(spoken=spoken, worker_mode=mode, sync_threads=5)
    assert f"  application: main:app ({spoken})" in shown
    assert "  workers:     1 thread (5 request threads each, loop auto, http auto)" in shown


def test_a_gil_that_came_back_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(banner_module, "is_free_threaded", lambda: True)
    monkeypatch.setattr(banner_module, "gil_is_on", lambda: True)
    assert any("an extension module that is not ready for free threading" in line for line in lines())


OFF = Interpreter(free_threaded=True, gil_on=False)
ON = Interpreter(free_threaded=True, gil_on=True)
ORDINARY = Interpreter(free_threaded=False, gil_on=True)
BROTLI = GilCulprit(modules=("_brotli",), certain=True)


@pytest.mark.parametrize(
    ("decision", "workers"),
    [
        (detect_kind(OFF, workers=8), "8 threads: the GIL is off"),
        (detect_kind(OFF), "1 thread: the GIL is off"),
        (detect_kind(ORDINARY, workers=4), "4 processes: this Python has a GIL"),
        (detect_kind(ORDINARY), "1 thread: the only worker; this Python has a GIL"),
        (detect_kind(ON, workers=4, culprits=[BROTLI]), "4 processes: '_brotli' switched the GIL on"),
        (detect_kind(OFF, workers=2, requested="process"), "2 processes: asked for; the GIL is off"),
    ],
)
def test_kind_number_and_reason_of_workers_are_one_line(
    decision: Any, workers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(banner_module, "is_free_threaded", lambda: True)
    monkeypatch.setattr(banner_module, "gil_is_on", lambda: True)
    shown = lines(decision=decision)
    assert f"  workers:     {workers} (loop auto, http auto)" in shown
    assert f"  interpreter: {describe_interpreter()}" in shown
