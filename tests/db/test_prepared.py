"""Statements that the driver runs itself; on both databases."""

from contextlib import suppress

import pytest
from sqlalchemy import bindparam, null, select, update

from db import studies
from db.engine import Database
from db.errors import RowsRefusedError
from db.prepared import Prepared
from db.schema import study
from tests.db.rows import NOW, add_study, later

FACTS = Prepared(lambda _: select(study.c.patient_id, study.c.revision).where(study.c.id == bindparam("id")))
TIMES = Prepared(
    lambda _: (
        update(study)
        .where(study.c.id == bindparam("row"))
        .values(first_received_at=bindparam("at"), last_received_at=bindparam("at"), settle_at=null())
    )
)
NO_PATIENT = Prepared(lambda _: update(study).values(patient_id=bindparam("nobody")))


def test_rows_are_those_that_sqlalchemy_reads(database: Database):
    """Text and numbers come back as they were stored, however often it is asked."""
    with database.write() as connection:
        id_ = add_study(connection)

        for _ in range(2):
            assert [tuple(row) for row in FACTS(connection, {"id": id_, "other": 1})] == [("P1", 0)]
        assert FACTS(connection, {"id": id_ + 1}) == []


def test_a_parameter_may_stand_in_several_places(database: Database):
    """One time goes to both columns, through the column's own type; a statement without rows gives none."""
    with database.write() as connection:
        id_ = add_study(connection)

        assert TIMES(connection, {"row": id_, "at": later(90)}) == []

        found = studies.get(connection, id_)
    assert (found.first_received_at, found.last_received_at, found.settle_at) == (later(90), later(90), None)


def test_it_belongs_to_the_transaction(database: Database):
    """What it wrote is gone when the transaction is rolled back."""
    with database.write() as connection:
        id_ = add_study(connection)
    with suppress(KeyboardInterrupt), database.write() as connection:
        TIMES(connection, {"row": id_, "at": later(90)})
        raise KeyboardInterrupt

    with database.read() as connection:
        assert studies.get(connection, id_).last_received_at == NOW


def test_a_broken_rule_is_refused_as_ever(database: Database):
    """The driver's own error comes as SQLAlchemy's, so the database's words for it hold."""
    with database.write() as connection:
        add_study(connection)

    with pytest.raises(RowsRefusedError), database.write() as connection:
        NO_PATIENT(connection, {"nobody": None})
