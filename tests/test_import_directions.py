"""Who may import whom: the arrows of the design, read from the sources, and what each package declares.

Also imports inside functions and below ``TYPE_CHECKING`` count: an arrow is an arrow.
"""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = sorted(folder for folder in (ROOT / "packages").iterdir() if (folder / "pyproject.toml").exists())

ALL: Final = frozenset({
    "pounce_http1", "pounce_asgi", "pounce_websocket", "pounce_h2", "pounce_h3", "pounce_compression",
    "pounce_workers", "pounce_middleware", "pounce_observability",
})  # fmt: skip

ARROWS: Final[dict[str, frozenset[str]]] = {
    "pounce_http1": frozenset(),
    "pounce_asgi": frozenset(),
    "pounce_compression": frozenset(),
    "pounce_websocket": frozenset({"pounce_asgi"}),
    "pounce_h2": frozenset({"pounce_asgi", "pounce_websocket"}),
    "pounce_h3": frozenset({"pounce_asgi", "pounce_websocket"}),
    "pounce_middleware": frozenset({"pounce_asgi", "pounce_compression"}),
    "pounce_observability": frozenset({"pounce_asgi"}),
    "pounce_workers": frozenset({"pounce_asgi", "pounce_http1"}),
    "pounce": ALL,
    "pounce_testing": frozenset({"pounce", "pounce_asgi", "pounce_http1"}),  # whose table of cases is the contract
}
"""Import name of a package -> the siblings that its sources may import."""

ARROWS_OF_TESTS: Final[dict[str, frozenset[str]]] = {}
"""What the tests of a package may import besides."""

OBSERVES: Final = "pounce_observability"
ENGINE_FILES: Final[dict[str, tuple[str, ...]]] = {
    "h11": ("pounce_http1/h11_engine.py",),
    "uvloop": ("pounce_workers/net/loop.py",),
    "cryptography": ("pounce/dev_certificate.py",),
    "redis": ("pounce_middleware/redis_store.py",),
    "starlette": ("pounce_middleware/cors.py",),
    "jinja2": ("pounce_middleware/error_page/html.py",),
    "markupsafe": ("pounce_middleware/error_page/html.py",),
    "pygments": ("pounce_middleware/error_page/html.py",),
    "prometheus_client": (f"{OBSERVES}/metrics/prometheus_library.py",),
    # One for the interface, one for the implementation; the others name its types only.
    "opentelemetry": tuple(
        f"{OBSERVES}/tracing/{file}.py"
        for file in ("telemetry", "pipeline", "middleware", "http_trace", "websocket_trace")
    ),
    "sentry_sdk": (f"{OBSERVES}/sentry/sdk.py",),
    "rich": (f"{OBSERVES}/logging_setup/terminal_format.py", f"{OBSERVES}/top/view.py"),  # messages, and a screen
    "yaml": (f"{OBSERVES}/logging_setup/yaml_text.py",),
    "h2": ("pounce_testing/memory/http2_client.py", "pounce_testing/contract/http2_wire_client.py"),  # clients
    "matplotlib": ("pounce_testing/bench/picture.py",),
}
"""An optional third-party module -> the only files that may import it."""

TEST_TOOLS: Final = frozenset({"pytest", "hypothesis", "httpx"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One import statement: the module at the top of what it names, and where it stands."""

    module: str
    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.module}"


@functools.cache
def declaration(package: Path) -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    return project


def import_name(package: Path) -> str:
    (source,) = [folder.name for folder in (package / "src").iterdir() if (folder / "__init__.py").exists()]
    return source


def imports_below(folder: Path) -> Iterator[Import]:
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), str(file))):
            match node:
                case ast.Import(names=names):
                    modules = [alias.name for alias in names]
                case ast.ImportFrom(module=str(module), level=0):
                    modules = [module]
                case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(module)), *_]):
                    modules = [module]
                case _:  # relative imports stay in their package
                    continue
            for module in modules:
                yield Import(module=module.partition(".")[0], file=file, line=node.lineno)


def distribution_of(requirement: str) -> str:
    return normal(re.split(r"[\s\[<>=!~;@(]", requirement, maxsplit=1)[0])


def normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


@functools.cache
def modules_of(distribution: str) -> frozenset[str]:
    """The modules that a sibling or an installed distribution provides."""
    if (sibling := ROOT / "packages" / distribution) in PACKAGES:
        return frozenset({import_name(sibling)})
    provided = importlib.metadata.packages_distributions().items()
    found = {module for module, names in provided if distribution in map(normal, names)}
    # A platform may not have it (uvloop on Windows); then the name is the best guess.
    return frozenset(found or {distribution.replace("-", "_")})


def required(package: Path) -> set[str]:
    return {distribution_of(line) for line in declaration(package)["dependencies"]}


def optional(package: Path) -> set[str]:
    extras = declaration(package).get("optional-dependencies", {}).values()
    return {distribution_of(line) for lines in extras for line in lines} - required(package)


def modules_of_all(distributions: set[str]) -> set[str]:
    return {module for distribution in distributions for module in modules_of(distribution)}


SIBLINGS: Final = {import_name(package) for package in PACKAGES}
each_package = pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)


def test_the_table_knows_every_package() -> None:
    assert [name for name in SIBLINGS if name not in ARROWS] == []
    assert not {name for name in ALL if "pounce" in ARROWS[name]}, "only pounce_testing may import the server"


@each_package
def test_sources_import_only_the_siblings_that_the_design_allows(package: Path) -> None:
    name = import_name(package)
    allowed = ARROWS[name] | {name}
    wrong = [str(found) for found in imports_below(package / "src") if found.module in SIBLINGS - allowed]
    assert wrong == []


@each_package
def test_tests_import_what_the_sources_may_and_little_more(package: Path) -> None:
    name = import_name(package)
    allowed = ARROWS[name] | ARROWS_OF_TESTS.get(name, frozenset()) | {name}
    wrong = [str(found) for found in imports_below(package / "tests") if found.module in SIBLINGS - allowed]
    assert wrong == []


@each_package
def test_every_import_is_of_the_library_or_declared(package: Path) -> None:
    known = sys.stdlib_module_names | {import_name(package)}
    known |= modules_of_all(required(package) | optional(package))
    known |= {"_typeshed"}  # exists for type checkers only
    # Who uses the fixtures has pytest; nothing else of the package imports it.
    known |= {"pytest"} if package.name == "pounce-testing" else set()
    wrong = [str(found) for found in imports_below(package / "src") if found.module not in known]
    assert wrong == []


@each_package
def test_every_dependency_is_imported(package: Path) -> None:
    imported = {found.module for found in imports_below(package / "src")}
    for file in (package / "src").rglob("*.py"):  # one of several that would do is named in a list
        imported |= set(re.findall(r'"([a-z0-9_]+)"', file.read_text(encoding="utf-8")))
    assert [name for name in sorted(required(package)) if not modules_of(name) & imported] == []


@each_package
def test_an_optional_engine_is_imported_by_its_one_file(package: Path) -> None:
    engines = modules_of_all(optional(package)) - SIBLINGS - TEST_TOOLS
    for found in imports_below(package / "src"):
        if found.module in engines:
            inside = found.file.relative_to(package / "src").as_posix()
            assert inside in ENGINE_FILES.get(found.module, ()), str(found)


def test_every_engine_file_exists() -> None:
    for module, files in ENGINE_FILES.items():
        for file in files:
            (found,) = (ROOT / "packages").glob(f"*/src/{file}")
            assert module in {each.module for each in imports_below(found.parent) if each.file == found}


def test_an_arrow_that_is_not_in_the_design_is_seen(tmp_path: Path) -> None:
    hidden = "def late():\n    from pounce.config import ServerConfig\n    import pounce_h2.engine as engine\n"
    (tmp_path / "module.py").write_text(hidden)
    assert [(found.module, found.line) for found in imports_below(tmp_path)] == [("pounce", 2), ("pounce_h2", 3)]


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("click>=8.1", "click"),
        ("pounce-http1[h11]>=0.1,<0.2", "pounce-http1"),
        ("uvloop>=0.22; platform_system != 'Windows'", "uvloop"),
        ("Brotli", "brotli"),
        ("thing @ https://example.org/thing.whl", "thing"),
    ],
)
def test_distribution_of(requirement: str, expected: str) -> None:
    assert distribution_of(requirement) == expected
