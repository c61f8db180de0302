"""Where the tests of compression find each other's doubles."""

from __future__ import annotations

import pathlib
import sys

# The tests are no package: this is how they find the doubles that lie beside them.
sys.path.insert(0, str(pathlib.Path(__file__).parent))
