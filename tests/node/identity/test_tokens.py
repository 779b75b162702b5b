"""Making tokens and bringing them back."""

import pytest

from db import audit, logins, people, tokens
from db.engine import Database
from db.errors import UnknownPersonError
from db.people_records import Role
from db.tokens import Scope
from node.errors import SettingsError
from node.identity.tokens import TokenRefusedError, Tokens, TooManyTokensError
from tests.db.rows import NOW

HERE = "127.0.0.1"


@pytest.fixture
def made(sqlite_database: Database) -> Tokens:
    """The tokens of a node with a person of each role."""
    with sqlite_database.write() as connection:
        for role in Role:
            people.add(connection, name=role, password_hash="a hash", role=role, now=NOW)
    return Tokens(database=sqlite_database, now=lambda: NOW)


def audited(of: Tokens) -> list[tuple[str, str]]:
    """Who did what, in order."""
    with of.database.read() as connection:
        return [(each.actor, each.action) for each in reversed(audit.newest(connection, 1000))]


def test_a_token_is_made_used_and_ended(made: Tokens) -> None:
    """Each is audited but the use, which is noted with the token; the token is in no entry."""
    token_id, token = made.create("viewer", "dashboard", {Scope.READ}, days=30, by="administrator")
    kept, owner = made.holder(token, HERE)
    ended = made.revoke(token_id, by="viewer", owner="viewer")

    assert (kept.id, owner.name, ended) == (token_id, "viewer", True)
    assert token.startswith("cxr_")
    assert audited(made) == [("administrator", "token.create"), ("viewer", "token.revoke")]
    with made.database.read() as connection:
        assert tokens.every(connection)[0].last_used_at == NOW
        assert token not in str(audit.newest(connection, 10))
    with pytest.raises(TokenRefusedError):
        made.holder(token, HERE)


@pytest.mark.parametrize(
    ("owner", "name", "scopes", "days", "sentence"),
    [
        ("viewer", "a", {Scope.LABEL}, None, "viewer is viewer; the scope label takes the role radiologist"),
        ("radiologist", "a", {Scope.READ, Scope.ADMINISTER}, None, "the scope administer takes the role administrator"),
        ("viewer", "  ", {Scope.READ}, None, "give the token a name"),
        ("viewer", "a\nb", {Scope.READ}, None, "give the token a name"),
        ("viewer", "a", set(), None, "give the token a scope"),
        ("viewer", "a", {Scope.READ}, 0, "a token lasts 1 to 3650 days"),
    ],
)
def test_a_token_that_cannot_be_says_why(
    made: Tokens, owner: str, name: str, scopes: set[Scope], days: int | None, sentence: str
) -> None:
    """And nothing is made."""
    with pytest.raises(SettingsError, match=sentence):
        made.create(owner, name, scopes, days=days, by="administrator")

    assert audited(made) == []


def test_a_token_is_of_somebody(made: Tokens) -> None:
    """Who may log in."""
    with made.database.write() as connection:
        people.disable(connection, "viewer", NOW)

    for owner in ("viewer", "nobody"):
        with pytest.raises(UnknownPersonError):
            made.create(owner, "a", {Scope.READ}, days=None, by="administrator")


def test_wrong_tokens_are_throttled_and_a_right_one_is_not(made: Tokens) -> None:
    """Ten times the same one, fifty from an address; the log has as many entries."""
    _, token = made.create("viewer", "dashboard", {Scope.READ}, days=None, by="administrator")
    said = []
    for number in range(logins.MOST_BY_ADDRESS + 5):
        with pytest.raises((TokenRefusedError, TooManyTokensError)) as refused:
            made.holder(f"cxr_{number}", HERE)
        said.append(refused.type)

    assert said == [TokenRefusedError] * logins.MOST_BY_ADDRESS + [TooManyTokensError] * 5
    assert audited(made).count(("unknown", "token.refuse")) == logins.MOST_BY_ADDRESS
    assert made.holder(token, HERE)[1].name == "viewer"
