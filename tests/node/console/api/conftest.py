"""A console with a program for each scope, and something to ask for."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from db import models, reports, results, studies
from db.engine import Database
from db.people_records import Role
from db.records import Arrival
from db.tokens import Scope
from node.identity.tokens import Tokens
from tests.db.rows import NOW, add_job, add_result, arrival, message, prediction, record, score
from tests.node.console.browser import Answer, Browser, serving
from tests.node.console.conftest import Clock, console, with_people

STUDY = "2.25.1"
RESULT = "2.25.5001"
FILE = b"a DICOM object"
OWNERS = {Scope.READ: Role.VIEWER, Scope.LABEL: Role.RADIOLOGIST, Scope.ADMINISTER: Role.ADMINISTRATOR}


@dataclass(frozen=True, slots=True)
class Program:
    """Asks with a token."""

    browser: Browser
    token: str | None

    def get(self, path: str) -> Answer:
        """Look."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: Any = None, method: str = "POST") -> Answer:
        """Do."""
        return self._ask(method, path, {} if body is None else body)

    def _ask(self, method: str, path: str, body: Any) -> Answer:
        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        if body is None:
            return self.browser.get(f"/api/v1{path}", method, headers)
        return self.browser.send(f"/api/v1{path}", method, headers, json.dumps(body))


@pytest.fixture
def clock() -> Clock:
    """The time of the rows."""
    return Clock(NOW)


@pytest.fixture
def filled(sqlite_database: Database, password_hash: str, tmp_path: Path) -> Database:
    """A database with people, a study that was read, its report, a dead job and two models."""
    return fill(with_people(sqlite_database, password_hash), tmp_path)


def fill(database: Database, data: Path) -> Database:
    """Put something of each kind into a database and the store of a data folder."""
    (data / "store" / "2026").mkdir(parents=True, exist_ok=True)
    (data / "store" / "2026" / "1.dcm").write_bytes(FILE)
    with database.write() as connection:
        study = record(connection, image())
        job_id = add_job(connection, study.id)
        digest = sha256(FILE).hexdigest()
        add_result(connection, study.id, job_id, path="2026/1.dcm", size=len(FILE), sha256=digest)
        (instance,) = studies.instances(connection, study.id)
        said = prediction(instance.id, rows=8, columns=6, scores=[score(0.75, boxes=[[1, 2, 3, 4, 0.5]])])
        results.add_prediction(connection, said, NOW)
        reports.record(connection, message(text="DOE has a mass."))
        connection.exec_driver_sql("UPDATE job SET state = 'dead', error_code = 'fault', error = 'It broke.'")
        for version in ("m1", "m2"):
            models.register(connection, name="tiny", version=version, path=f"models/{version}", card={}, now=NOW)
        models.promote(connection, "m1", by="a test", now=NOW)
    return database


def image() -> Arrival:
    """An image of a patient whose name is a script."""
    return arrival(path="2026/2.dcm", patient_name="DOE^<script>alert(1)</script>")


def a_token(database: Database, scope: Scope) -> str:
    """A token with one scope, of a person who may have it and no more."""
    made = Tokens(database=database, now=lambda: NOW)
    return made.create(OWNERS[scope], f"a {scope} program", {scope}, days=None, by="a test")[1]


@pytest.fixture
def browser(filled: Database, tmp_path: Path, clock: Clock) -> Iterator[Browser]:
    """Asks the console without a token."""
    with serving(console(filled, tmp_path, clock)) as browser:
        yield browser


@pytest.fixture
def programs(browser: Browser, filled: Database) -> dict[Scope, Program]:
    """A program for each scope."""
    return {scope: Program(browser, a_token(filled, scope)) for scope in Scope}


@pytest.fixture
def reader(programs: dict[Scope, Program]) -> Program:
    """A program that may look."""
    return programs[Scope.READ]


@pytest.fixture
def administrator(programs: dict[Scope, Program]) -> Program:
    """A program that may change what the node does."""
    return programs[Scope.ADMINISTER]
