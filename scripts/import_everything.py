"""Import all that is installed in the environment of this interpreter, and see that it leaves the GIL as it was.

To be run with ``-W error`` in an environment that holds ``pounce-server[all]`` and nothing else: then what is installed
is exactly what ``[all]`` brings, and no list of its members has to be kept here.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.metadata
import importlib.util
import re
import sys
import sysconfig
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

OLD_NAMES: Final = {"_yaml"}
"""What only warns that it is somewhere else now: PyYAML's extension module is ``yaml._yaml``."""
MODULES: Final = {"grpcio": "grpc"}
"""Distributions whose module has another name."""


def modules_of(distribution: importlib.metadata.Distribution) -> Iterator[str]:
    """Its packages and modules at the top, all its extension modules, and for our own packages every module.

    The top is below the folders that it shares with other distributions, as ``opentelemetry`` and ``google``.
    """
    ours = distribution.metadata["Name"].startswith("pounce-")
    extensions = tuple(importlib.machinery.EXTENSION_SUFFIXES)
    files = [file for file in distribution.files or () if file.parts[0] != ".."]
    packages = {file.parts[:-1] for file in files if file.name == "__init__.py"}
    for file in files:
        if not str(file).endswith((".py", *extensions)):
            continue
        parts = (*file.parts[:-1], file.name.split(".", 1)[0])
        module = parts[:-1] if parts[-1] == "__init__" else parts
        at_the_top = not any(module[:depth] in packages for depth in range(1, len(module)))
        if (at_the_top or ours or file.name.endswith(extensions)) and parts[-1] != "__main__":
            yield ".".join(module)


def not_needed_here(distribution: importlib.metadata.Distribution) -> set[str]:
    """Modules of what only an extra or another interpreter needs, and which are not here."""
    needed = {re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in distribution.requires or () if ";" in line}
    modules = {MODULES.get(name, name.replace("-", "_")) for name in needed}
    return {name for name in modules if importlib.util.find_spec(name) is None}


def main() -> None:
    distributions = sorted(importlib.metadata.distributions(), key=lambda found: found.metadata["Name"])
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    has_gil = getattr(sys, "_is_gil_enabled", lambda: True)  # from 3.13 on
    for distribution in distributions:
        names = sorted(set(modules_of(distribution)) - OLD_NAMES)
        assert names, f"{distribution.metadata['Name']} has no modules"
        elsewhere = not_needed_here(distribution)
        for name in names:
            try:
                importlib.import_module(name)
            except ModuleNotFoundError as missing:
                if missing.name is None or missing.name.partition(".")[0] not in elsewhere:
                    raise
                continue
            if free_threaded:
                assert not has_gil(), f"{name} switched the GIL on"
        print(f"  {distribution.metadata['Name']} {distribution.version}: {len(names)} modules imported")
    assert any(found.metadata["Name"] == "pounce-server" for found in distributions), "pounce-server is not here"
    print(f"imported everything on {sys.version.split()[0]}; GIL {'off' if free_threaded else 'on'}")


if __name__ == "__main__":
    main()
