"""What can be set about compression. A server derives flags, variables and documentation from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from .codings import CODINGS, DEFAULT_LEVELS, LEVELS
from .compressible_types import COMPRESSIBLE_TYPES

__all__ = ["CompressionSettings"]

_LEVEL_FIELDS: Final = {"compress_level_zstd": "zstd", "compress_level_br": "br", "compress_level_gzip": "gzip"}
_FROM_ZERO: Final = (
    "compress_min_size",
    "compress_thread_size",
    "compress_file_size",
    "compress_dictionary_size",
    "compress_dictionary_memory",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressionSettings:
    """How responses are compressed.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    compress: bool = field(default=False, metadata={"help": "Compress responses."})
    compress_codings: tuple[str, ...] = field(
        default=CODINGS,
        metadata={
            "help": "Content codings that may be used, the preferred one first: zstd, br, gzip, deflate. Those whose"
            " library is not installed are left out; one must be there."
        },
    )
    compress_min_size: int = field(
        default=512,
        metadata={"help": "Smallest body that is compressed, if its length is known.", "unit": "bytes", "minimum": 0},
    )
    compress_types: tuple[str, ...] = field(
        default=COMPRESSIBLE_TYPES,
        metadata={"help": "Media types that are compressed: type/subtype, type/* or *+suffix."},
    )
    compress_exclude: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "Paths below which nothing is compressed, such as those whose answers hold a secret next to what a"
            " request said (BREACH). They are below the root path."
        },
    )
    compress_level_zstd: int = field(
        default=DEFAULT_LEVELS["zstd"],
        metadata={"help": "Level of zstd; higher is smaller and slower.", "minimum": 1, "maximum": 19},
    )
    compress_level_br: int = field(
        default=DEFAULT_LEVELS["br"],
        metadata={"help": "Level of br; higher is smaller and slower.", "minimum": 0, "maximum": 11},
    )
    compress_level_gzip: int = field(
        default=DEFAULT_LEVELS["gzip"],
        metadata={"help": "Level of gzip and deflate; higher is smaller and slower.", "minimum": 1, "maximum": 9},
    )
    compress_thread_size: int = field(
        default=128 * 1024,
        metadata={
            "help": "Bodies, and pieces of bodies, from this size on are compressed in a thread of the loop's pool.",
            "unit": "bytes",
            "minimum": 0,
        },
    )
    compress_file_size: int = field(
        default=1024 * 1024,
        metadata={
            "help": "Largest file that is read and compressed when the application sends it by its path; larger ones"
            " are sent as they are.",
            "unit": "bytes",
            "minimum": 0,
        },
    )
    compress_strict: bool = field(
        default=False,
        metadata={"help": "Answer 406 to a client that accepts neither a coding of these nor content as it is."},
    )
    compress_dictionaries: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "Paths whose responses are dictionaries for later ones, as URL patterns such as /static/app.*.js"
            " (RFC 9842, coding dcz)."
        },
    )
    compress_dictionary_size: int = field(
        default=1024 * 1024,
        metadata={"help": "Largest response that becomes a dictionary.", "unit": "bytes", "minimum": 0},
    )
    compress_dictionary_memory: int = field(
        default=16 * 1024 * 1024,
        metadata={
            "help": "Memory for dictionaries in each process, with the tables that belong to them.",
            "unit": "bytes",
            "minimum": 0,
        },
    )

    def __post_init__(self) -> None:
        for coding in self.compress_codings:
            if coding not in CODINGS:
                raise ValueError(f"compress_codings: {coding!r} is not one of {', '.join(CODINGS)}")
        for name, coding in _LEVEL_FIELDS.items():
            least, most = LEVELS[coding]
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name}: {getattr(self, name)!r} is not within {least} and {most}")
        for name in _FROM_ZERO:
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: {getattr(self, name)!r} is below 0 bytes")
        for path in self.compress_exclude:
            if not path.startswith("/"):
                raise ValueError(f"compress_exclude: {path!r} does not begin with a slash")
        # Here, because all settings are read at every start: what is off is not imported.
        if self.compress_types != COMPRESSIBLE_TYPES:
            from .media_types import MediaTypes

            _check("compress_types", lambda: MediaTypes(self.compress_types))
        if self.compress_dictionaries:
            from .url_pattern import UrlPattern

            _check("compress_dictionaries", lambda: [UrlPattern(one) for one in self.compress_dictionaries])

    @property
    def compress_levels(self) -> dict[str, int]:
        """The level of each coding."""
        gzip = self.compress_level_gzip
        return {"zstd": self.compress_level_zstd, "br": self.compress_level_br, "gzip": gzip, "deflate": gzip}


def _check(name: str, make: object) -> None:
    try:
        make()  # type: ignore[operator]
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
