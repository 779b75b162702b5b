"""`cxr audit`: what a person sees of the audit log."""

import json
from pathlib import Path

import pytest
from sqlalchemy import update
from typer.testing import CliRunner, Result

from db import audit
from db.engine import Database
from db.schema import audit as table
from node.__main__ import app
from node.errors import SettingsError
from tests.db.rows import NOW


@pytest.fixture
def log(sqlite_database: Database) -> Database:
    """A database with three entries."""
    with sqlite_database.write() as connection:
        for number in (1, 2, 3):
            audit.append(connection, actor="ada", action="model.promote", subject=f"v{number}", now=NOW)
    return sqlite_database


def cxr(tmp_path: Path, *arguments: str) -> Result:
    """Run `cxr audit` on the test's database."""
    return CliRunner().invoke(app, ["audit", *arguments, "--data", str(tmp_path)], catch_exceptions=False)


def test_entries_are_listed_the_newest_first(log: Database, tmp_path: Path):
    """Who did what, to what, is in the table."""
    printed = cxr(tmp_path, "list", "--limit", "2").stdout

    assert printed.index("v3") < printed.index("v2")
    assert "v1" not in printed
    assert "ada" in printed
    assert [entry["subject"] for entry in json.loads(cxr(tmp_path, "list", "--json").stdout)] == ["v3", "v2", "v1"]


def test_untouched_log_verifies_and_gives_a_digest_to_note(log: Database, tmp_path: Path):
    """The digest that is printed is taken back by --noted, when the log has grown."""
    first = cxr(tmp_path, "verify")
    with log.write() as connection:
        audit.append(connection, actor="ada", action="model.rollback", subject="v3", now=NOW)

    again = cxr(tmp_path, "verify", "--noted", first.stdout.split()[-1])

    assert (first.exit_code, again.exit_code) == (0, 0)
    assert first.stdout.startswith("3 entries, as they were written.")


def test_changed_log_is_named_and_the_exit_code_says_so(log: Database, tmp_path: Path):
    """One changed letter: the entry's number in a sentence, in JSON, and exit code 1."""
    with log.write() as connection:
        connection.execute(update(table).where(table.c.id == 2).values(actor="adb"))

    said, as_json = cxr(tmp_path, "verify"), cxr(tmp_path, "verify", "--json")

    assert said.exit_code == as_json.exit_code == 1
    assert "broken at entry 2:" in said.stdout
    assert json.loads(as_json.stdout)["broken_id"] == 2


def test_log_without_its_end_is_said(log: Database, tmp_path: Path):
    """Entries that are missing at the end are named too."""
    with log.write() as connection:
        connection.execute(table.delete().where(table.c.id == 3))

    result = cxr(tmp_path, "verify")

    assert (result.exit_code, result.stdout) == (1, "The audit log is not whole: entries after 2 are not there.\n")


def test_noted_digest_that_is_none_is_said(log: Database, tmp_path: Path):
    """What was not printed by the command is not taken for it."""
    with pytest.raises(SettingsError, match="give --noted as"):
        cxr(tmp_path, "verify", "--noted", "abc")
