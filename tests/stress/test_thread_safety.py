"""Eight worker threads, clients at their worst, new code again and again: everything adds up."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.stress.crowd import Circumstances
from tests.stress.serving import KINDS, serve_unruly_clients

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP to send")

RELOADS: Final = int(os.environ.get("RELOADS_UNDER_STRESS", "3"))
SEED: Final = int(os.environ.get("STRESS_SEED", "20261121"))


def test_everything_adds_up(tmp_path: Path) -> None:
    given = Circumstances(SEED, threads=8, interval=0.005, seconds=0.0)
    flags = ("-X", "dev", "-X", "faulthandler")
    served = serve_unruly_clients(tmp_path, KINDS["async"], given, reloads=RELOADS, answers=400, flags=flags)
    assert served.answered > 400 * (RELOADS + 1)
