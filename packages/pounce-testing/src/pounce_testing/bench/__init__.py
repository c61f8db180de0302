"""Pounce beside other servers, with an application and on a machine of your own: ``pounce bench module:attribute``.

Nothing here is imported unless that is asked for. It needs no package besides the servers that are compared; ``wrk`` is
used where it is installed, and matplotlib for a picture in PNG.
"""

from __future__ import annotations

__all__: list[str] = []
