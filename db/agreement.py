"""How often model and reports agree: sums of the counts that `concordance` keeps, a few rows for each week."""

from dataclasses import asdict, dataclass
from datetime import date

from sqlalchemy import Connection, func, select

from db.schema import concordance_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Which readings are counted; None is all."""

    finding: str | None = None
    model_version: str | None = None
    sender: str | None = None
    view: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many readings of a finding in a week, by what the model and by what the report said."""

    week: date
    finding: str
    present: bool
    reported: bool
    number: int


def counted(connection: Connection, group: Group, since: date | None = None) -> list[Counted]:
    """Readings by week, finding and what was said, from the week of `since` on."""
    count = concordance_count.c
    query = select(count.week, count.finding, count.present, count.reported, func.sum(count.number).label("number"))
    for name, value in asdict(group).items():
        if value is not None:
            query = query.where(count[name] == value)
    if since is not None:
        query = query.where(count.week >= since)
    query = query.group_by(count.week, count.finding, count.present, count.reported).order_by(count.week)
    return [Counted(**row) for row in connection.execute(query).mappings() if row["number"]]


def groups(connection: Connection) -> dict[str, list[str]]:
    """The model versions, senders and views that there are readings of."""
    columns = (concordance_count.c[name] for name in ("model_version", "sender", "view"))
    found = {}
    for column in columns:
        query = select(column).where(concordance_count.c.number > 0).distinct().order_by(column)
        found[column.name] = list(connection.execute(query).scalars())
    return found
