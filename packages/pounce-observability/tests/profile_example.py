"""A profile with names that nobody would choose who means well."""

from __future__ import annotations

from pounce_observability.profiling.merged_profile import MergedProfile
from pounce_observability.profiling.stack_readers import Frame

EVIL = '<script>alert("1")</script>;</svg>&\n\x1b]0;'

WORKER = Frame("worker 0", "", 0)
MAIN = Frame("main", "/site-packages/app/main.py", 3)

PROFILE = MergedProfile(
    [
        ((WORKER, MAIN, Frame(EVIL, "/app/evil.py", 7)), 30),
        ((WORKER, MAIN, Frame("query", "/app/db.py", 9)), 60),
        ((WORKER, MAIN), 10),
        ((Frame("worker 1", "", 0), MAIN), 100),
    ],
    interval=0.01,
    seconds=1.0,
    samples=100,
    notes=[],
)
