"""Which paths something is not for: exact ones, and all below one when it ends in ``*``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["PathSet"]


class PathSet:
    """Immutable. ``path in paths`` costs a look-up, and a comparison for each of those that end in ``*``."""

    __slots__ = ("_exact", "_prefixes")

    def __init__(self, paths: Iterable[str]) -> None:
        """``/metrics`` is this path alone, ``/static/*`` all that begin with ``/static/``.

        Raises:
            ValueError: one does not begin with a slash, or has a star elsewhere than at its end.
        """
        paths = tuple(paths)
        for path in paths:
            if not path.startswith("/") or "*" in path[:-1]:
                raise ValueError(f"{path!r} is not a path such as /metrics or /static/*")
        self._exact = frozenset(path for path in paths if not path.endswith("*"))
        self._prefixes = tuple(path[:-1] for path in paths if path.endswith("*"))

    def __bool__(self) -> bool:
        return bool(self._exact or self._prefixes)

    def __contains__(self, path: str) -> bool:
        return path in self._exact or path.startswith(self._prefixes)
