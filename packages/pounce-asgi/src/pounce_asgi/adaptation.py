"""Any application as one callable: ASGI 3 for workers with an event loop, a `SyncHandler` for workers that block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pounce_asgi.interfaces import Interface
from pounce_asgi.sync_app import SyncAppHandler
from pounce_asgi.wsgi import WsgiHandler

if TYPE_CHECKING:
    from pounce_asgi.sync_app import SyncHandler

__all__ = ["sync_handler"]


def sync_handler(app: Any, interface: Interface, *, multiprocess: bool = False) -> SyncHandler:
    """What a blocking worker calls for each request; the ``app`` of the context of its exchanges.

    ``multiprocess`` is told to WSGI applications: other processes may serve the same application at the same time.

    Raises:
        ValueError: the interface is not one that blocks.
    """
    if interface is Interface.SYNC:
        return SyncAppHandler(app)
    if interface is Interface.WSGI:
        return WsgiHandler(app, multiprocess=multiprocess)
    raise ValueError(f"{interface.value} applications do not block: they are called by an event loop")
