"""Variables that begin as those of settings do and are none: most likely a slip, which would be without effect.

What is not a slip is known here: names that are for something else than a setting, and what Kubernetes sets.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .config import all_settings
from .printable import printable
from .settings import ENVIRONMENT_PREFIX, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CONFIG_VARIABLE", "OTHER_VARIABLES", "unknown_variables"]

CONFIG_VARIABLE: Final = ENVIRONMENT_PREFIX + "CONFIG"
"""The variable that names the file, as ``--config`` does."""

OTHER_VARIABLES: Final = frozenset(
    {
        CONFIG_VARIABLE,
        "POUNCE_WORKER_SYS_PATH",  # from a server to its worker processes; what these start inherits it
        "POUNCE_LONG_TESTS",
        "POUNCE_BENCHMARK_STEPS",
    }
)
"""Ours, and no settings."""

# Kubernetes describes a Service named "pounce" or "pounce-..." to every pod:
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_OF_A_SERVICE: Final = re.compile(r"\w*_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_\w+)?)", re.ASCII)
_PLACE_OF_A_SERVICE: Final = re.compile(r"(tcp|udp|sctp)://", re.ASCII)


def unknown_variables(environ: Mapping[str, str], words: str) -> tuple[str, ...]:
    """A line about each; ``words`` is how a variable is called there. An empty one counts as none."""
    known = {setting.variable for setting in all_settings()}
    return tuple(
        _unknown(name, words, known)
        for name, value in sorted(environ.items())
        if name.startswith(ENVIRONMENT_PREFIX)
        and value
        and name not in known | OTHER_VARIABLES
        and not _OF_A_SERVICE.fullmatch(name)
        and not _PLACE_OF_A_SERVICE.match(value)
    )


def _unknown(name: str, words: str, known: set[str]) -> str:
    # Without what all have in common, which would make all of them alike.
    names = {one.removeprefix(ENVIRONMENT_PREFIX) for one in (*known, CONFIG_VARIABLE)}
    match = nearest(name.removeprefix(ENVIRONMENT_PREFIX).upper(), names, likeness=0.7)
    advice = f"did you mean {ENVIRONMENT_PREFIX}{match}?" if match else "'pounce settings' lists those that there are"
    return f"{words.format(printable(name))} is not a setting; {advice}"
