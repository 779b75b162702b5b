"""What was found in each study above its operating point, for lists that are asked for by finding."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from db.schema import positive, study
from db.vocabulary import FINDINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Positive:
    """A finding of a study and its probability, the highest of the study's images."""

    finding: str
    probability: float


def replace(connection: Connection, study_id: int, found: Mapping[str, float]) -> None:
    """What a study's last reading found, finding by probability; what an earlier one found is gone."""
    connection.execute(delete(positive).where(positive.c.study_id == study_id))
    received_at = connection.execute(select(study.c.first_received_at).where(study.c.id == study_id)).scalar_one()
    rows = [
        {"study_id": study_id, "finding": finding, "probability": probability, "received_at": received_at}
        for finding, probability in found.items()
    ]
    if rows:
        connection.execute(positive.insert(), rows)


def of_studies(connection: Connection, study_ids: Collection[int]) -> dict[int, tuple[Positive, ...]]:
    """What was found in each of these studies, what is looked at first in front."""
    if not study_ids:
        return {}
    found: dict[int, list[Positive]] = {}
    query = select(positive.c.study_id, positive.c.finding, positive.c.probability)
    for study_id, finding, probability in connection.execute(query.where(positive.c.study_id.in_(list(study_ids)))):
        found.setdefault(study_id, []).append(Positive(finding=finding, probability=probability))
    return {study_id: tuple(sorted(each, key=_first)) for study_id, each in found.items()}


def _first(found: Positive) -> tuple[int, float]:
    urgency = FINDINGS[found.finding].urgency if found.finding in FINDINGS else 9
    return urgency, -found.probability
