"""Negotiation of content codings, compressors for servers, and an ASGI middleware."""
