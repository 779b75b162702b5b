"""The labels in force: of each report and of each study, what mining found and what people said against it.

A report counts with its current version, unless that is cancelled or of another examination. Of its minings the one
that was made last holds. A person's gold label, on the report or on its study, outranks the mined one of that finding.

Normal is what a person said of it, else what mining said, and never together with a finding that is positive or
uncertain. So a person who takes a wrong finding back does not make a report Normal: mining may have had other reasons,
and the person can say Normal too.

The reports of one study are put together as mentions are in a report: positive over uncertain over negative. Gold on
the study or on any of its reports outranks what was mined from all of them, and a study is Normal if each of its
reports is.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Text, and_, cast, exists, func, select

from db import gold as people
from db.gold import GoldByFinding, GoldLabels
from db.label_records import READABLE, HeldMining, LeftOut, MinedReport, ReportLabels, States, StudyLabels
from db.report_records import MinerIdentity, ReportStatus
from db.reports import holds_now
from db.schema import label, link, mining, report, study
from db.vocabulary import NORMAL, Assertion, Examination

_STRENGTH = {Assertion.NEGATIVE: 1, Assertion.UNCERTAIN: 2, Assertion.POSITIVE: 3}
_BATCH = 2000


COUNTS = and_(report.c.status != ReportStatus.CANCELLED, report.c.examination != Examination.OTHER, holds_now())
"""Whether a version of a report counts."""

_LATER = mining.alias("later")
_HOLDS = mining.c.id == (
    select(_LATER.c.id)
    .where(_LATER.c.report_id == report.c.id)
    .order_by(_LATER.c.mined_at.desc(), _LATER.c.id.desc())
    .limit(1)
    .correlate(report)
    .scalar_subquery()
)
"""Of the minings of a report version the one that was made, or made again, last."""

_SAID = (
    select(func.aggregate_strings(label.c.finding + " " + label.c.assertion, ","))
    .where(label.c.mining_id == mining.c.id)
    .correlate(mining)
    .scalar_subquery()
    .label("said")
)
_MINER = tuple(mining.c[name] for name in ("lexicon_version", "rules_version", "language_model", "policy"))

_FACTS: tuple[ColumnElement[Any], ...] = (
    report.c.id.label("report_id"),
    report.c.source,
    report.c.report_key,
    report.c.accession_number,
    select(func.aggregate_strings(cast(link.c.study_id, Text), ","))
    .where(link.c.report_id == report.c.id)
    .correlate(report)
    .scalar_subquery()
    .label("linked"),
    _SAID,
    mining.c.id.label("mining_id"),
    *_MINER,
    mining.c.readability,
    mining.c.normal,
)
"""A report with its studies, the mining that holds and its labels, each looked up by an index."""


def _counting() -> Select[Any]:
    """The facts of the reports that count, with the mining of each that holds."""
    return select(*_FACTS).select_from(report).outerjoin(mining, _HOLDS).where(COUNTS)


def of_reports(
    connection: Connection,
    *,
    accession_number: str | None = None,
    unlinked: bool = False,
    newest_first: bool = False,
) -> Iterator[ReportLabels]:
    """Every report that counts, in the order of their rows; streamed.

    Args:
        connection: a transaction that writes nothing until the stream ends.
        accession_number: only those under it.
        unlinked: only those of no study.
        newest_first: the other way round.
    """
    query = _counting()
    if accession_number is not None:
        query = query.where(report.c.accession_number == accession_number)
    if unlinked:
        query = query.where(~exists().where(link.c.report_id == report.c.id))
    query = query.order_by(report.c.id.desc() if newest_first else report.c.id)
    said = people.every(connection)
    for row in _streamed(connection, query):
        yield _of_report(row, said)


def newest(connection: Connection, *, before: int | None, limit: int) -> list[ReportLabels]:
    """So many of the newest reports that count, of rows before this one: a window, found by the order of the rows.

    A stream of all of them has PostgreSQL join them all before the first comes.
    """
    query = _counting()
    if before is not None:
        query = query.where(report.c.id < before)
    rows = connection.execute(query.order_by(report.c.id.desc()).limit(limit)).all()
    said = people.of_reports(connection, [row[0] for row in rows])
    return [_of_report(row, said) for row in rows]


def of_versions(connection: Connection, report_ids: Sequence[int]) -> list[ReportLabels]:
    """Those of these report versions that count, a few hundred at most."""
    query = _counting().where(report.c.id.in_(report_ids))
    rows = connection.execute(query.order_by(report.c.id)).all()
    said = people.of_reports(connection, report_ids)
    return [_of_report(row, said) for row in rows]


def of_studies(
    connection: Connection, *, study_instance_uid: str | None = None, since: datetime | None = None
) -> Iterator[StudyLabels]:
    """Every study with a report that counts or with gold, in the order of their rows; streamed.

    Or one study, or those that began to arrive from `since` on.
    """
    query = (
        select(*_FACTS, study.c.id, study.c.study_instance_uid, study.c.accession_number)
        .select_from(study)
        .outerjoin(link, link.c.study_id == study.c.id)
        .outerjoin(report, and_(report.c.id == link.c.report_id, COUNTS))
        .outerjoin(mining, _HOLDS)
    )
    if study_instance_uid is not None:
        query = query.where(study.c.study_instance_uid == study_instance_uid)
    if since is not None:
        query = query.where(study.c.first_received_at >= since)
    query = query.order_by(study.c.id, report.c.id)
    said = people.every(connection)
    for which, rows in groupby(_streamed(connection, query), key=_study_columns):
        used = tuple(_of_report(row, said) for row in rows if row[0] is not None)
        if used or which[0] in said.of_studies:
            yield _of_study(which, used, said)


def mined_of_studies(connection: Connection) -> Iterator[MinedReport]:
    """What was mined of every study's reports, study by study, for whoever chooses among the reports of a study.

    Not streamed: PostgreSQL plans a cursor for its first rows, and takes half as long again for all of them.
    """
    query = (
        select(link.c.study_id, report.c.id, report.c.source, report.c.report_key, _SAID, *_MINER, mining.c.readability)
        .select_from(link)
        .join(report, and_(report.c.id == link.c.report_id, COUNTS))
        .outerjoin(mining, _HOLDS)
        .order_by(link.c.study_id, report.c.id)
    )
    for row in connection.execute(query):
        study_id, report_id, source, report_key, said, *miner, readability = tuple(row)
        identity = None if readability is None else _miner(*miner)
        states = _states(said or "")
        yield MinedReport(study_id, report_id, (source, report_key), identity, readability == READABLE, states)


def left_out(connection: Connection) -> LeftOut:
    """Count the reports that have no part in the labels."""
    cancelled = report.c.status == ReportStatus.CANCELLED
    query = select(
        func.count().filter(cancelled),
        func.count().filter(~cancelled, report.c.examination == Examination.OTHER),
    ).where(holds_now())
    of_status, of_examination = connection.execute(query).one()
    return LeftOut(cancelled=of_status, other_examination=of_examination)


def study_uids(connection: Connection, study_ids: Collection[int]) -> dict[int, str]:
    """The Study Instance UIDs of some studies by their row ids."""
    query = select(study.c.id, study.c.study_instance_uid).where(study.c.id.in_(study_ids))
    return dict(connection.execute(query).all())


def together(states: Sequence[States]) -> States:
    """What several reports of one study say of each finding: positive outweighs uncertain, and that negative."""
    first, *others = states if states else [{}]
    if not others:
        return first
    found = dict(first)
    for each in others:
        for finding, assertion in each.items():
            if finding not in found or _STRENGTH[assertion] > _STRENGTH[found[finding]]:
                found[finding] = assertion
    return found


def in_force(mined: States, normal: bool, said: GoldByFinding) -> tuple[States, bool]:
    """The states and whether it is Normal, once people's gold has replaced what was mined."""
    states = mined
    if said:
        replaced = {**mined, **{name: each.assertion for name, each in said.items() if name != NORMAL}}
        states = {name: state for name, state in replaced.items() if state is not Assertion.UNMENTIONED}
        if NORMAL in said:
            normal = said[NORMAL].assertion is Assertion.POSITIVE
    return states, normal and all(state is Assertion.NEGATIVE for state in states.values())


def _streamed(connection: Connection, query: Select[Any]) -> Iterator[Row[Any]]:
    return iter(connection.execute(query, execution_options={"yield_per": _BATCH}))


def _study_columns(row: Row[Any]) -> tuple[int, str, str]:
    """What stands behind `_FACTS` where studies are asked for: row id, UID, accession number."""
    return row[len(_FACTS) :]


def _of_report(row: Row[Any], people_said: GoldLabels) -> ReportLabels:
    report_id, source, report_key, accession_number, linked, said, *of_mining = row[: len(_FACTS)]
    name, study_ids = (source, report_key), _numbers(linked)
    mined = _mining(said, *of_mining)
    gold = people_said.of([name], study_ids)
    states, normal = in_force(mined.states, mined.normal, gold) if mined else in_force({}, False, gold)
    return ReportLabels(
        report_id=report_id,
        name=name,
        accession_number=accession_number,
        study_ids=study_ids,
        mining=mined,
        gold=gold,
        states=states,
        normal=normal,
    )


def _of_study(which: tuple[int, str, str], reports: tuple[ReportLabels, ...], said: GoldLabels) -> StudyLabels:
    study_id, study_instance_uid, accession_number = which
    if len(reports) == 1 and len(reports[0].study_ids) == 1:  # the most are such, and say what their report says
        gold, states, normal = reports[0].gold, reports[0].states, reports[0].normal
    else:
        mined = [each.mining for each in reports if each.mining is not None]
        all_normal = bool(reports) and len(mined) == len(reports) and all(each.normal for each in mined)
        gold = said.of([each.name for each in reports], [study_id])
        states, normal = in_force(together([each.states for each in mined]), all_normal, gold)
    return StudyLabels(
        study_id=study_id,
        study_instance_uid=study_instance_uid,
        accession_number=accession_number,
        reports=reports,
        gold=gold,
        states=states,
        normal=normal,
    )


def _mining(said: str | None, mining_id: int | None, *miner_and: Any) -> HeldMining | None:
    if mining_id is None:
        return None
    lexicon_version, rules_version, language_model, policy, readability, normal = miner_and
    return HeldMining(
        id=mining_id,
        miner=_miner(lexicon_version, rules_version, language_model, policy),
        readability=readability,
        normal=normal,
        states=_states(said or ""),
    )


# Reports say the same few things: what is read of one serves for thousands.


@lru_cache(maxsize=256)
def _miner(lexicon_version: str, rules_version: str, language_model: str, policy: str) -> MinerIdentity:
    return MinerIdentity(
        lexicon_version=lexicon_version, rules_version=rules_version, language_model=language_model, policy=policy
    )


@lru_cache(maxsize=65536)
def _states(said: str) -> States:
    """Read "Effusion positive,Mass negative"."""
    pairs = (item.split(" ") for item in said.split(",") if item)
    found = {finding: Assertion(assertion) for finding, assertion in pairs}
    return {finding: state for finding, state in found.items() if state is not Assertion.UNMENTIONED}


def _numbers(said: str | None) -> tuple[int, ...]:
    if said is None:
        return ()
    return (int(said),) if "," not in said else tuple(sorted(map(int, said.split(","))))
