"""`cxr tokens`: what programs prove themselves with."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from db import people, tokens
from db.engine import connect
from db.people_records import Role
from node.__main__ import app
from node.errors import SettingsError
from node.process.clock import utc_now
from node.settings import DATABASE_FILE


@pytest.fixture
def data(tmp_path: Path, migrated_file: Path) -> Path:
    """The folder of a node in which anna may log in."""
    database = connect(f"sqlite:///{shutil.copy(migrated_file, tmp_path / DATABASE_FILE)}")
    with database.write() as connection:
        people.add(connection, name="anna", password_hash="a hash", role=Role.VIEWER, now=utc_now())
    database.close()
    return tmp_path


def cxr(data: Path, *arguments: str) -> str:
    """Run the command; what it prints."""
    words = ["tokens", *arguments, "--data", str(data)]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_token_is_printed_once(data: Path) -> None:
    """Alone on standard output, so that a script can take it; the list has everything else of it."""
    token = cxr(data, "create", "dashboard", "--owner", "Anna", "--scope", "read", "--days", "30").strip()
    listed = cxr(data, "list")
    row = json.loads(cxr(data, "list", "--json"))[0]

    database = connect(f"sqlite:///{data / DATABASE_FILE}")
    with database.read() as connection:
        assert tokens.holder(connection, token, utc_now()) is not None
    database.close()
    assert token not in listed
    assert (row["name"], row["owner"], row["scopes"]) == ("dashboard", "anna", ["read"])


def test_a_token_is_revoked_once(data: Path) -> None:
    """The second time a sentence says that it has ended."""
    made = json.loads(cxr(data, "create", "dashboard", "--owner", "anna", "--scope", "read", "--json"))
    assert made["id"] == 1
    cxr(data, "revoke", "1")

    with pytest.raises(SettingsError, match="there is no such token, or it has ended"):
        cxr(data, "revoke", "1")
    assert json.loads(cxr(data, "list", "--json", "--owner", "anna"))[0]["revoked_at"] is not None


def test_without_tokens_the_list_says_how_to_make_one(data: Path) -> None:
    """In a sentence."""
    assert "cxr tokens create NAME --owner PERSON --scope read makes one" in cxr(data, "list")
