"""What all workers of a process keep together, limits above all: made once, and kept when new code is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pounce_asgi import ConfigError

if TYPE_CHECKING:
    from pounce_compression import DictionaryStore
    from pounce_middleware import LoadShedder, RateLimiter

    from .config import ServerConfig

__all__ = ["SharedLimits", "limits_rate", "limits_requests"]


class SharedLimits:
    """Any thread may use what is in it. Of several processes each has its share of a limit of the server."""

    def __init__(self, config: ServerConfig, processes: int = 1) -> None:
        """
        Raises:
            ConfigError: a limit cannot be had, such as one that is counted in a store whose client is not installed.
        """
        self.rate: RateLimiter | None = None
        self.shedder: LoadShedder | None = None
        if limits_rate(config):
            from pounce_middleware import RateLimiter

            try:
                self.rate = RateLimiter.from_settings(config.rates, share=processes)
            except (ValueError, ImportError) as error:
                raise ConfigError(_named("rate_limit", error)) from error
        self.dictionaries: DictionaryStore | None = None
        """What responses are compressed by (RFC 9842)."""
        if getattr(config.compression, "compress", False) and config.compression.compress_dictionaries:
            from pounce_compression import DictionaryStore

            try:
                self.dictionaries = DictionaryStore.from_settings(config.compression)
            except (LookupError, ValueError) as error:
                raise ConfigError(f"compress_dictionaries: {error}") from error
        if limits_requests(config):
            from pounce_middleware import load_shedder

            self.shedder = load_shedder(config.shedding, share=processes)


def limits_rate(config: ServerConfig) -> bool:
    """Whether each client may send so many requests only."""
    return getattr(config.rates, "rate_limit", None) is not None


def limits_requests(config: ServerConfig) -> bool:
    """Whether so many requests only may be in the application."""
    shedding = config.shedding
    return getattr(shedding, "request_queue_limit", None) is not None or getattr(
        shedding, "request_queue_adaptive", False
    )


def _named(setting: str, error: Exception) -> str:
    """What went wrong, with the setting that it is about."""
    return str(error) if str(error).startswith(setting) else f"{setting}: {error}"
