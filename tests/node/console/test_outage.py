"""The database goes away while somebody acts: what they are told, what becomes of the act and of what they typed."""

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
from sqlalchemy import select

from db import audit
from db.engine import Connection, Database, connect
from db.errors import DatabaseUnavailableError
from db.schema import metadata
from nlp import candidate
from node.labels.trials import Trials
from tests.db.rows import NOW
from tests.node.console.browser import Browser, serving
from tests.node.console.conftest import PASSWORD, Clock, console, no_trials, with_people
from tests.node.console.test_access import MATRIX
from tests.node.console.test_hostile import VALUES, fill

POSTS = [path for method, path in MATRIX if method == "POST"]
SECRET = ("/login", "/account")
FILE = "rules/negation.toml"
TRIAL = "/system/destinations/test"
"""What becomes of it is no row; the audit log has that it began."""
DESTINATION: dict[str, Any] = {"name": "administrator", "return_to_sender": True}
FORM = {
    "assertion": "negative",
    "confirmed": "yes",
    "content": f"{candidate.shipped(FILE)}# a word of mine\n",
    "destination": "pacs",
    "file": FILE,
    "finding": "Mass",
    "gold": "1",
    "job": "all",
    "method": "upper",
    "name": "administrator",
    "of": "Mass",
    "reason": "quality",
    "scope_read": "yes",
    "study": "2.25.1",
    "token": "1",
    "verdict": "model",
    "old": PASSWORD,
    "new": PASSWORD,
    "again": PASSWORD,
    "password": PASSWORD,
}
"""Fields of all forms: enough of each that it comes as far as the database."""
BESIDE = {"audit", "audit_head", "session", "login_attempt"}
"""Tables of what is noted of a visit, whatever comes of the act."""


class Failing(Database):
    """A database that answers `left` transactions more and then none; None is all."""

    left: int | None = None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """As long as it answers."""
        self._answer()
        with super().read() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """As long as it answers."""
        self._answer()
        with super().write() as connection:
            yield connection

    def _answer(self) -> None:
        if self.left == 0:
            raise DatabaseUnavailableError("the database does not answer")
        if self.left is not None:
            self.left -= 1


@pytest.fixture(scope="module")
def database(migrated_file: Path, password_hash: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Failing]:
    """One with something of each kind in it."""
    file = copy(migrated_file, tmp_path_factory.mktemp("outage") / "cxr.db")
    failing = Failing(connect(f"sqlite:///{file}").engine)
    with with_people(failing, password_hash).write() as connection:
        fill(connection)
    yield failing
    failing.close()


@pytest.fixture(scope="module")
def trials(database: Failing) -> Trials:
    """What tries a lexicon in a thread beside the tests: each waits for it before it looks at the rows."""
    return no_trials(database)


@pytest.fixture(scope="module")
def browser(database: Failing, trials: Trials, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """At its console."""
    data = tmp_path_factory.mktemp("data")
    with serving(console(database, data, Clock(NOW), trials=trials, destinations=[DESTINATION])) as browser:
        yield browser


def state(database: Database) -> tuple[dict[str, Any], int]:
    """All rows but for what is noted of visits, and how many acts are in the audit log."""
    tables = [table for name, table in metadata.tables.items() if name not in BESIDE]
    with database.read() as connection:
        rows = {table.name: connection.execute(select(table)).all() for table in tables}
        entries = audit.newest(connection, 1000)
    return rows, sum(not each.action.endswith((".view", ".refuse")) for each in entries)


def is_whole(before: tuple[object, object], after: tuple[object, object]) -> bool:
    """Whether an act has changed rows and is in the audit log, or neither."""
    return (before[0] == after[0]) == (before[1] == after[1])


@pytest.mark.parametrize("path", POSTS)
def test_an_act_is_done_whole_or_not_at_all_and_its_form_is_kept(
    database: Failing, trials: Trials, browser: Browser, path: str
) -> None:
    """Whichever of its transactions is the first without an answer: a sentence, and a form to send it again."""
    for name, value in VALUES.items():
        path = path.replace(name, value)
    browser.log_in("administrator", PASSWORD)
    form = FORM | {"form_token": browser.get("/account").form_token}
    before = state(database)
    for number in itertools.count():
        database.left = number
        answer = browser.post(path, form)
        database.left = None
        trials.join()
        if answer.status != 503:
            break
        assert "The database does not answer" in answer.text
        after = state(database)
        assert is_whole(before, after) or path == TRIAL
        before = after
        assert sent_again(answer.text) == ({} if path in SECRET else form)

    assert number > 0
    assert answer.status < 500


def sent_again(page: str) -> dict[str, str]:
    """What the page keeps in its form, to be sent once more."""
    kept = page.partition("<main")[2]
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', kept)
    return {unescape(name): unescape(value) for name, value in found}
