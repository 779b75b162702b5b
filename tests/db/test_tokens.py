"""Tokens of programs, on both databases."""

from datetime import datetime

import pytest

from db import people, tokens
from db.engine import Connection, Database
from db.people_records import Role
from db.tokens import Scope
from tests.db.rows import NOW, later

SECRET = "cxr_a-token"


def added(connection: Connection, token: str = SECRET, expires_at: datetime | None = None) -> int:
    """A token of anna's, who is a radiologist."""
    people.add(connection, name="anna", password_hash="a hash", role=Role.RADIOLOGIST, now=NOW)
    anna = people.find(connection, "anna")
    assert anna is not None
    scopes = {Scope.LABEL, Scope.READ}
    return tokens.add(
        connection, token, name="dashboard", person_id=anna.id, scopes=scopes, expires_at=expires_at, now=NOW
    )


def test_a_token_is_known_by_its_digest_alone(database: Database) -> None:
    """It leads to its scopes and its owner; another one leads nowhere, and the token is in no row."""
    with database.write() as connection:
        token_id = added(connection)
        found = tokens.holder(connection, SECRET, NOW)
        rows = connection.exec_driver_sql("SELECT * FROM api_token").all()

        assert found is not None
        kept, owner = found
        assert (kept.id, kept.name, kept.owner, kept.scopes) == (
            token_id,
            "dashboard",
            "anna",
            (Scope.LABEL, Scope.READ),
        )
        assert (owner.name, owner.role) == ("anna", Role.RADIOLOGIST)
        assert tokens.holder(connection, f"{SECRET}x", NOW) is None
        assert SECRET not in str(rows)


@pytest.mark.parametrize("ending", ["revoked", "expired", "owner disabled"])
def test_a_token_ends(database: Database, ending: str) -> None:
    """It is listed all the same, with why."""
    with database.write() as connection:
        token_id = added(connection, expires_at=later(60) if ending == "expired" else None)
        before = tokens.holder(connection, SECRET, later(59))
        if ending == "revoked":
            assert tokens.revoke(connection, token_id, later(59))
            assert not tokens.revoke(connection, token_id, later(60))
        if ending == "owner disabled":
            people.disable(connection, "anna", later(59))

        assert before is not None
        assert tokens.holder(connection, SECRET, later(60)) is None
        assert [each.id for each in tokens.every(connection)] == [token_id]


def test_a_person_ends_their_own_tokens_alone(database: Database) -> None:
    """And sees theirs."""
    with database.write() as connection:
        token_id = added(connection)

        assert tokens.every(connection, "berta") == []
        assert not tokens.revoke(connection, token_id, NOW, "berta")
        assert tokens.revoke(connection, token_id, NOW, "anna")
