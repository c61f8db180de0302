"""A profile as text for other tools: folded stacks, and speedscope's format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .merged_profile import MergedProfile
    from .stack_readers import Frame

__all__ = ["as_folded", "as_speedscope", "short_file"]

_SCHEMA: Final = "https://www.speedscope.app/file-format-schema.json"


def short_file(file: str) -> str:
    """The end of a path that tells files apart: from the package on, or its last two parts."""
    path = file.replace("\\", "/")
    for folder in ("/site-packages/", "/src/"):
        before, found, after = path.rpartition(folder)
        if found and before:
            return after
    return "/".join(path.split("/")[-2:])


def label(frame: Frame) -> str:
    """A frame on one line: ``function (file:line)``."""
    text = f"{frame.function} ({short_file(frame.file)}:{frame.line})" if frame.file else frame.function
    return "".join(character if character.isprintable() else " " for character in text)


def as_folded(profile: MergedProfile) -> str:
    """A line for each stack: its frames from the root on, semicolons between them, and how often it was seen."""
    totals: dict[str, int] = {}
    for stack, count in profile.stacks:
        line = ";".join(label(frame).replace(";", ":") for frame in stack)
        totals[line] = totals.get(line, 0) + count
    return "".join(f"{line} {count}\n" for line, count in sorted(totals.items()))


def as_speedscope(profile: MergedProfile, *, name: str) -> str:
    """A file for speedscope: a sampled profile for each thread, weights in seconds."""
    frames: dict[Frame, int] = {}
    threads: dict[tuple[str, ...], tuple[list[list[int]], list[float]]] = {}
    for stack, count in profile.stacks:
        roots = tuple(frame.function for frame in stack if not frame.file)
        samples, weights = threads.setdefault(roots, ([], []))
        samples.append([frames.setdefault(frame, len(frames)) for frame in stack if frame.file])
        weights.append(count * profile.interval)
    document: dict[str, Any] = {
        "$schema": _SCHEMA,
        "name": name,
        "exporter": "pounce",
        "activeProfileIndex": 0,
        "shared": {"frames": [_speedscope_frame(frame) for frame in frames]},
        "profiles": [
            {
                "type": "sampled",
                "name": ", ".join(roots) or name,
                "unit": "seconds",
                "startValue": 0,
                "endValue": sum(weights),
                "samples": samples,
                "weights": weights,
            }
            for roots, (samples, weights) in sorted(threads.items(), key=lambda thread: -sum(thread[1][1]))
        ],
    }
    return json.dumps(document)


def _speedscope_frame(frame: Frame) -> dict[str, Any]:
    told: dict[str, Any] = {"name": frame.function}
    if frame.file:
        told["file"] = frame.file
    if frame.line > 0:
        told["line"] = frame.line
    return told
