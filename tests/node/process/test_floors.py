"""Libraries with known holes: not asked for, and not run with."""

import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from node.errors import InstallationError
from node.process import floors

ROOT = Path(__file__).parents[3]


def installed(monkeypatch: pytest.MonkeyPatch, **versions: str) -> None:
    """Let these versions be installed, and nothing else."""

    def version(name: str) -> str:
        if name not in versions:
            raise PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(floors, "version", version)


def test_project_asks_for_what_the_node_requires():
    """The floors are those of pyproject.toml, and the tested versions are not below them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *(each for extra in project["optional-dependencies"].values() for each in extra)]
    pinned = dict(
        line.split("==", 1) for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if "==" in line
    )

    for name, floor in floors.FLOORS.items():
        assert any(each in (f"{name}>={floor}", f"{name}[redis]>={floor}") for each in asked), name
        assert floors._release(pinned[name].split()[0]) >= floors._release(floor), name


def test_this_installation_is_good_enough():
    """The libraries of these tests are not below the floors."""
    floors.require_floors()


@pytest.mark.parametrize("old", ["3.0.1", "2.9", "3.0", "3.0.1+site", "3.0.1.post1"])
def test_old_library_is_refused_in_a_sentence(old: str, monkeypatch: pytest.MonkeyPatch):
    """The sentence names the library, its version and the command that helps."""
    installed(monkeypatch, pydicom=old)

    with pytest.raises(InstallationError, match=r"pydicom .* install 3\.0\.2 or newer: pip install"):
        floors.require_floors()


@pytest.mark.parametrize("good", ["3.0.2", "3.1", "4.0.0.dev0", "10.0", "3.0.2+site", "3.0.2.post1"])
def test_newer_library_is_taken(good: str, monkeypatch: pytest.MonkeyPatch):
    """Versions are compared as numbers; what is not installed is not asked for."""
    installed(monkeypatch, pydicom=good, torch="2.10.0+cpu")

    floors.require_floors()
