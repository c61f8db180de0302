"""Event loop, transports and workers for ASGI servers."""
