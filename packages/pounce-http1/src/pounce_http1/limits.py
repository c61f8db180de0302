"""How large a request may be. Each limit stops one way of making a server keep or do too much for one client."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on one request, checked while its bytes arrive. Each has its own error in ``pounce_http1.errors``.

    A ValueError that names the field is raised for a value below its minimum.
    """

    limit_request_line: int = field(
        default=8192,
        metadata={
            "help": "Longest request line, without its line end; a longer one is answered 414.",
            "unit": "bytes",
            "minimum": 32,
        },
    )
    limit_request_field_size: int = field(
        default=16_384,
        metadata={
            "help": "Longest single header field, name and value; a longer one is answered 431.",
            "unit": "bytes",
            "minimum": 32,
        },
    )
    limit_request_header_size: int = field(
        default=65_536,
        metadata={
            "help": "Most bytes of all header fields together; more is answered 431.",
            "unit": "bytes",
            "minimum": 64,
        },
    )
    limit_request_fields: int = field(
        default=100,
        metadata={
            "help": "Most header fields of a request, and most trailer fields; more is answered 431.",
            "unit": "fields",
            "minimum": 1,
        },
    )
    limit_chunk_extension: int = field(
        default=4096,
        metadata={
            "help": "Most bytes of chunk extensions beyond the bytes of body they came with; more is answered 400.",
            "unit": "bytes",
            "minimum": 0,
        },
    )
    limit_trailer_size: int = field(
        default=16_384,
        metadata={
            "help": "Most bytes of trailer fields after a chunked body; more is answered 431.",
            "unit": "bytes",
            "minimum": 0,
        },
    )

    def __post_init__(self) -> None:
        for declared in fields(self):
            value = getattr(self, declared.name)
            minimum = declared.metadata["minimum"]
            if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
                raise ValueError(f"{declared.name} must be a whole number of at least {minimum}, not {value!r}")
