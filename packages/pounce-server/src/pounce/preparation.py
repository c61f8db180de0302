"""What a server has before it listens: the packages that settings need, certificates, who serves, and where that are
threads of this process the application.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pounce_workers import GilWatch, Interpreter, detect_kind, worker_count

from .certificates import opened_certificates
from .chain import check_chain, import_chain
from .env_file import apply_env_file
from .error_reports import begin_error_reports
from .features import require_features
from .quic_certificates import quic_certificates
from .worker_choice import reloadable, without_effect

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Iterator

    from pounce_workers import Decision, TlsContexts

    from .config import ServerConfig
    from .fresh_import import FreshImport, ImportedCode

__all__ = ["Preparation"]


class Preparation:
    """Made in the main thread, where applications expect to be imported; what it has is not changed afterwards."""

    def __init__(
        self, config: ServerConfig, stack: contextlib.ExitStack, on_changed: Callable[[tuple[str, ...]], None]
    ) -> None:
        """Leaving ``stack`` ends it. ``on_changed`` is called with the paths of files that change, in another thread.

        Raises:
            ConfigError: something is not installed, or cannot be read.
            AppImportError: the application cannot be had.
        """
        self._config = config
        self._stack = stack
        self.importer: FreshImport | None = None
        self.code: ImportedCode | None = None
        """Where threads of this process serve it."""
        self.quic_certificates: Any
        self.tls: TlsContexts | None
        self.decision: Decision
        self._watch: GilWatch
        require_features(config)
        check_chain(config)
        if config.env_file is not None:
            apply_env_file(config.env_file)
        self._decide(on_changed)

    @property
    def warnings(self) -> Iterator[str]:
        """What is to be said of the choice."""
        yield from self.decision.warnings
        yield from without_effect(self._config, self.decision)

    def late_warning(self) -> str | None:
        """Of a GIL that was switched on since then: what is imported in a lifespan's startup or while a request is
        served may do that, too. Told once, and only where threads serve; one thread at a time may ask.
        """
        if self.decision.kind != "thread":
            return None
        culprit = self._watch.look_again()
        return culprit.warning_among(self.decision.workers) if culprit is not None else None

    def _decide(self, on_changed: Callable[[tuple[str, ...]], None]) -> None:
        config = self._config
        workers = worker_count(config.workers)
        self._watch = GilWatch()
        with self._watch:  # what settings need may switch the GIL on as well as the application
            self.quic_certificates = quic_certificates(config)
            self.tls = self._stack.enter_context(opened_certificates(config, self.quic_certificates))
            if config.reloading.reload:
                from .code_watch import watch_code

                # Before the import: what is saved meanwhile is not to be missed.
                watch_code(config, on_changed, self._stack)
            here = detect_kind(Interpreter.now(), requested=config.worker_kind, workers=workers).imports_here
            if here:
                self._import()
        decision = detect_kind(
            Interpreter.now(), requested=config.worker_kind, workers=workers, culprits=self._watch.culprits
        )
        self.decision = reloadable(config, decision) if here else decision

    def _import(self) -> None:
        from .fresh_import import FreshImport
        from .worker_factory import interface_of

        begin_error_reports(self._config, self._stack)
        import_chain(self._config)
        self.importer = FreshImport.of(self._config)
        self._stack.callback(self.importer.close)
        self.code = self.importer.load()
        interface_of(self.code.app, self._config)  # what cannot be told is said before anything else is done
