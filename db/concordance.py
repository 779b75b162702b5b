"""What model and reports say of the same study, finding by finding: where they differ, and how often they agree.

`refresh` works the rows of studies out anew, in the transaction that changed a prediction, a result, a label or a link,
and adds what changed to counts by week. So the list of `discrepancies` is read off an index, and the `agreement` of
years is a sum over few rows.

The model is the one of the study's newest result that was not taken back; of several images the one in which it is
surest of a finding counts. What the reports say is the label in force, and what a report does not mention is not there
(Wang et al. 2017, section 2.1); where it is uncertain there is nothing to compare.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, select, tuple_

from db import counters, labels, reports
from db.engine import queue_for
from db.label_records import ReportLabels, States
from db.result_records import ResultKind
from db.schema import (
    concordance,
    concordance_count,
    frontal,
    instance,
    link,
    mining,
    prediction,
    result,
    study,
)
from db.urgency import rank
from db.vocabulary import Assertion

_AT_ONCE = 500
_SAYS_NOTHING = (ResultKind.NOT_PROCESSED, ResultKind.REJECTION)
"""Results that name no finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concordance:
    """One finding of one study: the model's probability beside what is reported.

    `by_person` if a person's label decides, `repeated` if the report came after the result was available; `sender` is
    the AE title that sent the image, `view` its view. `rank` orders what somebody should look at; None where nobody
    has to.
    """

    study_id: int
    finding: str
    model_version: str
    read_at: datetime
    probability: float
    operating_point: float
    reported: bool
    by_person: bool
    repeated: bool
    sender: str
    view: str
    rank: float | None

    @property
    def present(self) -> bool:
        """Whether the model says that it is there."""
        return self.probability >= self.operating_point


def refresh(connection: Connection, study_ids: Sequence[int]) -> None:
    """Work out anew what model and reports say of these studies; others wait meanwhile."""
    for start in range(0, len(study_ids), _AT_ONCE):
        ids = study_ids[start : start + _AT_ONCE]
        queue_for(connection, "concordance")
        before, after = list(_kept(connection, concordance.c.study_id.in_(ids))), _found(connection, ids)
        gone, new = _without(before, after), _without(after, before)
        _remove(connection, gone)
        if new:
            connection.execute(concordance.insert(), [asdict(each) for each in new])
        _count(connection, gone, new)


def refresh_reports(connection: Connection, report_ids: Sequence[int]) -> None:
    """Do so for the studies of these report versions, as far as a model has read them."""
    for start in range(0, len(report_ids), _AT_ONCE):
        ids = report_ids[start : start + _AT_ONCE]
        read = exists().where(result.c.study_id == link.c.study_id)
        query = select(link.c.study_id).where(link.c.report_id.in_(ids), read).distinct()
        refresh(connection, list(connection.execute(query.order_by(link.c.study_id)).scalars()))


def absent(connection: Connection, *, after: int, limit: int) -> list[int]:
    """Studies that were read and have a mined report, and nothing of theirs is kept: ids greater than `after`."""
    kept = exists().where(concordance.c.study_id == study.c.id)
    mined = exists().where(link.c.study_id == study.c.id, mining.c.report_id == link.c.report_id)
    read = exists().where(result.c.study_id == study.c.id, result.c.retracted_at.is_(None))
    query = select(study.c.id).where(study.c.id > after, read, mined, ~kept).order_by(study.c.id)
    return list(connection.execute(query.limit(limit)).scalars())


def of_study(connection: Connection, study_id: int, finding: str) -> Concordance | None:
    """What is said of a finding of a study, if it can be compared."""
    found = _kept(connection, and_(concordance.c.study_id == study_id, concordance.c.finding == finding))
    return next(found, None)


def of_row(row: Any) -> Concordance:
    """The columns of the table, from a row that may have others too."""
    return Concordance(**{column.name: row[column.name] for column in concordance.columns})


@dataclass(frozen=True, slots=True)
class _Said:
    """What the reports of a study say, put together."""

    states: States
    gold: frozenset[str]
    repeated: bool


def _found(connection: Connection, ids: Sequence[int]) -> list[Concordance]:
    said = _reported(connection, ids)
    if not said:
        return []
    best: dict[tuple[int, str], Concordance] = {}
    for row in connection.execute(_readings(list(said))).mappings():
        for score in row["scores"]:
            each = _compared(row, score, said[row["study_id"]])
            known = each and best.get((each.study_id, each.finding))
            if each and (known is None or _margin(each) > _margin(known)):
                best[each.study_id, each.finding] = each
    return list(best.values())


def _reported(connection: Connection, ids: Sequence[int]) -> dict[int, _Said]:
    query = select(link.c.study_id, link.c.report_id).where(link.c.study_id.in_(ids))
    of_study: dict[int, list[int]] = {}
    for study_id, report_id in connection.execute(query.order_by(link.c.report_id)):
        of_study.setdefault(study_id, []).append(report_id)
    every = sorted({report_id for found in of_study.values() for report_id in found})
    holding = {each.report_id: each for each in labels.of_versions(connection, every)} if every else {}
    repeating = reports.after_results(connection, list(of_study)) if holding else set()
    found = {}
    for study_id, report_ids in of_study.items():
        used = [holding[report_id] for report_id in report_ids if report_id in holding and holding[report_id].readable]
        if used:
            found[study_id] = _together(study_id, used, repeating)
    return found


def _together(study_id: int, used: Sequence[ReportLabels], repeating: set[tuple[int, int]]) -> _Said:
    return _Said(
        states=labels.together([each.states for each in used]),
        gold=frozenset(name for each in used for name in each.gold),
        repeated=any((each.report_id, study_id) in repeating for each in used),
    )


def _readings(ids: Sequence[int]) -> Any:
    """What the model that is heard said of each image of these studies."""
    newest = (
        select(result.c.model_version)
        .where(
            result.c.study_id == instance.c.study_id,
            result.c.retracted_at.is_(None),
            result.c.kind.not_in(_SAYS_NOTHING),
        )
        .order_by(result.c.revision.desc(), result.c.id.desc())
        .limit(1)
        .correlate(instance)
        .scalar_subquery()
    )
    return (
        select(
            instance.c.study_id,
            instance.c.calling_ae,
            frontal.c.view,
            prediction.c.model_version,
            prediction.c.scores,
            prediction.c.created_at,
        )
        .join(prediction, prediction.c.instance_id == instance.c.id)
        .outerjoin(frontal, frontal.c.instance_id == instance.c.id)
        .where(instance.c.study_id.in_(ids), prediction.c.model_version == newest)
        .order_by(instance.c.id)
    )


def _compared(row: Any, score: Any, said: _Said) -> Concordance | None:
    finding = score["finding"]
    state = said.states.get(finding, Assertion.NEGATIVE)
    if state not in (Assertion.POSITIVE, Assertion.NEGATIVE):
        return None
    reported, present = state is Assertion.POSITIVE, score["probability"] >= score["operating_point"]
    by_person = finding in said.gold
    open_ = present != reported and not by_person and not said.repeated
    return Concordance(
        study_id=row["study_id"],
        finding=finding,
        model_version=row["model_version"],
        read_at=row["created_at"],
        probability=score["probability"],
        operating_point=score["operating_point"],
        reported=reported,
        by_person=by_person,
        repeated=said.repeated,
        sender=row["calling_ae"],
        view=row["view"] or "",
        rank=rank(finding, score["probability"], score["operating_point"]) if open_ else None,
    )


def _margin(each: Concordance) -> float:
    return each.probability - each.operating_point


def _kept(connection: Connection, which: ColumnElement[bool]) -> Iterator[Concordance]:
    return (of_row(row) for row in connection.execute(select(concordance).where(which)).mappings().all())


def _without(some: Sequence[Concordance], others: Sequence[Concordance]) -> list[Concordance]:
    there = set(others)
    return [each for each in some if each not in there]


def _remove(connection: Connection, gone: Sequence[Concordance]) -> None:
    if gone:
        keys = tuple_(concordance.c.study_id, concordance.c.finding)
        connection.execute(concordance.delete().where(keys.in_([(each.study_id, each.finding) for each in gone])))


def _count(connection: Connection, gone: Sequence[Concordance], new: Sequence[Concordance]) -> None:
    """Add what changed to the counts."""
    change = Counter(_cell(each) for each in new if not each.repeated)
    change.subtract(_cell(each) for each in gone if not each.repeated)
    counters.add(connection, concordance_count, change)


def _cell(each: Concordance) -> tuple[date, str, str, str, str, bool, bool]:
    day = each.read_at.date()
    week = day - timedelta(days=day.weekday())
    return week, each.finding, each.model_version, each.sender, each.view, each.present, each.reported
