"""What is said of every report and study, counted by what it is: Table 1 and Figure 2 are made of it (`db.tally`).

All of it is of the labels in force (`db.labels`), so that a count and a list never disagree.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from db import gold as people
from db import labels, standing
from db.label_records import LeftOut, ReportLabels, States, StudyLabels
from db.report_records import MinerIdentity
from db.schema import instance


@dataclass(slots=True, kw_only=True)
class Number:
    """How many say the same, and how many images they have; Normal is no finding and stands beside them."""

    states: States
    normal: bool
    number: int = 0
    images: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """Every report, each with its current version, and every study, if they were counted.

    Attributes:
        gold: how many of people's labels are in force, by finding.
        not_mined: reports that are not mined yet.
        unreadable: reports that were mined and are empty or in another language.
        left_out: reports that do not count, if these were counted.
        miners: with what the reports were mined, and how many with each, the most frequent first; if that was.
    """

    by_report: tuple[Number, ...]
    by_study: tuple[Number, ...] | None
    gold: Mapping[str, int]
    reports: int
    not_mined: int
    unreadable: int
    left_out: LeftOut | None
    miners: tuple[tuple[MinerIdentity, int], ...] | None


def whole(connection: Connection) -> Census:
    """Every label in force, read."""
    counting, by_study = _Counting(), _Numbers()
    images = _images(connection)
    for study in labels.of_studies(connection):
        if _labelled(study):
            by_study.add(study.states, normal=study.normal, images=images.get(study.study_id, 0))
        counting.note_gold(study)
        for each in study.reports:
            if each.study_ids[0] == study.study_id:  # a report of several studies is counted with the first
                counting.add(each)
    for each in labels.of_reports(connection, unlinked=True):
        counting.add(each)
    return counting.census(by_study, labels.left_out(connection))


def at_once(connection: Connection) -> Census:
    """What is written down of each report (`db.standing`), without studies, in a moment.

    Not mined are those of the newest thousand versions that are not.
    """
    numbers, unreadable = standing.counted(connection)
    by_report = []
    for packed, number in numbers.items():
        said = standing.unpacked(packed)
        by_report.append(Number(states=said.states, normal=said.normal, number=number))
    waiting = standing.waiting(connection)
    return Census(
        by_report=tuple(by_report),
        by_study=None,
        gold=Counter(finding for by_finding in people.every(connection).all() for finding in by_finding),
        reports=numbers.total() + unreadable + waiting,
        not_mined=waiting,
        unreadable=unreadable,
        left_out=None,
        miners=None,
    )


class _Numbers:
    """Counts what says the same together: reports say few things, and share what was read of them."""

    def __init__(self) -> None:
        self._of: dict[tuple[int, bool], Number] = {}

    def add(self, states: States, *, normal: bool, images: int = 0) -> None:
        """Count a report or a study."""
        said = self._of.get((id(states), normal))  # it is kept, so that no other has its id
        if said is None:
            said = self._of[id(states), normal] = Number(states=states, normal=normal)
        said.number += 1
        said.images += images

    def all(self) -> tuple[Number, ...]:
        """What is said, each once."""
        return tuple(self._of.values())


@dataclass(slots=True, kw_only=True)
class _Counting:
    """The reports, as they are read."""

    by_report: _Numbers = field(default_factory=_Numbers)
    gold: dict[int, str] = field(default_factory=dict)
    reports: int = 0
    not_mined: int = 0
    unreadable: int = 0
    miners: Counter[MinerIdentity] = field(default_factory=Counter)

    def add(self, each: ReportLabels) -> None:
        """Count a report."""
        self.reports += 1
        if each.mining is None:
            self.not_mined += 1
        else:
            self.miners[each.mining.miner] += 1
            self.unreadable += not each.readable
        if each.readable or each.gold:
            self.by_report.add(each.states, normal=each.normal)
        self.note_gold(each)

    def note_gold(self, each: ReportLabels | StudyLabels) -> None:
        """Note people's labels in force, each once."""
        if each.gold:
            self.gold.update({said.id: said.finding for said in each.gold.values()})

    def census(self, by_study: _Numbers, left_out: LeftOut) -> Census:
        """All that was counted."""
        return Census(
            by_report=self.by_report.all(),
            by_study=by_study.all(),
            gold=Counter(self.gold.values()),
            reports=self.reports,
            not_mined=self.not_mined,
            unreadable=self.unreadable,
            left_out=left_out,
            miners=tuple(sorted(self.miners.items(), key=lambda item: (-item[1], str(item[0])))),
        )


def _labelled(study: StudyLabels) -> bool:
    return bool(study.gold) or any(each.readable or each.gold for each in study.reports)


def _images(connection: Connection) -> dict[int, int]:
    """How many images of each study no reason keeps from being read."""
    query = select(instance.c.study_id, func.count()).where(instance.c.reason.is_(None)).group_by(instance.c.study_id)
    return dict(connection.execute(query).all())
