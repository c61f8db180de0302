"""Where the tests find the doubles that lie beside them: they are no package."""

from __future__ import annotations

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
