"""The ``environ`` of a WSGI request (PEP 3333; RFC 3875 for the names that it takes from CGI)."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from pounce_asgi import headers as header_lists
from pounce_asgi.wsgi_file import FileWrapper

if TYPE_CHECKING:
    from pounce_asgi.sync_app import SyncRequest

__all__ = ["build_environ"]


def build_environ(request: SyncRequest, *, multiprocess: bool) -> dict[str, Any]:
    """A fresh dictionary: the application may change it.

    Strings hold bytes as latin-1, as PEP 3333 wants it. Beyond the standard there are ``REQUEST_URI`` (path and query
    as they were sent) and ``pounce.state``, the request's state.
    """
    script_name, path_info = _split_path(request)
    query = request.query_string.decode("latin-1")
    name, port = _server(request)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": script_name,
        "PATH_INFO": path_info,
        "QUERY_STRING": query,
        "REQUEST_URI": request.raw_path.decode("latin-1") + ("?" + query if query else ""),
        "SERVER_NAME": name,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{request.http_version}",
        "REMOTE_ADDR": "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": request.body,
        "wsgi.errors": _errors(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": multiprocess,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "wsgi.file_wrapper": FileWrapper,
        "pounce.state": request.state,
    }
    if request.client is not None:
        environ["REMOTE_ADDR"] = request.client[0]
        environ["REMOTE_PORT"] = str(request.client[1])
    _add_headers(environ, request)
    return environ


def _add_headers(environ: dict[str, Any], request: SyncRequest) -> None:
    """The header fields by their names of CGI (RFC 3875, 4.1.18).

    A name with an underscore is left out: it would become the same variable as the name with a hyphen, so that a client
    could pass for a proxy that sets, say, X-Real-IP.

    So is ``Proxy``, which no standard knows: as HTTP_PROXY it would be what many clients of HTTP take from the
    environment for the proxy of their own requests, wherever an application copies the one to the other or runs a CGI
    program ("httpoxy", the class of CVE-2016-5385).
    """
    for field_name, field_value in request.headers:
        if b"_" in field_name or field_name == b"proxy":
            continue
        name = field_name.decode("latin-1").upper().replace("-", "_")
        value = field_value.decode("latin-1")
        if name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            name = "HTTP_" + name
        if name not in environ:
            environ[name] = value
        elif name == "HTTP_COOKIE":
            environ[name] += "; " + value  # RFC 9113, 8.2.3
        elif name != "CONTENT_LENGTH":  # its duplicates are the same number, or the request would not be here
            environ[name] += ", " + value  # RFC 9110, 5.3


def _split_path(request: SyncRequest) -> tuple[str, str]:
    """SCRIPT_NAME and PATH_INFO: the decoded bytes of the path, cut behind where the application is mounted."""
    path = request.raw_path
    if b"%" in path:
        path = unquote_to_bytes(path)
    # The raw path keeps bytes that are not UTF-8. When a middleware has rewritten the path, it alone is right.
    if path.decode("utf-8", "replace") != request.path:
        path = request.path.encode("utf-8", "surrogateescape")
    root = request.root_path.rstrip("/").encode("utf-8", "surrogateescape")
    if root and path.startswith(root) and path[len(root) : len(root) + 1] in (b"", b"/"):
        path = path[len(root) :]
    return root.decode("latin-1"), path.decode("latin-1")


def _server(request: SyncRequest) -> tuple[str, str]:
    """SERVER_NAME and SERVER_PORT, which may not be missing; over a UNIX socket what the client called us by."""
    server = request.server
    if server is not None and server[1] is not None:
        return server[0], str(server[1])
    host = (header_lists.get(request.headers, b"host") or b"").decode("latin-1")
    name, _, port = host.rpartition(":")
    if not port.isdigit():  # no port, or the end of a bare IPv6 address
        name, port = host, "443" if request.scheme == "https" else "80"
    return name or "localhost", port


def _errors() -> Any:
    """Where an application writes what the operator should see; a process without a console has none."""
    return io.StringIO() if sys.stderr is None else sys.stderr
