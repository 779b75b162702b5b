"""The labels in force of each report, written down, so that a million reports are counted and searched at once.

`db.labels` works them out from versions, minings and people, one report after another. What it says of a report is kept
here as one number, two bits for each finding and for Normal, as a row for each label, by which a database looks for
them, and as how many reports have the same number, by which it counts them. Whoever writes a mining, a person's label
or a link of a study that has one calls `refresh` in the same transaction; it works the reports out anew, so that nobody
else has to know what changed.

A report that nobody has mined has no row, unless people labelled it. A version that has just come takes the place of
the one before when it is mined.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import ColumnElement, Connection, and_, exists, func, select

from db import concordance, counters, labels
from db.engine import queue_for
from db.label_records import ReportLabels, States
from db.labels import COUNTS
from db.schema import gold, link, mining, report, standing, standing_count, standing_label
from db.vocabulary import FINDINGS, NORMAL, Assertion

_PLACES = (*FINDINGS, NORMAL)
_VALUES = (Assertion.UNMENTIONED, Assertion.NEGATIVE, Assertion.UNCERTAIN, Assertion.POSITIVE)
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a report says: the state of each finding that has one, and whether it is Normal."""

    states: States
    normal: bool


def refresh(connection: Connection, report_ids: Sequence[int]) -> None:
    """Write down what holds now of these reports, whichever of their versions is named; others wait meanwhile."""
    for start in range(0, len(report_ids), _AT_ONCE):
        ids = report_ids[start : start + _AT_ONCE]
        queue_for(connection, "standing")  # two at once would each work out what the other has not seen
        versions = _versions(connection, ids)
        before = _held(connection, versions)
        after = {
            each.report_id: _packed(each) for each in labels.of_versions(connection, list(versions)) if _said(each)
        }
        changed = [id_ for id_ in versions if before.get(id_, _ABSENT) != after.get(id_, _ABSENT)]
        gone = [(id_, versions[id_], before[id_]) for id_ in changed if id_ in before]
        new = [(id_, versions[id_], after[id_]) for id_ in changed if id_ in after]
        _remove(connection, gone)
        _add(connection, new)
        _count(connection, gone, new)
        concordance.refresh_reports(connection, list(versions))


def refresh_linked(connection: Connection, study_ids: Sequence[int] | None = None) -> None:
    """Do so for the reports of those of these studies, or of all, that people labelled: new links may be theirs."""
    query = select(link.c.report_id).where(link.c.study_id.in_(_LABELLED))
    if study_ids is not None:
        query = query.where(link.c.study_id.in_(study_ids))
    refresh(connection, connection.execute(query).scalars().all())


_LABELLED = select(gold.c.study_id).where(gold.c.study_id.is_not(None))


def absent(connection: Connection, *, after: int, limit: int) -> list[int]:
    """Reports that were mined and are not written down, as after an upgrade: ids greater than `after`, in order."""
    here = exists().where(standing.c.report_id == report.c.id)
    mined = exists().where(mining.c.report_id == report.c.id)
    query = select(report.c.id).where(report.c.id > after, mined, ~here, COUNTS).order_by(report.c.id)
    return list(connection.execute(query.limit(limit)).scalars())


def counted(connection: Connection) -> tuple[Counter[int], int]:
    """How often each packed set of labels is there, and of how many reports mining could make nothing."""
    query = select(standing_count.c.states, standing_count.c.number).where(standing_count.c.number > 0)
    found: Counter[int] = Counter(dict(connection.execute(query).all()))
    unreadable = found.pop(_UNREADABLE, 0)
    return found, unreadable


def waiting(connection: Connection) -> int:
    """How many of the newest thousand report versions would count and nobody has mined yet."""
    newest = select(report.c.id).order_by(report.c.id.desc()).limit(1000).subquery()
    mined = exists().where(mining.c.report_id == report.c.id)
    query = select(func.count()).select_from(report).where(report.c.id.in_(select(newest.c.id)), COUNTS, ~mined)
    return connection.execute(query).scalar_one()


@lru_cache(maxsize=65536)
def unpacked(states: int) -> Standing:
    """Read the number."""
    said = {name: _VALUES[states >> 2 * place & 3] for place, name in enumerate(_PLACES)}
    normal = said.pop(NORMAL) is Assertion.POSITIVE
    return Standing(
        states={name: state for name, state in said.items() if state is not Assertion.UNMENTIONED}, normal=normal
    )


def is_labelled(finding: str, assertion: Assertion) -> ColumnElement[bool]:
    """The condition on a `standing_label`; of Normal only that it is so is written down."""
    return and_(standing_label.c.finding == finding, standing_label.c.assertion == assertion)


_ABSENT = -1
_UNREADABLE = -1
"""As what those are counted that mining could make nothing of."""
_Row = tuple[int, datetime, int | None]
"""Report version, its own time, its packed labels."""


def _packed(each: ReportLabels) -> int | None:
    """None where mining could make nothing of it and nobody said anything."""
    if not (each.readable or each.gold):
        return None
    states = {**each.states, NORMAL: Assertion.POSITIVE if each.normal else Assertion.UNMENTIONED}
    return sum(_VALUES.index(states[name]) << 2 * place for place, name in enumerate(_PLACES) if name in states)


def _said(each: ReportLabels) -> bool:
    return each.mining is not None or bool(each.gold)


def _versions(connection: Connection, report_ids: Sequence[int]) -> dict[int, datetime]:
    """Every version of the reports, with its own time."""
    one = report.alias("one")
    same = (one.c.source == report.c.source) & (one.c.report_key == report.c.report_key)
    query = select(report.c.id, report.c.version_at).join(one, same).where(one.c.id.in_(report_ids))
    return dict(connection.execute(query).all())


def _held(connection: Connection, report_ids: Iterable[int]) -> dict[int, int | None]:
    query = select(standing.c.report_id, standing.c.states).where(standing.c.report_id.in_(list(report_ids)))
    return dict(connection.execute(query).all())


def _remove(connection: Connection, rows: Sequence[_Row]) -> None:
    if not rows:
        return
    ids = [id_ for id_, _, _ in rows]
    connection.execute(standing.delete().where(standing.c.report_id.in_(ids)))
    for label in _labels(rows):
        connection.execute(
            standing_label.delete().where(*(standing_label.c[name] == value for name, value in label.items()))
        )


def _add(connection: Connection, rows: Sequence[_Row]) -> None:
    if not rows:
        return
    values = [{"report_id": id_, "version_at": at, "states": states} for id_, at, states in rows]
    connection.execute(standing.insert(), values)
    if labels_of_them := list(_labels(rows)):
        connection.execute(standing_label.insert(), labels_of_them)


def _count(connection: Connection, gone: Sequence[_Row], new: Sequence[_Row]) -> None:
    change = Counter((_UNREADABLE if states is None else states,) for _, _, states in new)
    change.subtract((_UNREADABLE if states is None else states,) for _, _, states in gone)
    counters.add(connection, standing_count, change)


def _labels(rows: Sequence[_Row]) -> Iterator[dict[str, object]]:
    for id_, at, states in rows:
        if states is None:
            continue
        said = unpacked(states)
        every = dict(said.states) | ({NORMAL: Assertion.POSITIVE} if said.normal else {})
        for finding, assertion in every.items():
            yield {"finding": finding, "assertion": assertion, "version_at": at, "report_id": id_}
