"""The request that is sent over and over."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LoadRequest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """One request over HTTP/1.1."""

    method: str = "GET"
    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def wire(self, host: str, port: int) -> bytes:
        """Its bytes."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}:{port}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body or self.method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body
