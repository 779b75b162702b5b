"""What each patient's images are for: 70 of a hundred patients train, 10 validate, 20 test.

Patients are dealt like cards, in the order in which they come, and a row is never changed: whom a model was tested on
never trains one, whatever arrives later. The share is exact for all patients together, to one in ten.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select

from db.engine import queue_for
from db.schema import split
from db.vocabulary import Split

_T, _V, _E = Split.TRAIN, Split.VALIDATION, Split.TEST
HAND = (_T, _E, _T, _V, _T, _T, _T, _E, _T, _T)
"""Ten patients, so that two already give something to test on, and four to choose by."""


def deal(connection: Connection, patients: Iterable[str], now: datetime) -> dict[str, Split]:
    """Give each of these patients that has none its split, and return those of all.

    Args:
        connection: a writing transaction; others that deal wait for its end.
        patients: patient ids as they are compared (`training.pseudonym.patient_key`), in the order of dealing.
        now: the time.
    """
    queue_for(connection, "split")
    dealt = every(connection)
    new = [patient for patient in dict.fromkeys(patients) if patient not in dealt]
    assigned = {patient: HAND[(len(dealt) + place) % len(HAND)] for place, patient in enumerate(new)}
    if assigned:
        rows = [{"patient": patient, "split": which, "assigned_at": now} for patient, which in assigned.items()]
        connection.execute(split.insert(), rows)
    return dealt | assigned


def every(connection: Connection) -> dict[str, Split]:
    """The split of every patient that has one."""
    return {row.patient: Split(row.split) for row in connection.execute(select(split.c.patient, split.c.split))}
