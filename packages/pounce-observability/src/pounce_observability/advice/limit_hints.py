"""What to do about a limit that was hit, by the name of its setting: pure data.

Where it may be the application's fault, or the limit's, the hint says how to tell.
"""

from __future__ import annotations

from typing import Final

__all__ = ["happening_of", "hint_of"]

_HINTS: Final[dict[str, str]] = {
    # Sizes: what a good client of this application sends, it must be allowed to.
    "limit_request_line": "If your own links are that long, move what they carry into a body, or raise the limit",
    "limit_request_field_size": "Cookies that only grow are the usual cause; else raise the limit",
    "limit_request_header_size": "Cookies that only grow are the usual cause; else raise the limit",
    "limit_request_fields": "A proxy that adds fields may be the cause; else raise the limit",
    "limit_chunk_extension": "No ordinary client does this",
    "limit_trailer_size": "No ordinary client does this",
    "max_request_body": "If such uploads are meant to be taken, raise the limit",
    "ws_max_size": "If the application takes messages that large, raise the limit",
    "h2_max_frame_size": "No ordinary client does this",
    # Numbers: the server is full, because of too many clients or because the application is slow.
    "limit_concurrency": "Add workers or machines, raise the limit, or let idle connections go sooner"
    " (timeout_keep_alive)",
    "quic_max_connections": "Add workers or machines, or raise the limit",
    "h2_max_concurrent_streams": "Ordinary clients wait by themselves",
    "limit_queue": "The application's threads are all busy: look what they wait for, or add sync_threads",
    "timeout_queue": "The application's threads are all busy: look what they wait for, or add sync_threads",
    "limit_sync_queue": "The application's threads are all busy: look what they wait for, or add sync_threads",
    "timeout_sync_queue": "The application's threads are all busy: look what they wait for, or add sync_threads",
    "request_queue_size": "The application is slower than its clients ask: look at its latencies before you let more"
    " wait",
    "request_queue_timeout": "The application is slower than its clients ask: look at its latencies before you let"
    " them wait longer",
    "rate_limit": "If these clients are in order, raise the rate or exempt them",
    # Times of clients. A loop that is held up reads late, and then it is not the client who was slow.
    "timeout_request_head": "Slow networks and port scanners do this; many from one address are an attack",
    "timeout_body_stall": "If the application reads uploads late, because it is busy or its loop is held up, the fault"
    " is there; else the network's",
    "timeout_write_stall": "They stopped reading. If these are downloads over poor networks, raise it",
    "ssl_handshake_timeout": "Port scanners and health checks that only connect do this; else a loop that is held up",
    "proxy_header_timeout": "Check that the proxy is set to send a PROXY header to this port",
    "ws_ping_timeout": "They vanished, or a proxy on the way drops what is idle: compare its timeout with"
    " ws_ping_interval",
    "ws_closing_handshake": "They vanished instead of saying goodbye",
    # Before there was a connection.
    "tls_handshake": "They do not trust the certificate, offer no version or cipher that is allowed, or speak no TLS:"
    " see the error",
    "proxy_header": "Who connects directly to a port for proxies is refused; check proxy_protocol and the network"
    " before it",
}

_HARMLESS: Final = frozenset({"client_gone", "stopping"})
"""Reasons why there was no connection that are nobody's fault."""


_HAPPENINGS: Final = {"limit": "was hit", "timeout": "ran out", "refusal": "went wrong"}


def hint_of(name: str) -> str:
    """What to do. Without a line end."""
    if name.startswith("flood:"):
        return "Ordinary clients stay far below; many from one address are an attack. The connection was ended"
    return _HINTS.get(name, "If these clients are in order, raise it")


def happening_of(kind: str, name: str) -> str | None:
    """What is said to have happened to a limit, before how often; None is not worth a word."""
    if name in _HARMLESS:
        return None
    if name.startswith("flood:"):
        return "was too much"
    return _HAPPENINGS[kind]
