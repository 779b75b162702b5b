"""How often each label is in the store, alone and together: the paper's Table 1 and Figure 2 for this site.

All counts are of the labels in force (`db.labels`), so that a count and a list never disagree.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from sqlalchemy import Connection, func, select

from db import gold as people
from db import labels, standing
from db.labels import LeftOut, ReportLabels, States, StudyLabels
from db.report_records import MinerIdentity
from db.schema import instance
from db.vocabulary import NORMAL, Assertion

UNCERTAIN_ONLY = "Uncertain only"
NONE_OF_THESE = "None of these"
TOTAL = "Total"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What a table or a picture is of, said with it, so that a store that is half mined is not read as whole.

    Attributes:
        reports: how many count, each with its current version.
        labelled: how many of them have labels, of mining or of people. Each is in exactly one of: with a finding that
            is positive, `uncertain_only`, `normal`, `none_of_these`.
        none_of_these: no finding is positive or uncertain, yet the report is not Normal: another disease is in it, or
            nothing that says normal.
        not_mined: how many are not mined yet.
        unreadable: how many were mined and are empty or in another language.
        left_out: reports that do not count.
        miners: with what the reports were mined, and how many with each, the most frequent first.
    """

    reports: int
    labelled: int
    with_finding: int
    uncertain_only: int
    normal: int
    none_of_these: int
    not_mined: int
    unreadable: int
    left_out: LeftOut
    miners: tuple[tuple[MinerIdentity, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One label: reports in which it is positive, with another finding as well, uncertain, negative; studies; images.

    `studies` have the label once their reports are put together, `images` are those of these studies that no reason
    keeps from being read, and `gold` is how many of people's labels of this finding are in force. A count that means
    nothing for a row, or was not taken, is None.
    """

    label: str
    reports: int
    overlap: int | None
    uncertain: int | None
    negative: int | None
    gold: int | None
    studies: int | None
    images: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelTable:
    """The paper's Table 1 of this store: findings, Normal, what is neither, and the total."""

    rows: tuple[Row, ...]
    counted: Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Cooccurrence:
    """How many reports have two findings positive together.

    `matrix` is symmetric, in the order of `findings`; its diagonal is how many reports have the finding at all, and
    `alone` how many have it and no other. A report of three findings is in three pairs.
    """

    findings: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]
    alone: tuple[int, ...]
    counted: Counted


class _Tally:
    """Counts of one kind of thing, reports or studies, by label."""

    def __init__(self, findings: Iterable[str]) -> None:
        self._findings = frozenset(findings)
        # Reports say the same few things, and share what was read of them: each is looked at once, and counted as
        # often as it is there.
        self._states: dict[int, States] = {}
        self._number: Counter[tuple[int, bool]] = Counter()
        self._images: Counter[tuple[int, bool]] = Counter()

    def add(self, states: States, *, normal: bool, number: int = 1, images: int = 0) -> None:
        """Count a report or a study, or so many that say the same."""
        key = (id(states), normal)
        self._states[id(states)] = states  # kept, so that no other has its id
        self._number[key] += number
        self._images[key] += images

    def counts(self) -> "_Counts":
        """Sum up."""
        counts = _Counts(of=self._number.total())
        for (of, normal), number in self._number.items():
            self._count(counts, self._states[of], number, normal=normal, images=self._images[of, normal])
        return counts

    def _count(self, counts: "_Counts", states: States, number: int, *, normal: bool, images: int) -> None:
        by_state: dict[Assertion, list[str]] = {state: [] for state in Assertion}
        for name, state in states.items():
            if name in self._findings:
                by_state[state].append(name)
        found = by_state[Assertion.POSITIVE]
        kind = None if found else _kind(doubted=bool(by_state[Assertion.UNCERTAIN]), normal=normal)
        labels_of_it = [kind] if kind else found
        for counter, names in (
            (counts.positive, found),
            (counts.overlap, found if len(found) > 1 else []),
            (counts.uncertain, by_state[Assertion.UNCERTAIN]),
            (counts.negative, by_state[Assertion.NEGATIVE]),
        ):
            for name in (*names, TOTAL) if names else ():
                counter[name] += number
        if kind:
            counts.positive[kind] += number
        for name in (*labels_of_it, TOTAL):
            counts.images[name] += images


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counts:
    """How many of them have a label; under TOTAL, any of the findings."""

    of: int
    positive: Counter[str] = field(default_factory=Counter)
    overlap: Counter[str] = field(default_factory=Counter)
    uncertain: Counter[str] = field(default_factory=Counter)
    negative: Counter[str] = field(default_factory=Counter)
    images: Counter[str] = field(default_factory=Counter)


def _kind(*, doubted: bool, normal: bool) -> str:
    """The row of what has no positive finding."""
    if doubted:
        return UNCERTAIN_ONLY
    return NORMAL if normal else NONE_OF_THESE


def table(connection: Connection, findings: Sequence[str]) -> LabelTable:
    """Count the labels of these findings; of another one nothing is seen, but that it vetoes Normal."""
    census, by_study = _Census(findings), _Tally(findings)
    images = _images(connection)
    for study in labels.of_studies(connection):
        if _labelled(study):
            by_study.add(study.states, normal=study.normal, images=images.get(study.study_id, 0))
        census.note_gold(study)
        for each in study.reports:
            if each.study_ids[0] == study.study_id:  # a report of several studies is counted with the first
                census.add(each)
    for each in labels.of_reports(connection, unlinked=True):
        census.add(each)
    return LabelTable(
        rows=_rows(findings, census.tally.counts(), by_study.counts(), Counter(census.gold.values())),
        counted=census.counted(labels.left_out(connection)),
    )


def cooccurrence(connection: Connection, findings: Sequence[str]) -> Cooccurrence:
    """Count the pairs of these findings that are positive in the same report."""
    census = _Census(findings)
    sets: Counter[frozenset[str]] = Counter()
    for each in labels.of_reports(connection):
        census.add(each)
        positive = [name for name, state in each.states.items() if state is Assertion.POSITIVE]
        if positive:
            sets[frozenset(positive)] += 1
    return matrix_of(findings, sets, census.counted(labels.left_out(connection)))


def at_once(connection: Connection, findings: Sequence[str]) -> tuple[LabelTable, Cooccurrence]:
    """Both from what is written down of each report (`db.standing`), without studies and images, in a moment.

    Not mined are those of the newest thousand versions that are not.
    """
    numbers, unreadable = standing.counted(connection)
    tally, sets = _Tally(findings), Counter[frozenset[str]]()
    for packed, number in numbers.items():
        said = standing.unpacked(packed)
        tally.add(said.states, normal=said.normal, number=number)
        sets[frozenset(name for name, state in said.states.items() if state is Assertion.POSITIVE)] += number
    counts = tally.counts()
    waiting = standing.waiting(connection)
    counted = _counted(
        counts, reports=counts.of + unreadable + waiting, not_mined=waiting, unreadable=unreadable, left_out=_NONE_LEFT
    )
    gold = Counter(finding for by_finding in people.every(connection).all() for finding in by_finding)
    table = LabelTable(rows=_rows(findings, counts, None, gold), counted=counted)
    return table, matrix_of(findings, sets, counted)


def matrix_of(findings: Sequence[str], sets: Counter[frozenset[str]], counted: Counted) -> Cooccurrence:
    """Make the matrix of how often each set of positive findings is there; those not in `findings` are not seen."""
    place = {name: index for index, name in enumerate(findings)}
    matrix = [[0] * len(findings) for _ in findings]
    alone = [0] * len(findings)
    for found, number in sets.items():
        shown = sorted(place[name] for name in found if name in place)
        for index in shown:
            matrix[index][index] += number
        for one, other in combinations(shown, 2):
            matrix[one][other] += number
            matrix[other][one] += number
        if len(shown) == 1:
            alone[shown[0]] += number
    return Cooccurrence(findings=tuple(findings), matrix=tuple(map(tuple, matrix)), alone=tuple(alone), counted=counted)


class _Census:
    """Every report, counted."""

    def __init__(self, findings: Iterable[str]) -> None:
        self.tally = _Tally(findings)
        self.gold: dict[int, str] = {}
        self._reports = self._not_mined = self._unreadable = 0
        self._miners: Counter[MinerIdentity] = Counter()

    def add(self, each: ReportLabels) -> None:
        """Count a report."""
        self._reports += 1
        if each.mining is None:
            self._not_mined += 1
        else:
            self._miners[each.mining.miner] += 1
            self._unreadable += not each.readable
        if each.readable or each.gold:
            self.tally.add(each.states, normal=each.normal)
        self.note_gold(each)

    def note_gold(self, each: ReportLabels | StudyLabels) -> None:
        """Note people's labels in force, each once."""
        if each.gold:
            self.gold.update({said.id: said.finding for said in each.gold.values()})

    def counted(self, left_out: LeftOut) -> Counted:
        """The facts of all reports."""
        order = sorted(self._miners.items(), key=lambda item: (-item[1], str(item[0])))
        return _counted(
            self.tally.counts(),
            reports=self._reports,
            not_mined=self._not_mined,
            unreadable=self._unreadable,
            left_out=left_out,
            miners=tuple(order),
        )


_NONE_LEFT = LeftOut(cancelled=0, other_examination=0)


def _counted(
    counts: _Counts,
    *,
    reports: int,
    not_mined: int,
    unreadable: int,
    left_out: LeftOut,
    miners: tuple[tuple[MinerIdentity, int], ...] = (),
) -> Counted:
    others = {name: counts.positive[name] for name in (UNCERTAIN_ONLY, NORMAL, NONE_OF_THESE)}
    return Counted(
        reports=reports,
        labelled=counts.of,
        with_finding=counts.of - sum(others.values()),
        uncertain_only=others[UNCERTAIN_ONLY],
        normal=others[NORMAL],
        none_of_these=others[NONE_OF_THESE],
        not_mined=not_mined,
        unreadable=unreadable,
        left_out=left_out,
        miners=miners,
    )


def _labelled(study: StudyLabels) -> bool:
    return bool(study.gold) or any(each.readable or each.gold for each in study.reports)


def _rows(findings: Sequence[str], by_report: _Counts, by_study: _Counts | None, gold: Counter[str]) -> tuple[Row, ...]:
    gold[TOTAL] = sum(gold[name] for name in (*findings, NORMAL))

    def row(label: str, *, of_findings: bool, of_people: bool) -> Row:
        return Row(
            label=label,
            reports=_of(by_report, label),
            overlap=by_report.overlap[label] if of_findings else None,
            uncertain=by_report.uncertain[label] if of_findings else None,
            negative=by_report.negative[label] if of_findings else None,
            gold=gold[label] if of_people else None,
            studies=_of(by_study, label) if by_study else None,
            images=by_study.images[label] if by_study else None,
        )

    return (
        *(row(name, of_findings=True, of_people=True) for name in findings),
        row(NORMAL, of_findings=False, of_people=True),
        row(UNCERTAIN_ONLY, of_findings=False, of_people=False),
        row(NONE_OF_THESE, of_findings=False, of_people=False),
        row(TOTAL, of_findings=True, of_people=True),
    )


def _of(counts: _Counts, label: str) -> int:
    return counts.of if label == TOTAL else counts.positive[label]


def _images(connection: Connection) -> dict[int, int]:
    """How many images of each study no reason keeps from being read."""
    query = select(instance.c.study_id, func.count()).where(instance.c.reason.is_(None)).group_by(instance.c.study_id)
    return dict(connection.execute(query).all())
