"""What the miner made of reports: its readings with their mentions and labels.

A reading is of one report version by one miner: a lexicon, rules, a language model and a policy. Readings are added
and never taken away. Of a version the one that was made last holds; to run a miner is to accept what it says. A miner
that read a version before others did, and reads it again, makes no second reading: the first holds once more.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    exists,
    func,
    select,
    tuple_,
    update,
)

from db import standing, upsert
from db.labels import COUNTS
from db.report_records import PUBLISHED, MinedMention, MinerIdentity, Mining, ReportSection, ReportText
from db.reports import current_versions
from db.schema import label, mention, mining, report
from db.vocabulary import Assertion

_AT_ONCE = 500
"""How many ids one statement names."""
_OF_MENTION = tuple(MinedMention.__dataclass_fields__)


def record(connection: Connection, readings: Sequence[Mining]) -> int:
    """Write readings by one miner, some hundred at a time. Returns how many are new.

    One that was there before stays as it is, and holds from `mined_at` on: two workers on one backlog do no harm.
    """
    if not readings:
        return 0
    miner = readings[0].miner
    rows = [_row(reading) for reading in readings]
    insert = upsert.insert(connection.dialect.name, mining)
    statement = insert.on_conflict_do_nothing().returning(mining.c.report_id, mining.c.id)
    new: dict[int, int] = dict(connection.execute(statement, rows).all())
    known = [reading.report_id for reading in readings if reading.report_id not in new]
    for ids in _parts(known):
        connection.execute(
            update(mining).where(mining.c.report_id.in_(ids), _by(miner)).values(mined_at=readings[0].mined_at)
        )
    _record_mentions(connection, {new[each.report_id]: each for each in readings if each.report_id in new})
    standing.refresh(connection, [each.report_id for each in readings])
    return len(new)


def unmined(
    connection: Connection,
    miner: MinerIdentity,
    *,
    after: int = 0,
    up_to: int | None = None,
    only_current: bool = False,
    limit: int | None = None,
) -> list[int]:
    """Ids of the report versions of which no reading by this miner holds, in their order; none that was published.

    Args:
        connection: a transaction.
        miner: the miner in force.
        after: only versions with a greater id.
        up_to: only versions with no greater id.
        only_current: only the version of each report that holds now.
        limit: at most so many.
    """
    query = select(report.c.id).where(report.c.id > after, _unmined(miner)).order_by(report.c.id).limit(limit)
    if up_to is not None:
        query = query.where(report.c.id <= up_to)
    if only_current:
        query = query.where(report.c.id.in_(current_versions()))
    return list(connection.execute(query).scalars())


def unmined_count(connection: Connection, miner: MinerIdentity) -> int:
    """How many report versions there are of which no reading by this miner holds."""
    query = select(func.count()).select_from(report).where(_unmined(miner))
    return connection.execute(query).scalar_one()


def newest_read(connection: Connection, limit: int) -> list[int]:
    """Report versions that count and were mined here, the newest first: at most so many, among ten times as many."""
    newest = select(report.c.id.label("id")).order_by(report.c.id.desc()).limit(10 * limit).subquery()
    published = exists().where(mining.c.report_id == report.c.id, _by(PUBLISHED))
    mined = exists().where(mining.c.report_id == report.c.id)
    query = select(report.c.id).join(newest, newest.c.id == report.c.id).where(mined, ~published, COUNTS)
    return list(connection.execute(query.order_by(report.c.id.desc()).limit(limit)).scalars())


def texts(connection: Connection, report_ids: Sequence[int], max_characters: int) -> list[ReportText]:
    """What there is to mine of these report versions, in the order of their ids; of a longer text its beginning."""
    text = func.substr(report.c.text, 1, max_characters).label("text")
    found: list[ReportText] = []
    for ids in _parts(sorted(report_ids)):
        query = select(report.c.id, text, report.c.sections).where(report.c.id.in_(ids)).order_by(report.c.id)
        for row in connection.execute(query):
            sections = tuple(ReportSection(**section) for section in row.sections)
            found.append(ReportText(id=row.id, text=row.text, sections=sections))
    return found


def held() -> Select[tuple[int, int]]:
    """The reading of each report version that holds: its report_id and id."""
    latest = func.row_number().over(
        partition_by=mining.c.report_id, order_by=[mining.c.mined_at.desc(), mining.c.id.desc()]
    )
    ranked = select(mining.c.report_id, mining.c.id, latest.label("age")).subquery()
    return select(ranked.c.report_id, ranked.c.id).where(ranked.c.age == 1)


def current(connection: Connection, report_ids: Sequence[int]) -> dict[int, Mining]:
    """The reading that holds of each of these report versions; one that was never mined is not there."""
    found: dict[int, Mining] = {}
    for ids in _parts(report_ids):
        for reading in _readings(connection, ids):
            found.setdefault(reading.report_id, reading)
    return found


def of_report(connection: Connection, report_id: int) -> list[Mining]:
    """Every reading of a report version; the one that holds is the first."""
    return _readings(connection, [report_id])


def counts(connection: Connection) -> dict[str, int]:
    """How many report versions have a reading that holds, by its readability."""
    holding = held().subquery()
    query = select(mining.c.readability, func.count()).join(holding, holding.c.id == mining.c.id)
    return dict(connection.execute(query.group_by(mining.c.readability)).all())


def _by(miner: MinerIdentity) -> ColumnElement[bool]:
    return and_(*(mining.c[name] == value for name, value in asdict(miner).items()))


def _unmined(miner: MinerIdentity) -> ColumnElement[bool]:
    published = exists().where(mining.c.report_id == report.c.id, _by(PUBLISHED)).correlate(report)
    return and_(~_mined_by(miner), ~published)


def _mined_by(miner: MinerIdentity) -> ColumnElement[bool]:
    """Whether this miner's reading of the report of the outer query holds."""
    later = mining.alias("later")
    overtaken = exists().where(
        later.c.report_id == mining.c.report_id,
        tuple_(later.c.mined_at, later.c.id) > tuple_(mining.c.mined_at, mining.c.id),
    )
    return exists().where(mining.c.report_id == report.c.id, _by(miner), ~overtaken).correlate(report)


def _row(reading: Mining) -> dict[str, Any]:
    return asdict(reading.miner) | {
        "report_id": reading.report_id,
        "readability": reading.readability,
        "normal": reading.normal,
        "mined_at": reading.mined_at,
    }


def _record_mentions(connection: Connection, readings: Mapping[int, Mining]) -> None:
    """Write the mentions and labels of new readings, by their ids.

    Mentions get their ids in the order in which they are written.
    """
    mentions = [
        {"mining_id": id_} | {name: getattr(each, name) for name in _OF_MENTION}
        for id_, reading in readings.items()
        for each in reading.mentions
    ]
    if mentions:
        connection.execute(mention.insert(), mentions)
    labels = []
    for ids in _parts(list(readings)):
        query = select(mention.c.mining_id, mention.c.id).where(mention.c.mining_id.in_(ids))
        rows = connection.execute(query.order_by(mention.c.mining_id, mention.c.id))
        for mining_id, group in groupby(rows, key=itemgetter(0)):
            written = [mention_id for _, mention_id in group]
            reading = readings[mining_id]
            labels += [
                {
                    "mining_id": mining_id,
                    "finding": finding,
                    "assertion": reading.mentions[place].assertion,
                    "mention_id": written[place],
                }
                for finding, place in reading.labels.items()
            ]
    if labels:
        connection.execute(label.insert(), labels)


def _readings(connection: Connection, report_ids: Sequence[int]) -> list[Mining]:
    """Every reading of these report versions, the newest of each first."""
    rows = connection.execute(
        select(mining)
        .where(mining.c.report_id.in_(report_ids))
        .order_by(mining.c.report_id, mining.c.mined_at.desc(), mining.c.id.desc())
    )
    found = list(rows.mappings())
    ids = [row["id"] for row in found]
    of_mention = select(mention).where(mention.c.mining_id.in_(ids)).order_by(mention.c.mining_id, mention.c.id)
    mentions = _grouped(connection.execute(of_mention).mappings())
    labels = _grouped(connection.execute(select(label).where(label.c.mining_id.in_(ids))).mappings(), sort=True)
    return [_reading(row, mentions.get(row["id"], []), labels.get(row["id"], [])) for row in found]


def _grouped(rows: Any, *, sort: bool = False) -> dict[int, list[RowMapping]]:
    key = itemgetter("mining_id")
    return {of: list(group) for of, group in groupby(sorted(rows, key=key) if sort else rows, key=key)}


def _reading(row: RowMapping, mentions: Sequence[RowMapping], labels: Sequence[RowMapping]) -> Mining:
    places = {each["id"]: place for place, each in enumerate(mentions)}
    return Mining(
        report_id=row["report_id"],
        miner=MinerIdentity(**{name: row[name] for name in MinerIdentity.__dataclass_fields__}),
        readability=row["readability"],
        normal=row["normal"],
        mined_at=row["mined_at"],
        mentions=tuple(_mention(each) for each in mentions),
        labels={each["finding"]: places[each["mention_id"]] for each in labels},
    )


def _mention(row: RowMapping) -> MinedMention:
    values = {name: row[name] for name in _OF_MENTION}
    return MinedMention(**values | {"assertion": Assertion(row["assertion"]), "fired": tuple(row["fired"])})


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _AT_ONCE):
        yield ids[start : start + _AT_ONCE]
