"""Commitment requests of `cxr destinations test`: the running node hears the answer, and the command looks for it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, CursorResult, select, update

from db.schema import trial


def ask(connection: Connection, transaction_uid: str, destination: str, now: datetime) -> None:
    """A destination is about to be asked about the objects of a trial."""
    connection.execute(trial.insert().values(transaction_uid=transaction_uid, destination=destination, asked_at=now))


def answered(connection: Connection, transaction_uid: str, failed: Mapping[str, str], now: datetime) -> bool:
    """The destination answered: it has all but what `failed`, by UID with the reason. False if nobody asked."""
    outcome: CursorResult[Any] = connection.execute(
        update(trial).where(trial.c.transaction_uid == transaction_uid).values(answered_at=now, failed=dict(failed))
    )
    return outcome.rowcount == 1


def answer(connection: Connection, transaction_uid: str) -> dict[str, str] | None:
    """What failed, by UID with the reason; None while there is no answer."""
    query = select(trial.c.failed).where(trial.c.transaction_uid == transaction_uid, trial.c.answered_at.is_not(None))
    row = connection.execute(query).one_or_none()
    return None if row is None else row.failed
