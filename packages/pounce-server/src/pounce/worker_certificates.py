"""The certificates of a worker process: those in the files, or if these are not good the last that were.

A process that begins reads the files anew. While they hold rubbish it could not begin at all, and a server that lost a
worker then would run through its restarts and end. So the main process keeps what was good, and tells a worker that
asks. Keys go through the control pipe and memory only.
"""

from __future__ import annotations

import base64
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi import ConfigError

from .certificates import opened_certificates
from .quic_certificates import quic_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_workers import Answer, Birth, CertificatePlaces, TlsContexts
    from pounce_workers.net.file_signature import FileSignature

    from .config import ServerConfig

__all__ = ["LAST_GOOD", "answer_with_last_good", "worker_certificates"]

LAST_GOOD: Final = "certificates"
"""What a worker process asks the main one for. No worker answers it, and nobody else can ask the main process."""

ANSWER_SECONDS: Final = 5.0
"""For the main process to say what it has in memory."""

_log = logging.getLogger("pounce.tls")


def answer_with_last_good(answers: dict[str, Answer], tls: TlsContexts | None) -> None:
    """Let the main process answer its workers with what it last found good."""
    if tls is None:
        return
    tls.keep_contents()

    def answer(_: dict[str, Any]) -> dict[str, str]:
        return {path: base64.b64encode(content).decode() for path, content in (tls.contents or {}).items()}

    answers[LAST_GOOD] = answer


@contextlib.contextmanager
def worker_certificates(config: ServerConfig, birth: Birth) -> Iterator[tuple[TlsContexts | None, Any]]:
    """What a worker process begins TLS connections with, and those of HTTP/3; None for each that is off.

    Raises:
        ConfigError: the files are not good, and there is nothing to begin with instead.
    """
    if not config.tls.enabled:
        yield None, quic_certificates(config)
        return
    from pounce_workers import CertificatePlaces
    from pounce_workers.net.file_signature import file_signature

    places = CertificatePlaces()
    seen = file_signature(config.tls.files)  # from before they are read: what is mended meanwhile is found by a look
    with contextlib.ExitStack() as stack:
        try:
            opened = _opened(config, stack, places)
        except ConfigError as error:
            contents = _last_good(birth)
            if not contents:
                raise
            try:
                with places.in_memory(contents):
                    opened = _opened(config, stack, places, failed=seen)
            except (OSError, ConfigError):
                raise error from None  # what can be mended is what is in the files
            _log.warning(
                "worker %d begins with the certificates that were last good, because those of now cannot be used: %s",
                birth.worker_id,
                error,
            )
        yield opened


def _opened(
    config: ServerConfig,
    stack: contextlib.ExitStack,
    places: CertificatePlaces,
    *,
    failed: FileSignature | None = None,
) -> tuple[TlsContexts | None, Any]:
    quic = quic_certificates(config, places)
    tls = stack.enter_context(opened_certificates(config, quic, announce=False, places=places, failed=failed))
    return tls, quic


def _last_good(birth: Birth) -> dict[str, bytes]:
    """By the paths of the files; empty if the main process has nothing to say."""
    try:
        answer: dict[str, str] = birth.ask(LAST_GOOD, {}, ANSWER_SECONDS)
    except OSError:
        return {}
    return {path: base64.b64decode(content) for path, content in answer.items()}
