"""One way in which a file can be sent: as it is, or compressed beforehand. Made in a thread, then immutable."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pounce_middleware.static.cache_rules import fingerprint
from pounce_middleware.static.http_date import format_date

if TYPE_CHECKING:
    import os

    from pounce_middleware.static.request_path import FilePath

__all__ = ["CODINGS", "Header", "Representation", "Signature", "etag_for", "signature"]

Header = tuple[bytes, bytes]
Signature = tuple[int, int, int, int, int]
"""What tells one state of a file from another: device, inode, size, time of content, time of anything (both ns)."""

CODINGS: Final[dict[str, str]] = {"zstd": ".zst", "br": ".br", "gzip": ".gz"}
"""Content coding -> suffix of the neighbour that is compressed with it, the one that we like best first."""


def signature(status: os.stat_result) -> Signature:
    """The state of a file."""
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def etag_for(name: str, status: os.stat_result, coding: str) -> str:
    """A strong entity-tag (RFC 9110, 8.8.3), other for each coding.

    From the hash in the name where it has one, so that several machines agree on it; else from size and time of change.
    """
    content = fingerprint(name) or f"{status.st_mtime_ns:x}"
    return f'"{content}-{status.st_size:x}{"-" + coding if coding else ""}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Representation:
    """A file, or one of its compressed neighbours."""

    names: FilePath
    """Where it is below the root."""
    path: str
    """Where it is in the file system."""
    coding: str
    """Its content-coding; empty for none."""
    signature: Signature
    size: int
    """Bytes."""
    etag: str
    modified: int
    """Seconds since 1970, not in the future (RFC 9110, 8.8.2.1)."""
    media_type: bytes
    headers: tuple[Header, ...]
    """Of a 200 answer with the whole of it."""
    validators: tuple[Header, ...]
    """Those of them that a 304 repeats (RFC 9110, 15.4.5)."""
    body: bytes | None
    """The whole content, of a small file."""
    cache_control: str
    varies: bool

    @classmethod
    def of(
        cls,
        names: FilePath,
        path: str,
        status: os.stat_result,
        *,
        coding: str,
        media_type: str,
        cache_control: str,
        varies: bool,
        body: bytes | None,
    ) -> Representation:
        """Work out all fields once; ``varies`` when there are others that the client could have got."""
        modified = min(status.st_mtime_ns // 10**9, int(time.time()))
        etag = etag_for(names[-1], status, coding)
        validators: list[Header] = [(b"etag", etag.encode("ascii"))]
        if cache_control:
            validators.append((b"cache-control", cache_control.encode("ascii")))
        if varies:
            validators.append((b"vary", b"accept-encoding"))
        headers: list[Header] = [
            (b"content-type", media_type.encode("ascii")),
            (b"content-length", b"%d" % status.st_size),
            (b"last-modified", format_date(modified)),
            *validators,
            (b"accept-ranges", b"bytes"),
            (b"x-content-type-options", b"nosniff"),
        ]
        if coding:
            headers.append((b"content-encoding", coding.encode("ascii")))
        return cls(
            names=names,
            path=path,
            coding=coding,
            signature=signature(status),
            size=status.st_size,
            etag=etag,
            modified=modified,
            media_type=media_type.encode("ascii"),
            headers=tuple(headers),
            validators=tuple(validators),
            body=body,
            cache_control=cache_control,
            varies=varies,
        )

    def renewed(self, status: os.stat_result) -> Representation:
        """The same file, which has changed meanwhile; its content is not in memory."""
        return Representation.of(
            self.names,
            self.path,
            status,
            coding=self.coding,
            media_type=self.media_type.decode("ascii"),
            cache_control=self.cache_control,
            varies=self.varies,
            body=None,
        )
