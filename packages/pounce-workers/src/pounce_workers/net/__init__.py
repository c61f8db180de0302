"""Bytes and readiness: the event loop, its selector, transports and listening sockets."""
