"""How far a verification came that was interrupted, noted in the database, where the next one finds it."""

from dataclasses import asdict, dataclass
from datetime import datetime

from db import notes
from db.engine import Connection
from db.records import Holding

NAME = "verification"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """The place: after this row of this kind. All rows before it were looked at since `began_at`, one in `one_in`.

    `checked`, `size` (in bytes) and `returned` are what was seen of them, as in `Verified`.
    """

    one_in: int
    began_at: datetime
    kind: Holding
    after: int
    checked: int
    size: int
    returned: int

    @property
    def passed(self) -> list[tuple[Holding, int | None]]:
        """The kinds of file that were looked at, each with the row that was the last of it, or None if all were."""
        kinds = list(Holding)
        return [(kind, None) for kind in kinds[: kinds.index(self.kind)]] + [(self.kind, self.after)]

    @property
    def ahead(self) -> list[Holding]:
        """The kinds that are left, this one first."""
        kinds = list(Holding)
        return kinds[kinds.index(self.kind) :]


def find(connection: Connection, one_in: int) -> Bookmark | None:
    """Where a verification of one file in so many was interrupted; None if the last one came to its end."""
    note = notes.read(connection, NAME)
    if note is None or note.value["one_in"] != one_in:
        return None
    times = {"began_at": datetime.fromisoformat(note.value["began_at"])}
    return Bookmark(**{**note.value, **times, "kind": Holding(note.value["kind"])})


def put(connection: Connection, place: Bookmark, now: datetime) -> None:
    """Note the place, instead of the one before."""
    notes.write(connection, NAME, asdict(place) | {"began_at": place.began_at.isoformat()}, now)


def take_out(connection: Connection) -> None:
    """The verification came to its end."""
    notes.forget(connection, NAME)
