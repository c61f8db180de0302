"""Real proxies in front of a server: each as lenient as it can be told to be, and with one mark for each request.

A mark is a field that the proxy adds, with a value of its own for each request that it has read.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["PROXIES", "SILENT", "Proxy", "running"]

START_SECONDS: Final = 30.0
SYSTEM: Final = "/usr/sbin:/usr/local/sbin:/sbin"
"""Where Debian puts them; not everybody's PATH has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """One of them."""

    name: str
    program: str
    package: str
    """Of Debian."""
    configuration: str
    """With ``{port}``, ``{http2}``: where it listens; ``{server}``: the port of the server; ``{folder}``."""
    command: Callable[[str, Path], list[str]]
    """From its program and the folder with its ``configuration`` in ``proxy.conf``."""
    http2: bool = False
    """It listens for HTTP/2 as well, without TLS."""

    def find(self) -> str | None:
        return shutil.which(self.program, path=os.environ.get("PATH", "") + os.pathsep + SYSTEM)


NGINX: Final = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream pounce {{ server 127.0.0.1:{server}; keepalive 8; }}
    server {{
        listen 127.0.0.1:{port};
        listen 127.0.0.1:{http2} http2;
        ignore_invalid_headers off;
        underscores_in_headers on;
        merge_slashes off;
        location / {{
            proxy_pass http://pounce;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_next_upstream off;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $http_connection;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Of-The-Proxy $request_id;
        }}
    }}
}}
"""

HAPROXY: Final = """
global
    maxconn 2000
defaults
    mode http
    timeout connect 5s
    timeout client 10s
    timeout server 10s
    timeout tunnel 2s
    http-reuse always
    unique-id-format %rt-%ci-%cp-%ts
    option forwardfor
    option accept-invalid-http-request
    option accept-invalid-http-response
frontend one
    bind 127.0.0.1:{port}
    http-request set-header X-Of-The-Proxy %[unique-id]
    default_backend pounce
frontend two
    bind 127.0.0.1:{http2} proto h2
    http-request set-header X-Of-The-Proxy %[unique-id]
    default_backend pounce
backend pounce
    retries 0
    server one 127.0.0.1:{server}
"""

APACHE: Final = """
ServerName localhost
ServerRoot {folder}
PidFile {folder}/pid
DefaultRuntimeDir {folder}
Mutex file:{folder}
ErrorLog {folder}/error.log
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule unique_id_module {modules}/mod_unique_id.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
LoadModule http2_module {modules}/mod_http2.so
User {user}
StartServers 1
ServerLimit 1
ThreadsPerChild 64
MaxRequestWorkers 64
Listen 127.0.0.1:{port}
Protocols h2c http/1.1
Timeout 10
HttpProtocolOptions Unsafe LenientMethods Allow0.9
MergeSlashes Off
AllowEncodedSlashes NoDecode
TraceEnable extended
RequestHeader set X-Of-The-Proxy expr=%{{reqenv:UNIQUE_ID}}
ProxyPreserveHost On
ProxyPass / http://127.0.0.1:{server}/ nocanon keepalive=On upgrade=ANY
"""

VARNISH: Final = """
vcl 4.1;
backend default {{ .host = "127.0.0.1"; .port = "{server}"; }}
sub vcl_recv {{
    set req.http.X-Of-The-Proxy = req.xid;
    return (pass);
}}
"""


def varnish(program: str, folder: Path, *, http2: bool) -> list[str]:
    ports = (folder / "ports").read_text().split()
    options = (
        *(
            "-a",
            f"127.0.0.1:{ports[0]}",
            "-s",
            "malloc,8m",
            "-p",
            f"feature={'+' if http2 else '-'}http2",
            "-p",
            "thread_pools=1",
        ),
        *("-p", "thread_pool_min=200", "-p", "timeout_idle=2", "-p", "vsl_space=2m", "-p", "max_retries=0"),
    )
    return [program, "-F", "-f", str(folder / "proxy.conf"), "-n", str(folder / "varnish"), "-j", "none", *options]


PROXIES: Final = (
    Proxy(
        name="nginx",
        program="nginx",
        package="nginx",
        configuration=NGINX,
        command=lambda program, folder: [program, "-c", str(folder / "proxy.conf"), "-e", str(folder / "error.log")],
        http2=True,
    ),
    Proxy(
        name="haproxy",
        program="haproxy",
        package="haproxy",
        configuration=HAPROXY,
        command=lambda program, folder: [program, "-db", "-q", "-f", str(folder / "proxy.conf")],
        http2=True,
    ),
    Proxy(
        name="apache",
        program="apache2",
        package="apache2",
        configuration=APACHE,
        command=lambda program, folder: [program, "-DFOREGROUND", "-f", str(folder / "proxy.conf")],
        http2=True,
    ),
    Proxy(
        name="varnish",
        program="varnishd",
        package="varnish",
        configuration=VARNISH,
        command=partial(varnish, http2=True),
        http2=True,
    ),
)

PIPE: Final = """
    unset req.http.X-Forwarded-For;
    if (req.http.Upgrade) {{ return (pipe); }}
    return (pass);
}}
sub vcl_pipe {{
    if (req.http.Upgrade) {{
        set bereq.http.Upgrade = req.http.Upgrade;
        set bereq.http.Connection = req.http.Connection;
        set bereq.http.HTTP2-Settings = req.http.HTTP2-Settings;
    }}
}}
"""


def silent(name: str, *replaced: tuple[str, str]) -> Proxy:
    """One of them that tells no server that it is there, but for the mark, and speaks HTTP/1.1 only where it can."""
    proxy = next(one for one in PROXIES if one.name == name)
    configuration = proxy.configuration
    for found, instead in replaced:
        assert found in configuration
        configuration = configuration.replace(found, instead)
    return replace(proxy, configuration=configuration, name=f"{name}-silent")


SILENT: Final = (
    silent("nginx", ("            proxy_set_header X-Forwarded-For $remote_addr;\n", "")),
    silent("haproxy", ("option forwardfor", "option disable-h2-upgrade")),
    silent("apache", ("Protocols h2c http/1.1", "Protocols http/1.1\nProxyAddHeaders Off")),
    replace(silent("varnish", ("\n    return (pass);\n}}\n", PIPE)), command=partial(varnish, http2=False)),
)
"""What a server behind them cannot know of. They pass on every ``Upgrade`` that they can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where a proxy listens on this machine."""

    http1: int
    http2: int


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextlib.contextmanager
def running(proxy: Proxy, program: str, server: int, folder: Path) -> Iterator[Ports]:
    """The proxy in front of a server on this port, until the block ends."""
    one, two = free_ports(2)
    single = proxy.program in ("apache2", "varnishd")  # both protocols on one port
    (folder / "ports").write_text(f"{one} {two}")
    (folder / "proxy.conf").write_text(
        proxy.configuration.format(
            port=one,
            http2=two,
            server=server,
            folder=folder,
            modules="/usr/lib/apache2/modules",
            user="www-data" if os.geteuid() == 0 else f"#{os.geteuid()}",
        )
    )
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            proxy.command(program, folder), stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=folder
        )
    try:
        wait_until_it_listens(process, one, folder)
        yield Ports(http1=one, http2=one if single else two)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_it_listens(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            told = (folder / "output").read_text(errors="replace")
            assert process.poll() is None, f"it ended:\n{told}"
            assert time.monotonic() < deadline, f"it does not listen:\n{told}"
            time.sleep(0.02)
        else:
            return


def main() -> None:
    """For trying: ``python -m tests.smuggling.proxies nginx 8000`` puts one in front of port 8000."""
    proxy = next(one for one in PROXIES if one.name == sys.argv[1])
    folder = Path("/tmp/smuggling")
    folder.mkdir(exist_ok=True)
    with running(proxy, proxy.find() or proxy.program, int(sys.argv[2]), folder) as ports:
        print(ports)
        time.sleep(3600)


if __name__ == "__main__":
    main()
