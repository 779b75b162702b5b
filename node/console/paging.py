"""Lists that are shown page by page: each goes on below the last row of the one before."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from node.console.access import Visit

SHOWN = 50


class Numbered(Protocol):
    """A row with its number."""

    @property
    def id(self) -> int:
        """Newer rows have greater ones."""


Row = TypeVar("Row", bound=Numbered)


def asked_before(visit: Visit) -> int | None:
    """Below which row the page begins; None is at the newest."""
    return number(visit.request.query_params.get("before", ""))


def number(given: str) -> int | None:
    """A row's number, if it is one."""
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else None


def cut(found: Sequence[Row]) -> tuple[Sequence[Row], int | None]:
    """The rows of a page out of one more than it has, and where the next page begins, if there is one."""
    return found[:SHOWN], found[SHOWN - 1].id if len(found) > SHOWN else None
