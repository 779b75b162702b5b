"""Counts of what model and reports say, by group and week, on both databases."""

from datetime import timedelta

from db import agreement
from db.agreement import Counted, Group
from db.engine import Database
from tests.db.test_concordance import WEEK, P, read, report


def test_counts_are_of_a_group_and_of_weeks(database: Database) -> None:
    """The week begins on Monday."""
    with database.write() as connection:
        report(connection, "1", read(connection, "2.25.1", {"Effusion": 0.9}), {"Effusion": P})

        mine_ = agreement.counted(connection, Group(finding="Effusion", view="PA"), since=WEEK)
        others = agreement.counted(connection, Group(view="AP"))
        later = agreement.counted(connection, Group(), since=WEEK + timedelta(days=7))

    assert mine_ == [Counted(week=WEEK, finding="Effusion", present=True, reported=True, number=1)]
    assert others == later == []
