"""What people say against a label: written, audited, counted, and taken back.

Whoever takes more than one turn takes them in one order: corrections, audit log, standing labels.
"""

from datetime import datetime

from sqlalchemy import Connection, select, update

from db import audit, standing
from db.engine import queue_for
from db.schema import gold, link
from db.vocabulary import Assertion


def hold(connection: Connection) -> None:
    """Let nobody else who asks for it correct a label until this transaction ends."""
    queue_for(connection, "corrections")


def correct(
    connection: Connection,
    *,
    study_id: int | None = None,
    report_id: int | None = None,
    finding: str,
    assertion: Assertion,
    before: Assertion,
    actor: str,
    reason: str,
    now: datetime,
) -> int:
    """Write what a person says of a study or of a report, and the audit entry of it.

    The entry names rows and findings; the reason is in the gold row alone, as it may name a patient.

    Returns:
        The row id.
    """
    values = {"study_id": study_id, "report_id": report_id, "finding": finding, "assertion": assertion}
    statement = gold.insert().values(**values, actor=actor, reason=reason, at=now).returning(gold.c.id)
    gold_id: int = connection.execute(statement).scalar_one()
    detail = {"gold": gold_id, "finding": finding, "before": before, "after": assertion}
    subject = _subject(study_id, report_id)
    audit.append(connection, actor=actor, action="label.correct", subject=subject, now=now, detail=detail)
    standing.refresh(connection, _reports(connection, study_id, report_id))
    return gold_id


def take_back(connection: Connection, gold_id: int, *, actor: str, now: datetime) -> bool:
    """Let a person's label hold no more; what was said before it, or mined, holds again.

    Returns:
        False if there is no such label, or it was taken back before; then nothing is written.
    """
    held = (gold.c.id == gold_id) & gold.c.taken_back_at.is_(None)
    statement = update(gold).where(held).values(taken_back_at=now, taken_back_by=actor)
    row = connection.execute(statement.returning(gold.c.study_id, gold.c.report_id, gold.c.finding)).first()
    if row is None:
        return False
    detail = {"gold": gold_id, "finding": row.finding}
    subject = _subject(row.study_id, row.report_id)
    audit.append(connection, actor=actor, action="label.take_back", subject=subject, now=now, detail=detail)
    standing.refresh(connection, _reports(connection, row.study_id, row.report_id))
    return True


def _reports(connection: Connection, study_id: int | None, report_id: int | None) -> list[int]:
    if report_id is not None:
        return [report_id]
    return list(connection.execute(select(link.c.report_id).where(link.c.study_id == study_id)).scalars())


def _subject(study_id: int | None, report_id: int | None) -> str:
    return f"report {report_id}" if study_id is None else f"study {study_id}"
