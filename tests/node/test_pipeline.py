"""Reading a study: what a job does when it cannot begin."""

from pathlib import Path

import pytest

from db.engine import Database
from db.records import JobKind, JobState
from inference.errors import BundleError
from inference.policy import Policy
from node.files import Folder
from node.models.service import ModelInService, NoModelError
from node.pipeline import Pipeline
from node.study.look import StoreLook
from node.study.outcome import Outcome
from tests.db.rows import NOW, add_job, add_study, claimed


@pytest.mark.parametrize(
    ("error", "words"),
    [(NoModelError("no model is promoted"), "no model is promoted"), (BundleError("It lacks a file."), "lacks a file")],
)
def test_study_waits_for_a_model(error: Exception, words: str, sqlite_database: Database, tmp_path: Path):
    """Without a model that can serve, studies wait and say why; none is given up, however long it takes."""
    store = Folder(tmp_path / "store")
    with sqlite_database.write() as connection:
        add_job(connection, add_study(connection), kind=JobKind.READ)
        job = claimed(connection)

    def none() -> ModelInService:
        raise error

    pipeline = Pipeline(
        store=store,
        database=sqlite_database,
        current_model=none,
        look=StoreLook(store=store, database=sqlite_database, policy=Policy(), max_pixels=10**6, now=lambda: NOW),
        outcome=Outcome(destinations=(), now=lambda: NOW, discard=store.remove),
    )

    ending = pipeline(job)

    assert (ending.state, ending.error_code) == (JobState.QUEUED, "no_model")
    assert words in (ending.error or "")
    assert ending.delay_s > 0
    store.close()
