"""Where the model and the reports of a study differ, for somebody to judge: read off the index of `concordance`."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, tuple_

from db import concordance
from db.concordance import Concordance
from db.schema import concordance as kept
from db.schema import link, mention, mining, study

Place = tuple[float, int, str]
"""Where a page of the list ended: rank, study and finding."""

_NAMES = ("study_instance_uid", "patient_id", "patient_name", "accession_number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """A difference that nobody has judged, with the study it is of and the sentence of the report that was decisive."""

    found: Concordance
    study_instance_uid: str
    patient_id: str
    patient_name: str
    accession_number: str
    sentence: str | None


def unjudged(
    connection: Connection, *, finding: str | None = None, before: Place | None = None, limit: int = 50
) -> list[Discrepancy]:
    """What nobody has judged, the most urgent first.

    Args:
        finding: only of this one.
        before: the last one of the page before.
        limit: how many at the most.
    """
    place = (kept.c.rank, kept.c.study_id, kept.c.finding)
    query = (
        select(kept, *(study.c[name] for name in _NAMES))
        .join(study, study.c.id == kept.c.study_id)
        .where(kept.c.rank.is_not(None))
    )
    if finding is not None:
        query = query.where(kept.c.finding == finding)
    if before is not None:
        query = query.where(tuple_(*place) < tuple_(*before))
    rows = connection.execute(query.order_by(*(column.desc() for column in place)).limit(limit)).mappings().all()
    said = _sentences(connection, [row["study_id"] for row in rows])
    return [
        Discrepancy(
            found=concordance.of_row(row),
            **{name: row[name] for name in _NAMES},
            sentence=said.get((row["study_id"], row["finding"])),
        )
        for row in rows
    ]


def _sentences(connection: Connection, study_ids: Sequence[int]) -> dict[tuple[int, str], str]:
    """The newest sentence that the miner found of each finding in the reports of these studies."""
    query = (
        select(link.c.study_id, mention.c.finding, mention.c.sentence)
        .join(mining, mining.c.report_id == link.c.report_id)
        .join(mention, mention.c.mining_id == mining.c.id)
        .where(link.c.study_id.in_(study_ids), mention.c.finding.is_not(None))
        .order_by(mining.c.mined_at, mention.c.id)
    )
    return {(study_id, finding): sentence for study_id, finding, sentence in connection.execute(query)}
