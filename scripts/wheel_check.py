"""Show that the built wheels work without the checkout: ``wheel_check.py PYTHON DIST``.

``pounce-server[all]`` is installed into a clean environment, siblings from DIST and everything else as binary wheels
from PyPI. There it serves a request, and every module that came along is imported with warnings as errors: a member
of ``[all]`` that would switch the GIL back on warns about it.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WORKSPACE: Final = Path(__file__).resolve().with_name("workspace.py")
IMPORTS: Final = Path(__file__).resolve().with_name("import_everything.py")

INSTALL_SECONDS: Final = 300
START_SECONDS: Final = 30
STOP_SECONDS: Final = 30

APPLICATION: Final = """
async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"from the wheels"})
"""


def check_contents(wheel: Path) -> None:
    """What every package promises to ship."""
    names = zipfile.ZipFile(wheel).namelist()
    for promised in ("/py.typed", "/licenses/LICENSE", "/METADATA"):
        assert any(name.endswith(promised) for name in names), f"{wheel.name} lacks {promised}"
    strangers = [name for name in names if "tests/" in name or name.endswith(".pyc")]
    assert not strangers, f"{wheel.name} holds what belongs to the checkout: {strangers}"


def uv(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, WORKSPACE, "uv", *arguments], check=True, timeout=INSTALL_SECONDS)


def install(python: str, environment: Path, wheels: Sequence[Path]) -> Path:
    """Make a clean environment with ``pounce-server[all]``; the result is its interpreter."""
    uv("venv", "--quiet", "--no-project", "--python", python, environment)
    installed = environment / "bin" / "python"
    constraints = environment / "siblings.txt"
    # By path, so that no sibling can come from an index, whatever version that has.
    constraints.write_text("".join(f"{distribution_name(wheel)} @ {wheel.as_uri()}\n" for wheel in wheels))
    sources = ("--only-binary", ":all:", "--find-links", wheels[0].parent, "--constraints", constraints)
    uv("pip", "install", "--quiet", "--python", installed, *sources, "pounce-server[all]")
    uv("pip", "check", "--python", installed)
    return installed


def distribution_name(wheel: Path) -> str:
    return wheel.name.split("-", 1)[0].replace("_", "-")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port: int = reserved.getsockname()[1]
        return port


@contextlib.contextmanager
def served(python: Path, folder: Path) -> Iterator[int]:
    """Run the installed command with an application; gives the port, and insists on an exit code of 0."""
    (folder / "application.py").write_text(APPLICATION)
    port = free_port()
    command = [str(python.with_name("pounce")), "application:app", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(command, cwd=folder)
    try:
        yield port
        server.terminate()
        code = server.wait(STOP_SECONDS)
        assert code == 0, f"the server left with exit code {code}"
    finally:
        server.kill()
        server.wait()


def fetch(port: int) -> bytes:
    """Get ``/``, waiting for the server to come up."""
    patience = time.monotonic() + START_SECONDS
    while True:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
        try:
            client.request("GET", "/")
            return client.getresponse().read()
        except ConnectionRefusedError:
            if time.monotonic() > patience:
                raise
            time.sleep(0.05)
        finally:
            client.close()


def main(python: str, dist: Path) -> None:
    wheels = sorted(dist.resolve().glob("*.whl"))
    for wheel in wheels:
        check_contents(wheel)
    with tempfile.TemporaryDirectory(prefix="pounce-wheels-") as temporary:
        folder = Path(temporary)
        installed = install(python, folder / "environment", wheels)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        subprocess.run(
            [installed, "-W", "error", IMPORTS], cwd=folder, env=environ, check=True, timeout=INSTALL_SECONDS
        )
        with served(installed, folder) as port:
            assert fetch(port) == b"from the wheels"
    print(f"{len(wheels)} wheels: installed, imported, served a request and stopped on {python}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
