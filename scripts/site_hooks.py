"""Pages of the documentation site that are made and not written: a hook of mkdocs.

The settings come from the settings, the Python interfaces from the docstrings, and the READMEs, the results of the
benchmarks, the files for deployment and the examples are shown as they are in the repository. A link between
files of the repository becomes one between pages; one that leads to no page is a warning, and so ends a strict build.
"""

from __future__ import annotations

import importlib
import logging
import posixpath
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mkdocs.exceptions import ConfigurationError
from mkdocs.structure.files import File

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

__all__ = ["on_config", "on_files", "on_page_markdown"]

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = tuple(sorted(path.parent.name for path in ROOT.glob("packages/*/pyproject.toml")))
LANGUAGES: Final = {
    ".py": "python",
    ".toml": "toml",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".conf": "nginx",
}
UNITS: Final = {".service", ".socket"}
LINK: Final = re.compile(r"(?<=\]\()(?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?(?=\))")
PICTURE: Final = re.compile(r"^!\[([^\]]*)\]\(([^)\s]+\.svg)\)$", re.MULTILINE)
STAGES: Final = re.compile(r"<!-- drawn by scripts/draw_stages.py -->.*?<!-- end of the drawing -->", re.DOTALL)
FENCE: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
SUBPACKAGES: Final = {
    "pounce": ("pounce", "pounce.events"),
    "pounce_observability": tuple(
        f"pounce_observability.{name}"
        for name in (
            "access_log",
            "logging_setup",
            "metrics",
            "tracing",
            "sentry",
            "introspection",
            "top",
            "profiling",
            "advice",
        )
    ),
    "pounce_middleware": ("pounce_middleware", "pounce_middleware.static"),
    "pounce_testing": ("pounce_testing", "pounce_testing.fixtures"),
}
"""Public modules below those of that name; elsewhere the package is its only public module."""

_log: Final = logging.getLogger("mkdocs.hooks.pounce")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Watch what the pages are made of, too, while somebody writes.

    Raises:
        ConfigurationError: warnings are not even made (``--quiet``), so a strict build would not end with one.
    """
    if config.strict and not _log.isEnabledFor(logging.WARNING):
        raise ConfigurationError("--quiet takes the warnings away that --strict is to end with")
    for folder in ("packages", "deploy", "examples", "benchmarks/RESULTS.md", "README.md"):
        config.watch.append(str(ROOT / folder))
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    for name, text in _pages():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Lead links to pages, and put drawings into the page, where they have its colours."""
    if page.is_homepage:
        page.meta["hide"] = ["navigation"]  # it is alone below its tab
    source = SOURCES.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    markdown = STAGES.sub("![The life of the server](assets/life-of-the-server.svg)", markdown)
    parts: list[str] = []
    end = 0
    for fence in FENCE.finditer(markdown):
        parts += [_linked(markdown[end : fence.start()], source, page), fence.group()]
        end = fence.end()
    return "".join([*parts, _linked(markdown[end:], source, page)])


def _linked(text: str, source: str, page: Page) -> str:
    text = PICTURE.sub(lambda found: _drawing(found, source), text)
    return LINK.sub(lambda found: _target(found, source, page.file.src_uri), text)


def _drawing(found: re.Match[str], source: str) -> str:
    path = ROOT / posixpath.normpath(posixpath.join(posixpath.dirname(source), found.group(2)))
    drawing = path.read_text(encoding="utf-8").strip()
    return f'<figure class="drawing" markdown="0">\n{drawing}\n</figure>'


def _target(found: re.Match[str], source: str, uri: str) -> str:
    """Where a link of a file in the repository leads on the site."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), found.group(1)))
    anchor = found.group(2) or ""
    if path.startswith("docs/"):
        wanted = path.removeprefix("docs/")
    elif path in PLACES:
        wanted, _, own = PLACES[path].partition("#")
        anchor = anchor or (f"#{own}" if own else "")
    else:
        _log.warning("%s links to %s, which is on no page of the site", source, path)
        return found.group()
    return posixpath.relpath(wanted, posixpath.dirname(uri) or ".") + anchor


def _pages() -> Iterator[tuple[str, str]]:
    for uri, source in SOURCES.items():
        yield uri, (ROOT / source).read_text(encoding="utf-8")
    yield "reference/settings.md", _settings()
    yield "deployment-files.md", "".join(_shown_files("# Files to start from\n", DEPLOYED))
    yield "examples.md", "".join(_shown_files("# Examples\n", EXAMPLES))
    yield "licence.md", f"# Licence\n\n```text\n{(ROOT / 'LICENSE').read_text(encoding='utf-8').rstrip()}\n```\n"
    yield "releases.md", "".join(_releases())
    for package in PACKAGES:
        module = _module(package)
        yield f"reference/{module}.md", _interface(package, module)


def _releases() -> Iterator[str]:
    """The notes of all packages, each one level down below its name."""
    yield "# Releases\n\nEach package is released by itself.\n"
    for package in PACKAGES:
        text = (ROOT / "packages" / package / "CHANGELOG.md").read_text(encoding="utf-8")
        _, _, notes = text.partition("\n")
        notes = re.sub(r"<!--.*?-->", "", notes, flags=re.DOTALL).strip()
        yield f"\n## {package}\n\n" + (re.sub(r"^#", "##", notes, flags=re.MULTILINE) or "Not released yet.") + "\n"


def _module(package: str) -> str:
    return "pounce" if package == "pounce-server" else package.replace("-", "_")


def _interface(package: str, module: str) -> str:
    lines = [f"# {module}", "", f"The public names of [{package}](../packages/{package}.md).", ""]
    for name in SUBPACKAGES.get(module, (module,)):
        lines += [f"## {name}", "", f"::: {name}", "    options:", "      heading_level: 3", ""]
    return "\n".join(lines)


def _settings() -> str:
    for package in PACKAGES:
        sys.path.insert(0, str(ROOT / "packages" / package / "src"))
    config = importlib.import_module("pounce.config")
    reference = importlib.import_module("pounce.reference")
    table: str = reference.markdown_table(config.all_settings())
    return SETTINGS_HEAD + re.sub(r"^### ", "## ", table, flags=re.MULTILINE)


def _shown_files(head: str, paths: list[str]) -> Iterator[str]:
    yield head
    for path in paths:
        text = (ROOT / path).read_text(encoding="utf-8")
        suffix = Path(path).suffix
        language = "ini" if suffix in UNITS else LANGUAGES.get(suffix, "dockerfile" if "Docker" in path else "text")
        yield f"\n## {path} {{ #{_anchor(path)} }}\n\n```{language}\n{text.rstrip()}\n```\n"


def _anchor(path: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")


def _files_below(folder: str, *suffixes: str) -> list[str]:
    found = (path for path in sorted((ROOT / folder).rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    return [path.relative_to(ROOT).as_posix() for path in found if not suffixes or path.suffix in suffixes]


DEPLOYED: Final = [
    path for path in _files_below("deploy") if not path.endswith(".md") and not path.endswith("dashboard.json")
]
EXAMPLES: Final = _files_below("examples", ".py")
SOURCES: Final = {
    "index.md": "README.md",
    "results.md": "benchmarks/RESULTS.md",
    "packages/pounce-compression-results.md": "packages/pounce-compression/benchmarks/RESULTS.md",
    "contributing.md": "CONTRIBUTING.md",
    "reporting-weaknesses.md": "SECURITY.md",
    "code-of-conduct.md": "CODE_OF_CONDUCT.md",
    **{f"packages/{package}.md": f"packages/{package}/README.md" for package in PACKAGES},
}
"""Pages that are files of the repository: the page, and the file."""

PLACES: Final = {
    **{source: uri for uri, source in SOURCES.items()},
    **{f"packages/{package}": f"packages/{package}.md" for package in PACKAGES},
    **{path: f"deployment-files.md#{_anchor(path)}" for path in DEPLOYED},
    **{path: f"examples.md#{_anchor(path)}" for path in EXAMPLES},
    "deploy": "deployment.md",
    "deploy/README.md": "deployment.md",
    "deploy/grafana-dashboard.json": "metrics.md",
    "examples": "examples.md",
    "docs": "index.md",
    "packages": "index.md#the-packages",
    "LICENSE": "licence.md",
    **{f"packages/{package}/CHANGELOG.md": f"releases.md#{package}" for package in PACKAGES},
}
"""Where a file or folder of the repository is shown."""

SETTINGS_HEAD: Final = """# Settings

Each can be given as a flag, as a variable, as a key of `pounce.toml` (or of `[tool.pounce]` in `pyproject.toml`), and
to `ServerConfig` in a program. The first of these that has it wins. `pounce settings` prints this page for the version
that is installed, and `pounce settings --schema` a JSON schema of the file for editors.

"""
