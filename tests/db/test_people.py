"""People of the console, their sessions and what they tried, on both databases."""

import threading
from datetime import timedelta

import pytest

from db import identities, logins, people, sessions
from db.engine import Connection, Database
from db.errors import UnknownPersonError
from db.people_records import KnownPerson, Person, Role
from db.schema import login_attempt, session
from db.sessions import Lifetime
from tests.db.rows import NOW, later

LIFETIME = Lifetime(idle=timedelta(minutes=30), longest=timedelta(hours=12))
MINUTE = 60
HOUR = 3600


def added(connection: Connection, name: str = "anna", role: Role = Role.VIEWER) -> Person:
    """A person."""
    people.add(connection, name=name, password_hash="a hash", role=role, now=NOW)
    person = people.find(connection, name)
    assert person is not None
    return person


def test_a_name_is_taken_once(database: Database) -> None:
    """The second of a name changes nothing; a person is listed without their hash."""
    with database.write() as connection:
        first = people.add(connection, name="anna", password_hash="a", role=Role.ADMINISTRATOR, now=NOW)
        again = people.add(connection, name="anna", password_hash="b", role=Role.VIEWER, now=later(1))

        assert (first, again) == (True, False)
        assert people.password_hash(connection, "anna") == "a"
        assert people.everybody(connection) == [
            KnownPerson(
                id=1,
                name="anna",
                role=Role.ADMINISTRATOR,
                created_at=NOW,
                disabled_at=None,
                last_login_at=None,
                has_password=True,
                issuer=None,
            )
        ]


def test_who_is_disabled_has_no_password_and_counts_no_more(database: Database) -> None:
    """Until they are enabled again."""
    with database.write() as connection:
        added(connection)
        people.disable(connection, "anna", later(1))
        away = (people.password_hash(connection, "anna"), people.enabled_count(connection))
        people.enable(connection, "anna")

        assert away == (None, 0)
        assert (people.password_hash(connection, "anna"), people.enabled_count(connection)) == ("a hash", 1)


@pytest.mark.parametrize("change", ["password", "disable"])
def test_a_change_logs_out_everywhere_and_nobody_else(database: Database, change: str) -> None:
    """Whoever has the old password, or had it, is out at once."""
    with database.write() as connection:
        anna, ben = added(connection), added(connection, "ben")
        for token, person in (("a1", anna), ("a2", anna), ("b", ben)):
            sessions.begin(connection, token, person.id, NOW, LIFETIME)
        if change == "password":
            people.set_password(connection, "anna", "another")
        else:
            people.disable(connection, "anna", NOW)

        found = {token: sessions.person_of(connection, token, NOW, LIFETIME) for token in ("a1", "a2", "b")}

    assert found == {"a1": None, "a2": None, "b": (ben, NOW)}


def test_a_role_holds_at_once(database: Database) -> None:
    """Also for a session that was begun before."""
    with database.write() as connection:
        sessions.begin(connection, "a", added(connection, role=Role.ADMINISTRATOR).id, NOW, LIFETIME)
        people.set_role(connection, "anna", Role.VIEWER)
        found = sessions.person_of(connection, "a", NOW, LIFETIME)

    assert found is not None
    assert found[0].role is Role.VIEWER


def test_nobody_is_nobody(database: Database) -> None:
    """A name that is not there cannot be changed, and no token is the empty one's."""
    with database.write() as connection:
        with pytest.raises(UnknownPersonError, match="no user 'nobody'"):
            people.set_role(connection, "nobody", Role.VIEWER)

        assert sessions.person_of(connection, "", NOW, LIFETIME) is None


@pytest.mark.parametrize(
    ("used_at", "asked_at", "open_"),
    [
        (0, 30 * MINUTE - 1, True),
        (0, 30 * MINUTE, False),
        (12 * HOUR - MINUTE, 12 * HOUR - 1, True),
        (12 * HOUR - MINUTE, 12 * HOUR, False),
    ],
)
def test_a_session_ends_by_itself(database: Database, used_at: int, asked_at: int, open_: bool) -> None:
    """After 30 minutes without use, and after 12 hours in any case."""
    with database.write() as connection:
        sessions.begin(connection, "a", added(connection).id, NOW, LIFETIME)
        sessions.seen(connection, "a", later(used_at))

        assert (sessions.person_of(connection, "a", later(asked_at), LIFETIME) is not None) == open_


def test_the_token_is_not_kept_and_ended_sessions_go(database: Database) -> None:
    """Who reads the database can log in nowhere; the table does not grow."""
    with database.write() as connection:
        anna = added(connection)
        sessions.begin(connection, "the first token", anna.id, NOW, LIFETIME)
        sessions.begin(connection, "the second token", anna.id, later(HOUR), LIFETIME)
        rows = connection.execute(session.select()).all()

    assert len(rows) == 1
    assert "token" not in str(rows)


def test_the_login_at_the_provider_is_known_until_the_end(database: Database) -> None:
    """Once: it is gone with the session. A person is listed with who lets them in."""
    with database.write() as connection:
        anna = added(connection)
        identities.bind(connection, "https://login.example.org", "7f3c", anna.id)
        sessions.begin(connection, "a", anna.id, NOW, LIFETIME, id_token="an.id.token")
        sessions.begin(connection, "b", anna.id, NOW, LIFETIME)
        ended = [sessions.end(connection, token) for token in ("a", "a", "b")]
        (listed,) = people.everybody(connection)

    assert ended == ["an.id.token", None, None]
    assert (listed.has_password, listed.issuer) == (True, "https://login.example.org")


def test_attempts_are_counted_by_name_and_by_address(database: Database) -> None:
    """Ten for a name from wherever; fifty from an address for whomever; a quarter of an hour later none."""
    with database.write() as connection:
        by_name = [logins.attempt(connection, "anna", f"10.0.0.{each}", NOW) for each in range(11)]
        by_address = [logins.attempt(connection, f"name{each}", "10.9.9.9", NOW) for each in range(51)]
        other = logins.attempt(connection, "ben", "10.0.0.1", NOW)
        afterwards = logins.attempt(connection, "anna", "10.9.9.9", NOW + logins.WINDOW)
        rows = connection.execute(login_attempt.select()).all()

    assert by_name == [True] * 10 + [False]
    assert by_address == [True] * 50 + [False]
    assert (other, afterwards, len(rows)) == (True, True, 1)


def test_success_forgets_the_attempts_of_the_name(database: Database) -> None:
    """Ten more are free, and the name itself is not in the table."""
    with database.write() as connection:
        for _ in range(10):
            logins.attempt(connection, "anna", "10.0.0.1", NOW)
        rows = connection.execute(login_attempt.select()).all()
        logins.succeeded(connection, "anna")

        assert logins.attempt(connection, "anna", "10.0.0.1", NOW)
    assert "anna" not in str(rows)


def test_attempts_at_once_are_counted_one_by_one(database: Database) -> None:
    """Twenty threads get ten looks at the password between them."""
    allowed: list[bool] = []

    def attempt() -> None:
        with database.write() as connection:
            allowed.append(logins.attempt(connection, "anna", "10.0.0.1", NOW))

    threads = [threading.Thread(target=attempt) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(allowed) == [False] * 10 + [True] * 10
