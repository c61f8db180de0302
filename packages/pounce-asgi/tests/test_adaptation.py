"""Any application as one callable; that adapted ASGI applications work is shown in test_interfaces."""

from __future__ import annotations

from typing import Any

import pytest
from sync_doubles import App

from pounce_asgi import (
    Interface,
    LiftedApplication,
    LiftSettings,
    SyncAppHandler,
    SyncResponse,
    WsgiHandler,
    adapt,
    lift,
    sync_handler,
)


def wsgi(environ: Any, start_response: Any) -> Any:
    return []


@pytest.mark.parametrize(
    ("app", "interface", "kind"),
    [(wsgi, Interface.WSGI, WsgiHandler), (App(lambda request: SyncResponse()), Interface.SYNC, SyncAppHandler)],
)
def test_what_blocks_has_a_handler_and_can_be_lifted(app: Any, interface: Interface, kind: type) -> None:
    assert interface.blocking
    assert type(sync_handler(app, interface)) is kind
    assert type(lift(app, interface)) is LiftedApplication
    assert type(adapt(app, interface)) is LiftedApplication


@pytest.mark.parametrize("interface", [Interface.ASGI3, Interface.ASGI2])
def test_what_does_not_block_has_none(interface: Interface) -> None:
    assert not interface.blocking
    with pytest.raises(ValueError, match="do not block"):
        sync_handler(wsgi, interface)
    with pytest.raises(ValueError, match="do not block"):
        lift(wsgi, interface)


@pytest.mark.parametrize(
    "wrong",
    [{"sync_threads": 0}, {"limit_sync_queue": -1}, {"timeout_sync_queue": 0.0}],
    ids=lambda wrong: str([*wrong]),
)
def test_settings_out_of_range_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LiftSettings(**wrong)
