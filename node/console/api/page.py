"""Lists by HTTP, page by page: each goes on behind the last of the one before, however long the list is."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from node.errors import SettingsError

MOST = 500
LATEST = 2**31 - 1
"""The greatest number of a row."""
NO_PAGE = "this is no page of the list; begin with the first"

Item = TypeVar("Item")
Limit = Annotated[int, Query(ge=1, le=MOST, description="At most so many.")]
After = Annotated[int | None, Query(ge=1, le=LATEST, description="`next` of the page before.")]
Text = Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")]


class Page(BaseModel, Generic[Item]):
    """Some of a list. `next` asks for more as `after`; where it is null the list ends, not where a page is short."""

    items: list[Item]
    next: str | None


class Asked(BaseModel):
    """What of a list is asked for. What nobody knows is refused, so that a filter with a slip lets nothing through."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=MOST, description="At most so many.")] = 50

    @property
    def given(self) -> dict[str, str]:
        """What was filled in, but for the page."""
        filled: dict[str, Any] = self.model_dump(by_alias=True, exclude_none=True, exclude={"limit", "after"})
        return {name: str(value) for name, value in filled.items() if value != ""}


def cut(found: Sequence[Item], limit: int, place: Callable[[Item], object]) -> Page[Item]:
    """A page out of one row more than it has; `place` is what stands for its last one."""
    shown = list(found[:limit])
    return Page(items=shown, next=str(place(shown[-1])) if len(found) > limit else None)


def begun(written: str | None, place: Callable[[str], Item | None]) -> Item | None:
    """Where a page begins, as the one before has written it; None is at the first.

    Raises:
        SettingsError: no page ended there.
    """
    if written is None:
        return None
    found = place(written)
    if found is None:
        raise SettingsError(NO_PAGE)
    return found
