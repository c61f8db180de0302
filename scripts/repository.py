"""Where the project lives: ``python -m scripts.repository [https://github.com/OWNER/NAME]``.

Without an address: prints the one that the packages name, and fails if they do not agree. With one: writes it to all
places that name it. PyPI shows it beside each package, and whoever verifies an attestation needs it; so no release is
made before there is one (``scripts/release_check.py``). Only the standard library is needed.
"""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Final

from scripts.packages import ROOT, PackageError, packages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["main", "repository", "write"]

ADDRESS: Final = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+)")
URLS: Final = re.compile(r"^\[project\.urls\]\n(?:(?!\[).*\n)*", re.MULTILINE)
PROJECT: Final = re.compile(r"^\[project\]\n(?:(?!\[).*\n)*", re.MULTILINE)
"""All of that table, and none of those below it."""
VERIFY: Final = re.compile(r"(gh attestation verify FILE --repo )[\w.-]+/[\w.-]+")
SITE: Final = re.compile(r"^repo_url: .*\n", re.MULTILINE)


def repository(root: Path = ROOT) -> str | None:
    """The address that all packages name, None while they name none.

    Raises:
        PackageError: they do not agree.
    """
    named: set[str | None] = {package.project.get("urls", {}).get("Source") for package in packages(root).values()}
    if len(named) != 1:
        raise PackageError(f"packages name several repositories ({named}): python -m scripts.repository ADDRESS")
    return named.pop()


def urls(address: str, folder: str) -> str:
    """The table of a package's pyproject.toml."""
    changelog = f"{address}/blob/main/packages/{folder}/CHANGELOG.md"
    lines = {"Source": address, "Changelog": changelog, "Issues": f"{address}/issues"}
    return "[project.urls]\n" + "".join(f'{name} = "{url}"\n' for name, url in lines.items()) + "\n"


def write(address: str, root: Path = ROOT) -> None:
    """Write the address to all places.

    Raises:
        PackageError: it is no address of a repository.
    """
    found = ADDRESS.fullmatch(address)
    if found is None:
        raise PackageError(f"{address} is not of the form https://github.com/OWNER/NAME")
    for package in packages(root).values():
        file = package.folder / "pyproject.toml"
        text = URLS.sub("", file.read_text(encoding="utf-8"))
        table, project = urls(address, package.folder.name), PROJECT.search(text)
        assert project, f"{file} has no table [project]"
        end = project.end()
        file.write_text(f"{text[:end].rstrip()}\n\n{table}{text[end:]}".rstrip() + "\n", encoding="utf-8")
    security = root / "SECURITY.md"
    told = VERIFY.sub(rf"\g<1>{found[1]}", security.read_text(encoding="utf-8"))
    security.write_text(told, encoding="utf-8")
    site = root / "mkdocs.yml"
    text = SITE.sub("", site.read_text(encoding="utf-8"))
    text = re.sub(r"^(site_name: .*\n)", rf"\1repo_url: {address}\n", text, count=1, flags=re.MULTILINE)
    site.write_text(text, encoding="utf-8")


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.repository", description=__doc__)
    parser.add_argument("address", nargs="?", metavar="ADDRESS")
    options = parser.parse_args(arguments)
    try:
        if options.address:
            write(options.address.rstrip("/"), root)
        print(repository(root) or "no address yet: python -m scripts.repository https://github.com/OWNER/NAME")
    except PackageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
