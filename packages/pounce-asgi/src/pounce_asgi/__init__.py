"""The ASGI request engine behind Pounce: scopes, HTTP exchanges, lifespan and lifecycle events, without sockets."""
