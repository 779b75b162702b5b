"""The oldest versions of libraries that are safe to run with; older ones have holes that are publicly known."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import takewhile

from node.errors import InstallationError
from node.process.implementation import SOFTWARE_VERSION

FLOORS = {
    "pydicom": "3.0.2",
    "pynetdicom": "3.0.4",
    "celery": "5.6.3",
    "torch": "2.10",
}
"""As in pyproject.toml, which an installation without pip's resolver does not look at."""

SHOWN = ("fastapi", "highdicom", "onnxruntime", "spacy", "sqlalchemy", "starlette", "uvicorn")
"""Without a floor; an administrator may want to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A library that is installed, and the oldest version to run with, if there is one."""

    name: str
    version: str
    floor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """The node's version, and those of the libraries that it rests on."""

    version: str
    libraries: list[Library]


def installed() -> Installed:
    """What runs here."""
    return Installed(version=SOFTWARE_VERSION, libraries=libraries())


def libraries() -> list[Library]:
    """Those that the node rests on and that are installed."""
    found = []
    for name in sorted({*FLOORS, *SHOWN}):
        try:
            found.append(Library(name=name, version=version(name), floor=FLOORS.get(name)))
        except PackageNotFoundError:
            continue
    return found


def require_floors() -> None:
    """Refuse to run with an older one; what is not installed does not matter here.

    Raises:
        InstallationError: a library is too old; the text says which and what to do.
    """
    for name, floor in FLOORS.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            continue
        if _release(found) < _release(floor):
            raise InstallationError(
                f"{name} {found} has known holes; install {floor} or newer: "
                f"pip install -c constraints.txt '{name}>={floor}'"
            )


def _release(text: str) -> tuple[int, ...]:
    """The numbers of a version (PEP 440), without what follows them: "2.10.0+cpu" is 2, 10, 0.

    A candidate of a release counts as that release.
    """
    numbers = []
    for part in text.partition("+")[0].split("."):
        digits = "".join(takewhile(str.isdigit, part))
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)
