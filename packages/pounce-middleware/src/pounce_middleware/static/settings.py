"""What can be set about static files. The server derives flags, variables and documentation from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

__all__ = ["SYMLINKS", "StaticSettings", "Symlinks", "mount_of"]

Symlinks = Literal["within", "follow", "none"]
SYMLINKS: Final[tuple[Symlinks, ...]] = ("within", "follow", "none")

INDEX: Final = "index.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticSettings:
    """Directories that are served beside the application.

    Raises:
        ValueError: a value cannot be used; the message names the field.
    """

    static: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "Serve the files of a directory, written URL=DIR, such as /assets=public/assets. Repeatable."
            " With the URL / the application gets what is no file."
        },
    )
    static_index: str = field(default=INDEX, metadata={"help": "The file that stands for its folder; empty for none."})
    static_single_page: str = field(
        default="",
        metadata={
            "help": "File of each directory for pages that are not found, such as index.html, for applications that run"
            " in the browser. Below the URL / it takes the place of the application's 404."
        },
    )
    static_listing: bool = field(default=False, metadata={"help": "List folders that have no index."})
    static_hidden: bool = field(
        default=False,
        metadata={"help": "Serve names that begin with a dot; /.well-known/ is served without it too."},
    )
    static_symlinks: Literal["within", "follow", "none"] = field(
        default="within",
        metadata={
            "help": "Symbolic links: follow those whose target is within the directory, all of them, or none.",
            "choices": SYMLINKS,
        },
    )
    static_precompressed: bool = field(
        default=True, metadata={"help": "Send name.zst, name.br or name.gz for name to clients that accept it."}
    )
    static_cache_control: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "Cache-Control by file, written PATTERN=VALUE, such as '*.woff2=max-age=86400'; the first that fits"
            " wins. Repeatable; in a variable one a line. Otherwise names with a hash are immutable and others"
            " no-cache.",
            "one_a_line": True,
        },
    )

    def __post_init__(self) -> None:
        urls = [mount_of(value)[0] for value in self.static]
        for url in urls:
            if urls.count(url) > 1:
                raise ValueError(f"static: {url or '/'} is given twice; a URL has one directory")
        for name in ("static_index", "static_single_page"):
            value = getattr(self, name)
            if value not in ("", INDEX) and (not _is_path("/" + value) or value.endswith("/")):
                raise ValueError(f"{name}: {value!r} is not the path of a file below a directory")
        if self.static_symlinks not in SYMLINKS:
            raise ValueError(f"static_symlinks: {self.static_symlinks!r} is not one of {', '.join(SYMLINKS)}")
        self.cache_rules()

    def cache_rules(self) -> tuple[tuple[str, str], ...]:
        """Patterns and values.

        Raises:
            ValueError: one is not written PATTERN=VALUE, or could not be sent.
        """
        pairs = []
        for rule in self.static_cache_control:
            pattern, equals, value = rule.partition("=")
            if not pattern or not equals:
                raise ValueError(f"static_cache_control: {rule!r} is not written PATTERN=VALUE")
            pairs.append((pattern, value))
        if not pairs:
            return ()
        # Here, because all settings are read at every start: what is off is not imported.
        from pounce_middleware.static.cache_rules import CacheRules

        try:
            CacheRules(pairs)
        except ValueError as error:
            raise ValueError(f"static_cache_control: {error}") from None
        return tuple(pairs)


def mount_of(value: str) -> tuple[str, str]:
    """The URL, without a slash at its end (so ``/`` is empty), and the directory of ``URL=DIR``.

    Raises:
        ValueError: it is not written so; the message names the field ``static``.
    """
    url, equals, directory = value.partition("=")
    if not equals or not url or not directory:
        raise ValueError(f"static: {value!r} is not written URL=DIR, such as /assets=public/assets")
    if not url.startswith("/"):
        raise ValueError(f"static: {value!r}: the URL does not begin with a slash; perhaps /{url}={directory}")
    if set(url) & set("?#%") or not _is_path(url, hidden=True):
        raise ValueError(f"static: {value!r}: {url!r} is not a plain path: no dot-dot, double slash, percent or query")
    return url.rstrip("/"), directory


def _is_path(url: str, *, hidden: bool = False) -> bool:
    """Whether a file may be looked for there."""
    from pounce_middleware.static.request_path import file_path  # here, for the same reason

    return file_path(url, hidden=hidden) is not None
