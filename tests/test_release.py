"""What is said before a release is built, and what is not."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from scripts import packages, release_check, repository
from scripts.packages import Package, PackageError, Requirement

ROOT: Final = Path(__file__).resolve().parent.parent

ONE: Final = """
[project]
name = "pounce-one"
version = "0.2.0"
dependencies = ["click>=8"]
[project.urls]
Source = "https://github.com/cats/pounce"
[dependency-groups]
test = ["pytest>=8.3"]
"""
TWO: Final = """
[project]
name = "pounce-two"
version = "1.0.3"
dependencies = ["pounce-one>=0.2,<0.3", "h2>=4.4,<5; python_version < '3.14'"]
[project.urls]
Source = "https://github.com/cats/pounce"
[project.optional-dependencies]
more = ["pounce-one[extra] >=0.2,<0.3"]
all = ["pounce-two[more]"]
"""


def put(root: Path, pyproject: str, changelog: str = "# Changelog\n", *fragments: str) -> Path:
    """A package in a checkout of its own."""
    name = str(tomllib.loads(pyproject)["project"]["name"])
    folder = root / "packages" / name
    for inside in ("changes", f"src/{name.replace('-', '_')}"):
        (folder / inside).mkdir(parents=True, exist_ok=True)
    (folder / "src" / name.replace("-", "_") / "__init__.py").touch()
    (folder / "pyproject.toml").write_text(pyproject)
    (folder / "CHANGELOG.md").write_text(changelog)
    (folder / "changes" / ".gitkeep").touch()
    for fragment in fragments:
        (folder / "changes" / fragment).write_text("Something is better.\n")
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Two packages, the second one ready to be released."""
    put(tmp_path, ONE, "# Changelog\n", "1.added.md")
    put(tmp_path, TWO, "# Changelog\n\n## 1.0.3 (2026-02-01)\n\n## 1.0.2 (2026-01-01)\n")
    return tmp_path


def test_the_packages_here_fit_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert release_check.main([]) == 0
    assert capsys.readouterr().out == f"{len(packages.packages())} packages\n"


def test_a_release_that_fits_together_is_named(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for tag in ("pounce-two-v1.0.3", "refs/tags/pounce-two-v1.0.3"):
        assert release_check.main([tag], checkout) == 0
        assert capsys.readouterr().out == "pounce-two\n"


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("pounce-one-v0.2.0", ["the top of CHANGELOG.md is nothing: make changelog PACKAGE=pounce-one", "1.added.md"]),
        ("pounce-two-v1.0.2", ["the tag says 1.0.2, pyproject.toml 1.0.3", "the top of CHANGELOG.md is 1.0.3"]),
        ("pounce-three-v1.0.0", ["a tag is the name of a package and its version, as in pounce-one-v0.1.0"]),
        ("v1.0.3", ["a tag is the name of a package"]),
        ("pounce-two-v1.0", ["a tag is the name of a package"]),
        ("pounce-two-v1.0.3rc1", ["a tag is the name of a package"]),
        ("refs/heads/pounce-two-v1.0.3", ["a tag is the name of a package"]),
    ],
)
def test_what_does_not_agree_is_said(
    checkout: Path, capsys: pytest.CaptureFixture[str], tag: str, said: list[str]
) -> None:
    assert release_check.main([tag], checkout) == 1
    output = capsys.readouterr()
    assert output.out == "", "a step that follows would take it for a name"
    assert [words for words in said if words not in output.err] == []


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("0.2.9", None),
        ("0.3.0", "pounce-two asks for pounce-one>=0.2,<0.3, but pounce-one is 0.3.0 here"),
        ("0.1.9", "but pounce-one is 0.1.9 here"),
        ("0.2.0.dev1", "'0.2.0.dev1' is no version of ours"),
    ],
)
def test_ranges_hold_the_versions_of_siblings(checkout: Path, version: str, said: str | None) -> None:
    put(checkout, ONE.replace("0.2.0", version))
    found = list(release_check.check_siblings(packages.packages(checkout)))
    assert (said is None) == (not found)
    assert all(said in complaint for complaint in found if said)


@pytest.mark.parametrize(
    ("bounds", "version", "held"),
    [
        (">=0.1,<0.2", "0.1.0", True),
        (">=0.1,<0.2", "0.1.99", True),
        (">=0.1.4,<0.2", "0.1.3", False),
        (">=0.1,<0.2", "0.2.0", False),
        (">=1.9,<2", "1.10.0", True),
    ],
)
def test_versions_are_compared_as_numbers(bounds: str, version: str, held: bool) -> None:
    assert Requirement("pounce-one", (), bounds).holds(version) is held


@pytest.mark.parametrize("bounds", ["", ">=0.1", "==0.1.0", "<0.2", "~=0.1"])
def test_siblings_without_a_range_are_refused(bounds: str) -> None:
    with pytest.raises(PackageError, match="bounded by a range"):
        Requirement("pounce-one", (), bounds).holds("0.1.0")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("h2", Requirement("h2", (), "")),
        ("pounce-http1[h11, x]>=0.1,<0.2", Requirement("pounce-http1", ("h11", "x"), ">=0.1,<0.2")),
        ("uvloop>=0.22; os_name != 'nt'", Requirement("uvloop", (), ">=0.22", "os_name != 'nt'")),
    ],
)
def test_requirements_are_read(line: str, expected: Requirement) -> None:
    assert Requirement.parse(line) == expected


def test_what_was_built_has_to_be_this_release_and_no_other(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dist = checkout / "dist"
    dist.mkdir()
    arguments = ["pounce-two-v1.0.3", "--dist", str(dist)]
    for name in ("pounce_two-1.0.3-py3-none-any.whl", "pounce_two-1.0.2.tar.gz", "pounce_one-0.2.0.tar.gz"):
        (dist / name).touch()
    assert release_check.main(arguments, checkout) == 1
    said = capsys.readouterr().err
    assert "has no pounce_two-1.0.3.tar.gz" in said
    assert "has pounce_two-1.0.2.tar.gz, which is not of pounce-two-v1.0.3" in said
    assert "pounce_one" not in said
    (dist / "pounce_two-1.0.2.tar.gz").rename(dist / "pounce_two-1.0.3.tar.gz")
    assert release_check.main(arguments, checkout) == 0


@pytest.mark.parametrize("package", packages.packages().values(), ids=lambda package: package.name)
def test_every_package_is_released_and_tested_by_the_same_settings(package: Package) -> None:
    tools = tomllib.loads((package.folder / "pyproject.toml").read_text(encoding="utf-8"))
    root = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    another = next(iter(packages.packages().values()))
    expected: dict[str, Any] = tomllib.loads((another.folder / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert tools["tool"]["towncrier"] == expected["towncrier"] | {"name": package.name}
    ours = root["tool"]["pytest"]["ini_options"].copy()
    assert tools["tool"]["pytest"]["ini_options"] == ours | {"testpaths": ["tests"], "pythonpath": ["."]}
    assert "pytest>=8.3" in tools["dependency-groups"]["test"], "an sdist says what its tests need"


@pytest.mark.parametrize("package", packages.packages().values(), ids=lambda package: package.name)
def test_every_fragment_is_of_a_kind_that_the_changelog_has(package: Package) -> None:
    towncrier = tomllib.loads((package.folder / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["towncrier"]
    kinds = {kind["directory"] for kind in towncrier["type"]}
    assert {"added", "changed", "fixed", "removed", "deprecated", "security"} == kinds
    strangers = [
        path.name
        for path in package.fragments
        if path.suffixes[-1:] != [".md"] or path.name.split(".")[-2] not in kinds
    ]
    assert strangers == []
    assert towncrier["start_string"] in (package.folder / "CHANGELOG.md").read_text(encoding="utf-8")


def test_where_the_project_lives_is_written_to_all_places_by_one_command(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "SECURITY.md").write_text("`gh attestation verify FILE --repo OWNER/REPOSITORY`, or else\n")
    (checkout / "mkdocs.yml").write_text("# The site.\nsite_name: Pounce\nstrict: true\n")
    for address in ("https://github.com/dogs/fetch", "https://github.com/dogs/fetch.py/"):
        assert repository.main([address], checkout) == 0
        address = address.rstrip("/")
        assert capsys.readouterr().out == f"{address}\n"
        for package in packages.packages(checkout).values():
            assert package.project["urls"]["Source"] == address
            assert package.project["urls"]["Changelog"].endswith(f"/packages/{package.name}/CHANGELOG.md")
        assert f"--repo {address.removeprefix('https://github.com/')}`, or" in (checkout / "SECURITY.md").read_text()
        assert (checkout / "mkdocs.yml").read_text().count(f"\nrepo_url: {address}\n") == 1
    assert packages.packages(checkout)["pounce-two"].extras["all"][0].name == "pounce-two", "the rest is as it was"


def test_a_release_says_where_the_project_lives_and_packages_agree(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = '[project.urls]\nSource = "https://github.com/cats/pounce"\n'
    put(checkout, ONE.replace(source, ""))
    assert release_check.main([], checkout) == 1
    assert "packages name several repositories" in capsys.readouterr().err
    put(checkout, TWO.replace(source, ""), "# Changelog\n\n## 1.0.3 (2026-02-01)\n")
    assert release_check.main([], checkout) == 0
    assert release_check.main(["pounce-two-v1.0.3"], checkout) == 1
    assert "does not say where the project lives" in capsys.readouterr().err
    assert repository.main(["https://example.org/pounce"], checkout) == 1


def test_no_place_names_a_repository_but_those_that_the_command_knows() -> None:
    """While there is no address the one placeholder is what SECURITY.md has."""
    address = repository.repository()
    told = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    name = "OWNER/REPOSITORY" if address is None else address.removeprefix("https://github.com/")
    assert f"gh attestation verify FILE --repo {name}`" in told
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "mkdocs.yml")]
    pages += [*ROOT.glob("packages/*/README.md"), *ROOT.glob("docs/**/*.md")]
    assert [page.name for page in pages if "OWNER/" in page.read_text(encoding="utf-8")] == []
