"""`cxr users`: who may log in to the console."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from db import audit, identities, people
from db.engine import Database, connect
from db.errors import UnknownPersonError
from db.people_records import Role
from node.__main__ import app
from node.errors import SettingsError
from node.identity import passwords
from node.process.clock import utc_now
from node.settings import DATABASE_FILE

PASSWORD = "lamp otter granite seven"

Cxr = Callable[..., str]


@pytest.fixture
def data(tmp_path: Path, migrated_file: Path) -> Path:
    """The folder of a node in which nobody may log in yet."""
    shutil.copy(migrated_file, tmp_path / DATABASE_FILE)
    return tmp_path


@pytest.fixture
def cxr(data: Path) -> Cxr:
    """The command; what it prints."""

    def run(*arguments: str, typed: str = "") -> str:
        words = ["users", *arguments, "--data", str(data)]
        result = CliRunner().invoke(app, words, input=typed, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def opened(data: Path) -> Database:
    """The node's database."""
    return connect(f"sqlite:///{data / DATABASE_FILE}")


def audited(data: Path) -> list[tuple[str, str, str, Any]]:
    """What the audit log says, in order."""
    with opened(data).read() as connection:
        return [(e.actor, e.action, e.subject, e.detail) for e in reversed(audit.newest(connection, 100))]


def test_there_is_nobody_to_begin_with(cxr: Cxr) -> None:
    """No default user, no default password; the list says how to make the first."""
    assert json.loads(cxr("list", "--json")) == []
    assert "cxr users add NAME --role administrator" in cxr("list")


def test_a_person_is_added_changed_and_shut_out(cxr: Cxr, data: Path) -> None:
    """Each step is in the audit log, and no password is anywhere."""
    by = ("--by", "root")
    cxr("add", "Anna", "--role", "administrator", "--password-stdin", *by, typed=f"{PASSWORD}\n")
    cxr("role", "anna", "radiologist", *by)
    cxr("password", "anna", "--password-stdin", *by, typed=f"{PASSWORD} more\n")
    cxr("disable", "anna", *by)
    disabled = json.loads(cxr("list", "--json"))
    cxr("enable", "anna", *by)

    assert [(each["name"], each["role"], each["disabled_at"] is None) for each in disabled] == [
        ("anna", "radiologist", False)
    ]
    assert "hash" not in json.dumps(disabled)
    assert audited(data) == [
        ("root", "user.add", "anna", {"role": "administrator"}),
        ("root", "user.role", "anna", {"role": "radiologist"}),
        ("root", "user.password", "anna", {}),
        ("root", "user.disable", "anna", {}),
        ("root", "user.enable", "anna", {}),
    ]
    with opened(data).read() as connection:
        assert passwords.matches(f"{PASSWORD} more", people.password_hash(connection, "anna"))
    assert PASSWORD.encode() not in b"".join(path.read_bytes() for path in data.iterdir())


def test_a_name_is_taken_once(cxr: Cxr) -> None:
    """Whatever its case."""
    cxr("add", "anna", "--role", "viewer", "--password-stdin", typed=PASSWORD)

    with pytest.raises(SettingsError, match="a user 'anna' already"):
        cxr("add", "ANNA", "--role", "viewer", "--password-stdin", typed=PASSWORD)


@pytest.mark.parametrize(
    ("arguments", "typed", "words"),
    [
        (("add", "anna", "--role", "viewer", "--password-stdin"), "short", "too short"),
        (("add", "anna", "--role", "viewer", "--password-stdin"), "", "too short"),
        (("add", "anna", "--role", "viewer"), "", "--password-stdin"),
        (("add", "a b", "--role", "viewer"), "", "a name is"),
        (("add", "<script>", "--role", "viewer"), "", "a name is"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(cxr: Cxr, arguments: tuple[str, ...], typed: str, words: str) -> None:
    """And nothing is written."""
    with pytest.raises(SettingsError, match=words):
        cxr(*arguments, typed=typed)

    assert json.loads(cxr("list", "--json")) == []


@pytest.mark.parametrize("arguments", [("disable",), ("enable",), ("password", "--password-stdin")])
def test_nobody_can_be_changed(cxr: Cxr, data: Path, arguments: tuple[str, ...]) -> None:
    """An unknown name is said, and not audited as if something had happened."""
    with pytest.raises(UnknownPersonError, match="no user 'ben'"):
        cxr(arguments[0], "ben", *arguments[1:], typed=PASSWORD)

    assert audited(data) == []


def test_the_list_says_where_each_comes_from(cxr: Cxr, data: Path) -> None:
    """By a password, by the provider, by either, or by the provider as soon as it means somebody by the name."""
    for name in ("anna", "ben", "cleo"):
        cxr("add", name, "--role", "viewer", "--password-stdin", typed=f"{PASSWORD}\n")
    cxr("provider", "cleo")
    with opened(data).write() as connection:
        people.add(connection, name="dora", password_hash=people.NO_PASSWORD, role=Role.RADIOLOGIST, now=utc_now())
        for name in ("ben", "dora"):
            person = people.find(connection, name)
            assert person is not None
            identities.bind(connection, "https://login.example.org", name, person.id)

    table, listed = cxr("list"), json.loads(cxr("list", "--json"))

    assert [(each["name"], each["role"], each["has_password"], each["issuer"]) for each in listed] == [
        ("anna", "viewer", True, None),
        ("ben", "viewer", True, "https://login.example.org"),
        ("cleo", "viewer", False, None),
        ("dora", "radiologist", False, "https://login.example.org"),
    ]
    assert [line.split("  ")[2].strip() for line in map(squeezed, table.splitlines()[2:])] == [
        "a password of the node",
        "https://login.example.org, or a password of the node",
        "the identity provider, not yet",
        "https://login.example.org",
    ]


def squeezed(line: str) -> str:
    """A line of a table with two spaces between its cells."""
    return re.sub(" {2,}", "  ", line.strip())


def test_a_person_is_left_to_the_identity_provider(cxr: Cxr, data: Path) -> None:
    """Whom it means by them is seen at the next login; no password lets them in."""
    cxr("add", "rita", "--role", "radiologist", "--password-stdin", typed=f"{PASSWORD}\n")
    with opened(data).write() as connection:
        person = people.find(connection, "rita")
        assert person is not None
        identities.bind(connection, "https://login.example.org", "7f3c", person.id)

    said = cxr("provider", "Rita", "--by", "admin1")

    assert said == "rita logs in by the identity provider from now on.\n"
    with opened(data).read() as connection:
        assert not passwords.matches("", people.password_hash(connection, "rita"))
        assert not identities.is_bound(connection, person.id)
    assert audited(data)[-1] == ("admin1", "user.provider", "rita", {})
