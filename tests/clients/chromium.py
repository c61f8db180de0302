"""A headless Chromium that is spoken to over pipes, in its DevTools protocol: one JSON text, and a zero byte."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Chromium", "ChromiumError"]

ANSWER_SECONDS: Final = 60
"""Far longer than any answer takes on a busy machine."""

WITH_PIPES: Final = 'exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null'
"""For a shell: Chromium reads commands from descriptor 3 and writes answers to 4."""

OPTIONS: Final = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",  # which root may not have, and here it visits nothing but these tests
    "--disable-dev-shm-usage",  # in containers that is small
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-proxy-server",
)


class ChromiumError(Exception):
    """It ended, took too long, or refused a command."""


class Chromium:
    """One browser, for one thread."""

    def __init__(self, program: str, folder: Path, *options: str) -> None:
        """``folder`` is for its profile and for what it has to say. Without ``options`` it trusts every certificate."""
        options = (*OPTIONS, *(options or ("--ignore-certificate-errors",)))
        self._log = folder / "stderr"
        self._command = ["sh", "-c", WITH_PIPES, program, *options, f"--user-data-dir={folder / 'profile'}"]
        self._asked = 0

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        return self

    def __exit__(self, *exc_info: object) -> None:
        with contextlib.suppress(ChromiumError):
            self._ask("Browser.close")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()
        self._stdout.close()

    def visit(self, url: str, expression: str) -> Any:
        """Open a page in a window that shares nothing with others; once it has loaded, what the expression promises.

        Raises:
            ChromiumError: the page cannot be opened, or the expression fails.
        """
        context = self._ask("Target.createBrowserContext")["browserContextId"]
        try:
            target = self._ask("Target.createTarget", {"url": "about:blank", "browserContextId": context})["targetId"]
            session = self._ask("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
            opened = self._ask("Page.navigate", {"url": url}, session)
            if "errorText" in opened:
                raise ChromiumError(f"{url}: {opened['errorText']}")
            wanted = {"expression": expression, "awaitPromise": True, "returnByValue": True}
            given = self._ask("Runtime.evaluate", wanted, session)
        finally:
            self._ask("Target.disposeBrowserContext", {"browserContextId": context})
        if "exceptionDetails" in given:
            raise ChromiumError(json.dumps(given["exceptionDetails"]))
        return given["result"].get("value")

    def _ask(self, method: str, parameters: dict[str, Any] | None = None, session: str | None = None) -> Any:
        """Send a command and read until its answer; whatever else it tells is not of interest."""
        self._asked += 1
        command = {"id": self._asked, "method": method, "params": parameters or {}}
        if session is not None:
            command["sessionId"] = session
        watch = threading.Timer(ANSWER_SECONDS, self._process.kill)  # ends the read below
        watch.start()
        try:
            self._stdin.write(json.dumps(command).encode() + b"\0")
            self._stdin.flush()
            while (told := self._read()).get("id") != self._asked:
                pass
        except BrokenPipeError:
            raise self._ended() from None
        finally:
            watch.cancel()
        if "error" in told:
            raise ChromiumError(f"{method}: {told['error']}")
        return told["result"]

    def _read(self) -> dict[str, Any]:
        message = bytearray()
        while (byte := self._stdout.read(1)) != b"\0":  # it is buffered
            if not byte:
                raise self._ended()
            message += byte
        told: dict[str, Any] = json.loads(message)
        return told

    def _ended(self) -> ChromiumError:
        return ChromiumError(f"Chromium ended: {self._log.read_text(errors='replace')[-3000:]}")
