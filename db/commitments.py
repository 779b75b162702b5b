"""What modalities ask of the node: whether the instances that they sent are safe here (DICOM PS3.4 annex J)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from db import upsert
from db.jobs import UNDONE
from db.records import JobKind
from db.result_records import CommitmentRequest, SopReference
from db.schema import commitment_request, job


def record(
    connection: Connection,
    *,
    transaction_uid: str,
    calling_ae: str,
    references: Sequence[SopReference],
    now: datetime,
) -> CommitmentRequest:
    """Keep a request; one that is repeated, because its answer was lost, is the same one asked once more."""
    named = [asdict(reference) for reference in references]
    new = upsert.insert(connection.dialect.name, commitment_request).values(
        transaction_uid=transaction_uid,
        calling_ae=calling_ae,
        references=named,
        asked=1,
        received_at=now,
    )
    statement = new.on_conflict_do_update(
        index_elements=[commitment_request.c.calling_ae, commitment_request.c.transaction_uid],
        set_={"asked": commitment_request.c.asked + 1, "references": named, "answered_at": None},
    ).returning(commitment_request)
    return _request(connection.execute(statement).mappings().one())


def get(connection: Connection, request_id: int) -> CommitmentRequest:
    """The request with this id."""
    query = select(commitment_request).where(commitment_request.c.id == request_id)
    return _request(connection.execute(query).mappings().one())


def answer(connection: Connection, calling_ae: str, transaction_uid: str, now: datetime) -> None:
    """The modality has its answer."""
    connection.execute(
        update(commitment_request)
        .where(commitment_request.c.calling_ae == calling_ae, commitment_request.c.transaction_uid == transaction_uid)
        .values(answered_at=now)
    )


def open_references(connection: Connection) -> frozenset[str]:
    """The SOP Instance UIDs that modalities ask about and have no answer on yet."""
    asked = select(commitment_request.c.references).join(
        job, (job.c.kind == JobKind.COMMIT) & (job.c.subject_id == commitment_request.c.id)
    )
    lists = connection.execute(asked.where(UNDONE)).scalars()
    return frozenset(each["sop_instance_uid"] for references in lists for each in references)


def _request(row: Mapping[Any, Any]) -> CommitmentRequest:
    return CommitmentRequest(
        **{**row, "references": tuple(SopReference(**reference) for reference in row["references"])}
    )
