"""What an operator needs to see of an ASGI server: access log, logging, metrics, traces, introspection, profiles."""
