"""The constraints pin what the project names, to versions that the project allows."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent.parent


def pins() -> dict[str, str]:
    """Name and version of every line of constraints.txt that is not a comment."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def named() -> list[Requirement]:
    """What pyproject.toml names, extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(text) for group in [project["dependencies"], *extras] for text in group]


def test_every_dependency_is_pinned_to_a_version_it_allows() -> None:
    """Each requirement of the project, extras included, has an exact version in constraints.txt that fits it."""
    pinned = pins()

    wrong = [
        str(each) for each in named() if not each.specifier.contains(pinned.get(canonicalize_name(each.name), "0"))
    ]

    assert wrong == []


def test_platform_packages_are_left_to_torch() -> None:
    """No GPU library is pinned, so that machines without one resolve as well."""
    assert [name for name in pins() if name.startswith(("nvidia", "cuda", "triton"))] == []
