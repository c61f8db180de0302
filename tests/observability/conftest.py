"""The receivers of traces and reports are those of the package's own tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "packages" / "pounce-observability" / "tests"))
