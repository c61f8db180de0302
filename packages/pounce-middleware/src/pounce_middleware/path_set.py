"""Which paths something is not for: exact ones, and all below one when it ends in ``*``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["PathSet"]

_DOTS: Final = frozenset({".", ".."})


class PathSet:
    """Immutable. ``path in paths`` costs a look-up, and a comparison for each of those that end in ``*``. A path with
    dot segments (RFC 3986, 3.3) is below nothing but ``/``.
    """

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
        if path in self._exact:
            return True
        if not path.startswith(self._prefixes):
            return False
        # What names another place is not below this one, whatever an application makes of the dots.
        return "/." not in path or "/" in self._prefixes or not _DOTS.intersection(path.split("/"))
