"""Event loop, transports and workers for ASGI servers.

What is named here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pounce_workers.net.accept_distributor import AcceptDistributor
    from pounce_workers.net.certificate_places import CertificatePlaces
    from pounce_workers.net.certificate_watch import CertificateWatch
    from pounce_workers.net.connection_target import ConnectionTarget
    from pounce_workers.net.datagram_binding import bind_udp
    from pounce_workers.net.datagram_peers import PeerFolder
    from pounce_workers.net.datagram_routes import DatagramRoutes
    from pounce_workers.net.datagram_socket import DatagramSockets
    from pounce_workers.net.listeners import adopt_fd, backlog_limit, bind_tcp, bind_tcp_all, open_beside
    from pounce_workers.net.loop import ServingLoop, new_event_loop
    from pounce_workers.net.tls_contexts import TlsContexts
    from pounce_workers.net.tls_extension import tls_extension
    from pounce_workers.net.unix_sockets import UnixSocketFile, bind_unix
    from pounce_workers.serving.async_worker_pool import AsyncWorkerPool
    from pounce_workers.serving.companion import Companion
    from pounce_workers.serving.connection_budget import ConnectionBudget
    from pounce_workers.serving.datagram_share import DatagramShare
    from pounce_workers.serving.garbage import calm_garbage_collection, restore_garbage_collection
    from pounce_workers.serving.inspection import Inspection
    from pounce_workers.serving.live_worker import LiveWorker
    from pounce_workers.serving.loop_watch import loop_watches
    from pounce_workers.serving.protocols import Http2Maker, Protocols, WebSocketMaker
    from pounce_workers.serving.sync_worker_pool import SyncWorkerPool
    from pounce_workers.serving.worker import Worker
    from pounce_workers.settings import ServingSettings, WorkerSettings
    from pounce_workers.supervision.affinity import allowed_cpus, available_cpus, pin_worker, worker_count
    from pounce_workers.supervision.birth import Birth, is_being_born
    from pounce_workers.supervision.generation import Generation, GenerationSwap, SwapCallbacks
    from pounce_workers.supervision.gil_watch import GilCulprit, GilWatch
    from pounce_workers.supervision.process_slots import ProcessSlot, ProcessSlotLauncher
    from pounce_workers.supervision.questions import Answer, Answers, NoAnswer
    from pounce_workers.supervision.runtime import Decision, Interpreter, detect_kind, gil_is_on, is_free_threaded
    from pounce_workers.supervision.slots import MoveTo, SlotExit, SlotHandle, SlotLauncher, WorkerLike
    from pounce_workers.supervision.supervisor import Supervisor, WorkersFailed
    from pounce_workers.supervision.thread_slots import ThreadSlot, ThreadSlotLauncher
    from pounce_workers.supervision.watched_files import WatchedFiles
    from pounce_workers.supervision.watcher import ChangeSource, Watcher
    from pounce_workers.tls_settings import TlsCertificate, TlsSettings

__all__ = [
    "AcceptDistributor",
    "Answer",
    "Answers",
    "AsyncWorkerPool",
    "Birth",
    "CertificatePlaces",
    "CertificateWatch",
    "ChangeSource",
    "Companion",
    "ConnectionBudget",
    "ConnectionTarget",
    "DatagramRoutes",
    "DatagramShare",
    "DatagramSockets",
    "Decision",
    "Generation",
    "GenerationSwap",
    "GilCulprit",
    "GilWatch",
    "Http2Maker",
    "Inspection",
    "Interpreter",
    "LiveWorker",
    "MoveTo",
    "NoAnswer",
    "PeerFolder",
    "ProcessSlot",
    "ProcessSlotLauncher",
    "Protocols",
    "ServingLoop",
    "ServingSettings",
    "SlotExit",
    "SlotHandle",
    "SlotLauncher",
    "Supervisor",
    "SwapCallbacks",
    "SyncWorkerPool",
    "ThreadSlot",
    "ThreadSlotLauncher",
    "TlsCertificate",
    "TlsContexts",
    "TlsSettings",
    "UnixSocketFile",
    "WatchedFiles",
    "Watcher",
    "WebSocketMaker",
    "Worker",
    "WorkerLike",
    "WorkerSettings",
    "WorkersFailed",
    "adopt_fd",
    "allowed_cpus",
    "available_cpus",
    "backlog_limit",
    "bind_tcp",
    "bind_tcp_all",
    "bind_udp",
    "bind_unix",
    "calm_garbage_collection",
    "detect_kind",
    "gil_is_on",
    "is_being_born",
    "is_free_threaded",
    "loop_watches",
    "new_event_loop",
    "open_beside",
    "pin_worker",
    "restore_garbage_collection",
    "tls_extension",
    "worker_count",
]

_HOMES: Final = {
    ".net.accept_distributor": ("AcceptDistributor",),
    ".net.certificate_places": ("CertificatePlaces",),
    ".net.certificate_watch": ("CertificateWatch",),
    ".net.connection_target": ("ConnectionTarget",),
    ".net.datagram_binding": ("bind_udp",),
    ".net.datagram_peers": ("PeerFolder",),
    ".net.datagram_routes": ("DatagramRoutes",),
    ".net.datagram_socket": ("DatagramSockets",),
    ".net.listeners": ("adopt_fd", "backlog_limit", "bind_tcp", "bind_tcp_all", "open_beside"),
    ".net.loop": ("ServingLoop", "new_event_loop"),
    ".net.tls_contexts": ("TlsContexts",),
    ".net.tls_extension": ("tls_extension",),
    ".net.unix_sockets": ("UnixSocketFile", "bind_unix"),
    ".serving.async_worker_pool": ("AsyncWorkerPool",),
    ".serving.companion": ("Companion",),
    ".serving.connection_budget": ("ConnectionBudget",),
    ".serving.datagram_share": ("DatagramShare",),
    ".serving.garbage": ("calm_garbage_collection", "restore_garbage_collection"),
    ".serving.inspection": ("Inspection",),
    ".serving.live_worker": ("LiveWorker",),
    ".serving.loop_watch": ("loop_watches",),
    ".serving.protocols": ("Http2Maker", "Protocols", "WebSocketMaker"),
    ".serving.sync_worker_pool": ("SyncWorkerPool",),
    ".serving.worker": ("Worker",),
    ".settings": ("ServingSettings", "WorkerSettings"),
    ".supervision.affinity": ("allowed_cpus", "available_cpus", "pin_worker", "worker_count"),
    ".supervision.birth": ("Birth", "is_being_born"),
    ".supervision.generation": ("Generation", "GenerationSwap", "SwapCallbacks"),
    ".supervision.gil_watch": ("GilCulprit", "GilWatch"),
    ".supervision.process_slots": ("ProcessSlot", "ProcessSlotLauncher"),
    ".supervision.questions": ("Answer", "Answers", "NoAnswer"),
    ".supervision.runtime": ("Decision", "Interpreter", "detect_kind", "gil_is_on", "is_free_threaded"),
    ".supervision.slots": ("MoveTo", "SlotExit", "SlotHandle", "SlotLauncher", "WorkerLike"),
    ".supervision.supervisor": ("Supervisor", "WorkersFailed"),
    ".supervision.thread_slots": ("ThreadSlot", "ThreadSlotLauncher"),
    ".supervision.watched_files": ("WatchedFiles",),
    ".supervision.watcher": ("ChangeSource", "Watcher"),
    ".tls_settings": ("TlsCertificate", "TlsSettings"),
}
"""Module -> what is defined there."""

if not TYPE_CHECKING:  # a type checker knows the imports above, and thereby what there is not

    def __getattr__(name: str) -> Any:
        for home, names in _HOMES.items():
            if name in names:
                globals()[name] = found = getattr(import_module(home, __name__), name)
                return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
