"""Event loop, transports and workers for ASGI servers."""

from __future__ import annotations

from pounce_workers.net.accept_distributor import AcceptDistributor
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
from pounce_workers.serving.inspection import Inspection, LiveWorker
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
