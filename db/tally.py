"""How often each label is there, alone and together: the paper's Table 1 and Figure 2, made of a census."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from db.census import Census, Number
from db.label_records import LeftOut
from db.report_records import MinerIdentity
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
        left_out: reports that do not count, if these were counted.
        miners: with what the reports were mined, and how many with each, the most frequent first; if that was.
    """

    reports: int
    labelled: int
    with_finding: int
    uncertain_only: int
    normal: int
    none_of_these: int
    not_mined: int
    unreadable: int
    left_out: LeftOut | None
    miners: tuple[tuple[MinerIdentity, int], ...] | None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counts:
    """How many of them have a label; under TOTAL, any of the findings. `together`: a set of positive findings."""

    of: int
    positive: Counter[str] = field(default_factory=Counter)
    overlap: Counter[str] = field(default_factory=Counter)
    uncertain: Counter[str] = field(default_factory=Counter)
    negative: Counter[str] = field(default_factory=Counter)
    images: Counter[str] = field(default_factory=Counter)
    together: Counter[frozenset[str]] = field(default_factory=Counter)


def summed(census: Census, findings: Sequence[str]) -> tuple[LabelTable, Cooccurrence]:
    """Both of these findings; of another one nothing is seen, but that it vetoes Normal."""
    of = frozenset(findings)
    by_report = _counts(census.by_report, of)
    by_study = None if census.by_study is None else _counts(census.by_study, of)
    counted = _counted(census, by_report)
    gold = Counter(census.gold)
    gold[TOTAL] = sum(gold[name] for name in (*findings, NORMAL))
    table = LabelTable(rows=_rows(findings, by_report, by_study, gold), counted=counted)
    return table, matrix_of(findings, by_report.together, counted)


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


def _counts(numbers: Sequence[Number], findings: Collection[str]) -> _Counts:
    counts = _Counts(of=sum(said.number for said in numbers))
    for said in numbers:
        _count(counts, said, findings)
    return counts


def _count(counts: _Counts, said: Number, findings: Collection[str]) -> None:
    by_state: dict[Assertion, list[str]] = {state: [] for state in Assertion}
    for name, state in said.states.items():
        if name in findings:
            by_state[state].append(name)
    found = by_state[Assertion.POSITIVE]
    counts.together[frozenset(found)] += said.number
    kind = None if found else _kind(doubted=bool(by_state[Assertion.UNCERTAIN]), normal=said.normal)
    for counter, names in (
        (counts.positive, found),
        (counts.overlap, found if len(found) > 1 else []),
        (counts.uncertain, by_state[Assertion.UNCERTAIN]),
        (counts.negative, by_state[Assertion.NEGATIVE]),
    ):
        for name in (*names, TOTAL) if names else ():
            counter[name] += said.number
    if kind:
        counts.positive[kind] += said.number
    for name in (*([kind] if kind else found), TOTAL):
        counts.images[name] += said.images


def _kind(*, doubted: bool, normal: bool) -> str:
    """The row of what has no positive finding."""
    if doubted:
        return UNCERTAIN_ONLY
    return NORMAL if normal else NONE_OF_THESE


def _counted(census: Census, counts: _Counts) -> Counted:
    others = {name: counts.positive[name] for name in (UNCERTAIN_ONLY, NORMAL, NONE_OF_THESE)}
    return Counted(
        reports=census.reports,
        labelled=counts.of,
        with_finding=counts.of - sum(others.values()),
        uncertain_only=others[UNCERTAIN_ONLY],
        normal=others[NORMAL],
        none_of_these=others[NONE_OF_THESE],
        not_mined=census.not_mined,
        unreadable=census.unreadable,
        left_out=census.left_out,
        miners=census.miners,
    )


def _rows(findings: Sequence[str], by_report: _Counts, by_study: _Counts | None, gold: Counter[str]) -> tuple[Row, ...]:
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
