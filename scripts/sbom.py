"""Write what each package brings along, as CycloneDX: ``python -m scripts.sbom [--out-dir sbom]``.

One file for each package: itself, and with all its extras everything that it needs, at the versions that are installed
in this environment, with licences and who needs whom. The same environment and commit give the same bytes.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cyclonedx.model import ExternalReference, ExternalReferenceType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.dist import commit_time
from scripts.packages import ROOT, packages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from scripts.packages import Package

__all__ = ["bill_of", "main", "needs"]

NAMESPACE: Final = uuid.UUID("5f0a3c0e-8f2b-5d8f-9f5e-6b1f6c2f7d11")
"""Serial numbers are made of it and of what is told, so that they are the same for the same."""
LICENCE_PREFIX: Final = "License :: OSI Approved :: "


def needs(name: str, extras: Iterable[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """What an installed distribution needs here, with these of its extras: names, and extras of those."""
    asked = ["", *extras]
    for line in importlib.metadata.requires(name) or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in asked):
            yield canonicalize_name(requirement.name), frozenset(requirement.extras)


def closure(name: str, extras: Iterable[str]) -> dict[str, set[str]]:
    """Name -> what it needs directly, for a distribution and all that it brings along."""
    found: dict[str, set[str]] = {}
    seen: dict[str, frozenset[str]] = {}
    waiting: list[tuple[str, frozenset[str]]] = [(canonicalize_name(name), frozenset(extras))]
    while waiting:
        one, asked = waiting.pop()
        if one in seen and asked <= seen[one]:
            continue
        seen[one] = seen.get(one, frozenset()) | asked
        needed = [other for other in needs(one, seen[one]) if is_installed(other[0])]
        found[one] = {other for other, _ in needed} - {one}
        waiting += needed
    return found


def is_installed(name: str) -> bool:
    """What an extra of somebody else would bring is not asked for, and may not be here."""
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def component(name: str) -> Component:
    """One distribution, by what its metadata tells."""
    told, version = importlib.metadata.metadata(name), importlib.metadata.version(name)

    def first(field: str) -> str | None:
        return next(iter(told.get_all(field) or ()), None)

    made = Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        description=first("Summary"),
        purl=PackageURL("pypi", None, name, version),
        bom_ref=f"{name}@{version}",
        licenses=list(licences(first("License-Expression"), told.get_all("Classifier") or [])),
    )
    if home := first("Home-page"):
        made.external_references.add(ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri(home)))
    return made


def licences(expression: str | None, classifiers: Sequence[str]) -> Iterator[LicenseExpression | DisjunctiveLicense]:
    """The SPDX expression where there is one, else what the classifiers say."""
    if expression:
        yield LicenseExpression(expression)
        return
    for classifier in classifiers:
        if classifier.startswith(LICENCE_PREFIX):
            yield DisjunctiveLicense(name=classifier.removeprefix(LICENCE_PREFIX))


def bill_of(package: Package, moment: datetime) -> str:
    """The bill of one package, as JSON."""
    needed = closure(package.name, package.extras)
    parts = {name: component(name) for name in sorted(needed)}
    bom = Bom(components=[part for name, part in parts.items() if name != package.name])
    bom.metadata.component = parts[package.name]
    bom.metadata.timestamp = moment
    told = "\n".join(f"{part.name}=={part.version}" for part in parts.values())
    bom.serial_number = uuid.uuid5(NAMESPACE, f"{package.tag}\n{told}")
    for name, others in needed.items():
        bom.register_dependency(parts[name], [parts[other] for other in sorted(others)])
    return JsonV1Dot6(bom).output_as_string(indent=2)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.sbom", description=__doc__)
    parser.add_argument("--out-dir", type=Path, default=ROOT / "sbom", help="(default: sbom)")
    options = parser.parse_args(arguments)
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or commit_time(ROOT) or "0"
    moment = datetime.fromtimestamp(int(epoch), UTC)
    options.out_dir.mkdir(parents=True, exist_ok=True)
    for package in packages().values():
        file = options.out_dir / f"{package.name}.cdx.json"
        file.write_text(bill_of(package, moment) + "\n", encoding="utf-8")
        print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
