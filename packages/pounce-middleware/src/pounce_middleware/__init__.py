"""Plain ASGI middleware for production."""
