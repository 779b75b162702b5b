"""The agreement of each finding over time, and whether it has left its band."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import attrgetter

from db import agreement
from db.agreement import Counted, Group
from db.engine import Connection
from db.vocabulary import EIGHT
from node.agreement.band import Band
from node.agreement.measures import Fourfold, fourfold

WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One finding: its weeks, and all of them, the recent and the earlier ones together."""

    finding: str
    weeks: Mapping[date, Fourfold] = field(default_factory=dict)
    recent: Fourfold
    earlier: Fourfold
    left: bool
    """Whether the recent kappa, with its whole interval, lies beyond the band about the earlier one."""

    @property
    def whole(self) -> Fourfold:
        """Recent and earlier weeks."""
        return self.recent + self.earlier


def courses(connection: Connection, group: Group, band: Band, now: datetime) -> list[Course]:
    """Every finding's course, in the paper's order, up to this week."""
    this_week = _monday(now.date())
    first_recent = this_week - (band.recent - 1) * WEEK
    since = first_recent - band.earlier * WEEK
    of_finding: dict[str, list[Counted]] = {}
    for each in agreement.counted(connection, group, since=since):
        of_finding.setdefault(each.finding, []).append(each)
    names = [group.finding] if group.finding else [finding.name for finding in EIGHT]
    return [_course(name, of_finding.get(name, ()), first_recent, band.width) for name in names]


def _course(finding: str, counts: Sequence[Counted], first_recent: date, width: float) -> Course:
    recent = fourfold(each for each in counts if each.week >= first_recent)
    earlier = fourfold(each for each in counts if each.week < first_recent)
    weeks = {week: fourfold(of_week) for week, of_week in groupby(counts, key=attrgetter("week"))}
    return Course(finding=finding, weeks=weeks, recent=recent, earlier=earlier, left=_left(recent, earlier, width))


def _left(recent: Fourfold, earlier: Fourfold, width: float) -> bool:
    now, before = recent.kappa, earlier.kappa
    if now is None or before is None:
        return False
    return now.high < before.value - width or now.low > before.value + width


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
